"""The judge is judged: what a naive server leaves behind must not pass."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from harness import broken_promises, judge
from invariants import faults, violations
from sqlalchemy import text

from clients import History, Promise
from timbra.platform.db import Tx
from world import World

PPD = {"payment_method": "PPD", "payment_form": "99"}
FROZEN = ("invoice_files", "audit_log")


def good(world: World) -> History:
    """A database with a document of every kind, and what its clients were promised."""
    history = History()
    sold = world.issue(1000, metadata={"request": "a"}, **PPD)
    credit = world.credit([sold["uuid"]], 300, metadata={"request": "b"}).data
    other = world.issue(50, metadata={"request": "c"})
    world.api.delete(f"/invoices/{other['uuid']}", {"motive": "02"})
    refused = world.api.post(
        "/invoices/income", world.sale(7, metadata={"request": "d", "sandbox": "reject:CFDI40147"})
    )
    paid = world.pay((sold["uuid"], 200), metadata={"request": "e"}).data
    for name, data in (("a", sold), ("b", credit), ("c", other), ("e", paid)):
        promise = Promise(name, "valid", data["internal_id"], data["uuid"], data["folio_number"], str(data["total"]))
        history.promises.append(promise)
    history.promises.append(Promise("", "canceled", other["internal_id"], other["uuid"]))
    history.promises.append(Promise("d", "failed", refused.error["invoice"]["id"]))
    return history


def unlock(world: World) -> None:
    """The database's own defences are down: the judge must see by itself."""
    statements = ["DROP INDEX uq_invoices_folio", "DROP INDEX uq_invoices_uuid"]
    if world.database.is_sqlite:
        statements += [f"DROP TRIGGER {table}_no_{verb}" for table in FROZEN for verb in ("update", "delete")]
    else:
        statements += [f"DROP TRIGGER {table}_append_only ON {table}" for table in FROZEN]
    for statement in statements:
        world.database.write_sync(lambda tx, sql=statement: tx.execute(text(sql)))


class Undo(Exception):
    """Carries what was found out of a transaction that is rolled back."""


def found_after(world: World, statement: str) -> list[str]:
    """What the judge says of the database as it would be after the statement."""

    def unit(tx: Tx) -> None:
        assert tx.execute(text(statement)).rowcount > 0, statement
        raise Undo(*faults(tx))

    with pytest.raises(Undo) as undone:
        world.database.write_sync(unit)
    return list(undone.value.args)


