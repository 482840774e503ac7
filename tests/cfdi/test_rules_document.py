"""SAT's matrix over written documents, as the sandbox PAC and ``timbra verify`` run it."""

import re
from pathlib import Path

import pytest
from lxml import etree

from factories.cfdi_invoice import COMPANY, CUSTOMER, ISSUED_AT, invoice
from timbra.catalogs.load import SatData
from timbra.cfdi.read import XmlRefused, parse, read_cfdi
from timbra.cfdi.rules import Finding, Level, check_document, of_pac
from timbra.cfdi.test_taxpayers import REGISTER, Register
from timbra.cfdi.text import rfc_check_digit_ok

# What PACs accepted or a careful generator wrote: nothing may be found.
CLEAN = [
    "E_credit_note", "I_addenda_mabe", "I_b2b_full_round", "I_b2c_tax_inclusive", "I_export_xexx", "I_finkok_stamped",
    "I_global_gobl", "I_pue_real_stamped", "I_two_relations_unsealed", "I_usd", "I_usd_discounts_sealed",
    "P_parcial_ampersand_rfc",
]  # fmt: skip
TEMPLATES = ["CFDI40105", "CFDI40108", "CFDI40119", "CFDI40130", "CRP20211", "CRP20244"]
# Dated 2020 and stamped by a test PAC that did not run the matrix: PPD without form, a company's regime for a person.
NOT_JUDGED = ["I_iva0_stamped", "I_retenciones_suma"]

INVOICE = """<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" Version="4.0" Fecha="2026-03-10T12:00:00"
 FormaPago="03" SubTotal="3130.00" Descuento="30.00" Moneda="MXN" Total="3380.00" TipoDeComprobante="I" Exportacion="01"
 MetodoPago="PUE" LugarExpedicion="42501">
<cfdi:Emisor Rfc="EKU9003173C9" Nombre="ESCUELA KEMPER URGATE" RegimenFiscal="601"/>
<cfdi:Receptor Rfc="URE180429TM6" Nombre="UNIVERSIDAD ROBOTICA ESPAÑOLA" DomicilioFiscalReceptor="86991"
 RegimenFiscalReceptor="601" UsoCFDI="G03"/>
<cfdi:Conceptos>
<cfdi:Concepto ClaveProdServ="80141503" Cantidad="2" ClaveUnidad="E48" Descripcion="A" ValorUnitario="1515"
 Importe="3030.00" Descuento="30.00" ObjetoImp="02"><cfdi:Impuestos>
<cfdi:Traslados>
<cfdi:Traslado Base="3000.00" Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000" Importe="480.00"/></cfdi:Traslados>
<cfdi:Retenciones>
<cfdi:Retencion Base="2000.00" Impuesto="001" TipoFactor="Tasa" TasaOCuota="0.100000" Importe="200.00"/>
</cfdi:Retenciones></cfdi:Impuestos>
<cfdi:InformacionAduanera NumeroPedimento="15  48  3009  0001234"/>
<cfdi:Parte ClaveProdServ="80141503" Cantidad="2" Descripcion="P" ValorUnitario="1.5" Importe="3.00"/></cfdi:Concepto>
<cfdi:Concepto ClaveProdServ="80141503" Cantidad="1" ClaveUnidad="E48" Descripcion="B" ValorUnitario="100"
 Importe="100.00" ObjetoImp="02"><cfdi:Impuestos>
<cfdi:Traslados><cfdi:Traslado Base="100.00" Impuesto="002" TipoFactor="Exento"/></cfdi:Traslados></cfdi:Impuestos>
</cfdi:Concepto>
</cfdi:Conceptos>
<cfdi:Impuestos TotalImpuestosRetenidos="200.00" TotalImpuestosTrasladados="480.00">
<cfdi:Retenciones><cfdi:Retencion Impuesto="001" Importe="200.00"/></cfdi:Retenciones>
<cfdi:Traslados>
<cfdi:Traslado Base="3000.00" Impuesto="002" TipoFactor="Tasa" TasaOCuota="0.160000" Importe="480.00"/>
<cfdi:Traslado Base="100.00" Impuesto="002" TipoFactor="Exento"/></cfdi:Traslados></cfdi:Impuestos>
</cfdi:Comprobante>"""

