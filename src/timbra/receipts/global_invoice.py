"""One global invoice of receipts, through the one issuing path (contract receipts.md section 8)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from timbra.cfdi.money import round_to, times, to_decimal
from timbra.http import body as wire
from timbra.http.errors import ApiError, CfdiRefused, Conflict, Unavailable
from timbra.http.idempotency import Claim, fingerprint
from timbra.invoices import issue
from timbra.invoices.inner import Inner
from timbra.invoices.model import InvoiceRecord
from timbra.invoices.prepare import INCOME
from timbra.invoices.schemas import IncomeBody
from timbra.platform import json
from timbra.platform.db import Tx
from timbra.receipts import global_lines, store_due
from timbra.receipts.acting import acting_for_team
from timbra.receipts.model import InvoicedAs, Receipt
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.public import general_public
from timbra.receipts.settle import FROM_GLOBAL
from timbra.receipts.store_due import MXN, USD, Group
from timbra.teams.store import Team

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class GlobalInvoice:
    """Which receipts become one document. kind: what they are then said to be invoiced as."""

    team: Team
    group: Group
    receipts: Sequence[Receipt]
    kind: InvoicedAs


async def issue_global(parts: ReceiptParts, wanted: GlobalInvoice) -> bool:
    """Whether the document was made; it may still be pending. A refusal is noted on the receipts, which stay open."""
    scope = wanted.receipts[0].scope
    ids = tuple(receipt.id for receipt in wanted.receipts)
    at_ms = parts.clock.now_ms()
    body = await asyncio.to_thread(_body, parts, wanted)
    command = issue.Command(
        kind=INCOME,
        body=body.asked_by_us(Inner(ids, _receiver(wanted))),
        caller=acting_for_team(wanted.team, livemode=scope.livemode),
        claim=Claim(parts.idempotency, scope, None, ""),
        origin=FROM_GLOBAL,
        fingerprint=fingerprint({"receipts": ids, "at": at_ms}, {}),
        begun=partial(_begun, wanted=wanted),
    )
    try:
        await issue.issue(parts.invoices, command)
    except (CfdiRefused, Conflict) as error:
        log.warning("global_refused", team=scope.team_id, period=wanted.group.period_end, reason=error.message)
        return False
    except Unavailable:
        return True  # it is stored and will be stamped
    except ApiError as error:
        log.warning("global_refused", team=scope.team_id, period=wanted.group.period_end, reason=error.message)
        reason = {"code": error.code.value, "message": error.message, "cfdi": None, "at": at_ms // 1000}
        noted = partial(store_due.note_refusal, scope=scope, ids=ids, error=json.dumps(reason), at_ms=at_ms)
        await parts.database.write(noted)
        return False
    return True


def _begun(tx: Tx, record: InvoiceRecord, *, wanted: GlobalInvoice) -> None:
    """The receipts wait for the document. Raises Conflict when one of them was changed meanwhile."""
    if not store_due.hold(tx, record.scope, wanted.receipts, record.id, wanted.kind.value):
        raise Conflict("A receipt was changed meanwhile")


def _receiver(wanted: GlobalInvoice) -> Any:
    scope = wanted.receipts[0].scope
    return general_public(scope, wanted.team.zip, foreign=wanted.group.currency == USD)


def _body(parts: ReceiptParts, wanted: GlobalInvoice) -> IncomeBody:
    group, receipts = wanted.group, wanted.receipts
    in_pesos = group.currency == MXN
    lines = [line for receipt in receipts for line in global_lines.lines_of(receipt, in_pesos=in_pesos)]
    decimals = parts.invoices.sat.catalogs.currency_decimals(group.currency)
    assert decimals is not None, "pesos and dollars are known"
    target = round_to(sum(_collected(receipt, in_pesos=in_pesos) for receipt in receipts), decimals)
    asked: dict[str, Any] = {
        "client": {"name": "PUBLICO EN GENERAL"},  # the receiver is given beside the body
        "items": global_lines.sent(global_lines.met(lines, target, decimals)),
        "currency": group.currency,
        "exchange_rate": 1 if in_pesos else to_decimal(max(receipts, key=lambda one: one.created_ms).exchange_rate),
        "payment_form": payment_form(receipts),
        "ignore_emails": True,
    }
    if in_pesos:
        asked["global"] = {"periodicity": group.period_code, "months": group.months, "year": group.year}
    return wire.validate(IncomeBody, asked, None)


def _collected(receipt: Receipt, *, in_pesos: bool) -> int:
    """What is left of the sale, in the document's currency."""
    is_told_in_pesos = in_pesos and receipt.currency != MXN
    return times(receipt.open_total, receipt.exchange_rate) if is_told_in_pesos else receipt.open_total


def payment_form(receipts: Sequence[Receipt]) -> str:
    """The form of the largest sum in pesos; of equal ones the lowest code."""
    sums: Counter[str] = Counter()
    for receipt in receipts:
        sums[receipt.payment_form] += _collected(receipt, in_pesos=True)
    return min(sums, key=lambda form: (-sums[form], form))
