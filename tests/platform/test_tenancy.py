"""The wall behind the stores: a statement that forgot its team does not run, or finds nothing."""

import pytest
from sqlalchemy import insert, select, text

from timbra.migrations.tables import metadata
from timbra.platform import events
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.platform.tenancy import ForeignStatement, acting_for, server_wide, team_tables

A, B = TeamScope("team_A", livemode=False), TeamScope("team_B", livemode=False)


@pytest.fixture
def filled(database: Database) -> Database:
    for scope in (A, B):
        database.write_sync(lambda tx, scope=scope: events.append(tx, scope, "x.y", "o", b"{}", 1))  # type: ignore[misc]
    return database


def seen(tx: Tx) -> list[str]:
    return [row.team_id for row in tx.execute(select(events.events.c.team_id).order_by("team_id"))]


def test_the_server_itself_sees_every_team(filled: Database) -> None:
    assert filled.read_sync(seen) == ["team_A", "team_B"]


def test_a_statement_without_the_team_is_refused(filled: Database) -> None:
    with acting_for("team_A"), pytest.raises(ForeignStatement):
        filled.read_sync(seen)


def test_a_statement_with_another_team_is_refused(filled: Database) -> None:
    foreign = select(events.events.c.id).where(events.events.c.team_id == "team_B")

    with acting_for("team_A"), pytest.raises(ForeignStatement):
        filled.read_sync(lambda tx: tx.execute(foreign).all())


def test_one_foreign_row_among_many_is_refused(filled: Database) -> None:
    rows = [
        {
            "id": f"evt_{team}",
            "team_id": team,
            "livemode": False,
            "type": "x.y",
            "object_id": "o",
            "object": "{}",
            "created_ms": 1,
        }
        for team in ("team_A", "team_B")
    ]

    with acting_for("team_A"), pytest.raises(ForeignStatement):
        filled.write_sync(lambda tx: tx.execute(insert(events.events), rows))
    assert filled.read_sync(seen) == ["team_A", "team_B"]


def test_work_across_teams_says_so(filled: Database) -> None:
    with acting_for("team_A"), server_wide():
        assert filled.read_sync(seen) == ["team_A", "team_B"]


def test_tables_of_nobody_are_free(filled: Database) -> None:
    with acting_for("team_A"):
        assert filled.read_sync(lambda tx: tx.execute(text("select count(*) from billing_accounts")).scalar_one()) == 0


def test_row_level_security_stands_behind_the_guard(filled: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    if filled.is_sqlite:
        pytest.skip("row-level security exists on PostgreSQL only")
    monkeypatch.setattr("timbra.platform.tenancy.Guard.check", lambda *_, **__: None)

    with acting_for("team_A"):
        assert filled.read_sync(seen) == ["team_A"]
        with pytest.raises(Exception, match="row-level security"):
            filled.write_sync(lambda tx: events.append(tx, B, "x.y", "o", b"{}", 1))


def test_every_table_of_teams_rows_has_its_policy(filled: Database) -> None:
    if filled.is_sqlite:
        pytest.skip("row-level security exists on PostgreSQL only")
    sql = text("select tablename from pg_policies where policyname = 'team'")

    guarded = {row[0] for row in filled.read_sync(lambda tx: tx.execute(sql).all())}

    assert guarded == set(team_tables(metadata))
