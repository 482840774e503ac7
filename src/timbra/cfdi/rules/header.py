"""Rules of the document's own attributes and of its issuer. One function per SAT code; None when it holds."""

from collections.abc import Callable, Container
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from timbra.cfdi.codes import EXPORTS, PAYMENT_FORMS, PAYMENT_METHODS, REGIMES, regime_allowed
from timbra.cfdi.codes_currencies import CURRENCIES, MAX_VARIATION_PERCENT, NO_CURRENCY, currency_for_trade
from timbra.cfdi.model import MICRO
from timbra.cfdi.rules.facts import Facts
from timbra.cfdi.rules.finding import Finding, Level
from timbra.cfdi.text import RfcKind

Rule = Callable[[Facts], Finding | None]

PESO: Final = "MXN"
_STAMPING_WINDOW: Final = timedelta(hours=72)
_FIRST_YEAR: Final = 2011
_RATE_LIMIT: Final = 10**18 * MICRO


def padded(value: str, codes: Container[str]) -> str | None:
    """The two-digit code the value probably means ("3" -> "03"), None when the catalogue has none."""
    code = value.strip().zfill(2)
    return code if code in codes else None


def regimes_of(kind: RfcKind | None) -> str:
    """The regimes of a type of person, to be read by the caller."""
    return ", ".join(code for code in REGIMES if regime_allowed(code, kind or ""))


def cfdi40104(facts: Facts) -> Finding | None:
    """FormaPago is in c_FormaPago."""
    form = facts.invoice.payment_form
    if form is None or form in PAYMENT_FORMS:
        return None
    fix = "99" if facts.invoice.payment_method == "PPD" else padded(form, PAYMENT_FORMS) or "03"
    return Finding("CFDI40104", "payment_form", "is not a code of c_FormaPago", fix)


def cfdi40105(facts: Facts) -> Finding | None:
    """PPD carries FormaPago 99."""
    if facts.invoice.payment_method != "PPD" or facts.invoice.payment_form == "99":
        return None
    return Finding("CFDI40105", "payment_form", "must be 99 with payment method PPD", "99")


def cfdi40113(facts: Facts) -> Finding | None:
    """Moneda is in c_Moneda; XXX and XTS name no money an income or egress could be in."""
    currency = facts.invoice.currency
    if currency_for_trade(currency) or (facts.invoice.kind not in ("I", "E") and currency in CURRENCIES):
        return None
    fix = currency.strip().upper()
    return Finding("CFDI40113", "currency", "is not a currency of c_Moneda", fix if currency_for_trade(fix) else None)


def cfdi40114(facts: Facts) -> Finding | None:
    """In pesos TipoCambio is 1."""
    if facts.invoice.currency != PESO or facts.invoice.exchange_rate == MICRO:
        return None
    return Finding("CFDI40114", "exchange_rate", "must be 1 in MXN", 1)


def cfdi40117(facts: Facts) -> Finding | None:
    """TipoCambio is a positive number of at most 18 digits before the point."""
    if facts.invoice.currency in (PESO, NO_CURRENCY) or 0 < facts.invoice.exchange_rate < _RATE_LIMIT:
        return None
    return Finding("CFDI40117", "exchange_rate", "must be above 0 with at most 18 digits", _reference(facts))


def _reference(facts: Facts) -> Decimal | None:
    if facts.reference_rate is None:
        return None
    return Decimal(facts.reference_rate) / MICRO  # tidy-skip: float (exact decimal)


def _is_usual_rate(facts: Facts) -> bool | None:
    """None when there is nothing to compare with."""
    reference = facts.reference_rate
    if reference is None or facts.invoice.currency == PESO:
        return None
    return abs(facts.invoice.exchange_rate - reference) * 100 <= reference * MAX_VARIATION_PERCENT


def cfdi40118(facts: Facts) -> Finding | None:
    """A rate far from the reference needs a confirmation key."""
    if _is_usual_rate(facts) is not False or facts.invoice.confirmation:
        return None
    message = (
        f"differs from the reference rate by more than {MAX_VARIATION_PERCENT} %; a PAC may ask for a confirmation"
    )
    return Finding("CFDI40118", "exchange_rate", message, _reference(facts), Level.WARN)


