"""The large catalogues held in memory: product keys, units and postal codes. Built once from rows handed in.

Membership costs well under a microsecond. Texts of products are not here: they stay in the compiled file.
"""

import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from timbra.cfdi.codes_currencies import currency_decimals

PRODUCT_DIGITS: Final = 8
ZIP_DIGITS: Final = 5
_NEAR_PREFIXES: Final = (7, 6, 4)  # a key that shares less than its family (4 digits) would be a guess


@dataclass(frozen=True, slots=True)
class ZipInfo:
    """c_CodigoPostal: SAT's codes of the place (None: SAT names none), its border stimulus and its time-zone name."""

    state: str
    municipality: str | None
    locality: str | None
    border_stimulus: str  # none, north, south
    zone: str


@dataclass(frozen=True, slots=True)
class Validity:
    """Days on which a code is in force, both ends included; None is open."""

    first: date | None = None
    last: date | None = None

    def holds(self, day: date) -> bool:
        """True when the day lies within."""
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


def _number(code: str, digits: int) -> int:
    """The code as a number, -1 when it is not exactly that many ASCII digits."""
    return int(code) if len(code) == digits and code.isascii() and code.isdigit() else -1


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(char for char in folded if not unicodedata.combining(char)).split())


_OPEN: Final[Mapping[str, Validity]] = {}
_OPEN_ZIPS: Final[Mapping[int, Validity]] = {}


class Catalogs:
    """Look-ups over SAT's large catalogues. Only ``become`` changes them, all at once."""

    def __init__(
        self,
        *,
        products: Iterable[int],
        product_validity: Mapping[int, Validity],
        units: Mapping[str, str],
        zips: Mapping[int, ZipInfo],
        unit_validity: Mapping[str, Validity] = _OPEN,
        zip_validity: Mapping[int, Validity] = _OPEN_ZIPS,
    ) -> None:
        """products: keys as numbers; units: code -> name; each ``validity``: only of codes whose validity is limited."""
        self._products = frozenset(products)
        self._sorted_products = array("I", sorted(self._products))
        self._product_validity = product_validity
        self._units = units
        self._unit_by_text = {_plain(name): code for code, name in reversed(list(units.items()))}
        self._unit_by_text.update((code.casefold(), code) for code in units)
        self._zips = zips
        self._unit_validity = unit_validity
        self._zip_validity = zip_validity

    def become(self, other: "Catalogs") -> None:
        """From now on every look-up answers as ``other`` does; one that runs in another thread sees the old or the new."""
        self.__dict__ = other.__dict__

    def product_exists(self, key: str) -> bool:
        """True when SAT lists the product key, in force or not."""
        return _number(key, PRODUCT_DIGITS) in self._products

    def product_in_force(self, key: str, day: date) -> bool:
        """True when SAT lists the product key and it is in force on the day of the document (CFDI40162)."""
        number = _number(key, PRODUCT_DIGITS)
        if number not in self._products:
            return False
        validity = self._product_validity.get(number)
        return validity is None or validity.holds(day)

    def nearest_product(self, text: str) -> str | None:
        """The first product key with the longest prefix in common, at least a family's four digits; None without one."""
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit()):
            return None
        for length in _NEAR_PREFIXES:
            if len(digits) >= length and (found := self._first_product(digits[:length])) is not None:
                return found
        return None

    def _first_product(self, prefix: str) -> str | None:
        low = bisect_left(self._sorted_products, int(prefix.ljust(PRODUCT_DIGITS, "0")))
        high = bisect_right(self._sorted_products, int(prefix.ljust(PRODUCT_DIGITS, "9")))
        live = (number for number in self._sorted_products[low:high] if number not in self._product_validity)
        number = next(live, None)
        return None if number is None else f"{number:0{PRODUCT_DIGITS}}"

    def unit_in_force(self, key: str, day: date) -> bool:
        """True when SAT lists the unit and it is in force on the day of the document (CFDI40165)."""
        if key not in self._units:
            return False
        validity = self._unit_validity.get(key)
        return validity is None or validity.holds(day)

    def unit_name(self, key: str) -> str | None:
        """SAT's Spanish name of a unit, None when it is not listed."""
        return self._units.get(key)

    def nearest_unit(self, text: str) -> str | None:
        """The unit whose code or name this is, without regard to case and accents; None when none is."""
        return self._unit_by_text.get(_plain(text))

    def zip_exists(self, code: str) -> bool:
        """True when the postal code is in c_CodigoPostal, in force or not."""
        return _number(code, ZIP_DIGITS) in self._zips

    def zip_in_force(self, code: str, day: date) -> bool:
        """True when the postal code is in c_CodigoPostal on the day of the document (CFDI40126, CFDI40147)."""
        number = _number(code, ZIP_DIGITS)
        if number not in self._zips:
            return False
        validity = self._zip_validity.get(number)
        return validity is None or validity.holds(day)

    def zip_info(self, code: str) -> ZipInfo | None:
        """Place, border stimulus and time-zone name of a postal code, None when SAT does not list it."""
        return self._zips.get(_number(code, ZIP_DIGITS))

    def currency_decimals(self, code: str) -> int | None:
        """Decimals of a currency, None when SAT does not know it."""
        return currency_decimals(code)
