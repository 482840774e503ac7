"""The house as commands use it: settings read, embedded database migrated, everything closed at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

from timbra.cli import startup
from timbra.platform import migrate
from timbra.platform.config import Settings
from timbra.wiring import Wiring


@contextmanager
def opened(settings: Settings | None = None) -> Iterator[Wiring]:
    """A wired house over a migrated database."""
    house = Wiring(settings or Settings())
    try:
        if house.database.is_sqlite:
            migrate.upgrade(house.database)
        startup.refuse_outdated(house.database)
        startup.master_keys(house.settings, house.database)
        yield house
    finally:
        house.close()
