"""What a CFDI 4.0 of others says: texts as written, nothing computed, nothing corrected.

Attributes SAT requires are ``""`` when absent, optional ones ``None``. Amounts stay texts: their decimals matter.
"""

from typing import NamedTuple


class ReadTax(NamedTuple):
    """Traslado or Retencion, of a line or of the document. Rows of withheld header taxes carry tax and amount only."""

    base: str | None
    tax: str
    factor: str | None
    rate: str | None
    amount: str | None


class ReadThirdParty(NamedTuple):
    """ACuentaTerceros."""

    rfc: str
    name: str
    regime: str
    zip: str


class ReadPart(NamedTuple):
    """Parte of a line."""

    product_key: str
    sku: str | None
    quantity: str
    unit_name: str | None
    description: str
    unit_price: str | None
    amount: str | None
    customs_requests: tuple[str, ...]


class ReadHydrocarbons(NamedTuple):
    """HidroYPetro of a line."""

    version: str
    permit_type: str
    permit_number: str
    fuel_code: str
    fuel_sub_product: str


class ReadLine(NamedTuple):
    """Concepto. ``complements``: tags of its ComplementoConcepto in Clark notation."""

    product_key: str
    sku: str | None
    quantity: str
    unit_key: str
    unit_name: str | None
    description: str
    unit_price: str
    amount: str
    discount: str | None
    taxability: str
    transferred: tuple[ReadTax, ...]
    withheld: tuple[ReadTax, ...]
    third_party: ReadThirdParty | None
    customs_requests: tuple[str, ...]
    property_tax_accounts: tuple[str, ...]
    parts: tuple[ReadPart, ...]
    hydrocarbons: ReadHydrocarbons | None
    complements: tuple[str, ...]


class ReadIssuer(NamedTuple):
    """Emisor."""

    rfc: str
    name: str
    regime: str
    acquirer_operation: str | None


class ReadReceiver(NamedTuple):
    """Receptor."""

    rfc: str
    name: str
    zip: str
    residence: str | None
    foreign_id: str | None
    regime: str
    use: str


class ReadGlobal(NamedTuple):
    """InformacionGlobal."""

    periodicity: str
    months: str
    year: str


class ReadRelation(NamedTuple):
    """CfdiRelacionados."""

    relationship: str
    uuids: tuple[str, ...]


class ReadTaxes(NamedTuple):
    """Impuestos of the document."""

    withheld_total: str | None
    transferred_total: str | None
    withheld: tuple[ReadTax, ...]
    transferred: tuple[ReadTax, ...]


class ReadLocalTax(NamedTuple):
    """One row of the complement implocal; ``rate`` is a percentage."""

    name: str
    rate: str
    amount: str
    withheld: bool


class ReadPaidDocument(NamedTuple):
    """DoctoRelacionado of a payment."""

    uuid: str
    series: str | None
    folio: str | None
    currency: str
    equivalence: str | None
    installment: str
    balance_before: str
    paid: str
    balance_after: str
    taxability: str
    transferred: tuple[ReadTax, ...]
    withheld: tuple[ReadTax, ...]
    has_tax_node: bool


class ReadPayment(NamedTuple):
    """Pago of the complement Pagos 2.0."""

    paid_at: str
    form: str
    currency: str
    exchange_rate: str | None
    amount: str
    operation: str | None
    payer_bank_rfc: str | None
    payer_bank_name: str | None
    payer_account: str | None
    payee_bank_rfc: str | None
    payee_account: str | None
    chain_type: str | None
    chain_certificate: str | None
    chain: str | None
    chain_seal: str | None
    documents: tuple[ReadPaidDocument, ...]
    transferred: tuple[ReadTax, ...]
    withheld: tuple[ReadTax, ...]


class ReadTimbre(NamedTuple):
    """TimbreFiscalDigital."""

    version: str
    uuid: str
    stamped_at: str
    rfc_pac: str
    leyenda: str | None
    sello_cfd: str
    certificate_number_sat: str
    sello_sat: str


class ReadCfdi(NamedTuple):
    """A CFDI 4.0. ``complements``: tags of Complemento in document order, Clark notation, known and unknown."""

    version: str
    series: str | None
    folio: str | None
    issued_at: str
    sello: str
    payment_form: str | None
    certificate_number: str
    certificate: str
    conditions: str | None
    subtotal: str
    discount: str | None
    currency: str
    exchange_rate: str | None
    total: str
    kind: str
    exports: str
    payment_method: str | None
    zip: str
    confirmation: str | None
    global_info: ReadGlobal | None
    relations: tuple[ReadRelation, ...]
    issuer: ReadIssuer
    receiver: ReadReceiver
    lines: tuple[ReadLine, ...]
    taxes: ReadTaxes | None
    local_taxes: tuple[ReadLocalTax, ...]
    payments: tuple[ReadPayment, ...]
    payment_totals: dict[str, str]  # Totales of Pagos 2.0, by SAT's names
    timbres: tuple[ReadTimbre, ...]
    complements: tuple[str, ...]
    has_addenda: bool
