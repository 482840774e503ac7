"""The values a CFDI is made of, as the caller asked for it: no computed amount lives here.

Units: every amount, quantity, rate and exchange rate is an integer of 10^-6 (``Micro``, ``Rate``). Codes are SAT's
strings with their leading zeros. What the engine computes from these values is in ``timbra.cfdi.totals``.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

Micro = NewType("Micro", int)
Rate = NewType("Rate", int)

MICRO = 1_000_000


class Tax(StrEnum):
    """c_Impuesto."""

    ISR = "001"
    IVA = "002"
    IEPS = "003"


class Factor(StrEnum):
    """c_TipoFactor."""

    TASA = "Tasa"
    CUOTA = "Cuota"
    EXENTO = "Exento"


@dataclass(frozen=True, slots=True)
class LineTax:
    """One tax of a line. ``rate``: micro fraction for Tasa (0.16 = 160000), micro money per unit for Cuota, 0 for Exento."""

    tax: Tax
    factor: Factor = Factor.TASA
    rate: Rate = Rate(0)
    withheld: bool = False
    inclusive: bool = False


@dataclass(frozen=True, slots=True)
class ThirdParty:
    """ACuentaTerceros of a line."""

    rfc: str
    name: str
    regime: str
    zip: str


@dataclass(frozen=True, slots=True)
class Hydrocarbons:
    """Complement HidroYPetro 1.0 of a line."""

    permit_type: str
    permit_number: str
    fuel_code: str
    fuel_sub_product: str


@dataclass(frozen=True, slots=True)
class Line:
    """One concept. ``unit_price`` and ``discount`` contain the line's inclusive taxes (contract M6)."""

    product_key: str
    unit_key: str
    description: str
    quantity: Micro
    unit_price: Micro
    discount: Micro = Micro(0)
    taxability: str | None = None  # ObjetoImp; None: 02 with taxes, 01 without
    taxes: tuple[LineTax, ...] = ()
    unit_name: str | None = None
    sku: str | None = None
    third_party: ThirdParty | None = None
    customs_request: str | None = None  # NumeroPedimento, 21 characters with its double blanks
    property_tax_account: str | None = None
    complement: str | None = None  # XML text that goes into ComplementoConcepto
    hydrocarbons: Hydrocarbons | None = None


@dataclass(frozen=True, slots=True)
class LocalTax:
    """One row of the complement implocal; ``rate`` is a micro fraction with at most 4 decimals."""

    name: str
    rate: Rate
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class GlobalInfo:
    """InformacionGlobal."""

    periodicity: str
    months: str
    year: int


@dataclass(frozen=True, slots=True)
class Relation:
    """CfdiRelacionados: one relationship with its documents."""

    relationship: str
    uuids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Emisor, and the postal code that is the place of issue."""

    rfc: str
    name: str
    regime: str
    zip: str


@dataclass(frozen=True, slots=True)
class Receiver:
    """Receptor as it is printed: name after clients.md section 4, regime and zip already resolved for generic RFCs."""

    rfc: str
    name: str
    zip: str
    regime: str
    use: str
    residence: str | None = None  # ResidenciaFiscal, alpha-3
    foreign_id: str | None = None  # NumRegIdTrib


@dataclass(frozen=True, slots=True)
class Namespace:
    """A namespace used by custom complements or by the addenda."""

    prefix: str
    uri: str
    schema_location: str | None = None


@dataclass(frozen=True, slots=True)
class Invoice:
    """A document of type I or E before any amount is computed.

    ``issued_at`` is naive local time of the issuer's zip (CFDI ``Fecha``), whole seconds.
    ``folio`` 0 means "not allocated yet": the rules and the totals do not need it, the XML does.
    """

    kind: str  # I, E, T, P
    issuer: Issuer
    receiver: Receiver
    lines: tuple[Line, ...]
    issued_at: datetime
    series: str = "A"
    folio: int = 0
    currency: str = "MXN"
    exchange_rate: Micro = Micro(MICRO)
    payment_method: str | None = "PUE"
    payment_form: str | None = "03"
    conditions: str | None = None
    exports: str = "01"
    confirmation: str | None = None
    global_info: GlobalInfo | None = None
    relations: tuple[Relation, ...] = ()
    local_taxes: tuple[LocalTax, ...] = ()
    complements: tuple[str, ...] = ()  # custom complements, XML texts
    namespaces: tuple[Namespace, ...] = field(default=())
