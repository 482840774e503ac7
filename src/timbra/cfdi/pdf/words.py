"""Amounts in words, Spanish and English, as printed invoices carry them ("UN PESO 00/100 M.N.").

Exact for every amount below 10^18, more than any amount of a CFDI; integers all the way.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Language = Literal["es", "en"]

LIMIT = 10**18


@dataclass(frozen=True, slots=True)
class _Noun:
    """What a currency is called: one of it and many of it, in both languages."""

    one: str
    many: str
    one_en: str
    many_en: str


# Masculine in Spanish only: feminine ones (libra, corona) would change the hundreds, so they are printed by ISO code.
_NOUNS = {
    "MXN": _Noun("PESO", "PESOS", "MEXICAN PESO", "MEXICAN PESOS"),
    "USD": _Noun("DÓLAR", "DÓLARES", "US DOLLAR", "US DOLLARS"),
    "EUR": _Noun("EURO", "EUROS", "EURO", "EUROS"),
    "CAD": _Noun("DÓLAR CANADIENSE", "DÓLARES CANADIENSES", "CANADIAN DOLLAR", "CANADIAN DOLLARS"),
    "CHF": _Noun("FRANCO SUIZO", "FRANCOS SUIZOS", "SWISS FRANC", "SWISS FRANCS"),
    "JPY": _Noun("YEN", "YENES", "YEN", "YEN"),
    "CNY": _Noun("YUAN", "YUANES", "YUAN", "YUAN"),
    "BRL": _Noun("REAL", "REALES", "REAL", "REAIS"),
    "COP": _Noun("PESO COLOMBIANO", "PESOS COLOMBIANOS", "COLOMBIAN PESO", "COLOMBIAN PESOS"),
    "GTQ": _Noun("QUETZAL", "QUETZALES", "QUETZAL", "QUETZALES"),
}

_ES_LOW = [
    "CERO",
    "UNO",
    "DOS",
    "TRES",
    "CUATRO",
    "CINCO",
    "SEIS",
    "SIETE",
    "OCHO",
    "NUEVE",
    "DIEZ",
    "ONCE",
    "DOCE",
    "TRECE",
    "CATORCE",
    "QUINCE",
    "DIECISÉIS",
    "DIECISIETE",
    "DIECIOCHO",
    "DIECINUEVE",
    "VEINTE",
    "VEINTIUNO",
    "VEINTIDÓS",
    "VEINTITRÉS",
    "VEINTICUATRO",
    "VEINTICINCO",
    "VEINTISÉIS",
    "VEINTISIETE",
    "VEINTIOCHO",
    "VEINTINUEVE",
]
_ES_TENS = ("", "", "", "TREINTA", "CUARENTA", "CINCUENTA", "SESENTA", "SETENTA", "OCHENTA", "NOVENTA")
_ES_HUNDREDS = [
    "",
    "CIENTO",
    "DOSCIENTOS",
    "TRESCIENTOS",
    "CUATROCIENTOS",
    "QUINIENTOS",
    "SEISCIENTOS",
    "SETECIENTOS",
    "OCHOCIENTOS",
    "NOVECIENTOS",
]
_ES_SCALES = ((10**12, "BILLÓN", "BILLONES"), (10**6, "MILLÓN", "MILLONES"))

_EN_LOW = [
    "ZERO",
    "ONE",
    "TWO",
    "THREE",
    "FOUR",
    "FIVE",
    "SIX",
    "SEVEN",
    "EIGHT",
    "NINE",
    "TEN",
    "ELEVEN",
    "TWELVE",
    "THIRTEEN",
    "FOURTEEN",
    "FIFTEEN",
    "SIXTEEN",
    "SEVENTEEN",
    "EIGHTEEN",
    "NINETEEN",
]
_EN_TENS = ("", "", "TWENTY", "THIRTY", "FORTY", "FIFTY", "SIXTY", "SEVENTY", "EIGHTY", "NINETY")
_EN_SCALES = (
    (10**15, "QUADRILLION"),
    (10**12, "TRILLION"),
    (10**9, "BILLION"),
    (10**6, "MILLION"),
    (10**3, "THOUSAND"),
)


def amount_in_words(amount: Decimal, currency: str, language: Language) -> str:
    """The amount in upper case words with its fraction as NN/100, the currency named or, if unknown, by ISO code.

    amount: 0 <= amount < 10^18, else ValueError. A third decimal (BHD, KWD) makes the fraction NNN/1000; further
    ones are never on the total of a CFDI and are cut.
    """
    if not amount.is_finite() or amount < 0 or amount >= LIMIT:
        raise ValueError("amount in words: 0 <= amount < 10^18")
    thousandths = int(amount * 1000)
    whole, rest = divmod(thousandths, 1000)
    fraction = f"{rest:03}/1000" if rest % 10 else f"{rest // 10:02}/100"
    noun = _NOUNS.get(currency)
    suffix = "M.N." if (currency, language) == ("MXN", "es") else currency
    if noun is None:
        return f"{_cardinal(whole, language)} {fraction} {suffix}"
    return f"{_counted(whole, noun, language)} {fraction} {suffix}"


def _counted(whole: int, noun: _Noun, language: Language) -> str:
    """Number and noun agreeing: UN PESO, VEINTIÚN PESOS, UN MILLÓN DE PESOS."""
    if language == "en":
        return f"{_english(whole)} {noun.one_en if whole == 1 else noun.many_en}"
    words = _shorten(_spanish(whole))
    # "de" follows a round number of millions, because millón is itself a noun.
    link = " DE " if whole and whole % 10**6 == 0 else " "
    return f"{words}{link}{noun.one if whole == 1 else noun.many}"


def _cardinal(whole: int, language: Language) -> str:
    return _spanish(whole) if language == "es" else _english(whole)


def _shorten(words: str) -> str:
    """Apocope before a noun: uno -> un, veintiuno -> veintiún."""
    if words.endswith("VEINTIUNO"):
        return words[: -len("VEINTIUNO")] + "VEINTIÚN"
    return words[:-1] if words == "UNO" or words.endswith(" UNO") else words


def _spanish(number: int) -> str:
    parts: list[str] = []
    for size, one, many in _ES_SCALES:
        count, number = divmod(number, size)
        if count:
            parts.append(f"{_shorten(_spanish_below_million(count))} {one if count == 1 else many}")
    if number or not parts:
        parts.append(_spanish_below_million(number))
    return " ".join(parts)


def _spanish_below_million(number: int) -> str:
    thousands, rest = divmod(number, 1000)
    if not thousands:
        return _spanish_below_thousand(rest)
    head = "MIL" if thousands == 1 else f"{_shorten(_spanish_below_thousand(thousands))} MIL"
    return f"{head} {_spanish_below_thousand(rest)}" if rest else head


def _spanish_below_thousand(number: int) -> str:
    if number == 100:
        return "CIEN"
    hundreds, rest = divmod(number, 100)
    if hundreds:
        return f"{_ES_HUNDREDS[hundreds]} {_spanish_below_thousand(rest)}" if rest else _ES_HUNDREDS[hundreds]
    if rest < len(_ES_LOW):
        return _ES_LOW[rest]
    tens, units = divmod(rest, 10)
    return f"{_ES_TENS[tens]} Y {_ES_LOW[units]}" if units else _ES_TENS[tens]


def _english(number: int) -> str:
    parts: list[str] = []
    for size, name in _EN_SCALES:
        count, number = divmod(number, size)
        if count:
            parts.append(f"{_english_below_thousand(count)} {name}")
    if number or not parts:
        parts.append(_english_below_thousand(number))
    return " ".join(parts)


def _english_below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if hundreds:
        head = f"{_EN_LOW[hundreds]} HUNDRED"
        return f"{head} {_english_below_thousand(rest)}" if rest else head
    if rest < len(_EN_LOW):
        return _EN_LOW[rest]
    tens, units = divmod(rest, 10)
    return f"{_EN_TENS[tens]}-{_EN_LOW[units]}" if units else _EN_TENS[tens]
