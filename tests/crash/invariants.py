"""What must hold in a database whatever died while it was written, once everything left over has been finished.

``violations`` reads the tables, not the code that fills them, and returns what is wrong in words; an empty list is a
good database. Requests are recognised by ``metadata.request``, which the tests put into every document.
"""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from timbra.platform.db import Database, Tx

Row = dict[str, Any]
TABLES = (
    "invoices",
    "invoice_credits",
    "invoice_payments",
    "invoice_cancellations",
    "invoice_counts",
    "sandbox_stamps",
    "released_folios",
)
OPEN = ("requested", "pending")
UUID_OF_TIMBRE = re.compile(rb'<tfd:TimbreFiscalDigital[^>]* UUID="([0-9A-Fa-f-]{36})"')


@dataclass(frozen=True)
class Snapshot:
    """The rows that are judged."""

    invoices: list[Row]
    invoice_credits: list[Row]
    invoice_payments: list[Row]
    invoice_cancellations: list[Row]
    invoice_counts: list[Row]
    sandbox_stamps: list[Row]
    released_folios: list[Row]
    series: list[Row]
    events: Counter[tuple[str, str]]
    actions: Counter[tuple[str, str]]
    files: dict[tuple[str, str], list[str]]  # (document, kind): what is wrong with each of its files, "" for nothing

    def request_of(self, invoice: Row) -> str:
        """The request that asked for the document."""
        return str(json.loads(invoice["metadata"]).get("request", invoice["id"]))


def violations(database: Database) -> list[str]:
    """Everything that is wrong, in words."""
    return database.read_sync(faults)


def faults(tx: Tx) -> list[str]:
    """Everything that is wrong as this transaction sees it."""
    found = snapshot(tx)
    checks = (_requests, _folios, _stamps, _balances, _paid, _events, _frozen, _counters, _settled, _cancellations)
    return [fault for check in checks for fault in check(found)]


def snapshot(tx: Tx) -> Snapshot:
    """The rows as they are now."""
    tables = {name: _rows(tx, f"select * from {name}") for name in TABLES}
    return Snapshot(
        **tables,
        series=_rows(tx, "select team_id, series, test as counter from series"),
        events=Counter((row["type"], row["object_id"]) for row in _rows(tx, "select type, object_id from events")),
        actions=Counter(
            (row["action"], row["resource_id"]) for row in _rows(tx, "select action, resource_id from audit_log")
        ),
        files=_files(tx),
    )


def _rows(tx: Tx, sql: str) -> list[Row]:
    return [dict(row) for row in tx.execute(text(sql)).mappings()]


def _files(tx: Tx) -> dict[tuple[str, str], list[str]]:
    files: dict[tuple[str, str], list[str]] = defaultdict(list)
    uuids = {row["id"]: row["uuid"] for row in _rows(tx, "select id, uuid from invoices")}
    for row in tx.execute(text("select invoice_id, kind, sha256, content from invoice_files")):
        content, fault = bytes(row.content), ""
        if hashlib.sha256(content).digest() != bytes(row.sha256):
            fault = "the bytes have changed"
        elif row.kind == "stamped":
            stamp = UUID_OF_TIMBRE.search(content)
            if stamp is None or stamp[1].decode().lower() != uuids[row.invoice_id]:
                fault = "the stamp in the bytes is not the document's"
        files[row.invoice_id, row.kind].append(fault)
    return files


def _requests(found: Snapshot) -> Iterator[str]:
    """One living document per request."""
    living: dict[str, list[str]] = defaultdict(list)
    for invoice in found.invoices:
        if invoice["status"] != "failed":
            living[found.request_of(invoice)].append(invoice["id"])
    for request, ids in living.items():
        if len(ids) > 1:
            yield f"request {request} made {len(ids)} documents: {ids}"


