"""The end of a period: receipts expire, and what waits becomes a global invoice (contract receipts.md section 8.1).

Runs each hour at minute 59. The run of 23:59 closes the day; the others make up for what a server that was down has missed,
and repeat what was refused: each hour for three days, later once a day.
"""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from timbra.cfdi.zones import CENTRAL, local_time
from timbra.invoices.schemas import MAX_LINES
from timbra.platform import events
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope
from timbra.platform.tenancy import acting_for, server_wide
from timbra.receipts import store_due
from timbra.receipts.global_invoice import GlobalInvoice, issue_global
from timbra.receipts.global_lines import lines_of
from timbra.receipts.model import InvoicedAs, Receipt
from timbra.receipts.parts import ReceiptParts
from timbra.receipts.period import end_of_day_ms
from timbra.receipts.store_due import MXN, Group
from timbra.teams import store as teams
from timbra.teams.store import Team

EXPIRE_AT_ONCE: Final = 500
SINGLE_AT_ONCE: Final = 200
RETRIED_HOURLY: Final = timedelta(days=3)


async def close_periods(parts: ReceiptParts, scope: TeamScope | None = None) -> int:
    """Everything that is over is closed; how many receipts expired and documents were made.

    scope: of this team alone, by its own clock.
    """
    if scope is not None:
        return await _close(parts, scope)
    with server_wide():
        until_ms = _until_ms(parts.clock.now_ms())
        due = await parts.database.read(partial(store_due.scopes, until_ms=until_ms))
    done = 0
    for one in due:
        with acting_for(one):
            done += await _close(parts, one)
    return done


def _is_day_over(local: datetime) -> bool:
    return (local.hour, local.minute) >= (23, 59)


def _until_ms(now_ms: int) -> int:
    local = local_time(now_ms, CENTRAL)
    return end_of_day_ms(local.date()) if _is_day_over(local) else now_ms


async def _close(parts: ReceiptParts, scope: TeamScope) -> int:
    now_ms = parts.clock.now_ms()
    expired = await _expire(parts, scope, _until_ms(now_ms))
    team = await parts.database.read(lambda tx: teams.team(tx, scope.team_id))
    if team is None or not team.is_active or team.settings["global_invoice_disabled"]:
        return expired
    local = local_time(now_ms, CENTRAL)
    today, is_over = local.date(), _is_day_over(local)
    last_day = today if is_over else today - timedelta(days=1)
    dollars_apart = bool(team.settings["use_foreign_public_in_usd"])
    look = partial(store_due.groups, scope=scope, last_day=last_day.isoformat(), dollars_apart=dollars_apart)
    found = await parts.database.read(look)
    made = 0
    for group in found:
        if is_over or group.fresh or today - date.fromisoformat(group.period_end) <= RETRIED_HOURLY:
            made += await _invoice(parts, team, scope, group)
    return expired + made


async def _expire(parts: ReceiptParts, scope: TeamScope, until_ms: int) -> int:
    done = 0
    while True:
        count = await parts.database.write(partial(_expire_some, parts=parts, scope=scope, until_ms=until_ms))
        done += count
        if count < EXPIRE_AT_ONCE:
            return done


def _expire_some(tx: Tx, *, parts: ReceiptParts, scope: TeamScope, until_ms: int) -> int:
    at_ms = parts.clock.now_ms()
    due = store_due.expiring(tx, scope, until_ms, EXPIRE_AT_ONCE)
    expired = [receipt.expired(at_ms) for receipt in due]
    store_due.mark_expired(tx, scope, [receipt.id for receipt in expired], at_ms)
    told = [(receipt.id, parts.show(receipt).text) for receipt in expired]
    events.append_all(tx, scope, "receipt.updated", told, at_ms)
    return len(expired)


async def _invoice(parts: ReceiptParts, team: Team, scope: TeamScope, group: Group) -> int:
    """Documents of every receipt of the group, each looked at once; how many were made."""
    single = bool(team.settings["invoice_per_receipt"])
    kind = InvoicedAs.PER_RECEIPT if single else InvoicedAs.GLOBAL
    dollars_apart = bool(team.settings["use_foreign_public_in_usd"])
    limit = SINGLE_AT_ONCE if single else MAX_LINES
    after, made = (0, ""), 0
    while True:
        look = partial(store_due.batch, scope=scope, group=group, after=after, limit=limit, dollars_apart=dollars_apart)
        waiting = await parts.database.read(look)
        if not waiting:
            return made
        chunks = [[receipt] for receipt in waiting] if single else [_fitting(waiting, group)]
        for chunk in chunks:
            made += await issue_global(parts, GlobalInvoice(team, group, chunk, kind))
        last = chunks[-1][-1]
        after = (last.created_ms, last.id)


def _fitting(waiting: list[Receipt], group: Group) -> list[Receipt]:
    """The first receipts whose lines fit into one document."""
    count = 0
    for at, receipt in enumerate(waiting):
        count += len(lines_of(receipt, in_pesos=group.currency == MXN))
        if count > MAX_LINES:
            return waiting[: max(at, 1)]
    return waiting
