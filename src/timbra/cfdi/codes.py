"""SAT's small catalogues, typed in, with the rules that live in them. Source: SAT catCFDI (CFDI 4.0, Anexo 20).

Codes are strings with their leading zeros; names are SAT's. The large catalogues (products, units, postal codes) are in
``timbra.cfdi.catalogs``; countries, currencies and rates have modules of their own and are re-exported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from timbra.cfdi.codes_countries import COUNTRIES, Country, country, tax_id_matches, zip_matches
from timbra.cfdi.codes_currencies import CURRENCIES, currency_decimals, currency_for_trade
from timbra.cfdi.codes_rates import RATES, nearest_rate, rate_allowed

__all__ = [
    "COUNTRIES",
    "CURRENCIES",
    "DOCUMENT_TYPES",
    "EXPORTS",
    "GENERIC_REGIME",
    "MONTHS",
    "MOTIVES",
    "NO_EFFECTS_USE",
    "PAYMENT_FORMS",
    "PAYMENT_METHODS",
    "PERIODICITIES",
    "RATES",
    "REGIMES",
    "RELATIONSHIPS",
    "TAXES",
    "TAX_OBJECTS",
    "USES",
    "Country",
    "Months",
    "Motive",
    "PaymentForm",
    "Periodicity",
    "Regime",
    "Relationship",
    "TaxKind",
    "Use",
    "country",
    "currency_decimals",
    "currency_for_trade",
    "months_fit",
    "nearest_rate",
    "rate_allowed",
    "regime_allowed",
    "tax_id_matches",
    "use_allowed",
    "uses_of_regime",
    "zip_matches",
]

GENERIC_REGIME: Final = "616"
NO_EFFECTS_USE: Final = "S01"


@dataclass(frozen=True, slots=True)
class Regime:
    """c_RegimenFiscal. ``cfdi40``: may appear in a new document."""

    code: str
    name: str
    person: bool
    company: bool
    cfdi40: bool = True

    def fits(self, person_type: str) -> bool:
        """True for a taxpayer of this type ("person", "company"); of any other type (generic RFCs) if either fits."""
        return _fits(self.person, self.company, person_type)


@dataclass(frozen=True, slots=True)
class Use:
    """c_UsoCFDI with the receiver's regimes it is allowed for."""

    code: str
    name: str
    person: bool
    company: bool
    regimes: frozenset[str]
    cfdi40: bool = True

    def fits(self, person_type: str) -> bool:
        """True for a taxpayer of this type ("person", "company"); of any other type (generic RFCs) if either fits."""
        return _fits(self.person, self.company, person_type)


@dataclass(frozen=True, slots=True)
class PaymentForm:
    """c_FormaPago."""

    code: str
    name: str
    banked: bool


@dataclass(frozen=True, slots=True)
class Months:
    """c_Meses: one month, or the two months of a bimester."""

    code: str
    name: str
    months: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Periodicity:
    """c_Periodicidad and the word receipts and settings use for it."""

    code: str
    name: str
    word: str


@dataclass(frozen=True, slots=True)
class Relationship:
    """c_TipoRelacion. ``cfdi40``: may appear in a new document."""

    code: str
    name: str
    cfdi40: bool


@dataclass(frozen=True, slots=True)
class Motive:
    """Motive of a cancellation request."""

    code: str
    name: str
    requires_substitution: bool


@dataclass(frozen=True, slots=True)
class TaxKind:
    """c_Impuesto with the word the API uses."""

    code: str
    name: str
    transferred: bool
    withheld: bool


def _fits(person: bool, company: bool, person_type: str) -> bool:
    if person_type == "person":
        return person
    if person_type == "company":
        return company
    return person or company


REGIMES: Final[Mapping[str, Regime]] = {
    row.code: row
    for row in (
        Regime("601", "General de Ley Personas Morales", False, True),
        Regime("603", "Personas Morales con Fines no Lucrativos", False, True),
        Regime("605", "Sueldos y Salarios e Ingresos Asimilados a Salarios", True, False),
        Regime("606", "Arrendamiento", True, False),
        Regime("607", "Régimen de Enajenación o Adquisición de Bienes", True, False),
        Regime("608", "Demás ingresos", True, False),
        Regime("609", "Consolidación", False, True, cfdi40=False),
        Regime("610", "Residentes en el Extranjero sin Establecimiento Permanente en México", True, True),
        Regime("611", "Ingresos por Dividendos (socios y accionistas)", True, False),
        Regime("612", "Personas Físicas con Actividades Empresariales y Profesionales", True, False),
        Regime("614", "Ingresos por intereses", True, False),
        Regime("615", "Régimen de los ingresos por obtención de premios", True, False),
        Regime("616", "Sin obligaciones fiscales", True, False),
        Regime("620", "Sociedades Cooperativas de Producción que optan por diferir sus ingresos", False, True),
        Regime("621", "Incorporación Fiscal", True, False),
        Regime("622", "Actividades Agrícolas, Ganaderas, Silvícolas y Pesqueras", False, True),
        Regime("623", "Opcional para Grupos de Sociedades", False, True),
        Regime("624", "Coordinados", False, True),
        Regime(
            "625",
            "Régimen de las Actividades Empresariales con ingresos a través de Plataformas Tecnológicas",
            True,
            False,
        ),
        Regime("626", "Régimen Simplificado de Confianza", True, True),
        Regime("628", "Hidrocarburos", False, True, cfdi40=False),
        Regime(
            "629",
            "De los Regímenes Fiscales Preferentes y de las Empresas Multinacionales",
            True,
            False,
            cfdi40=False,
        ),
        Regime("630", "Enajenación de acciones en bolsa de valores", True, False, cfdi40=False),
    )
}

