"""Writing the index: entries become rows of words and of tokens."""

from collections.abc import Sequence
from zlib import crc32

from timbra.platform.db import Tx
from timbra.platform.search import entries, store, store_index
from timbra.platform.search.kinds import Entry, Kind
from timbra.platform.search.store import TIES, Document, Shelf


def put(tx: Tx, kind: Kind, shelf: Shelf, given: Sequence[Entry], removed: Sequence[str] = ()) -> None:
    """The index holds the entries as given and not the ``removed`` ids. The shelf is locked."""
    known = store.by_object(tx, shelf, [*(entry.id for entry in given), *removed])
    texts = {entry.id: entries.to_text(kind, entry) for entry in given}
    changed = [entry for entry in given if entry.id not in known or not _is(known[entry.id], entry, texts[entry.id])]
    replaced = [known[id_] for id_ in (*(entry.id for entry in changed), *removed) if id_ in known]
    store.remove(tx, shelf, replaced)
    numbers = _numbers(tx, shelf, changed)
    store.put(tx, shelf, [Document(numbers[entry.id], entry.id, texts[entry.id]) for entry in changed])
    store.put_words(tx, shelf, {pair for entry in changed for pair in entries.vocabulary(texts[entry.id])})


def _is(document: Document, entry: Entry, text: str) -> bool:
    return document.words == text and store.time_of(document.number) == max(entry.created_ms, 0)


def _numbers(tx: Tx, shelf: Shelf, changed: Sequence[Entry]) -> dict[str, int]:
    """Free numbers by id: the time, then something that objects of the same millisecond hardly share."""
    found: dict[str, int] = {}
    for entry in changed:
        tie = crc32(f"{shelf.edition}/{entry.id}".encode()) % TIES
        found[entry.id] = store.first_number(entry.created_ms) + tie
    taken = store_index.taken(tx, list(found.values()))
    for id_, wanted in found.items():
        number = wanted
        while number in taken:
            number += 1 if (number + 1) % TIES else 1 - TIES
            taken |= store_index.taken(tx, [number])
        found[id_] = number
        taken.add(number)
    return found