PAYMENT = """<cfdi:Comprobante xmlns:cfdi="http://www.sat.gob.mx/cfd/4" xmlns:pago20="http://www.sat.gob.mx/Pagos20"
 Version="4.0" Fecha="2026-03-10T12:00:00" SubTotal="0" Moneda="XXX" Total="0" TipoDeComprobante="P" Exportacion="01"
 LugarExpedicion="42501">
<cfdi:Emisor Rfc="EKU9003173C9" Nombre="ESCUELA KEMPER URGATE" RegimenFiscal="601"/>
<cfdi:Receptor Rfc="URE180429TM6" Nombre="UNIVERSIDAD ROBOTICA ESPAÑOLA" DomicilioFiscalReceptor="86991"
 RegimenFiscalReceptor="601" UsoCFDI="CP01"/>
<cfdi:Conceptos><cfdi:Concepto ClaveProdServ="84111506" Cantidad="1" ClaveUnidad="ACT" Descripcion="Pago"
 ValorUnitario="0" Importe="0" ObjetoImp="01"/></cfdi:Conceptos>
<cfdi:Complemento><pago20:Pagos Version="2.0">
<pago20:Totales TotalRetencionesISR="10.00" TotalTrasladosBaseIVA16="2000.00" TotalTrasladosImpuestoIVA16="320.00"
 MontoTotalPagos="2320.00"/>
<pago20:Pago FechaPago="2026-03-10T12:00:00" FormaDePagoP="03" MonedaP="USD" TipoCambioP="20" Monto="116.00">
<pago20:DoctoRelacionado IdDocumento="5BD612EA-DB91-441D-BF85-37F442796EC1" MonedaDR="USD" EquivalenciaDR="1"
 NumParcialidad="1" ImpSaldoAnt="200.00" ImpPagado="116.00" ImpSaldoInsoluto="84.00" ObjetoImpDR="02"><pago20:ImpuestosDR>
<pago20:RetencionesDR><pago20:RetencionDR BaseDR="5" ImpuestoDR="001" TipoFactorDR="Tasa" TasaOCuotaDR="0.100000"
 ImporteDR="0.5"/></pago20:RetencionesDR><pago20:TrasladosDR><pago20:TrasladoDR BaseDR="100" ImpuestoDR="002"
 TipoFactorDR="Tasa" TasaOCuotaDR="0.160000" ImporteDR="16"/></pago20:TrasladosDR></pago20:ImpuestosDR>
</pago20:DoctoRelacionado>
<pago20:ImpuestosP>
<pago20:RetencionesP><pago20:RetencionP ImpuestoP="001" ImporteP="0.50"/></pago20:RetencionesP>
<pago20:TrasladosP><pago20:TrasladoP BaseP="100" ImpuestoP="002" TipoFactorP="Tasa" TasaOCuotaP="0.160000"
 ImporteP="16"/></pago20:TrasladosP></pago20:ImpuestosP></pago20:Pago></pago20:Pagos></cfdi:Complemento>
</cfdi:Comprobante>"""


def found(xml: str | bytes, sat_data: SatData, register: Register | None = None) -> list[Finding]:
    data = xml.encode() if isinstance(xml, str) else xml
    return check_document(parse(data, limit=1_000_000), catalogs=sat_data.catalogs, register=register)


def changed(xml: str, old: str, new: str) -> str:
    assert old in xml
    return xml.replace(old, new, 1)


def sample(sat_samples: Path, name: str) -> bytes:
    return (sat_samples / "samples" / f"{name}.xml").read_bytes().replace(b"%fecha-timbrado%", b"2026-03-10T12:00:00")


@pytest.mark.parametrize("name", CLEAN)
def test_public_documents_are_accepted(sat_data: SatData, sat_samples: Path, name: str) -> None:
    assert found(sample(sat_samples, name), sat_data) == []


@pytest.mark.parametrize("code", TEMPLATES)
def test_templates_raise_their_code(sat_data: SatData, sat_samples: Path, code: str) -> None:
    assert code in [row.code for row in found(sample(sat_samples, f"ERR_{code}"), sat_data)]


@pytest.mark.parametrize("name", NOT_JUDGED)
def test_documents_nobody_judged_break_known_rules_only(sat_data: SatData, sat_samples: Path, name: str) -> None:
    assert [row.code for row in found(sample(sat_samples, name), sat_data)] == ["CFDI40105", "CFDI40141"]


def test_the_inconsistent_sample_breaks_the_published_money_rules(sat_data: SatData, sat_samples: Path) -> None:
    codes = {row.code for row in found(sample(sat_samples, "I_all_fields_synthetic"), sat_data)}

    assert {"CFDI40109", "CFDI40180", "CFDI40186", "CFDI40211", "CFDI40215", "CFDI40221"} <= codes


def test_a_right_document_has_no_finding(sat_data: SatData) -> None:
    assert found(INVOICE, sat_data, REGISTER) == []
    assert found(PAYMENT, sat_data, REGISTER) == []


