"""The audit chain: whatever is done to a row behind the server's back is found."""

from pathlib import Path

import pytest
from sqlalchemy import text

from timbra.platform import audit, audit_check
from timbra.platform.audit import Action
from timbra.platform.audit_check import Anchors, Fault
from timbra.platform.db import Database, Tx
from timbra.platform.scope import Actor, TeamScope

TEAM = TeamScope("team_A", livemode=False)
OTHER = TeamScope("team_B", livemode=True)


@pytest.fixture
def anchors(tmp_path: Path) -> Anchors:
    return Anchors(tmp_path, b"k" * 32)


def write(database: Database, count: int, scope: TeamScope = TEAM) -> None:
    def unit(tx: Tx) -> None:
        for number in range(count):
            audit.append(tx, scope, Action.CLIENT_CREATE, f"client_{number}", Actor(), 1_000 + number)

    database.write_sync(unit)


def tamper(database: Database, *statements: str) -> None:
    """As somebody with the database's password would: the triggers are taken off first."""

    def unit(tx: Tx) -> None:
        if tx.dialect == "sqlite":
            tx.execute(text("DROP TRIGGER audit_log_no_update"))
            tx.execute(text("DROP TRIGGER audit_log_no_delete"))
        else:
            tx.execute(text("DROP TRIGGER audit_log_append_only ON audit_log"))
        for statement in statements:
            tx.execute(text(statement))

    database.write_sync(unit)


def test_untouched_chains_are_sound(database: Database, anchors: Anchors) -> None:
    write(database, 3)
    write(database, 2, OTHER)
    anchors.write(database.read_sync(audit.heads), 5_000)
    write(database, 4)

    verdict = audit_check.verify(database, anchors)

    assert (verdict.rows, verdict.teams, verdict.faults) == (9, 2, [])


ALTERED = Fault("team_A", 3, "was altered, or one before it was removed or inserted")


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["UPDATE audit_log SET resource_id = 'client_9' WHERE seq = 3"], ALTERED),
        (["DELETE FROM audit_log WHERE seq = 3"], Fault("team_A", 3, "is missing")),
        (
            ["DELETE FROM audit_log WHERE seq = 5"],
            Fault("team_A", 5, "is missing: the chain ends before its head"),
        ),
        (
            [
                "UPDATE audit_log SET seq = 99 WHERE seq = 3",
                "UPDATE audit_log SET seq = 3 WHERE seq = 4",
                "UPDATE audit_log SET seq = 4 WHERE seq = 99",
            ],
            ALTERED,
        ),
    ],
    ids=["altered", "removed", "cut", "swapped"],
)
def test_an_edited_row_is_named(database: Database, anchors: Anchors, statements: list[str], fault: Fault) -> None:
    write(database, 5)

    tamper(database, *statements)

    assert audit_check.verify(database, anchors).faults == [fault]


def test_an_inserted_row_is_named(database: Database, anchors: Anchors) -> None:
    write(database, 5)
    columns = "team_id, at_ms, livemode, action, resource_id, outcome, changes, hash"

    tamper(
        database,
        "UPDATE audit_log SET seq = 6 WHERE seq = 5",
        f"INSERT INTO audit_log (seq, {columns}) SELECT 5, {columns} FROM audit_log WHERE seq = 1",
        "UPDATE audit_heads SET seq = 6",
    )

    assert audit_check.verify(database, anchors).faults[0].seq == 5


def test_a_chain_written_again_disagrees_with_its_anchor(database: Database, anchors: Anchors) -> None:
    write(database, 5)
    anchors.write(database.read_sync(audit.heads), 5_000)

    tamper(database, "DELETE FROM audit_log", "DELETE FROM audit_heads")
    write(database, 4)
    write(database, 2)  # a whole new chain, sound in itself

    assert audit_check.verify(database, anchors).faults == [
        Fault("team_A", 5, "is not the row that was anchored: the chain was cut or written again")
    ]


def test_a_forged_anchor_is_named(database: Database, anchors: Anchors, tmp_path: Path) -> None:
    write(database, 2)
    Anchors(tmp_path, b"x" * 32).write(database.read_sync(audit.heads), 5_000)

    faults = audit_check.verify(database, anchors).faults

    assert faults == [Fault("team_A", 2, "has an anchor that this server did not sign")]


def test_the_database_refuses_update_and_delete(database: Database) -> None:
    write(database, 1)

    for statement in ("UPDATE audit_log SET outcome = 'x'", "DELETE FROM audit_log"):
        with pytest.raises(Exception, match="append-only"):
            database.write_sync(lambda tx, statement=statement: tx.execute(text(statement)))  # type: ignore[misc]
