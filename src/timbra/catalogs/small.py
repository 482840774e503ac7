"""The small catalogues: SAT's codes with the rules that are part of this program, names and dates by the newest data."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from timbra.catalogs.file import CompiledFile
from timbra.catalogs.near import Vocabulary
from timbra.catalogs.taxes import WORDS
from timbra.catalogs.wanted import Entry, Found, Terms, Wanted, guessed, in_force, terms_of
from timbra.catalogs.words import key_of, words_of
from timbra.cfdi import codes
from timbra.cfdi.codes_currencies import MAX_VARIATION_PERCENT
from timbra.cfdi.codes_rates import RATES
from timbra.cfdi.model import Tax
from timbra.cfdi.money import to_decimal

CFDI40: Final = "2022-01-01"  # the day on which CFDI 4.0 and its catalogues came into force
# First days that differ. Source: SAT, catCFDI. None: SAT gives no date, or the code is not of CFDI 4.0.
_FIRST_DAYS: Final[Mapping[tuple[str, str], str | None]] = {
    ("exports", "04"): "2022-02-25",
    ("tax_objects", "04"): "2022-10-07",
    ("tax_objects", "05"): "2023-12-06",
    **{("tax_objects", code): "2024-12-13" for code in ("06", "07", "08")},
    **{("currencies", code): "2023-05-29" for code in ("CNH", "ESD", "NIC", "UYP", "VES")},
    **{("tax_regimes", row.code): None for row in codes.REGIMES.values() if not row.cfdi40},
    **{("cfdi_uses", row.code): None for row in codes.USES.values() if not row.cfdi40},
    **{("relationships", row.code): None for row in codes.RELATIONSHIPS.values() if not row.cfdi40},
    **{("countries", code): None for code in codes.COUNTRIES},
}

Known = Mapping[tuple[str, str], tuple[str, str | None, str | None]]
"""(catalogue, code) -> name, first day, last day, of the newest data"""
Keep = Callable[[Entry, Mapping[str, str]], bool]


@dataclass(frozen=True, slots=True)
class _Listed:
    code: str
    name: str
    first: str | None
    last: str | None
    facts: Mapping[str, Any]
    words: tuple[str, ...]
    name_key: str

    def shown(self, day: str) -> Entry:
        dates = {"valid_from": self.first, "valid_to": self.last, "in_force": in_force(self.first, self.last, day)}
        return {"code": self.code, "name": self.name, **dates, **self.facts}

    def has(self, terms: Terms) -> bool:
        return all(any(word.startswith(spelling) for word in self.words for spelling in term) for term in terms)


class Small:
    """One small catalogue, in memory. keep: whether an entry passes the filters of this catalogue."""

    def __init__(self, listed: Iterable[_Listed], keep: Keep) -> None:
        self._listed = {each.code: each for each in sorted(listed, key=lambda each: each.code)}
        self._keep = keep

    def count(self) -> int:
        """Its entries, in force or not."""
        return len(self._listed)

    def names(self) -> dict[str, tuple[str | None, str | None]]:
        """Name and last day of every entry, by code."""
        return {code: (each.name, each.last) for code, each in self._listed.items()}

    def get(self, code: str, day: str) -> Entry | None:
        """An entry by its code in upper case."""
        found = self._listed.get(code)
        return None if found is None else found.shown(day)

    def find(self, wanted: Wanted) -> Found:
        """A page: the full code, codes that begin with ``q``, names that do, then the rest by code."""
        words = words_of(wanted.q)
        if wanted.q is None:
            entries = self._passing(wanted, [])
        else:
            entries = self._passing(wanted, terms_of(words)) if words else []
            terms = guessed(words, self._vocabulary) if words and not entries else None
            entries = entries or (self._passing(wanted, terms) if terms else [])
        page = entries[wanted.offset : wanted.offset + wanted.limit]
        return Found([each.shown(wanted.day) for each in page], len(entries))

    def _passing(self, wanted: Wanted, terms: Terms) -> list[_Listed]:
        passing = [
            each
            for each in self._listed.values()
            if (wanted.include_expired or in_force(each.first, each.last, wanted.day))
            and each.has(terms)
            and self._keep(each.facts, wanted.filters)
        ]
        key = key_of(wanted.q)
        return sorted(passing, key=lambda each: _rank(each, key)) if key else passing

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(word for each in self._listed.values() for word in each.words)


def _rank(each: _Listed, key: str) -> int:
    code = each.code.casefold()
    if code == key:
        return 0
    return 1 if code.startswith(key) else 2 if each.name_key.startswith(key) else 3


def known_of(file: CompiledFile) -> Known:
    """What a compiled file says about the codes of small catalogues."""
    return {(row[0], row[1]): (row[2], row[3], row[4]) for row in file.rows("select * from small")}


def small_catalogs(known: Known) -> dict[str, Small]:
    """Every small catalogue by its name."""
    return {
        name: Small((_listed(name, code, own, facts, known) for code, own, facts in rows()), _KEEP.get(name, _all))
        for name, rows in _SOURCES.items()
    }


def _listed(catalog: str, code: str, own: str, facts: dict[str, Any], known: Known) -> _Listed:
    name, first, last = known.get((catalog, code), (own, None, None))
    if first is None and last is None:
        first = _FIRST_DAYS.get((catalog, code), CFDI40)
    more = facts.pop("_words", "")
    return _Listed(code, name, first, last, facts, tuple(words_of(code, name, more)), key_of(name))


Row = tuple[str, str, dict[str, Any]]


def _regimes() -> Iterator[Row]:
    for row in codes.REGIMES.values():
        uses = list(codes.uses_of_regime(row.code))
        yield row.code, row.name, {"person": row.person, "company": row.company, "cfdi40": row.cfdi40, "uses": uses}


def _uses() -> Iterator[Row]:
    for row in codes.USES.values():
        facts = {"person": row.person, "company": row.company, "cfdi40": row.cfdi40}
        yield row.code, row.name, {**facts, "tax_systems": sorted(row.regimes)}


def _countries() -> Iterator[Row]:
    for row in codes.COUNTRIES.values():
        patterns = {"zip_pattern": row.zip_pattern, "tax_id_pattern": row.tax_id_pattern}
        yield row.code, row.name, {"alpha2": row.alpha2, **patterns, "group": row.group, "_words": row.english}


def _currencies() -> Iterator[Row]:
    for code, decimals in codes.CURRENCIES.items():
        variation = MAX_VARIATION_PERCENT if codes.currency_for_trade(code) else 0
        yield code, code, {"decimals": decimals, "max_variation": variation}


def _taxes() -> Iterator[Row]:
    for row in codes.TAXES.values():
        facts = {"sat_code": row.code, "transferred": row.transferred, "withheld": row.withheld}
        yield WORDS[Tax(row.code)], row.name, {**facts, "rates": _rates(row.code)}


def _rates(tax: str) -> list[dict[str, Any]]:
    """The legal combinations: a list of rates, or a range."""
    return [
        {
            "kind": "withheld" if withheld else "transferred",
            "factor": factor,
            "rates": [to_decimal(rate) for rate in rates.fixed],
            "minimum": None if rates.maximum is None else 0,
            "maximum": None if rates.maximum is None else to_decimal(rates.maximum),
        }
        for (of_tax, factor, withheld), rates in RATES.items()
        if of_tax == tax
    ]


def _plain(names: Mapping[str, str]) -> Callable[[], Iterator[Row]]:
    return lambda: ((code, name, {}) for code, name in names.items())


_SOURCES: Final[Mapping[str, Callable[[], Iterator[Row]]]] = {
    "tax_regimes": _regimes,
    "payment_forms": lambda: ((row.code, row.name, {"banked": row.banked}) for row in codes.PAYMENT_FORMS.values()),
    "cfdi_uses": _uses,
    "payment_methods": _plain(codes.PAYMENT_METHODS),
    "months": lambda: ((row.code, row.name, {"months": list(row.months)}) for row in codes.MONTHS.values()),
    "periodicities": lambda: (
        (row.code, row.name, {"receipt_periodicity": row.word}) for row in codes.PERIODICITIES.values()
    ),
    "relationships": lambda: ((row.code, row.name, {"cfdi40": row.cfdi40}) for row in codes.RELATIONSHIPS.values()),
    "countries": _countries,
    "currencies": _currencies,
    "taxes": _taxes,
    "tax_objects": _plain(codes.TAX_OBJECTS),
    "exports": _plain(codes.EXPORTS),
    "cancellation_motives": lambda: (
        (row.code, row.name, {"requires_substitution": row.requires_substitution}) for row in codes.MOTIVES.values()
    ),
}


def _all(_facts: Entry, _filters: Mapping[str, str]) -> bool:
    return True


def _fits_person(facts: Entry, filters: Mapping[str, str]) -> bool:
    kind = filters.get("person_type")
    return kind is None or bool(facts[kind])


def _use_fits(facts: Entry, filters: Mapping[str, str]) -> bool:
    regime = filters.get("tax_system")
    return _fits_person(facts, filters) and (regime is None or regime in facts["tax_systems"])


_KEEP: Final[Mapping[str, Keep]] = {"tax_regimes": _fits_person, "cfdi_uses": _use_fits}
