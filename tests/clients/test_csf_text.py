"""What a Constancia says, from the text of its pages."""

import contextlib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.cfdi.codes import REGIMES
from timbra.clients.csf_code import UNREAD, warnings
from timbra.clients.csf_text import NotACsf, read

# As PDF readers extract SAT's own file: values broken over lines, two fields a line, blanks missing after some colons.
COMPANY = """Página [1] de [3]
CÉDULA DE IDENTIFICACIÓN FISCAL
OÑO120726RX3
Registro Federal de Contribuyentes
ORGANICOS ÑAVEZ
OSORIO
Nombre, denominación o razón
social
idCIF: 14110863071
VALIDA TU INFORMACIÓN
FISCAL
CONSTANCIA DE SITUACIÓN FISCAL
Lugar y Fecha de Emisión
BENITO JUAREZ , CIUDAD DE MEXICO A 10 DE
FEBRERO DE 2026
OÑO120726RX3
Datos de Identificación del Contribuyente:
RFC: OÑO120726RX3
Denominación/Razón Social: ORGANICOS ÑAVEZ
OSORIO
Régimen Capital: SOCIEDAD ANONIMA DE CAPITAL VARIABLE
Nombre Comercial:
Fecha inicio de operaciones: 28 DE SEPTIEMBRE DE 2005
Estatus en el padrón: REACTIVADO
Fecha de último cambio de estado: 05 DE JUNIO DE 2008
Datos del domicilio registrado
Código Postal:40501 Tipo de Vialidad: CALLE
Nombre de Vialidad: CALLE MORELOS Número Exterior: 50
Número Interior:12 Y 13 Nombre de la Colonia: MI COLONIA
Nombre de la Localidad: Nombre del Municipio o Demarcación Territorial: SAN JUAN
Nombre de la Entidad Federativa: CIUDAD DE MEXICO Entre Calle: AVENIDA MI AVENIDA
Y Calle: CALLE DAKOTA Correo Electrónico: correo@example.com
Tel. Fijo Lada: 55 Número: 123456
Página [2] de [3]
Estado del domicilio: LOCALIZADO - Domicilio Localizado
Estado del contribuyente en el domicilio: LOCALIZADO -
Contribuyente Localizado
Actividades Económicas:
Orden Actividad Económica Porcentaje Fecha Inicio Fecha Fin
1 Comercio al por mayor agua purificada y hielo 100 01/03/2011
Regímenes:
Régimen Fecha Inicio Fecha Fin
Régimen General de Ley Personas Morales 05/06/2008
Obligaciones:
Descripción de la Obligación Descripción Vencimiento Fecha Inicio Fecha Fin
Pago definitivo mensual de IVA. A más tardar el día 17 del mes inmediato
posterior al periodo que corresponda.
05/06/2008
Sus datos personales son incorporados y protegidos en los sistemas del SAT
Cadena Original Sello: ||2026/02/10|OÑO120726RX3|CONSTANCIA DE SITUACIÓN FISCAL|200001088888800000031||
Sello Digital: U+SXWUH47fVYxf6QgT0i2XPQl8o3xWqfn8SmDnCOSM6vUVhk1vhvsl3YZhHQSXsYySNbfHeaeJvgX7sYrCjF6
Página [3] de [3]
"""

