"""The fixed words of a printed CFDI in Spanish and English, and English words for SAT's codes.

SAT publishes its lists in Spanish only; a code without English words here prints SAT's own.
"""

from collections.abc import Mapping
from typing import Final

from timbra.cfdi.pdf.words import Language

LEGEND: Final = "Este documento es una representación impresa de un CFDI"
NOT_VALID: Final = "SIN VALIDEZ FISCAL"
CANCELED: Final = "CANCELADO"

_ES: Final[Mapping[str, str]] = {
    "title.I": "Factura",
    "title.E": "Nota de crédito",
    "title.T": "Traslado",
    "title.P": "Complemento de pago",
    "title.N": "Nómina",
    "issuer": "Emisor",
    "receiver": "Receptor",
    "document": "Comprobante",
    "regime": "Régimen",
    "zip": "C.P.",
    "use": "Uso",
    "residence": "Residencia fiscal",
    "foreign_id": "Registro tributario",
    "uuid": "Folio fiscal",
    "unstamped": "Sin timbrar",
    "issued": "Emisión",
    "stamped": "Certificación",
    "place": "Lugar de expedición",
    "kind": "Tipo",
    "certificate": "Certificado emisor",
    "sat_certificate": "Certificado SAT",
    "pac": "RFC del PAC",
    "quantity": "Cantidad",
    "unit": "Unidad",
    "description": "Descripción",
    "unit_price": "P. unitario",
    "discount": "Descuento",
    "amount": "Importe",
    "product_key": "Clave",
    "sku": "No. ident.",
    "taxability": "Obj. imp.",
    "customs": "Pedimento",
    "property_account": "Cuenta predial",
    "third_party": "A cuenta de terceros",
    "fuel": "Hidrocarburos",
    "permit": "permiso",
    "part": "Parte",
    "withheld": "Ret.",
    "exempt": "exento",
    "over": "sobre",
    "per_unit": "por unidad",
    "subtotal": "Subtotal",
    "total": "Total",
    "in_words": "Importe con letra",
    "payment_form": "Forma de pago",
    "payment_method": "Método de pago",
    "conditions": "Condiciones",
    "currency": "Moneda",
    "exchange_rate": "Tipo de cambio",
    "exports": "Exportación",
    "confirmation": "Confirmación",
    "relations": "CFDI relacionados",
    "global": "Información global",
    "notes": "Notas",
    "seal": "Sello digital del emisor",
    "sat_seal": "Sello digital del SAT",
    "cadena": "Cadena original del complemento de certificación digital del SAT",
    "page": "Página",
    "of": "de",
}

_EN: Final[Mapping[str, str]] = {
    "title.I": "Invoice",
    "title.E": "Credit note",
    "title.T": "Transfer",
    "title.P": "Payment receipt",
    "title.N": "Payroll",
    "issuer": "From",
    "receiver": "Bill to",
    "document": "Document",
    "regime": "Tax regime",
    "zip": "Postal code",
    "use": "Use",
    "residence": "Tax residence",
    "foreign_id": "Foreign tax ID",
    "uuid": "Fiscal folio (UUID)",
    "unstamped": "Not stamped",
    "issued": "Issued",
    "stamped": "Certified",
    "place": "Place of issue",
    "kind": "Type",
    "certificate": "Issuer certificate",
    "sat_certificate": "SAT certificate",
    "pac": "PAC tax ID",
    "quantity": "Quantity",
    "unit": "Unit",
    "description": "Description",
    "unit_price": "Unit price",
    "discount": "Discount",
    "amount": "Amount",
    "product_key": "Key",
    "sku": "SKU",
    "taxability": "Taxability",
    "customs": "Customs request",
    "property_account": "Property tax account",
    "third_party": "On behalf of",
    "fuel": "Hydrocarbons",
    "permit": "permit",
    "part": "Part",
    "withheld": "Withheld",
    "exempt": "exempt",
    "over": "on",
    "per_unit": "per unit",
    "subtotal": "Subtotal",
    "total": "Total",
    "in_words": "Amount in words",
    "payment_form": "Payment form",
    "payment_method": "Payment method",
    "conditions": "Terms",
    "currency": "Currency",
    "exchange_rate": "Exchange rate",
    "exports": "Export",
    "confirmation": "Confirmation",
    "relations": "Related documents",
    "global": "Global invoice",
    "notes": "Notes",
    "seal": "Issuer's digital seal",
    "sat_seal": "SAT's digital seal",
    "cadena": "Original string of SAT's digital certification complement",
    "page": "Page",
    "of": "of",
}

LABELS: Final[Mapping[Language, Mapping[str, str]]] = {"es": _ES, "en": _EN}

MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "es": ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}

TAXES: Final[Mapping[Language, Mapping[str, str]]] = {
    "es": {"001": "ISR", "002": "IVA", "003": "IEPS"},
    "en": {"001": "Income tax (ISR)", "002": "VAT", "003": "Excise tax (IEPS)"},
}

SHORT_TAXES: Final[Mapping[Language, Mapping[str, str]]] = {
    "es": TAXES["es"],
    "en": {"001": "ISR", "002": "VAT", "003": "IEPS"},
}