_A = frozenset({"601", "603", "606", "612", "620", "621", "622", "623", "624", "625", "626"})
_B = _A | {GENERIC_REGIME}
_C = frozenset({"605", "606", "607", "608", "611", "612", "614", "615", "625"})
_D = frozenset(row.code for row in REGIMES.values() if row.cfdi40)
_E = frozenset({"605"})

USES: Final[Mapping[str, Use]] = {
    row.code: row
    for row in (
        Use("G01", "Adquisición de mercancías.", True, True, _A),
        Use("G02", "Devoluciones, descuentos o bonificaciones.", True, True, _B),
        Use("G03", "Gastos en general.", True, True, _A),
        Use("I01", "Construcciones.", True, True, _A),
        Use("I02", "Mobiliario y equipo de oficina por inversiones.", True, True, _A),
        Use("I03", "Equipo de transporte.", True, True, _A),
        Use("I04", "Equipo de computo y accesorios.", True, True, _A),
        Use("I05", "Dados, troqueles, moldes, matrices y herramental.", True, True, _A),
        Use("I06", "Comunicaciones telefónicas.", True, True, _A),
        Use("I07", "Comunicaciones satelitales.", True, True, _A),
        Use("I08", "Otra maquinaria y equipo.", True, True, _A),
        Use("D01", "Honorarios médicos, dentales y gastos hospitalarios.", True, False, _C),
        Use("D02", "Gastos médicos por incapacidad o discapacidad.", True, False, _C),
        Use("D03", "Gastos funerales.", True, False, _C),
        Use("D04", "Donativos.", True, False, _C),
        Use(
            "D05",
            "Intereses reales efectivamente pagados por créditos hipotecarios (casa habitación).",
            True,
            False,
            _C,
        ),
        Use("D06", "Aportaciones voluntarias al SAR.", True, False, _C),
        Use("D07", "Primas por seguros de gastos médicos.", True, False, _C),
        Use("D08", "Gastos de transportación escolar obligatoria.", True, False, _C),
        Use(
            "D09",
            "Depósitos en cuentas para el ahorro, primas que tengan como base planes de pensiones.",
            True,
            False,
            _C,
        ),
        Use("D10", "Pagos por servicios educativos (colegiaturas).", True, False, _C),
        Use("S01", "Sin efectos fiscales.", True, True, _D),
        Use("CP01", "Pagos", True, True, _D),
        Use("CN01", "Nómina", True, False, _E),
        Use("P01", "Por definir", True, True, frozenset(), cfdi40=False),
    )
}

_BANKED = frozenset({"02", "03", "04", "05", "06", "28", "29"})

PAYMENT_FORMS: Final[Mapping[str, PaymentForm]] = {
    code: PaymentForm(code, name, code in _BANKED)
    for code, name in (
        ("01", "Efectivo"),
        ("02", "Cheque nominativo"),
        ("03", "Transferencia electrónica de fondos"),
        ("04", "Tarjeta de crédito"),
        ("05", "Monedero electrónico"),
        ("06", "Dinero electrónico"),
        ("08", "Vales de despensa"),
        ("12", "Dación en pago"),
        ("13", "Pago por subrogación"),
        ("14", "Pago por consignación"),
        ("15", "Condonación"),
        ("17", "Compensación"),
        ("23", "Novación"),
        ("24", "Confusión"),
        ("25", "Remisión de deuda"),
        ("26", "Prescripción o caducidad"),
        ("27", "A satisfacción del acreedor"),
        ("28", "Tarjeta de débito"),
        ("29", "Tarjeta de servicios"),
        ("30", "Aplicación de anticipos"),
        ("31", "Intermediario pagos"),
        ("99", "Por definir"),
    )
}

PAYMENT_METHODS: Final[Mapping[str, str]] = {
    "PUE": "Pago en una sola exhibición",
    "PPD": "Pago en parcialidades o diferido",
}

