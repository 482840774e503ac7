"""The column type of secrets: what the vault sealed. The columns of this type are what ``timbra vault rotate`` rewraps."""

from collections.abc import Iterator

from sqlalchemy import Column, MetaData, Text
from sqlalchemy.types import TypeDecorator


class Sealed(TypeDecorator[str]):
    """A text made by ``vault.Opener.seal``."""

    impl = Text
    cache_ok = True


def sealed_columns(metadata: MetaData) -> Iterator[Column[str]]:
    """Every sealed column of the tables that are loaded, by table and name."""
    for table in sorted(metadata.tables.values(), key=lambda table: table.name):
        for column in table.columns:
            if isinstance(column.type, Sealed):
                yield column