def test_a_document_may_be_read_before(sat_data: SatData) -> None:
    read = read_cfdi(parse(INVOICE.encode(), limit=100_000))

    assert check_document(read, catalogs=sat_data.catalogs) == []


def test_another_kind_of_document_is_refused(sat_data: SatData) -> None:
    with pytest.raises(XmlRefused):
        check_document(etree.Element("other"), catalogs=sat_data.catalogs)


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("CFDI40101", 'Fecha="2026-03-10T12:00:00"', 'Fecha="2026-03-10 12:00:00"'),
        ("CFDI40101", 'Fecha="2026-03-10T12:00:00"', 'Fecha="2026-02-30T12:00:00"'),
        ("CFDI40103", 'TipoDeComprobante="I"', 'TipoDeComprobante="T"'),
        ("CFDI40104", 'FormaPago="03"', 'FormaPago="3"'),
        ("CFDI40105", 'MetodoPago="PUE"', 'MetodoPago="PPD"'),
        ("CFDI40107", 'SubTotal="3130.00"', 'SubTotal="3130.000"'),
        ("CFDI40108", 'SubTotal="3130.00"', 'SubTotal="3130.01"'),
        ("CFDI40109", 'TipoDeComprobante="I"', 'TipoDeComprobante="T"'),
        ("CFDI40110", 'Descuento="30.00" Moneda', 'Descuento="3130.01" Moneda'),
        ("CFDI40111", ' Descuento="30.00" Moneda', " Moneda"),
        ("CFDI40111", 'Descuento="30.00" Moneda', 'Descuento="30.01" Moneda'),
        ("CFDI40112", 'Descuento="30.00" Moneda', 'Descuento="30.001" Moneda'),
        ("CFDI40113", 'Moneda="MXN"', 'Moneda="MXP"'),
        ("CFDI40114", 'Moneda="MXN"', 'Moneda="MXN" TipoCambio="2"'),
        ("CFDI40115", 'Moneda="MXN"', 'Moneda="USD"'),
        ("CFDI40116", 'Moneda="MXN"', 'Moneda="XXX" TipoCambio="1"'),
        ("CFDI40117", 'Moneda="MXN"', 'Moneda="USD" TipoCambio="1.1234567"'),
        ("CFDI40119", 'Total="3380.00"', 'Total="3380.01"'),
        ("CFDI40121", 'TipoDeComprobante="I"', 'TipoDeComprobante="X"'),
        ("CFDI40125", 'TipoDeComprobante="I"', 'TipoDeComprobante="T"'),
        ("CFDI40161", 'UsoCFDI="G03"', 'UsoCFDI="D01"'),
        ("CFDI40162", 'ClaveProdServ="80141503" Cantidad="2" ClaveUnidad', 'ClaveProdServ="80149999" Cantidad="2" ClaveUnidad'),
        ("CFDI40166", 'ValorUnitario="100"', 'ValorUnitario="0"'),
        ("CFDI40167", 'Importe="3030.00"', 'Importe="9030.00"'),
        ("CFDI40168", 'Descuento="30.00" ObjetoImp', 'Descuento="30.000" ObjetoImp'),
        ("CFDI40169", 'Descuento="30.00" ObjetoImp', 'Descuento="3030.01" ObjetoImp'),
        ("CFDI40172", 'ObjetoImp="02"', 'ObjetoImp="01"'),
        ("CFDI40174", 'Base="3000.00"', 'Base="0.00"'),
        ("CFDI40175", 'Impuesto="002"', 'Impuesto="009"'),
        ("CFDI40176", 'TipoFactor="Tasa"', 'TipoFactor="Otro"'),
        ("CFDI40177", 'TipoFactor="Exento"', 'TipoFactor="Exento" TasaOCuota="0.000000"'),
        ("CFDI40178", 'TasaOCuota="0.160000" ', ""),
        ("CFDI40179", 'TasaOCuota="0.160000"', 'TasaOCuota="0.170000"'),
        ("CFDI40180", 'TasaOCuota="0.160000" Importe="480.00"', 'TasaOCuota="0.160000" Importe="480.02"'),
        ("CFDI40181", 'Base="2000.00"', 'Base="0"'),
        ("CFDI40182", 'Impuesto="001" TipoFactor', 'Impuesto="009" TipoFactor'),
        ("CFDI40183", 'Impuesto="001" TipoFactor="Tasa"', 'Impuesto="001" TipoFactor="Otro"'),
        ("CFDI40184", 'Impuesto="001" TipoFactor="Tasa"', 'Impuesto="001" TipoFactor="Exento"'),
        ("CFDI40185", 'TasaOCuota="0.100000"', 'TasaOCuota="0.400000"'),
        ("CFDI40186", 'TasaOCuota="0.100000" Importe="200.00"', 'TasaOCuota="0.100000" Importe="200.02"'),
        ("CFDI40194", "15  48  3009  0001234", "15 48 3009 0001234"),
        ("CFDI40196", 'ClaveProdServ="80141503" Cantidad="2" Descripcion="P"', 'ClaveProdServ="1" Cantidad="2" Descripcion="P"'),
        ("CFDI40197", 'ValorUnitario="1.5"', 'ValorUnitario="0"'),
        ("CFDI40198", 'Importe="3.00"', 'Importe="9.00"'),
        ("CFDI40201", 'TipoDeComprobante="I"', 'TipoDeComprobante="T"'),
        ("CFDI40202", 'TotalImpuestosRetenidos="200.00"', 'TotalImpuestosRetenidos="200.000"'),
        ("CFDI40203", 'TotalImpuestosRetenidos="200.00"', 'TotalImpuestosRetenidos="200.01"'),
        ("CFDI40204", 'TotalImpuestosTrasladados="480.00"', 'TotalImpuestosTrasladados="480.000"'),
        ("CFDI40205", 'TotalImpuestosTrasladados="480.00"', 'TotalImpuestosTrasladados="480.01"'),
        ("CFDI40206", 'TotalImpuestosRetenidos="200.00" ', ""),
        ("CFDI40207", 'Impuesto="001" Importe', 'Impuesto="009" Importe'),
        ("CFDI40208", '<cfdi:Retencion Impuesto="001" Importe="200.00"/>', '<cfdi:Retencion Impuesto="001" Importe="200.00"/>' * 2),
        ("CFDI40210", 'Impuesto="001" Importe="200.00"', 'Impuesto="001" Importe="200.000"'),
        ("CFDI40211", 'Impuesto="001" Importe="200.00"', 'Impuesto="001" Importe="200.01"'),
        ("CFDI40212", ' TotalImpuestosTrasladados="480.00"', ""),
        ("CFDI40222", "</cfdi:Impuestos>\n</cfdi:Comprobante>", '</cfdi:Impuestos><cfdi:Complemento><ComercioExterior xmlns="urn:c"/></cfdi:Complemento></cfdi:Comprobante>'),
    ],
)  # fmt: skip
def test_a_written_fault_is_found(sat_data: SatData, code: str, old: str, new: str) -> None:
    assert code in [row.code for row in found(changed(INVOICE, old, new), sat_data)]


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("CFDI40213", 'TipoFactor="Exento"', 'TipoFactor="Exento" Importe="0.00"'),
        ("CFDI40214", 'Base="3000.00"', 'Base="3000.000"'),
        ("CFDI40215", 'Base="3000.00"', 'Base="3000.01"'),
        ("CFDI40216", 'Base="100.00"', 'Base="100.01"'),
        ("CFDI40217", 'Impuesto="002"', 'Impuesto="009"'),
        ("CFDI40218", 'TipoFactor="Exento"', 'TipoFactor="Tasa" TasaOCuota="0.160000" Importe="0.00"'),
        ("CFDI40219", 'TasaOCuota="0.160000"', 'TasaOCuota="0.170000"'),
        ("CFDI40220", 'Importe="480.00"', 'Importe="480.000"'),
        ("CFDI40221", 'Importe="480.00"', 'Importe="480.01"'),
    ],
)
def test_a_fault_of_the_header_taxes_is_found(sat_data: SatData, code: str, old: str, new: str) -> None:
    lines, mark, header = INVOICE.partition("<cfdi:Impuestos TotalImpuestosRetenidos")

    assert code in [row.code for row in found(lines + mark + changed(header, old, new), sat_data)]


