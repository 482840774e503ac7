"""Text as it may appear in a CFDI: white space, escaping, names and RFCs.

Nothing here looks a value up in SAT's registers: forms only.
"""

import re
from datetime import date
from typing import Literal, NamedTuple

GENERIC_RFC = "XAXX010101000"
FOREIGN_RFC = "XEXX010101000"
PUBLIC_NAME = "PUBLICO EN GENERAL"

COMPANY_RFC = re.compile(r"[A-ZÑ&]{3}(\d{6})[A-Z0-9]{2}[0-9A]", re.ASCII)
PERSON_RFC = re.compile(r"[A-ZÑ&]{4}(\d{6})[A-Z0-9]{2}[0-9A]", re.ASCII)

RfcKind = Literal["person", "company", "generic", "foreign"]

_WHITE = re.compile("[ \t\r\n]+")
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff|]")
_RFC_NOISE = re.compile(r"[\s.\-]+")


def collapse(text: str) -> str:
    """Runs of space, tab, CR and LF become one space, ends trimmed. NBSP stays: SAT keeps it in the cadena (Anexo 20)."""
    return _WHITE.sub(" ", text).strip(" ")


def escape(text: str) -> str:
    """Text ready for an XML attribute in double quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


class TextRefusal(NamedTuple):
    """Why a text cannot enter a CFDI, and the text that could."""

    reason: str
    fix: str | None


def has_forbidden(text: str) -> bool:
    """True when some character of the text may not reach the XML; the cheap form of ``refuse_reason``."""
    return _FORBIDDEN.search(text) is not None


def refuse_reason(text: str) -> TextRefusal | None:
    """None when the text may enter a CFDI; tab, CR and LF may, they are collapsed.

    Source: XML 1.0 ``Char``; Anexo 20 patterns of Descripcion, Unidad, Serie, Nombre and others exclude ``|``.
    """
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    character = found.group()
    reason = (
        'must not contain "|"' if character == "|" else f"must not contain the control character U+{ord(character):04X}"
    )
    fix = collapse(_FORBIDDEN.sub("", text.replace("|", "/")))
    return TextRefusal(reason, fix or None)


# --- RFC -----------------------------------------------------------------------------------------------------------

_DIGIT_VALUES = {character: value for value, character in enumerate("0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ")}


def clean_rfc(text: str) -> str:
    """Upper case, without blanks, dots and hyphens."""
    return _RFC_NOISE.sub("", text).upper()


def rfc_kind(rfc: str) -> RfcKind | None:
    """What a cleaned RFC is by its form; None when it has no RFC's form.

    ``generic``: XAXX010101000, ``foreign``: XEXX010101000. The date must exist; 29 February always does.
    """
    if rfc == GENERIC_RFC:
        return "generic"
    if rfc == FOREIGN_RFC:
        return "foreign"
    length = len(rfc)
    if length == 12 and (found := COMPANY_RFC.fullmatch(rfc)):
        return "company" if _is_date(found[1]) else None
    if length == 13 and (found := PERSON_RFC.fullmatch(rfc)):
        return "person" if _is_date(found[1]) else None
    return None


def _is_date(digits: str) -> bool:
    """YYMMDD; the century is unknown, so every year is taken as a leap year."""
    month, day = int(digits[2:4]), int(digits[4:6])
    try:
        date(2000, month, day)
    except ValueError:
        return False
    return True


def rfc_check_digit(stem: str) -> str:
    """Last character of the RFC whose other 11 or 12 characters are ``stem``. Source: SAT, procedure of the RFC."""
    total = sum(_DIGIT_VALUES[c] * weight for c, weight in zip(stem.rjust(12), range(13, 1, -1), strict=True))
    rest = total % 11
    return "0" if rest == 0 else "A" if rest == 1 else str(11 - rest)


def rfc_check_digit_ok(rfc: str) -> bool:
    """True when the last character agrees; generic RFCs are exempt, a text without an RFC's form is False."""
    kind = rfc_kind(rfc)
    if kind in ("generic", "foreign"):
        return True
    return kind is not None and rfc_check_digit(rfc[:-1]) == rfc[-1]


# --- names ---------------------------------------------------------------------------------------------------------

_CAPITAL_FORMS = (
    "SA DE CV", "SA", "SAB DE CV", "SAB", "SAPI DE CV", "SAPI", "SAPIB DE CV", "SAS DE CV", "SAS",
    "S DE RL DE CV", "S DE RL MI", "S DE RL", "SC DE RL DE CV", "SC DE RL", "SC DE P DE RL", "SC",
    "AC", "IAP", "IBP", "ABP", "SNC", "S EN NC", "S EN C POR A", "S EN C", "A EN P",
    "SPR DE RL DE CV", "SPR DE RL", "SPR DE RI", "SPR DE RS", "AR DE IC", "AR", "SSS",
)  # fmt: skip
_CAPITAL_SUFFIXES = ("SOFOM ENR", "SOFOM ER", "SFP")
_WHOLE_WORDS = frozenset({"DE", "EN", "POR"})


def _word_pattern(word: str) -> str:
    return word if word in _WHOLE_WORDS else r"\.? ?".join(word)


def _form_pattern(form: str) -> str:
    return r"\.? ?".join(_word_pattern(word) for word in form.split())


def _capital_pattern() -> re.Pattern[str]:
    """One trailing régimen de capital; the lazy head makes the longest tail win and keeps the name from vanishing."""
    forms = "|".join(map(_form_pattern, sorted(_CAPITAL_FORMS, key=len, reverse=True)))
    suffixes = "|".join(map(_form_pattern, _CAPITAL_SUFFIXES))
    return re.compile(rf"(.*?[^ ,])(?: ?, ?| )(?:{forms})\.?(?:,? ?(?:{suffixes})\.?)?")


_CAPITAL = _capital_pattern()


def without_capital_regime(name: str) -> str:
    """The upper-case name less one trailing régimen de capital (contract clients.md section 4); never empty."""
    found = _CAPITAL.fullmatch(name)
    return found[1] if found else name


def name_on_cfdi(legal_name: str | None, rfc: str, keep_full: bool) -> str:
    """The name as the CFDI carries it: collapsed, upper case, companies without régimen de capital.

    Accents stay as typed. XAXX010101000 without a name is ``PUBLICO EN GENERAL``; otherwise no name gives "".
    """
    name = collapse(legal_name or "").upper()
    if not name:
        return PUBLIC_NAME if rfc == GENERIC_RFC else ""
    if keep_full or rfc_kind(rfc) != "company":
        return name
    return without_capital_regime(name)


_VOWELS = str.maketrans("ÁÉÍÓÚÀÈÌÒÙÄËÏÖÜÂÊÎÔÛ", "AEIOUAEIOUAEIOUAEIOU")


def same_name(one: str, other: str) -> bool:
    """Names equal when vowels are compared without accents; Ñ is not N (clients.md section 5)."""
    return one.translate(_VOWELS) == other.translate(_VOWELS)
