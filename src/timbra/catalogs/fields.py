"""Rules for body fields that end up in a CFDI: printed texts, RFCs, countries, postal codes and SAT's codes."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from timbra.cfdi import codes
from timbra.cfdi.text import clean_rfc, collapse, refuse_reason, rfc_kind
from timbra.http.fields import Code, Rule, Text, refuse

RFC_FORM: Final = "must be an RFC: 12 characters of a company or 13 of a person, with a real date"


@dataclass(frozen=True, slots=True)
class Printed(Rule):
    """Text of a CFDI attribute: ``|`` and characters that XML has not are refused with a text that would do.

    one_line: runs of blanks and line ends become one blank, as SAT reads them.
    """

    max: int
    one_line: bool = True

    def check(self, value: Any) -> str:
        text = Text(max=self.max, multiline=True).check(value)
        refusal = refuse_reason(text)
        if refusal is not None:
            raise refuse("format", refusal.reason, refusal.fix)
        return collapse(text) if self.one_line else text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max, "pattern": r"^[^|]*$"}


@dataclass(frozen=True, slots=True)
class TaxId(Rule):
    """Upper case without blanks, dots and hyphens. ``strict``: the form of an RFC is asked for here and now."""

    strict: bool = False
    max: int = 40

    def check(self, value: Any) -> str:
        text = clean_rfc(Text(max=4 * self.max).check(value))
        if not 1 <= len(text) <= self.max:
            raise refuse("max_length", f"must have 1 to {self.max} characters")
        if self.strict and rfc_kind(text) is None:
            raise refuse("format", RFC_FORM)
        return text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.max}


@dataclass(frozen=True, slots=True)
class Country(Rule):
    """A country by alpha-3, alpha-2, Spanish or English name; the result is alpha-3."""

    def check(self, value: Any) -> str:
        code = codes.country(Text().check(value))
        if code is None:
            raise refuse("enum", "is not a country: send its ISO 3166 code such as MEX")
        return code


@dataclass(frozen=True)
class Listed(Rule):
    """A code of one of SAT's small catalogues, in any case; an integer stands for its decimal text, ``pad`` digits."""

    values: Collection[str]
    pad: int = 0

    def check(self, value: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            raise refuse("type", "must be text")
        code = value.strip().upper()
        if code in self.values:
            return code
        padded = code.zfill(self.pad)
        if padded in self.values:
            return padded
        raise refuse("enum", f"must be one of {', '.join(self.values)}")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}


def regime_code() -> Listed:
    """One of the 23 codes of c_RegimenFiscal."""
    return Listed(tuple(codes.REGIMES))


def use_code() -> Listed:
    """One of the 25 codes of c_UsoCFDI, P01 included."""
    return Listed(tuple(codes.USES))


# The only codes of c_ClaveUnidad with small letters; the XML needs them as SAT writes them.
_SMALL_LETTERED: Final = {code.upper(): code for code in ("Gd", "Jo", "Ohm", "Ts", "Tu", "X1w", "Xyv")}
_UNIT_CODE: Final = Code(max=3)


@dataclass(frozen=True, slots=True)
class UnitKey(Rule):
    """A code of c_ClaveUnidad in any case, spelled as SAT spells it."""

    def check(self, value: Any) -> str:
        code = str(_UNIT_CODE.check(value))
        return _SMALL_LETTERED.get(code, code)

    def json_schema(self) -> dict[str, Any]:
        return _UNIT_CODE.json_schema()


_CUSTOMS_FORM: Final = re.compile(r"\d{2}  \d{2}  \d{4}  \d{7}", re.ASCII)
_CUSTOMS_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class CustomsRequest(Rule):
    """NumeroPedimento: 21 characters with double blanks. The fix of a wrong one has its 15 digits spaced right."""

    def check(self, value: Any) -> str:
        text = Text(max=40).check(str(value) if type(value) is int else value)
        if _CUSTOMS_FORM.fullmatch(text):
            return text
        digits = re.sub(r"[\s-]+", "", text)
        is_whole = len(digits) == _CUSTOMS_DIGITS and digits.isascii() and digits.isdigit()
        fix = f"{digits[:2]}  {digits[2:4]}  {digits[4:8]}  {digits[8:]}" if is_whole else None
        raise refuse("format", "must have the form '15  48  3009  0001234', two blanks between its parts", fix)