def cfdi40127(facts: Facts) -> Finding | None:
    """A confirmation key only with an unusual rate or total."""
    if not facts.invoice.confirmation or _is_usual_rate(facts) is not True:
        return None
    return Finding("CFDI40127", "confirmation", "is not needed with a usual exchange rate", None, Level.WARN)


def cfdi40122(facts: Facts) -> Finding | None:
    """Exportacion 02 asks for Comercio Exterior."""
    if facts.invoice.exports != "02" or facts.foreign_trade:
        return None
    return Finding("CFDI40122", "exports", "02 needs the complement Comercio Exterior", "01")


def cfdi40123(facts: Facts) -> Finding | None:
    """Exportacion is in c_Exportacion."""
    exports = facts.invoice.exports
    if exports in EXPORTS:
        return None
    fix = "02" if facts.foreign_trade else padded(exports, ("01", "03", "04")) or "01"
    return Finding("CFDI40123", "exports", "is not a code of c_Exportacion", fix)


def cfdi40222(facts: Facts) -> Finding | None:
    """Exportacion 01 and 03 forbid Comercio Exterior."""
    if facts.invoice.exports not in ("01", "03") or not facts.foreign_trade:
        return None
    return Finding("CFDI40222", "exports", "01 and 03 do not go with the complement Comercio Exterior", "02")


def cfdi40124(facts: Facts) -> Finding | None:
    """MetodoPago is in c_MetodoPago."""
    method = facts.invoice.payment_method
    if method is None or method in PAYMENT_METHODS:
        return None
    fix = method.strip().upper()
    return Finding("CFDI40124", "payment_method", "is not PUE or PPD", fix if fix in PAYMENT_METHODS else "PUE")


def cfdi40126(facts: Facts) -> Finding | None:
    """LugarExpedicion is in c_CodigoPostal."""
    if facts.catalogs.zip_in_force(facts.invoice.issuer.zip, facts.day):
        return None
    return Finding("CFDI40126", "team.address.zip", "is not a postal code of SAT's catalogue")


def cfdi40140(facts: Facts) -> Finding | None:
    """The issuer's regime is in c_RegimenFiscal."""
    row = REGIMES.get(facts.invoice.issuer.regime)
    if row is not None and row.cfdi40:
        return None
    return Finding("CFDI40140", "team.tax_system", f"must be one of {regimes_of(facts.issuer_kind)}")


def cfdi40141(facts: Facts) -> Finding | None:
    """The issuer's regime fits its type of person."""
    row = REGIMES.get(facts.invoice.issuer.regime)
    if row is None or facts.issuer_kind is None or row.fits(facts.issuer_kind):
        return None
    kind = facts.issuer_kind
    return Finding("CFDI40141", "team.tax_system", f"for a {kind} must be one of {regimes_of(kind)}")


def pac401(facts: Facts) -> Finding | None:
    """Fecha is not in the future and at most 72 hours old (PAC code 401)."""
    issued, now = facts.invoice.issued_at, facts.now
    if now is not None:
        holds = now - _STAMPING_WINDOW <= issued <= now
    else:
        holds = facts.today - _STAMPING_WINDOW <= facts.day <= facts.today
    if holds:
        return None
    return Finding("401", "date", "must be within the last 72 hours and not in the future", _now_text(now))


def _now_text(now: datetime | None) -> str | None:
    return None if now is None else now.isoformat(timespec="seconds")


def pac403(facts: Facts) -> Finding | None:
    """Fecha is not before 2011 (PAC code 403)."""
    if facts.day.year >= _FIRST_YEAR:
        return None
    return Finding("403", "date", "must not be before 2011", _now_text(facts.now))


def pac305(facts: Facts) -> Finding | None:
    """Fecha lies within the validity of the CSD (PAC code 305)."""
    valid = facts.certificate_valid
    if valid is None or valid[0] <= facts.invoice.issued_at <= valid[1]:
        return None
    first, last = (moment.isoformat(timespec="seconds") for moment in valid)
    return Finding("305", "date", f"is outside the validity of the CSD, {first} to {last}")


RULES: Final[tuple[Rule, ...]] = (
    pac401, pac403, pac305, cfdi40104, cfdi40105, cfdi40113, cfdi40114, cfdi40117, cfdi40118, cfdi40122, cfdi40123,
    cfdi40124, cfdi40126, cfdi40127, cfdi40140, cfdi40141, cfdi40222,
)  # fmt: skip
