"""Rules of the lines. One function per SAT code, given the line and its path; None when it holds.

A document may have 5,000 lines, most of them alike: what depends only on keys, taxability and taxes is asked once per
distinct combination, what depends on numbers only of lines where a cheap comparison says so.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from timbra.cfdi.codes import TAX_OBJECTS
from timbra.cfdi.model import MICRO, Line, LineTax
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding
from timbra.cfdi.rules.line_taxes import RULES as TAX_RULES
from timbra.cfdi.rules.third_party import RULES as THIRD_PARTY_RULES
from timbra.cfdi.rules.third_party import cfdi40194, cfdi40195

LineRule = Callable[[Facts, Line, str], Finding | None]

TAXED: Final = "02"
UNTAXED: Final = "01"
_NO_TAX_NODE: Final = frozenset({"01", "03", "04", "05"})
_NO_IVA_NO_IEPS: Final = frozenset({"06", "08"})


def cfdi40162(facts: Facts, line: Line, at: str) -> Finding | None:
    """ClaveProdServ is in c_ClaveProdServ on the document's day."""
    if facts.catalogs.product_in_force(line.product_key, facts.day):
        return None
    fix = facts.catalogs.nearest_product(line.product_key)
    return Finding("CFDI40162", f"{at}.product_key", "is not a key of c_ClaveProdServ in force", fix)


def cfdi40165(facts: Facts, line: Line, at: str) -> Finding | None:
    """ClaveUnidad is in c_ClaveUnidad on the document's day."""
    if facts.catalogs.unit_in_force(line.unit_key, facts.day):
        return None
    fix = facts.catalogs.nearest_unit(line.unit_key)
    return Finding("CFDI40165", f"{at}.unit_key", "is not a key of c_ClaveUnidad in force", fix)


def _object_that_fits(line: Line) -> str:
    return TAXED if line.taxes else UNTAXED


def cfdi40170(_facts: Facts, line: Line, at: str) -> Finding | None:
    """ObjetoImp is in c_ObjetoImp."""
    if line.taxability is None or line.taxability in TAX_OBJECTS:
        return None
    return Finding("CFDI40170", f"{at}.taxability", "is not a code of c_ObjetoImp", _object_that_fits(line))


def cfdi40171(_facts: Facts, line: Line, at: str) -> Finding | None:
    """ObjetoImp 02 has taxes."""
    if line.taxability != TAXED or line.taxes:
        return None
    return Finding("CFDI40171", f"{at}.taxability", "02 needs taxes; a line without taxes is 01", UNTAXED)


def cfdi40172(_facts: Facts, line: Line, at: str) -> Finding | None:
    """ObjetoImp 01, 03, 04, 05 have no taxes."""
    if line.taxability not in _NO_TAX_NODE or not line.taxes:
        return None
    return Finding("CFDI40172", f"{at}.taxability", f"{line.taxability} allows no taxes; a taxed line is 02", TAXED)


def cfdi140226(_facts: Facts, line: Line, at: str) -> Finding | None:
    """ObjetoImp 06 and 08 have neither IVA nor IEPS."""
    if line.taxability not in _NO_IVA_NO_IEPS or all(tax.tax == "001" for tax in line.taxes):
        return None
    return Finding("CFDI140226", f"{at}.taxability", f"{line.taxability} allows neither IVA nor IEPS", TAXED)


def cfdi140227(_facts: Facts, line: Line, at: str) -> Finding | None:
    """ObjetoImp 07 has transferred IEPS and no IVA."""
    if line.taxability != "07":
        return None
    has_ieps = any(tax.tax == "003" and not tax.withheld for tax in line.taxes)
    if has_ieps and all(tax.tax != "002" for tax in line.taxes):
        return None
    message = "07 needs transferred IEPS and allows no IVA"
    return Finding("CFDI140227", f"{at}.taxability", message, _object_that_fits(line))


def cfdi40166(_facts: Facts, line: Line, at: str) -> Finding | None:
    """ValorUnitario is above 0."""
    if line.unit_price > 0:
        return None
    return Finding("CFDI40166", f"{at}.unit_price", "must be above 0; give a free line a full discount instead")


def cfdi40169(_facts: Facts, line: Line, at: str) -> Finding | None:
    """Descuento is at most Importe; both in the terms of the unit price."""
    amount = max(0, (2 * line.quantity * line.unit_price + MICRO) // (2 * MICRO))
    if 0 <= line.discount <= amount:
        return None
    fix = Decimal(amount if line.discount > 0 else 0) / MICRO  # tidy-skip: float (exact decimal)
    return Finding("CFDI40169", f"{at}.discount", "must be from 0 to quantity x unit price", fix)


SHAPE_RULES: Final[tuple[LineRule, ...]] = (
    cfdi40162, cfdi40165, cfdi40170, cfdi40171, cfdi40172, cfdi140226, cfdi140227,
)  # fmt: skip
AMOUNT_RULES: Final[tuple[LineRule, ...]] = (cfdi40166, cfdi40169)
RARE_RULES: Final[tuple[LineRule, ...]] = (*THIRD_PARTY_RULES, cfdi40194, cfdi40195)


def check_lines(facts: Facts) -> Iterator[Finding]:
    """Findings of every line, in order."""
    seen: set[tuple[str, str, str | None, tuple[LineTax, ...]]] = set()
    for index, line in enumerate(facts.invoice.lines):
        shape = (line.product_key, line.unit_key, line.taxability, line.taxes)
        if shape not in seen:
            found = [*_apply(SHAPE_RULES, facts, line, index), *_check_taxes(facts, line, index)]
            if found:
                yield from found  # not remembered: every line with this fault has its own path
            else:
                seen.add(shape)
        if line.unit_price <= 0 or (line.discount and not _discount_holds(line)):
            yield from _apply(AMOUNT_RULES, facts, line, index)
        if line.third_party is not None or line.customs_request is not None:
            yield from _apply(RARE_RULES, facts, line, index)


def _discount_holds(line: Line) -> bool:
    """The cheap half of CFDI40169."""
    return 0 < line.discount * MICRO <= line.quantity * line.unit_price


def _apply(rules: tuple[LineRule, ...], facts: Facts, line: Line, index: int) -> Iterator[Finding]:
    at = f"items[{index}]"
    for rule in rules:
        if (finding := rule(facts, line, at)) is not None:
            yield finding


def _check_taxes(facts: Facts, line: Line, index: int) -> Iterator[Finding]:
    for position, tax in enumerate(line.taxes):
        at = f"items[{index}].taxes[{position}]"
        for rule in TAX_RULES:
            if (finding := rule(facts, tax, at)) is not None:
                yield finding
                break  # one fault of a tax explains the others
