"""Sets of documents as the bits of integers, and their form in the database.

Documents are numbered; a row of the index holds, for one term and one block of 4,096 numbers, the documents of each
field: a section of field number, length and either sorted offsets (few) or a bitmap (many).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from struct import pack, unpack_from
from typing import Final

BLOCK: Final = 4_096
_BLOCK_BYTES: Final = BLOCK // 8
_IS_MAP: Final = 0x8000

Sets = dict[int, int]
"""Documents of a block by field number."""


def encode(sets: Mapping[int, int]) -> bytes:
    """The row of a block; empty when no field has a document."""
    parts = []
    for field in sorted(sets):
        documents = sets[field]
        if not documents:
            continue
        count, length = documents.bit_count(), (documents.bit_length() + 7) // 8
        if count == 1:
            parts.append(pack("<BHH", field, 1, documents.bit_length() - 1))
        elif count * 2 <= length:
            parts.append(pack(f"<BH{count}H", field, count, *members(documents)))
        else:
            parts.append(pack("<BH", field, length | _IS_MAP) + documents.to_bytes(length, "little"))
    return b"".join(parts)


def decode(row: bytes) -> Sets:
    """The documents of each field."""
    sets: Sets = {}
    at, end = 0, len(row)
    while at < end:
        field, size = unpack_from("<BH", row, at)
        at += 3
        if size & _IS_MAP:
            size &= ~_IS_MAP
            sets[field] = int.from_bytes(row[at : at + size], "little")
            at += size
        elif size == 1:
            sets[field] = 1 << (row[at] | row[at + 1] << 8)
            at += 2
        else:
            documents = 0
            for offset in unpack_from(f"<{size}H", row, at):
                documents |= 1 << offset
            sets[field] = documents
            at += 2 * size
    return sets


def members(documents: int) -> Iterator[int]:
    """The numbers in a set, lowest first."""
    digits = bin(documents)[:1:-1]
    at = digits.find("1")
    while at >= 0:
        yield at
        at = digits.find("1", at + 1)


def holder(documents: int) -> Callable[[int], bool]:
    """Tells whether a number is in the set; for many questions."""
    whole = documents.to_bytes(documents.bit_length() // 8 + 1, "little")
    size = len(whole) * 8
    return lambda number: number < size and bool(whole[number >> 3] >> (number & 7) & 1)


def of(numbers: Iterable[int]) -> int:
    """The set of these numbers."""
    ordered = list(numbers)
    if len(ordered) == 1:
        return 1 << ordered[0]
    whole = bytearray(max(ordered, default=-1) // 8 + 1)
    for number in ordered:
        whole[number // 8] |= 1 << number % 8
    return int.from_bytes(whole, "little")


def gathered(rows: Iterable[tuple[int, bytes]]) -> Sets:
    """Documents by field of many rows (block, row), over all blocks."""
    by_field: dict[int, dict[int, int]] = {}
    for block, row in rows:
        for field, documents in decode(row).items():
            blocks = by_field.setdefault(field, {})
            blocks[block] = blocks.get(block, 0) | documents
    return {field: _joined(blocks) for field, blocks in by_field.items()}


def _joined(blocks: Mapping[int, int]) -> int:
    whole = bytearray((max(blocks) + 1) * _BLOCK_BYTES)
    for block, documents in blocks.items():
        whole[block * _BLOCK_BYTES : (block + 1) * _BLOCK_BYTES] = documents.to_bytes(_BLOCK_BYTES, "little")
    return int.from_bytes(whole, "little")
