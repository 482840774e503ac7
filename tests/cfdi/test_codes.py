import re
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.catalogs.load import SatData
from timbra.catalogs.wheels import locate
from timbra.cfdi import codes
from timbra.cfdi.codes_countries import COUNTRIES
from timbra.cfdi.codes_rates import RATES
from timbra.cfdi.codes_texts import TEXTS


def schema_list(name: str) -> set[str]:
    """Codes of a list in SAT's schema."""
    xsd = locate().code_lists.read_text(encoding="utf-8")
    found = re.search(f'<xs:simpleType name="{name}">(.*?)</xs:simpleType>', xsd, re.DOTALL)
    assert found is not None
    return set(re.findall('<xs:enumeration value="([^"]*)"', found[1]))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("c_FormaPago", codes.PAYMENT_FORMS),
        ("c_MetodoPago", codes.PAYMENT_METHODS),
        ("c_RegimenFiscal", codes.REGIMES),
        ("c_UsoCFDI", codes.USES),
        ("c_Moneda", codes.CURRENCIES),
        ("c_Pais", codes.COUNTRIES),
        ("c_Meses", codes.MONTHS),
        ("c_Periodicidad", codes.PERIODICITIES),
        ("c_TipoRelacion", codes.RELATIONSHIPS),
        ("c_Exportacion", codes.EXPORTS),
        ("c_ObjetoImp", codes.TAX_OBJECTS),
        ("c_TipoDeComprobante", codes.DOCUMENT_TYPES),
        ("c_Impuesto", codes.TAXES),
    ],
)
def test_typed_codes_are_those_of_sats_schema(name: str, typed: dict[str, object]) -> None:
    assert schema_list(name) ^ set(typed) <= {"P01", "609", "628", "629", "630", "08", "09"}


def test_codes_that_left_with_cfdi_40_are_known_and_not_for_new_documents() -> None:
    assert [row.code for row in codes.REGIMES.values() if not row.cfdi40] == ["609", "628", "629", "630"]
    assert [row.code for row in codes.USES.values() if not row.cfdi40] == ["P01"]
    assert [row.code for row in codes.RELATIONSHIPS.values() if not row.cfdi40] == ["08", "09"]


@pytest.mark.parametrize(
    ("regime", "person_type", "allowed"),
    [
        ("601", "company", True),
        ("601", "person", False),
        ("612", "person", True),
        ("612", "company", False),
        ("626", "person", True),
        ("626", "company", True),
        ("616", "generic", True),
        ("609", "company", False),
        ("999", "company", False),
    ],
)
def test_regime_allowed(regime: str, person_type: str, allowed: bool) -> None:
    assert codes.regime_allowed(regime, person_type) is allowed


@pytest.mark.parametrize(
    ("use", "regime", "person_type", "allowed"),
    [
        ("G03", "601", "company", True),
        ("G03", "616", "person", False),
        ("G02", "616", "person", True),
        ("S01", "616", "generic", True),
        ("S01", "610", "foreign", True),
        ("G01", "605", "person", False),
        ("D01", "605", "person", True),
        ("D01", "625", "person", True),
        ("D01", "601", "company", False),
        ("CP01", "610", "company", True),
        ("CN01", "605", "person", True),
        ("CN01", "612", "person", False),
        ("P01", "601", "company", False),
        ("G03", "609", "company", False),
        ("X99", "601", "company", False),
    ],
)
def test_use_allowed(use: str, regime: str, person_type: str, allowed: bool) -> None:
    assert codes.use_allowed(use, regime, person_type) is allowed


def test_uses_of_a_regime() -> None:
    assert codes.uses_of_regime("616") == ("G02", "S01", "CP01")
    assert codes.uses_of_regime("609") == ()


@pytest.mark.parametrize(
    ("months", "periodicity", "fit"),
    [
        ("01", "04", True),
        ("12", "01", True),
        ("13", "05", True),
        ("18", "05", True),
        ("13", "04", False),
        ("01", "05", False),
        ("19", "05", False),
    ],
)
def test_months_fit(months: str, periodicity: str, fit: bool) -> None:
    assert codes.months_fit(months, periodicity) is fit


def test_months() -> None:
    assert codes.MONTHS["09"] == codes.Months("09", "Septiembre", (9,))
    assert codes.MONTHS["17"] == codes.Months("17", "Septiembre-Octubre", (9, 10))


def test_banked_forms() -> None:
    assert [row.code for row in codes.PAYMENT_FORMS.values() if row.banked] == [
        "02",
        "03",
        "04",
        "05",
        "06",
        "28",
        "29",
    ]


