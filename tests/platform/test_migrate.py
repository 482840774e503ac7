from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from timbra.migrations.tables import metadata
from timbra.platform import migrate
from timbra.platform.db import Database


def table_names(database: Database) -> set[str]:
    return set(database.read_sync(lambda tx: inspect(tx.connection).get_table_names()))


def test_migrated_database_is_current_and_holds_every_table(database: Database) -> None:
    assert migrate.is_current(database)
    assert set(metadata.tables) <= table_names(database)


def test_migrations_make_what_the_tables_say(database: Database) -> None:
    def differences(tx: object) -> list[object]:
        context = MigrationContext.configure(tx.connection, opts={"include_object": is_ours})
        return list(compare_metadata(context, metadata))

    def is_ours(_object: object, _name: str, type_: str, reflected: bool, compare_to: object) -> bool:
        return not (type_ == "table" and reflected and compare_to is None)

    assert database.read_sync(differences) == []


def test_upgrade_of_a_current_database_changes_nothing(database: Database) -> None:
    before = migrate.current(database)

    migrate.upgrade(database)

    assert migrate.current(database) == before


@pytest.mark.skipif(migrate.head() is None, reason="there is no migration yet")
def test_down_and_up_again(database: Database) -> None:
    migrate.downgrade(database, "base")
    assert not set(metadata.tables) & table_names(database)

    migrate.upgrade(database)
    assert set(metadata.tables) <= table_names(database)


def test_database_of_a_later_release_is_refused(database: Database) -> None:
    def pretend(tx: object) -> None:
        tx.execute(text("CREATE TABLE IF NOT EXISTS alembic_version (version_num VARCHAR(32) NOT NULL)"))
        tx.execute(text("DELETE FROM alembic_version"))
        tx.execute(text("INSERT INTO alembic_version VALUES ('29990101_0000')"))

    database.write_sync(pretend)

    with pytest.raises(migrate.DatabaseNewer, match="29990101_0000"):
        migrate.is_current(database)
    with pytest.raises(migrate.DatabaseNewer):
        migrate.upgrade(database)


def test_copy_made_before_a_step_is_a_whole_database(database: Database, tmp_path: Path) -> None:
    if not database.is_sqlite:
        pytest.skip("servers have backups of their own")

    migrate._copy_file(database, "20260101_0000")

    copy = Database(f"sqlite:///{tmp_path / 'timbra.sqlite.before-20260101_0000'}")
    assert table_names(copy) == table_names(database)
    copy.close()