_MONTHS = (
    ("Enero", "Febrero"),
    ("Marzo", "Abril"),
    ("Mayo", "Junio"),
    ("Julio", "Agosto"),
    ("Septiembre", "Octubre"),
    ("Noviembre", "Diciembre"),
)

MONTHS: Final[Mapping[str, Months]] = {
    row.code: row
    for row in (
        *(
            Months(f"{2 * i + j + 1:02}", name, (2 * i + j + 1,))
            for i, pair in enumerate(_MONTHS)
            for j, name in enumerate(pair)
        ),
        *(Months(f"{13 + i}", "-".join(pair), (2 * i + 1, 2 * i + 2)) for i, pair in enumerate(_MONTHS)),
    )
}

BIMONTHLY: Final = "05"

PERIODICITIES: Final[Mapping[str, Periodicity]] = {
    row.code: row
    for row in (
        Periodicity("01", "Diario", "day"),
        Periodicity("02", "Semanal", "week"),
        Periodicity("03", "Quincenal", "two_weeks"),
        Periodicity("04", "Mensual", "month"),
        Periodicity(BIMONTHLY, "Bimestral", "two_months"),
    )
}

RELATIONSHIPS: Final[Mapping[str, Relationship]] = {
    row.code: row
    for row in (
        Relationship("01", "Nota de crédito de los documentos relacionados", True),
        Relationship("02", "Nota de débito de los documentos relacionados", True),
        Relationship("03", "Devolución de mercancía sobre facturas o traslados previos", True),
        Relationship("04", "Sustitución de los CFDI previos", True),
        Relationship("05", "Traslados de mercancías facturados previamente", True),
        Relationship("06", "Factura generada por los traslados previos", True),
        Relationship("07", "CFDI por aplicación de anticipo", True),
        Relationship("08", "Factura generada por pagos en parcialidades", False),
        Relationship("09", "Factura generada por pagos diferidos", False),
    )
}

EXPORTS: Final[Mapping[str, str]] = {
    "01": "No aplica",
    "02": "Definitiva con clave A1",
    "03": "Temporal",
    "04": "Definitiva con clave distinta a A1 o cuando no existe enajenación en términos del CFF",
}

TAX_OBJECTS: Final[Mapping[str, str]] = {
    "01": "No objeto de impuesto.",
    "02": "Sí objeto de impuesto.",
    "03": "Sí objeto del impuesto y no obligado al desglose.",
    "04": "Sí objeto del impuesto y no causa impuesto.",
    "05": "Sí objeto del impuesto, IVA crédito PODEBI.",
    "06": "Sí objeto del IVA, No traslado IVA.",
    "07": "No traslado del IVA, Sí desglose IEPS.",
    "08": "No traslado del IVA, No desglose IEPS.",
}

MOTIVES: Final[Mapping[str, Motive]] = {
    row.code: row
    for row in (
        Motive("01", "Comprobante emitido con errores con relación", True),
        Motive("02", "Comprobante emitido con errores sin relación", False),
        Motive("03", "No se llevó a cabo la operación", False),
        Motive("04", "Operación nominativa relacionada en una factura global", False),
    )
}

DOCUMENT_TYPES: Final[Mapping[str, str]] = {
    "I": "Ingreso",
    "E": "Egreso",
    "T": "Traslado",
    "N": "Nómina",
    "P": "Pago",
}

TAXES: Final[Mapping[str, TaxKind]] = {
    row.code: row
    for row in (
        TaxKind("001", "ISR", transferred=False, withheld=True),
        TaxKind("002", "IVA", transferred=True, withheld=True),
        TaxKind("003", "IEPS", transferred=True, withheld=True),
    )
}


def regime_allowed(regime: str, person_type: str) -> bool:
    """True when the regime may appear in a CFDI 4.0 of a taxpayer of this type. Source: CFDI40141, CFDI40158."""
    row = REGIMES.get(regime)
    return row is not None and row.cfdi40 and row.fits(person_type)


def use_allowed(use: str, regime: str, person_type: str) -> bool:
    """True when a receiver of this regime and type may use this code. Source: c_UsoCFDI, CFDI40160, CFDI40161."""
    row = USES.get(use)
    return row is not None and regime in row.regimes and row.fits(person_type)


def uses_of_regime(regime: str) -> tuple[str, ...]:
    """Codes of the uses allowed for a receiver's regime, in SAT's order."""
    return tuple(row.code for row in USES.values() if regime in row.regimes)


def months_fit(months: str, periodicity: str) -> bool:
    """True when the months code belongs to the periodicity: 13-18 with 05 and only with it (CFDI40134, CFDI40135)."""
    row = MONTHS.get(months)
    return row is not None and (len(row.months) == 2) == (periodicity == BIMONTHLY)