def test_motives_that_need_a_substitute() -> None:
    assert [row.code for row in codes.MOTIVES.values() if row.requires_substitution] == ["01"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("MEX", "MEX"),
        ("mx", "MEX"),
        (" méxico ", "MEX"),
        ("MEXICO", "MEX"),
        ("Estados Unidos (los)", "USA"),
        ("estados unidos", "USA"),
        ("Estados Unidos de América", "USA"),
        ("United States", "USA"),
        ("United States of America", "USA"),
        ("the united kingdom", "GBR"),
        ("Great Britain", "GBR"),
        ("Reino Unido", "GBR"),
        ("República de Corea", "KOR"),
        ("Países Bajos", "NLD"),
        ("Cote d'Ivoire", "CIV"),
        ("Taiwan", "TWN"),
        ("Níger", "NER"),
        ("Nigeria", "NGA"),
        ("Dominica", "DMA"),
        ("Dominican Republic", "DOM"),
        ("Congo", "COG"),
        ("Turkey", "TUR"),
        ("DE", "DEU"),
        ("AND", "AND"),
        ("zzz", "ZZZ"),
        ("Atlantis", None),
        ("ZZ", None),
        ("los", None),
        ("", None),
    ],
)
def test_country_reads_codes_and_names(text: str, code: str | None) -> None:
    assert codes.country(text) == code


@given(st.sampled_from(sorted(COUNTRIES)), st.sampled_from([str.upper, str.lower, str.title]))
def test_country_reads_every_code_and_name_it_prints(code: str, case: object) -> None:
    row = COUNTRIES[code]
    known = [row.code, row.alpha2, row.name, row.english] if code != "ZZZ" else ["ZZZ"]

    assert {codes.country(case(text)) for text in known if text} == {code}


@pytest.mark.parametrize(
    ("code", "zip_code", "fits"),
    [
        ("MEX", "42501", True),
        ("MEX", "4250", False),
        ("MEX", "425011", False),
        ("USA", "90210", True),
        ("USA", "90210-1234", True),
        ("USA", "90210-12", False),
        ("CAN", "K1A 0B1", True),
        ("CAN", "K1A0B1", False),
        ("ESP", "anything", True),
    ],
)
def test_zip_matches(code: str, zip_code: str, fits: bool) -> None:
    assert codes.zip_matches(code, zip_code) is fits


@pytest.mark.parametrize(
    ("code", "tax_id", "fits"), [("USA", "123456789", True), ("USA", "12-3456789", False), ("FRA", "FR1", True)]
)
def test_tax_id_matches(code: str, tax_id: str, fits: bool) -> None:
    assert codes.tax_id_matches(code, tax_id) is fits


def test_currencies() -> None:
    assert codes.currency_decimals("MXN") == 2
    assert codes.currency_decimals("mxn") is None
    assert [code for code in codes.CURRENCIES if not codes.currency_for_trade(code)] == ["XTS", "XXX"]
    assert not codes.currency_for_trade("ABC")


@pytest.mark.parametrize(
    ("tax", "factor", "withheld", "rate", "allowed"),
    [
        ("002", "Tasa", False, 160_000, True),
        ("002", "Tasa", False, 80_000, True),
        ("002", "Tasa", False, 0, True),
        ("002", "Tasa", False, 110_000, False),
        ("002", "Tasa", True, 106_667, True),
        ("002", "Tasa", True, 160_000, True),
        ("002", "Tasa", True, 160_001, False),
        ("002", "Exento", False, 0, True),
        ("002", "Exento", True, 0, False),
        ("002", "Cuota", False, 100_000, False),
        ("001", "Tasa", True, 350_000, True),
        ("001", "Tasa", True, 350_001, False),
        ("001", "Tasa", False, 100_000, False),
        ("003", "Tasa", False, 30_000, True),
        ("003", "Tasa", True, 30_000, False),
        ("003", "Tasa", True, 1_600_000, True),
        ("003", "Cuota", False, 72_160_500, True),
        ("003", "Cuota", True, 72_160_501, False),
        ("003", "Cuota", False, -1, False),
    ],
)
def test_rate_allowed(tax: str, factor: str, withheld: bool, rate: int, allowed: bool) -> None:
    assert codes.rate_allowed(tax, factor, withheld, rate) is allowed


