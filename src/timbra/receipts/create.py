"""Make a receipt: client and lines resolved, the amounts computed, then one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from timbra.cfdi.money import micro
from timbra.cfdi.text import GENERIC_RFC
from timbra.cfdi.totals import AmountError, Totals, compute
from timbra.cfdi.zones import CENTRAL
from timbra.clients.model import Client
from timbra.clients.reference import resolve
from timbra.http.caller import Caller
from timbra.http.errors import FieldError, Invalid
from timbra.invoices.prepare import team_local_taxes, with_asked_taxability
from timbra.platform import audit, events
from timbra.platform.audit import Action
from timbra.platform.clock import day_of
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.receipts import store
from timbra.receipts.lines import stored
from timbra.receipts.model import Receipt, Status
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.period import BIMONTHLY_REGIME, Period, period_of
from timbra.receipts.schemas import CreateReceipt
from timbra.services import lines
from timbra.services.lines import ResolvedLine
from timbra.teams.store import Team


@dataclass(frozen=True, slots=True)
class NewReceipt:
    """Who asks for what. origin: ``api``, ``automation``, ``manual`` or ``integration``."""

    caller: Caller
    body: CreateReceipt
    team: Team
    fingerprint: str
    origin: str = "api"
    payments: Sequence[str] = ()


async def prepare(parts: ReceiptParts, new: NewReceipt) -> Receipt:
    """The receipt as it will be stored. Raises Invalid, NotFound, Conflict; only an inline client or service stays."""
    now_ms = parts.clock.now_ms()
    word = new.body.periodicity or str(new.team.settings["periodicity"])
    period = _period(new, word, now_ms)
    valid_until_ms = _valid_until(new.body.valid_until, period, now_ms)
    client, resolved = await _resolved(parts, new, now_ms)
    asked = [with_asked_taxability(*pair) for pair in zip(new.body.items, resolved, strict=True)]
    totals = _totals(parts, new, asked)
    body, caller = new.body, new.caller
    return Receipt(
        team_id=caller.scope.team_id,
        id=new_id("receipt"),
        livemode=caller.scope.livemode,
        status=Status.PENDING.value,
        created_ms=now_ms,
        updated_ms=now_ms,
        owner=caller.user_id,
        origin=new.origin,
        client_id=client.id,
        client=client.to_wire(),
        currency=body.currency,
        exchange_rate=micro(1 if body.currency == "MXN" or body.exchange_rate is None else body.exchange_rate),
        subtotal=totals.subtotal,
        discount=totals.discount,
        taxes=totals.taxes,
        withholding_taxes=totals.withholding_taxes,
        total=totals.total,
        items=[stored(*pair) for pair in zip(asked, totals.lines, strict=True)],
        payment_form=body.payment_form,
        periodicity=word,
        period_end=period.last_day.isoformat(),
        period_code=period.code,
        period_months=period.months,
        period_year=period.year,
        valid_until_ms=valid_until_ms,
        fingerprint=new.fingerprint,
        payments=tuple(new.payments),
        invoice_config=body.invoice_config.model_dump() if body.invoice_config else None,
        idempotency_key=body.idempotency_key,
        metadata=body.metadata or {},
        emails=tuple(body.emails),
    )


def keep(tx: Tx, parts: ReceiptParts, caller: Caller, receipt: Receipt) -> None:
    """The prepared receipt is stored, with event and audit row."""
    store.add(tx, caller.scope, receipt, parts.links.code_digest(receipt.id))
    shown = parts.show(receipt)
    events.append(tx, caller.scope, "receipt.created", receipt.id, shown.text, receipt.created_ms)
    audit.append(tx, caller.scope, Action.RECEIPT_CREATE, receipt.id, caller.actor, receipt.created_ms)


def _period(new: NewReceipt, word: str, now_ms: int) -> Period:
    if word == "two_months" and new.team.tax_system != BIMONTHLY_REGIME:
        problem = f"two_months is for issuers of regime {BIMONTHLY_REGIME} only"
        raise Invalid([FieldError("periodicity", "not_allowed", problem, "month")])
    return period_of(day_of(now_ms, CENTRAL), word, new.team.settings["global_invoicing_monthly_cuts"])


def _valid_until(asked_ms: int | None, period: Period, now_ms: int) -> int:
    if asked_ms is None:
        return period.ends_ms
    latest = period.ends_ms // 1000
    if asked_ms <= now_ms:
        raise Invalid([FieldError("valid_until", "min", "must be later than now", latest)])
    if asked_ms // 1000 > latest:
        raise Invalid([FieldError("valid_until", "max", "must not be after the end of the period", latest)])
    return asked_ms


async def _resolved(parts: ReceiptParts, new: NewReceipt, now_ms: int) -> tuple[Client, list[ResolvedLine]]:
    catalogs = parts.invoices.sat.catalogs
    client = await resolve(
        parts.database,
        new.caller,
        new.body.client,
        catalogs=catalogs,
        screening=parts.invoices.screening,
        at_ms=now_ms,
    )
    resolved = await lines.resolve(
        parts.database,
        new.caller,
        new.body.items,
        team=new.team,
        receiver_is_foreign=client.is_foreign,
        receiver_rfc=client.tax_id or GENERIC_RFC,
        at_ms=now_ms,
        catalogs=catalogs,
    )
    return client, resolved


def _totals(parts: ReceiptParts, new: NewReceipt, asked: Sequence[ResolvedLine]) -> Totals:
    catalogs = parts.invoices.sat.catalogs
    problems = []
    for at, one in enumerate(asked):
        line = one.line
        if not catalogs.product_exists(line.product_key):
            fix = catalogs.nearest_product(line.product_key)
            problems.append(
                FieldError(f"items[{at}].product_key", "not_in_catalog", "is not in the SAT catalogue", fix)
            )
        if catalogs.unit_name(line.unit_key) is None:
            fix = catalogs.nearest_unit(line.unit_key)
            problems.append(FieldError(f"items[{at}].unit_key", "not_in_catalog", "is not in the SAT catalogue", fix))
    if problems:
        raise Invalid(problems)
    decimals = catalogs.currency_decimals(new.body.currency)
    assert decimals is not None, "the schema admits known currencies only"
    try:
        totals = compute([one.line for one in asked], decimals=decimals, local_taxes=team_local_taxes(new.team))
    except AmountError as error:
        raise Invalid([FieldError(error.path, error.code, error.message, error.fix)]) from None
    if totals.total <= 0:
        raise Invalid([FieldError("items", "min", "must come to a total greater than 0")])
    return totals