PERSON = """CÉDULA DE IDENTIFICACIÓN FISCAL
CACX7605101P8
Registro Federal de
Contribuyentes
XÓCHITL D'ANGELO MÜLLER
CASAS ÇELİK
Nombre, denominación o razón
social
idCIF: 14110491720
VALIDA TU INFORMACIÓN
FISCAL
CONSTANCIA DE SITUACIÓN
FISCAL
Lugar y Fecha de Emisión
CHIHUAHUA , CHIHUAHUA A 2 DE JULIO DE 2026
Datos de Identificación del Contribuyente:
RFC:   CACX7605101P8
CURP:   CACX760510MGTSHC04
Nombre (s):   XÓCHITL D'ANGELO
Primer Apellido:   MÜLLER CASAS
Segundo Apellido:   ÇELİK
Fecha inicio de operaciones:   01 DE SEPTIEMBRE DE 2007
Estatus en el padrón:   ACTIVO
Nombre Comercial:
Datos del domicilio registrado
Código Postal: 36257   Tipo de Vialidad:   CERRADA (CDA) O PRIVADA (PRIV)
Nombre de Vialidad:   TAMBOREL   Número Exterior:   3900
Número Interior:   Nombre de la Colonia:   LEALTAD I
Regímenes:
Régimen   Fecha Inicio   Fecha Fin
Régimen de Incorporación Fiscal 01/01/2014 31/12/2021
Régimen de Sueldos y Salarios e Ingresos Asimilados a
Salarios   01/02/2023
Página [2] de [3]
Régimen de las Personas Físicas con Actividades Empresariales y
Profesionales   01/01/2022
Régimen de los Viajes por el Espacio 01/01/2025
Obligaciones:
Cadena Original Sello: ||2026/07/02 10:00:00|CACX7605101P8|CONSTANCIA DE SITUACIÓN
FISCAL|000000000000000000000|XXXXXXXX||"""


def test_a_company() -> None:
    found = read((COMPANY,))

    assert (found.tax_id, found.person_type, found.legal_name) == ("OÑO120726RX3", "company", "ORGANICOS ÑAVEZ OSORIO")
    assert (found.id_cif, found.issued, found.status) == ("14110863071", date(2026, 2, 10), "REACTIVADO")
    assert [(row.code, row.name, row.since) for row in found.regimes] == [
        ("601", "General de Ley Personas Morales", date(2008, 6, 5))
    ]
    assert found.address == {
        "zip": "40501",
        "street": "CALLE MORELOS",
        "exterior": "50",
        "interior": "12 Y 13",
        "neighborhood": "MI COLONIA",
        "city": None,
        "municipality": "SAN JUAN",
        "state": "CIUDAD DE MEXICO",
    }
    assert found.oddities == ()


def test_a_person_of_several_regimes() -> None:
    found = read((PERSON,))

    assert (found.person_type, found.legal_name) == ("person", "XÓCHITL D'ANGELO MÜLLER CASAS ÇELİK")
    assert [(row.code, row.since) for row in found.regimes] == [("612", date(2022, 1, 1)), ("605", date(2023, 2, 1))]
    assert found.oddities == ("A regime was not recognised: Regimen de los Viajes por el Espacio",)
    assert (found.address["zip"], found.address["interior"]) == ("36257", None)


@pytest.mark.parametrize("text", [COMPANY, PERSON], ids=["company", "person"])
def test_text_without_blanks_in_labels_is_read_alike(text: str) -> None:
    squeezed = text
    for label in ("Número Interior:", "Código Postal:", "Nombre de la Colonia:", "Estatus en el padrón:"):
        squeezed = squeezed.replace(label, label.replace(" ", ""))

    assert read((squeezed,)) == read((text,))


def test_the_name_on_the_card_serves_when_the_field_is_empty() -> None:
    text = COMPANY.replace("Denominación/Razón Social: ORGANICOS ÑAVEZ\nOSORIO\n", "Denominación/Razón Social:\n")

    assert read((text,)).legal_name == "ORGANICOS ÑAVEZ OSORIO"


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("CONSTANCIA DE SITUACIÓN FISCAL", "OPINIÓN DEL CUMPLIMIENTO", "title"),
        ("OÑO120726RX3", "", "no RFC"),
        ("OÑO120726RX3", "XAXX010101000", "no RFC"),
        ("RFC: OÑO120726RX3", "RFC: EKU9003173C9", "several RFCs: EKU9003173C9, OÑO120726RX3"),
        ("10|OÑO120726RX3|", "10|EKU9003173C9|", "several RFCs"),
        ("OÑO120726RX3\nRegistro", "EKU9003173C9\nRegistro", "several RFCs"),
        ("Régimen General de Ley Personas Morales", "Régimen de nadie", "no regime"),
        ("Regímenes:", "", "no regime"),
        ("05/06/2008\nObligaciones", "35/66/2008\nObligaciones", "no regime"),
    ],
)
def test_what_is_no_constancia_is_told(old: str, new: str, reason: str) -> None:
    assert old in COMPANY

    with pytest.raises(NotACsf, match=reason):
        read((COMPANY.replace(old, new),))