def _folios(found: Snapshot) -> Iterator[str]:
    """Every number from 1 to the counter is one document's, or waits to be handed out."""
    used: dict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for invoice in found.invoices:
        if invoice["folio"] > 0:
            used[invoice["team_id"], invoice["series"]][invoice["folio"]] += 1
        if (invoice["folio"] > 0) != (invoice["status"] != "failed"):
            yield f"{invoice['id']} is {invoice['status']} and holds folio {invoice['folio']}"
    for row in found.released_folios:
        used[row["team_id"], row["series"]][row["folio"]] += 1
    for row in found.series:
        folios = used.pop((row["team_id"], row["series"]), Counter())
        expected = set(range(1, row["counter"] + 1))
        if set(folios) != expected:
            yield f"series {row['series']}: missing {sorted(expected - set(folios))}, beyond {sorted(set(folios) - expected)}"
        yield from (f"folio {row['series']} {folio} is used {n} times" for folio, n in folios.items() if n > 1)
    yield from (f"documents of a series that does not exist: {key}" for key in used)


def _stamps(found: Snapshot) -> Iterator[str]:
    """One UUID per request, and no stamp that nobody knows of."""
    by_id = {invoice["id"]: invoice for invoice in found.invoices}
    uuids: dict[str, set[str]] = defaultdict(set)
    for stamp in found.sandbox_stamps:
        invoice = by_id.get(stamp["reference"])
        if invoice is None or invoice["uuid"] != stamp["uuid"]:
            yield f"stamp without invoice: {stamp['uuid']} of {stamp['reference']}"
        if invoice is not None:
            uuids[found.request_of(invoice)].add(stamp["uuid"])
    yield from (
        f"request {name} has {len(many)} uuids: {sorted(many)}" for name, many in uuids.items() if len(many) > 1
    )
    stamped = {stamp["uuid"] for stamp in found.sandbox_stamps}
    for invoice in found.invoices:
        if invoice["uuid"] is not None and invoice["uuid"] not in stamped:
            yield f"{invoice['id']} has a uuid that nobody stamped"


def _balances(found: Snapshot) -> Iterator[str]:
    """Balances are the sums of the credits, and each credit is in the state of its egress."""
    status = {invoice["id"]: invoice["status"] for invoice in found.invoices}
    sums: dict[tuple[str, str], int] = defaultdict(int)
    of_egress: dict[str, int] = defaultdict(int)
    states = {"pending": "outstanding", "valid": "live", "canceled": "undone", "failed": "undone"}
    for credit in found.invoice_credits:
        sums[credit["invoice_id"], credit["state"]] += credit["amount"]
        of_egress[credit["egress_id"]] += credit["amount"]
        if credit["state"] != states[status[credit["egress_id"]]]:
            yield f"credit of {credit['egress_id']}, {status[credit['egress_id']]}, is {credit['state']}"
    for invoice in found.invoices:
        live, reserved = sums[invoice["id"], "live"], sums[invoice["id"], "outstanding"]
        if (invoice["credited"], invoice["credit_outstanding"]) != (live, reserved):
            yield f"{invoice['id']} shows {invoice['credited']} credited, its egresses credit {live}"
        is_open = invoice["payment_method"] == "PPD" and invoice["status"] in ("pending", "valid")
        balance = max(0, invoice["total"] - invoice["paid"] - live) if is_open else 0
        if invoice["last_balance"] != balance:
            yield f"{invoice['id']} has a balance of {invoice['last_balance']} instead of {balance}"
        if invoice["id"] in of_egress and of_egress[invoice["id"]] != invoice["total"]:
            yield f"{invoice['id']} of {invoice['total']} credits {of_egress[invoice['id']]}"


def _paid(found: Snapshot) -> Iterator[str]:
    """What invoices were paid are the sums of the complements that count, whose numbers do not repeat."""
    status = {invoice["id"]: invoice["status"] for invoice in found.invoices}
    states = {
        "pending": {"outstanding"},
        "valid": {"live", "replacing", "replaced"},
        "canceled": {"undone", "replaced"},
        "failed": {"undone"},
    }
    numbers: dict[str, list[int]] = defaultdict(list)
    sums: dict[str, int] = defaultdict(int)
    for row in found.invoice_payments:
        if row["state"] not in states[status[row["complement_id"]]]:
            yield f"payment by {row['complement_id']}, {status[row['complement_id']]}, is {row['state']}"
        if row["invoice_id"] is not None and row["state"] in ("live", "replacing"):
            sums[row["invoice_id"]] += row["amount"]
            numbers[row["invoice_id"]].append(row["installment"])
    for invoice in found.invoices:
        live = numbers[invoice["id"]]
        if (invoice["paid"], invoice["installments"]) != (sums[invoice["id"]], len(live)):
            yield f"{invoice['id']} shows {invoice['paid']} paid, its complements pay {sums[invoice['id']]}"
        if len(set(live)) != len(live):
            yield f"{invoice['id']} has instalments {sorted(live)}"