@pytest.mark.parametrize(
    ("code", "old", "new"),
    [
        ("CRP20102", 'Exportacion="01"', 'Exportacion="03"'),
        ("CRP20103", 'SubTotal="0"', 'SubTotal="0.00"'),
        ("CRP20104", 'Moneda="XXX"', 'Moneda="MXN"'),
        ("CRP20105", 'SubTotal="0"', 'FormaPago="03" SubTotal="0"'),
        ("CRP20113", "84111506", "84111505"),
        ("CRP20122", 'ObjetoImp="01"', 'ObjetoImp="02"'),
        ("CRP20202", 'TotalRetencionesISR="10.00"', 'TotalRetencionesISR="0.50"'),
        ("CRP20204", 'TotalTrasladosBaseIVA16="2000.00"', ""),
        ("CRP20205", 'TotalTrasladosImpuestoIVA16="320.00"', 'TotalTrasladosImpuestoIVA16="16.00"'),
        ("CRP20211", 'MontoTotalPagos="2320.00"', 'MontoTotalPagos="116.00"'),
        ("CRP20212", 'FormaDePagoP="03"', 'FormaDePagoP="99"'),
        ("CRP20213", 'MonedaP="USD"', 'MonedaP="XXX"'),
        ("CRP20214", ' TipoCambioP="20"', ""),
        ("CRP20215", 'MonedaP="USD"', 'MonedaP="MXN"'),
        ("CRP20217", 'Monto="116.00"', 'Monto="115.99"'),
        ("CRP20218", 'Monto="116.00"', 'Monto="0"'),
        ("CRP20219", 'Monto="116.00"', 'Monto="116.001"'),
        ("CRP20236", 'MonedaDR="USD"', 'MonedaDR="XXX"'),
        ("CRP20237", 'MonedaDR="USD" EquivalenciaDR="1"', 'MonedaDR="MXN"'),
        ("CRP20238", 'EquivalenciaDR="1"', 'EquivalenciaDR="2"'),
        ("CRP20239", 'ImpSaldoAnt="200.00"', 'ImpSaldoAnt="0"'),
        ("CRP20240", 'ImpSaldoAnt="200.00"', 'ImpSaldoAnt="200.000"'),
        ("CRP20241", 'ImpPagado="116.00"', 'ImpPagado="0"'),
        ("CRP20242", 'ImpPagado="116.00"', 'ImpPagado="116.000"'),
        ("CRP20243", 'ImpSaldoInsoluto="84.00"', 'ImpSaldoInsoluto="84.000"'),
        ("CRP20244", 'ImpSaldoInsoluto="84.00"', 'ImpSaldoInsoluto="84.01"'),
    ],
)
def test_a_fault_of_a_payment_document_is_found(sat_data: SatData, code: str, old: str, new: str) -> None:
    assert code in [row.code for row in found(changed(PAYMENT, old, new), sat_data)]


