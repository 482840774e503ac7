"""Finding what was done to the audit log: every chain recomputed, its end compared with anchors kept elsewhere.

An anchor is one signed line per team in an append-only file outside the database (``audit-anchors.jsonl`` in the data
folder, best shipped to another machine): whoever cuts or rewrites a chain cannot make the anchors agree.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from timbra.platform import audit, json
from timbra.platform.db import Database, Tx

ANCHOR_FILE = "audit-anchors.jsonl"
PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row of a team that does not fit, and why."""

    team_id: str
    seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was read and what is wrong; sound when ``faults`` is empty."""

    rows: int
    teams: int
    faults: list[Fault]


class Anchors:
    """The file of signed chain ends. ``key``: 32 bytes derived for this use alone."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self._path = folder / ANCHOR_FILE
        self._key = key

    def write(self, heads: Mapping[str, tuple[int, bytes]], at_ms: int) -> None:
        """One line per team is added."""
        lines = [self._line(team_id, seq, digest, at_ms) for team_id, (seq, digest) in heads.items()]
        with self._path.open("ab") as file:
            file.writelines(lines)

    def _line(self, team_id: str, seq: int, digest: bytes, at_ms: int) -> bytes:
        content = {"team_id": team_id, "seq": seq, "hash": digest.hex(), "at_ms": at_ms}
        return json.dumps(content | {"signature": self._signature(content)}) + b"\n"

    def _signature(self, content: Mapping[str, Any]) -> str:
        return hmac.digest(self._key, json.canonical(dict(content)), hashlib.sha256).hex()

    def read(self) -> Iterator[tuple[str, int, bytes | None]]:
        """(team, number, hash) of every line; the hash is None for a line whose signature is not ours."""
        if not self._path.exists():
            return
        for line in self._path.read_bytes().splitlines():
            try:
                content = json.loads(line)
                signature = content.pop("signature")
                is_ours = hmac.compare_digest(signature, self._signature(content))
                yield content["team_id"], content["seq"], bytes.fromhex(content["hash"]) if is_ours else None
            except (json.JsonRefused, KeyError, TypeError, ValueError, AttributeError):
                yield "", 0, None


def verify(database: Database, anchors: Anchors) -> Verdict:
    """Every chain from its first row to its head, then every anchor against the row it names."""
    heads = database.read_sync(audit.heads)
    hashes: dict[tuple[str, int], bytes] = {}
    faults: list[Fault] = []
    wanted = {(team_id, seq) for team_id, seq, _ in anchors.read()}
    rows = 0
    for team_id, head in heads.items():
        count, fault = _walk(database, team_id, head, wanted, hashes)
        rows += count
        faults += [fault] if fault else []
    broken = {fault.team_id for fault in faults}
    faults += [fault for fault in _against_anchors(anchors, hashes) if fault.team_id not in broken]
    return Verdict(rows, len(heads), faults)


def _walk(
    database: Database,
    team_id: str,
    head: tuple[int, bytes],
    wanted: set[tuple[str, int]],
    hashes: dict[tuple[str, int], bytes],
) -> tuple[int, Fault | None]:
    before, seq = audit.FIRST_HASH, 0
    while True:
        page = database.read_sync(lambda tx, after=seq: _page(tx, team_id, after))  # type: ignore[misc]
        for row in page:
            if seq == head[0]:
                break  # written after the heads were read
            seq += 1
            if row["seq"] != seq:
                return seq, Fault(team_id, seq, "is missing")
            before = audit.chained(before, row)
            if bytes(row["hash"]) != before:
                return seq, Fault(team_id, seq, "was altered, or one before it was removed or inserted")
            if (team_id, seq) in wanted:
                hashes[team_id, seq] = before
        if len(page) < PAGE or seq == head[0]:
            break
    if (seq, before) != head:
        return seq, Fault(team_id, seq + 1, "is missing: the chain ends before its head")
    return seq, None


def _page(tx: Tx, team_id: str, after: int) -> list[Mapping[str, Any]]:
    return list(audit.rows_of(tx, team_id, after=after, limit=PAGE))


def _against_anchors(anchors: Anchors, hashes: Mapping[tuple[str, int], bytes]) -> Iterator[Fault]:
    seen: set[str] = set()
    for team_id, seq, digest in anchors.read():
        if team_id in seen:
            continue
        if digest is None:
            seen.add(team_id)
            yield Fault(team_id, seq, "has an anchor that this server did not sign")
        elif hashes.get((team_id, seq)) != digest:
            seen.add(team_id)
            yield Fault(team_id, seq, "is not the row that was anchored: the chain was cut or written again")