SECOND_STAMP = (
    "INSERT INTO sandbox_stamps (pac, sha256, reference, uuid, issuer_rfc, stamped_ms, visible_ms, timbre)"
    " SELECT pac || '2', sha256, {reference}, {uuid}, issuer_rfc, stamped_ms, visible_ms, timbre"
    " FROM sandbox_stamps WHERE uuid = (SELECT uuid FROM invoices"
    " WHERE folio = 1 AND kind = 'I')"
)
OTHER = "'11111111-1111-4111-8111-111111111111'"
FIRST = "folio = 1 AND kind = 'I'"
SPOILT = {
    "two uuids for one request": (SECOND_STAMP.format(reference="reference", uuid=OTHER), "has 2 uuids"),
    "a stamp without invoice": (SECOND_STAMP.format(reference="'inv_none'", uuid=OTHER), "stamp without invoice"),
    "two documents for one request": (
        "UPDATE invoices SET metadata = '{\"request\": \"a\"}' WHERE folio = 2", "made 2 documents"),
    "a folio twice": ("UPDATE invoices SET folio = 1 WHERE folio = 2", "is used 2 times"),
    "a hole in a series": ("UPDATE series SET test = test + 1 WHERE series = 'A'", "missing [4]"),
    "a folio beyond the counter": ("UPDATE invoices SET folio = 9 WHERE folio = 2", "beyond [9]"),
    "a refused document that kept its folio": ("UPDATE invoices SET folio = 3 WHERE status = 'failed'", "is failed and"),
    "a balance that does not add up": (f"UPDATE invoices SET last_balance = 1 WHERE {FIRST}", "has a balance of 1"),
    "a credit that nobody gave": (f"UPDATE invoices SET credited = credited + 1 WHERE {FIRST}", "credited, its egresses"),
    "a credit still reserved": ("UPDATE invoice_credits SET state = 'outstanding'", "valid, is outstanding"),
    "money that no complement brought": (f"UPDATE invoices SET paid = paid + 1 WHERE {FIRST}", "paid, its complements"),
    "a complement that does not count": ("UPDATE invoice_payments SET state = 'undone'", "valid, is undone"),
    "an event lost": ("DELETE FROM events WHERE type = 'invoice.created'", "not 0"),
    "a failure told twice": (
        ("INSERT INTO events (id, team_id, livemode, type, object_id, object, created_ms) SELECT 'evt_2', team_id,"
        " livemode, type, object_id, object, created_ms FROM events WHERE type = 'invoice.failed'"), "not 2"),
    "an audit row lost": ("DELETE FROM audit_log WHERE action = 'invoice.stamp'", "'invoice.stamp'"),
    "frozen bytes that changed": ("UPDATE invoice_files SET content = sha256 WHERE kind = 'sealed'", "bytes have changed"),
    "a stamp that was thrown away": ("DELETE FROM invoice_files WHERE kind = 'stamped'", "0 stamped files"),
    "another document's stamp": (f"UPDATE invoices SET uuid = {OTHER} WHERE {FIRST}", "nobody stamped"),
    "a counter that drifted": ("UPDATE invoice_counts SET documents = documents + 1 WHERE status = 'valid'", "counter"),
    "a document left pending": (f"UPDATE invoices SET status = 'pending', uuid = NULL WHERE {FIRST}", "still pending"),
    "a lease left behind": (f"UPDATE invoices SET lease_owner = 'x' WHERE {FIRST}", "still waits"),
    "a cancellation left open": (f"UPDATE invoices SET cancellation_status = 'pending' WHERE {FIRST}", "is still pending"),
    "canceled before the authority said so": ("UPDATE sandbox_stamps SET cancel_requested_ms = NULL", "says otherwise"),
    "a cancellation without receipt": ("DELETE FROM invoice_files WHERE kind = 'acuse'", "without a receipt"),
}  # fmt: skip


def test_a_good_database_passes(world: World) -> None:
    history = good(world)

    assert judge(history, world.database) == []


def test_what_a_naive_server_leaves_is_seen(world: World) -> None:
    good(world)
    unlock(world)

    found = {what: found_after(world, statement) for what, (statement, _) in SPOILT.items()}

    unseen = {what: said for what, said in found.items() if not any(SPOILT[what][1] in fault for fault in said)}
    assert unseen == {}
    assert violations(world.database) == []


Lie = Callable[[Promise], Promise]
LIES: dict[str, tuple[int, Lie, str]] = {
    "a lost 201": (0, lambda made: replace(made, id="inv_lost"), "lost: "),
    "another uuid than acknowledged": (0, lambda made: replace(made, uuid="1" * 36), "is stored as"),
    "another folio than acknowledged": (1, lambda made: replace(made, folio=99), "folio 1"),
    "another total than acknowledged": (0, lambda made: replace(made, total="1160.01"), "with a total of 1160000000"),
    "a refusal that was stamped": (0, lambda made: replace(made, word="failed"), "is valid"),
    "a cancellation that did not happen": (0, lambda made: replace(made, word="canceled"), "is valid"),
    "two answers to one request": (1, lambda made: replace(made, request="a"), "was answered with"),
}


def test_a_broken_promise_is_seen(world: World) -> None:
    history = good(world)
    unseen = {}

    for what, (number, lie, words) in LIES.items():
        promises = list(history.promises)
        promises[number] = lie(promises[number])
        said = broken_promises(History(promises), world.database)
        if not any(words in fault for fault in said):
            unseen[what] = said

    assert unseen == {}


def test_an_answer_no_server_should_give_is_a_fault(world: World) -> None:
    history = good(world)

    history.faults.append("c1-1: 500 Internal server error")

    assert judge(history, world.database) == ["c1-1: 500 Internal server error"]
