"""Rules of the global node (InformacionGlobal). One function per SAT code; None when it holds."""

from datetime import date
from typing import Final

from timbra.cfdi.codes import BIMONTHLY, MONTHS, PERIODICITIES
from timbra.cfdi.model import GlobalInfo
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding
from timbra.cfdi.rules.header import Rule, padded
from timbra.cfdi.text import GENERIC_RFC, PUBLIC_NAME, same_name

_MONTHLY: Final = "04"
_BIMONTHLY_REGIME: Final = "621"
_YEARS_BACK: Final = 5
_FIRST_BIMESTER: Final = 13


def months_code(day: date, periodicity: str) -> str:
    """c_Meses of a day: its month, or its bimester with periodicity 05."""
    if periodicity == BIMONTHLY:
        return str(_FIRST_BIMESTER + (day.month - 1) // 2)
    return f"{day.month:02}"


def _monthly_node(facts: Facts) -> dict[str, object]:
    return {"periodicity": _MONTHLY, "months": months_code(facts.day, _MONTHLY), "year": facts.day.year}


def cfdi40130(facts: Facts) -> Finding | None:
    """An income document to the general public has the node; PACs refuse it for any other receiver."""
    if facts.invoice.kind != "I":
        return None
    if facts.invoice.global_info is None:
        if not facts.is_public:
            return None
        return Finding("CFDI40130", "global", "is required for the general public", _monthly_node(facts))
    receiver = facts.invoice.receiver
    if receiver.rfc == GENERIC_RFC and same_name(receiver.name, PUBLIC_NAME):
        return None
    return Finding("CFDI40130", "global", f"is only for {GENERIC_RFC} with the name {PUBLIC_NAME}")


def _of_node(facts: Facts) -> GlobalInfo | None:
    return facts.invoice.global_info


def cfdi40131(facts: Facts) -> Finding | None:
    """Periodicidad is in c_Periodicidad."""
    node = _of_node(facts)
    if node is None or node.periodicity in PERIODICITIES:
        return None
    fix = padded(node.periodicity, PERIODICITIES) or _MONTHLY
    return Finding("CFDI40131", "global.periodicity", "is not a code of c_Periodicidad", fix)


def cfdi40132(facts: Facts) -> Finding | None:
    """Two months only for issuers of regime 621."""
    node = _of_node(facts)
    if node is None or node.periodicity != BIMONTHLY or facts.invoice.issuer.regime == _BIMONTHLY_REGIME:
        return None
    return Finding("CFDI40132", "global", "periodicity 05 is for issuers of regime 621 only", _monthly_node(facts))


def cfdi40133(facts: Facts) -> Finding | None:
    """Meses is in c_Meses."""
    node = _of_node(facts)
    if node is None or node.months in MONTHS:
        return None
    fix = padded(node.months, MONTHS)
    if fix is None or (len(MONTHS[fix].months) == 2) != (node.periodicity == BIMONTHLY):
        fix = months_code(facts.day, node.periodicity)
    return Finding("CFDI40133", "global.months", "is not a code of c_Meses", fix)


def cfdi40134(facts: Facts) -> Finding | None:
    """One month with every periodicity but 05."""
    node = _of_node(facts)
    if node is None or node.periodicity == BIMONTHLY or node.months not in MONTHS:
        return None
    if len(MONTHS[node.months].months) == 1:
        return None
    fix = months_code(facts.day, node.periodicity)
    return Finding("CFDI40134", "global.months", f"must be 01 to 12 with periodicity {node.periodicity}", fix)


def cfdi40135(facts: Facts) -> Finding | None:
    """A bimester with periodicity 05."""
    node = _of_node(facts)
    if node is None or node.periodicity != BIMONTHLY or node.months not in MONTHS:
        return None
    if len(MONTHS[node.months].months) == 2:
        return None
    fix = str(_FIRST_BIMESTER + (int(node.months) - 1) // 2)
    return Finding("CFDI40135", "global.months", "must be 13 to 18 with periodicity 05", fix)


def cfdi40136(facts: Facts) -> Finding | None:
    """Año is the current year or one of the five before."""
    node = _of_node(facts)
    if node is None or facts.today.year - _YEARS_BACK <= node.year <= facts.today.year:
        return None
    return Finding("CFDI40136", "global.year", "must be the current year or one of the five before", facts.day.year)


RULES: Final[tuple[Rule, ...]] = (cfdi40130, cfdi40131, cfdi40132, cfdi40133, cfdi40134, cfdi40135, cfdi40136)
