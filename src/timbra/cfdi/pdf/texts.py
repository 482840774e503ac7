"""SAT's words for the codes of a document, from the catalogues typed in and one look-up for the names of units."""

from collections.abc import Callable, Mapping
from typing import Final

from timbra.cfdi import codes
from timbra.cfdi.codes_countries import COUNTRIES

# c_Moneda has 180 rows; these are the ones with a name worth printing beside the code, in SAT's spelling.
_CURRENCIES: Final = {
    "MXN": "Peso Mexicano",
    "USD": "Dólar americano",
    "EUR": "Euro",
    "CAD": "Dólar Canadiense",
    "GBP": "Libra Esterlina",
    "JPY": "Yen",
    "CHF": "Franco Suizo",
}

_TABLES: Final[Mapping[str, Mapping[str, str]]] = {
    "c_RegimenFiscal": {row.code: row.name for row in codes.REGIMES.values()},
    "c_UsoCFDI": {row.code: row.name.rstrip(".") for row in codes.USES.values()},
    "c_FormaPago": {row.code: row.name for row in codes.PAYMENT_FORMS.values()},
    "c_MetodoPago": codes.PAYMENT_METHODS,
    "c_Meses": {row.code: row.name for row in codes.MONTHS.values()},
    "c_Periodicidad": {row.code: row.name for row in codes.PERIODICITIES.values()},
    "c_TipoRelacion": {row.code: row.name for row in codes.RELATIONSHIPS.values()},
    "c_Exportacion": codes.EXPORTS,
    "c_ObjetoImp": {code: name.rstrip(".") for code, name in codes.TAX_OBJECTS.items()},
    "c_TipoDeComprobante": codes.DOCUMENT_TYPES,
    "c_Moneda": _CURRENCIES,
    "c_Pais": {row.code: row.name for row in COUNTRIES.values()},
}


class SatTexts:
    """Texts from SAT's catalogues; ``unit_name`` answers for c_ClaveUnidad (``Catalogs.unit_name``)."""

    def __init__(self, unit_name: Callable[[str], str | None]) -> None:
        self._unit_name = unit_name

    def text(self, catalog: str, code: str) -> str | None:
        """SAT's name of the code, without the full stop some have; None when the list does not hold it."""
        if catalog == "c_ClaveUnidad":
            return self._unit_name(code)
        return _TABLES[catalog].get(code)
