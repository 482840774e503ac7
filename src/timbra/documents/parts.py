"""What the verbs of this room work with; ``wiring`` puts it together once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from timbra.http.signed_urls import FileLinks
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.scope import TeamScope
from timbra.platform.storage import Storage


@dataclass(frozen=True, slots=True)
class Parent:
    """What documents are attached to: its key in the database, and the id that callers know it by."""

    key: str
    shown: str


FindParent = Callable[[Tx, TeamScope, str], Parent | None]
"""The object of that id, as its own room addresses it or by its key; None when it is unknown, deleted or another's."""


@dataclass(frozen=True, slots=True)
class DocumentParts:
    """``parents``: who knows the objects that documents can be attached to, by their kind.

    installation: what tells the files of this server from another's in the same storage.
    """

    database: Database
    clock: Clock
    storage: Storage
    links: FileLinks
    parents: Mapping[str, FindParent]
    installation: str

    @property
    def folder(self) -> str:
        """Where this server's documents are in the storage."""
        return f"documents/{self.installation}"
