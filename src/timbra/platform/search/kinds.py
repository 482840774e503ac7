"""What a room says about the objects that can be searched."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


class Form(Enum):
    """How a field is cut into words."""

    TEXT = auto()  # words
    JOINED = auto()  # words, and the whole without its punctuation: "A-124" is also a124
    PHONE = auto()  # like JOINED, and the last ten digits
    EMAIL = auto()  # words, and the whole as typed
    CODE = auto()  # the whole, without blanks and dashes; no typos
    ID = auto()  # the whole; found by its beginning from 8 characters on


@dataclass(frozen=True, slots=True)
class Field:
    """A searched field. ``number`` is what the index knows it by (1 to 255): never given to another field."""

    number: int
    name: str
    weight: int
    form: Form = Form.TEXT


@dataclass(frozen=True, slots=True)
class Entry:
    """What the index holds of one object: its texts by field name, and its values by filter name."""

    id: str
    created_ms: int
    texts: Mapping[str, Sequence[str]]
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kind:
    """One searchable noun and how its objects are read.

    read: entries of those ids that can still be found; ids that it leaves out go from the index.
    after: entries behind an id, in the order of ids. scopes, count: whose objects there are, and how many.
    """

    name: str
    fields: Sequence[Field]
    read: Callable[[Tx, TeamScope, Sequence[str]], list[Entry]]
    after: Callable[[Tx, TeamScope, str, int], list[Entry]]
    scopes: Callable[[Tx], list[TeamScope]]
    count: Callable[[Tx, TeamScope], int]

    def field(self, name: str) -> Field:
        """The field of that name."""
        return next(one for one in self.fields if one.name == name)
