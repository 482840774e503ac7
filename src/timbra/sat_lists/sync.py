"""Fetch the published files and load them: each by itself, the others go on when one fails."""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final
from urllib.parse import urlsplit

from timbra.platform.egress import Egress, EgressFailed, Limits
from timbra.sat_lists import load
from timbra.sat_lists.lists import PUBLISHED, Published
from timbra.sat_lists.load import AlreadyLoading, LoadParts
from timbra.sat_lists.read import FILE_LIMIT_BYTES, Unreadable
from timbra.sat_lists.store import ListState

LIMITS: Final = Limits(connect_s=10, read_s=60, total_s=900, answer_bytes=FILE_LIMIT_BYTES)


class UnknownList(Exception):
    """There is no list of that name."""


@dataclass(frozen=True, slots=True)
class SyncParts:
    """``sources``: what replaces SAT's own addresses, by the id of a published file; empty: it is not fetched."""

    load: LoadParts
    egress: Egress
    sources: Mapping[str, Sequence[str]]

    def sources_of(self, published: Published) -> Sequence[str]:
        """URLs or paths of the file."""
        return self.sources.get(published.id, published.sources)


async def sync(parts: SyncParts) -> dict[str, list[ListState] | str]:
    """Every file that has a source was tried: its lists as they are now, or why it failed."""
    done: dict[str, list[ListState] | str] = {}
    for published in PUBLISHED:
        sources = parts.sources_of(published)
        if not sources:
            continue
        try:
            done[published.id] = await load_from(parts, published, sources)
        except (Unreadable, AlreadyLoading) as error:
            done[published.id] = str(error)
    return done


async def load_from(parts: SyncParts, published: Published, sources: Sequence[str]) -> list[ListState]:
    """The lists are what the sources (URLs or paths) say. Raises Unreadable, AlreadyLoading."""
    with tempfile.TemporaryDirectory(prefix="timbra-sat-") as folder:
        async with load.loading(parts.load, published):
            files = [await _file(parts.egress, source, Path(folder) / str(n)) for n, source in enumerate(sources)]
            return await load.load(parts.load, published, files)


async def _file(egress: Egress, source: str, folder: Path) -> Path:
    """The source as a file; a URL is fetched into ``folder``."""
    url = urlsplit(source)
    if url.scheme not in ("http", "https"):
        return Path(source)  # whether it can be read is told when it is
    path = folder / (PurePosixPath(url.path).name or "list.csv")
    with await asyncio.to_thread(_opened, path) as target:
        await _fetch(egress, source, target)
    return path


def _opened(path: Path) -> IO[bytes]:
    path.parent.mkdir()
    return path.open("wb")


async def _fetch(egress: Egress, url: str, target: IO[bytes]) -> None:
    def keep(piece: bytes) -> None:
        target.write(piece)

    try:
        answer = await egress.request("GET", url, limits=LIMITS, sink=keep)
    except EgressFailed as error:
        raise Unreadable(f"{url}: {error}") from error
    if answer.status != 200:
        raise Unreadable(f"{url}: answered {answer.status}")


def published_of(id_: str) -> Published:
    """The published file of that name, or the one that holds the list of that name. Raises UnknownList."""
    for published in PUBLISHED:
        if id_ == published.id or any(each.id == id_ for each in published.lists):
            return published
    raise UnknownList(f"{id_}: is none of {', '.join(each.id for each in PUBLISHED)}")


def sources_of_setting(setting: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The setting ``sat_list_sources`` by the id of a published file. Raises UnknownList."""
    return {published_of(id_).id: sources for id_, sources in setting.items()}