@pytest.mark.parametrize(
    ("tax", "factor", "withheld", "rate", "nearest"),
    [
        ("002", "Tasa", False, 16_000_000, 160_000),
        ("002", "Tasa", False, 8_000_000, 80_000),
        ("002", "Tasa", False, 150_000, 160_000),
        ("002", "Tasa", False, 110_000, None),
        ("002", "Tasa", True, 10_666_700, 106_667),
        ("002", "Tasa", True, 106_700, 106_700),
        ("001", "Tasa", True, 1_250_000, 12_500),
        ("001", "Tasa", True, 500_000, None),
        ("003", "Tasa", False, 26_500_000, 265_000),
        ("003", "Tasa", False, 264_000, 265_000),
        ("003", "Cuota", False, 99_000_000, None),
        ("001", "Tasa", False, 100_000, None),
        ("002", "Exento", False, 160_000, None),
    ],
)
def test_nearest_rate(tax: str, factor: str, withheld: bool, rate: int, nearest: int | None) -> None:
    assert codes.nearest_rate(tax, factor, withheld, rate) == nearest


@given(st.sampled_from(sorted(RATES)), st.integers(0, 100_000_000))
def test_the_nearest_rate_is_legal(combination: tuple[str, str, bool], rate: int) -> None:
    nearest = codes.nearest_rate(*combination, rate)

    assert nearest is None or codes.rate_allowed(*combination, nearest)


def test_texts_of_codes(sat_data: SatData) -> None:
    assert sat_data.texts.text("c_UsoCFDI", "G03") == "Gastos en general."
    assert sat_data.texts.text("c_Moneda", "MXN") == "Peso Mexicano"
    assert sat_data.texts.text("c_ClaveUnidad", "H87") == "Pieza"
    assert sat_data.texts.text("c_ClaveProdServ", "84111506") == "Servicios de facturación"
    assert sat_data.texts.text("c_ClaveProdServ", "11131601") is None
    assert sat_data.texts.text("c_Pais", "XYZ") is None
    assert all(len(texts) > 1 for texts in TEXTS.values())


class TestAgainstSatsCatalogues:
    """The typed facts, compared with a copy of SAT's published catalogues where the developer has one."""

    @pytest.fixture
    def published(self, sat_samples: Path) -> sqlite3.Connection:
        path = sat_samples / "catalogs/sat_catalogs.sqlite"
        database = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        yield database
        database.close()

    def test_person_types_of_regimes(self, published: sqlite3.Connection) -> None:
        rows = published.execute("select id, aplica_fisica, aplica_moral from cfdi_40_regimenes_fiscales").fetchall()
        for code, person, company in rows:
            assert (codes.REGIMES[code].person, codes.REGIMES[code].company) == (bool(person), bool(company)), code
        assert {row[0] for row in rows} >= {code for code, row in codes.REGIMES.items() if row.cfdi40}

    def test_regimes_of_uses(self, published: sqlite3.Connection) -> None:
        rows = published.execute(
            "select id, aplica_fisica, aplica_moral, regimenes_fiscales_receptores from cfdi_40_usos_cfdi"
        ).fetchall()
        for code, person, company, regimes in rows:
            use = codes.USES[code]
            assert (use.person, use.company) == (bool(person), bool(company)), code
            assert not use.cfdi40 or use.regimes == set(re.findall(r"\d+", regimes)), code

    def test_decimals_of_currencies(self, published: sqlite3.Connection) -> None:
        assert dict(published.execute("select id, decimales from cfdi_40_monedas")) == codes.CURRENCIES

    def test_names_and_patterns_of_countries(self, published: sqlite3.Connection) -> None:
        for code, name, zip_pattern, tax_id, group in published.execute(
            "select id, texto, patron_codigo_postal, patron_identidad_tributaria, agrupaciones from cfdi_40_paises"
        ):
            row = codes.COUNTRIES[code]
            assert codes.country(name) == code or code == "ZZZ"
            assert (row.zip_pattern or "", row.group or "") == (zip_pattern, group), code
            assert code == "MEX" or (row.tax_id_pattern or "") == tax_id

    def test_banked_forms(self, published: sqlite3.Connection) -> None:
        rows = published.execute("select id, es_bancarizado from cfdi_40_formas_pago where id != '99'")
        assert {code for code, banked in rows if banked} == {c for c, row in codes.PAYMENT_FORMS.items() if row.banked}

    def test_rates(self, published: sqlite3.Connection) -> None:
        number = {"ISR": "001", "IVA": "002", "IEPS": "003"}
        for least, most, tax, factor, transferred, withheld in published.execute(
            "select minimo, valor, impuesto, factor, traslado, retencion from cfdi_40_reglas_tasa_cuota"
            " where vigencia_hasta = '' or vigencia_hasta >= '2026-01-01'"
        ):
            for side in [False] * bool(transferred) + [True] * bool(withheld):
                key = (number[tax.split()[0]], factor, side)
                for text in (least, most):
                    micro = round(float(text or 0) * 1_000_000)
                    assert text in ("", None) or codes.rate_allowed(*key, micro), (key, text)