def _events(found: Snapshot) -> Iterator[str]:
    """Each change is told once, to the outbox and to the audit log."""
    for invoice in found.invoices:
        status, uuid, id_ = invoice["status"], invoice["uuid"] or invoice["id"], invoice["id"]
        is_stamped = status in ("valid", "canceled")
        expected = {
            ("invoice.created", uuid): int(is_stamped),
            ("invoice.failed", id_): int(status == "failed"),
            ("invoice.canceled", uuid): int(status == "canceled"),
        }
        yield from (
            f"{n} times {key}, not {found.events[key]}" for key, n in expected.items() if found.events[key] != n
        )
        audited = {
            ("invoice.create", id_): 1,
            ("invoice.stamp", id_): int(is_stamped),
            ("invoice.fail", id_): int(status == "failed"),
        }
        yield from (
            f"{n} times {key}, not {found.actions[key]}" for key, n in audited.items() if found.actions[key] != n
        )


def _frozen(found: Snapshot) -> Iterator[str]:
    """The bytes are those that were frozen: one set per generation, one stamped document."""
    for invoice in found.invoices:
        is_stamped = invoice["uuid"] is not None
        for kind, number in (("sealed", invoice["generation"]), ("stamped", int(is_stamped))):
            faults = found.files.get((invoice["id"], kind), [])
            if len(faults) != number:
                yield f"{invoice['id']} has {len(faults)} {kind} files, not {number}"
            yield from (f"{invoice['id']} {kind}: {fault}" for fault in faults if fault)


def _counters(found: Snapshot) -> Iterator[str]:
    """The counters of lists count what is there."""
    names = ("team_id", "livemode", "kind", "status")
    real = Counter(tuple(invoice[name] for name in names) for invoice in found.invoices)
    kept = {tuple(row[name] for name in names): row["documents"] for row in found.invoice_counts}
    for key in {*real, *kept}:
        if real[key] != kept.get(key, 0):
            yield f"counter {key} says {kept.get(key, 0)}, there are {real[key]}"


def _settled(found: Snapshot) -> Iterator[str]:
    """Nothing waits any more."""
    for invoice in found.invoices:
        if invoice["status"] == "pending":
            yield f"{invoice['id']} is still pending, held by {invoice['held_by']}, {invoice['tries']} tries"
        elif invoice["held_by"] or invoice["lease_owner"] or invoice["next_try_ms"] is not None:
            yield f"{invoice['id']} is {invoice['status']} and still waits for its stamp"
        if invoice["cancellation_status"] in OPEN or invoice["cancel_check_ms"] is not None:
            yield f"{invoice['id']}: the cancellation is still {invoice['cancellation_status']}"


def _cancellations(found: Snapshot) -> Iterator[str]:
    """Canceled is what the authority has canceled, with its receipt; a document has one open or final request."""
    asked = {stamp["uuid"] for stamp in found.sandbox_stamps if stamp["cancel_requested_ms"] is not None}
    requests = Counter(row["invoice_id"] for row in found.invoice_cancellations if row["status"] != "failed")
    for invoice in found.invoices:
        is_canceled = invoice["status"] == "canceled"
        if is_canceled != (invoice["uuid"] in asked):
            yield f"{invoice['id']} is {invoice['status']}, the authority says otherwise"
        if is_canceled and not (invoice["has_acuse"] and found.files.get((invoice["id"], "acuse"))):
            yield f"{invoice['id']} is canceled without a receipt"
        if requests[invoice["id"]] > 1:
            yield f"{invoice['id']} was asked to be canceled {requests[invoice['id']]} times"