def test_without_a_regime_in_force_there_is_an_oddity() -> None:
    found = read((COMPANY.replace("05/06/2008\nObligaciones", "05/06/2008 31/12/2020\nObligaciones"),))

    assert (found.regimes, found.oddities) == ((), ("No regime is in force",))


@pytest.mark.parametrize(
    "text",
    [" " * 100_000, "Nombre" + " " * 99_000, "Regímenes:" + "A" * 99_000, "Nombre " * 14_000, "12/12/2020 " * 9_000],
)
def test_long_nonsense_costs_no_time(text: str) -> None:
    with pytest.raises(NotACsf):
        read((text,))
    with pytest.raises(NotACsf):
        read((COMPANY[:300] + "CONSTANCIA DE SITUACIÓN FISCAL" + text,))


FRAGMENTS = st.sampled_from(
    [
        *COMPANY.splitlines(),
        *PERSON.splitlines(),
        "Regímenes:",
        "01/01/2020",
        "99/99/9999",
        "\x02",
        "\r\n",
        "Página [1] de [1]",
    ]
)


@given(st.lists(FRAGMENTS | st.text(max_size=20), max_size=80).map("\n".join))
def test_any_text_is_a_constancia_or_none(text: str) -> None:
    with contextlib.suppress(NotACsf):
        found = read((text,))
        assert found.tax_id in text
        assert all(row.code in REGIMES for row in found.regimes)


@given(st.integers(0, len(COMPANY)), st.integers(0, len(COMPANY)))
def test_a_text_with_a_gap_never_gives_another_taxpayer(start: int, end: int) -> None:
    with contextlib.suppress(NotACsf):
        assert read((COMPANY[: min(start, end)] + COMPANY[max(start, end) :],)).tax_id == "OÑO120726RX3"


SAT = "https://siat.sat.gob.mx/app/qr/faces/pages/mobile/validadorqr.jsf?D1=10&D2=1&D3="


class TestCode:
    @pytest.mark.parametrize(
        ("rfc", "written"),
        [
            ("EKU9003173C9", "EKU9003173C9"),
            ("H&E951128469", "H&E951128469"),
            ("H&E951128469", "H%26E951128469"),
            ("OÑO120726RX3", "OÑO120726RX3"),
            ("OÑO120726RX3", "O%D1O120726RX3"),
            ("OÑO120726RX3", "O%C3%91O120726RX3"),
        ],
    )
    def test_the_code_of_the_same_taxpayer_agrees(self, rfc: str, written: str) -> None:
        assert warnings((f"{SAT}123_{written}", "https://example.com"), rfc, "123") == []

    def test_the_number_of_a_card_that_could_not_be_read_is_not_compared(self) -> None:
        assert warnings((f"{SAT}123_EKU9003173C9",), "EKU9003173C9", None) == []

    @pytest.mark.parametrize("code", [f"{SAT}124_EKU9003173C9", f"{SAT}123_XIA190128J61", SAT, f"{SAT}123"])
    def test_the_code_of_another_taxpayer_is_refused(self, code: str) -> None:
        with pytest.raises(NotACsf, match="another taxpayer"):
            warnings((code,), "EKU9003173C9", "123")

    @pytest.mark.parametrize(
        "code",
        [
            "https://siat-sat-gobierno.mx/validadorqr.jsf?D1=10&D2=1&D3=123_EKU9003173C9",
            "https://siat.sat.gob.mx.example.com/?D1=10&D3=123_EKU9003173C9",
            "https://[broken",
            "nonsense",
        ],
    )
    def test_a_code_that_leads_elsewhere_is_refused(self, code: str) -> None:
        with pytest.raises(NotACsf, match="does not lead to SAT"):
            warnings((code,), "EKU9003173C9", "123")

    @pytest.mark.parametrize("codes", [(), (SAT.replace("D1=10", "D1=26") + "9_EKU9003173C9",)])
    def test_without_the_code_of_the_card_there_is_a_warning(self, codes: tuple[str, ...]) -> None:
        assert warnings(codes, "EKU9003173C9", "123") == [UNREAD]
