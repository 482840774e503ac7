"""SAT's words for the codes of a document, from the catalogues typed in and one look-up for the names of units."""

from collections.abc import Callable
from typing import Final

from timbra.cfdi.codes_texts import TEXTS

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


class SatTexts:
    """Texts from SAT's catalogues; ``unit_name`` answers for c_ClaveUnidad (``Catalogs.unit_name``)."""

    def __init__(self, unit_name: Callable[[str], str | None]) -> None:
        self._unit_name = unit_name

    def text(self, catalog: str, code: str) -> str | None:
        """SAT's name of the code, without the full stop some have; None when the list does not hold it."""
        if catalog == "c_ClaveUnidad":
            return self._unit_name(code)
        if catalog == "c_Moneda":
            return _CURRENCIES.get(code)
        return TEXTS[catalog].get(code, "").rstrip(".") or None