@pytest.mark.parametrize(
    ("old", "new", "code", "path", "fix"),
    [
        ("UNIVERSIDAD ROBOTICA ESPAÑOLA", "OTRA", "CFDI40145", "client.legal_name", "UNIVERSIDAD ROBOTICA ESPAÑOLA"),
        ("ESPAÑOLA", "ESPANOLA", "CFDI40145", "client.legal_name", "UNIVERSIDAD ROBOTICA ESPAÑOLA"),
        ("86991", "42501", "CFDI40147", "client.address.zip", "65000"),
    ],
)
def test_the_register_knows_names_and_zips(
    sat_data: SatData, old: str, new: str, code: str, path: str, fix: str
) -> None:
    xml = changed(INVOICE, old, new)

    assert found(xml, sat_data) == []
    assert [(row.code, row.path, row.fix, row.level) for row in found(xml, sat_data, REGISTER)] == [
        (code, path, fix, Level.PAC_ONLY)
    ]


def test_names_are_compared_without_accents_and_other_rfcs_pass(sat_data: SatData) -> None:
    assert found(changed(INVOICE, "ROBOTICA", "RÓBÓTICA"), sat_data, REGISTER) == []
    assert found(changed(INVOICE, "URE180429TM6", "AAA010101AAA"), sat_data, {}) == found(
        changed(INVOICE, "URE180429TM6", "AAA010101AAA"), sat_data, REGISTER
    )


def test_the_register_is_the_contracts() -> None:
    assert len(REGISTER) == 34
    assert all(rfc_check_digit_ok(rfc) for rfc in REGISTER)
    assert REGISTER[COMPANY.rfc].zips == {"42501", "26015"}
    assert REGISTER[CUSTOMER.rfc].regimes == {"601", "603"}
    assert all(re.fullmatch(r"\d{5}", code) for row in REGISTER.values() for code in row.zips)


def test_a_pacs_answer_names_field_and_value() -> None:
    document = invoice(receiver=CUSTOMER.__class__("URE180429TM6", "Robótica  SA de CV.", "86991", "601", "G03"))

    name = of_pac("CFDI40145", document)
    place = of_pac("cfdi40147", document)

    assert name is not None
    assert (name.path, name.fix, name.level) == ("client.legal_name", "ROBÓTICA", Level.PAC_ONLY)
    assert place is not None
    assert (place.code, place.path, place.fix) == ("CFDI40147", "client.address.zip", None)
    assert of_pac("CFDI40145", invoice()).fix is None  # type: ignore[union-attr]
    assert of_pac("nothing", document) is None
    assert document.issued_at == ISSUED_AT
