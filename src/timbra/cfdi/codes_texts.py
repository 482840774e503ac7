"""SAT's words for the codes of its small catalogues, by SAT's name of the list."""

from collections.abc import Mapping
from typing import Final

from timbra.cfdi import codes

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "c_Exportacion": codes.EXPORTS,
    "c_FormaPago": {row.code: row.name for row in codes.PAYMENT_FORMS.values()},
    "c_Impuesto": {row.code: row.name for row in codes.TAXES.values()},
    "c_Meses": {row.code: row.name for row in codes.MONTHS.values()},
    "c_MetodoPago": codes.PAYMENT_METHODS,
    "c_ObjetoImp": codes.TAX_OBJECTS,
    "c_Pais": {row.code: row.name for row in codes.COUNTRIES.values()},
    "c_Periodicidad": {row.code: row.name for row in codes.PERIODICITIES.values()},
    "c_RegimenFiscal": {row.code: row.name for row in codes.REGIMES.values()},
    "c_TipoDeComprobante": codes.DOCUMENT_TYPES,
    "c_TipoRelacion": {row.code: row.name for row in codes.RELATIONSHIPS.values()},
    "c_UsoCFDI": {row.code: row.name for row in codes.USES.values()},
}
