"""Bring a published catalogue database to this machine, from a file or a URL, and unpack it."""

import bz2
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urljoin, urlsplit

from timbra.catalogs.home import date_of, day_in
from timbra.catalogs.published import BadCatalogs
from timbra.platform.egress import Answer, Egress, EgressFailed, Limits

PUBLISHED: Final = "https://github.com/phpcfdi/resources-sat-catalogs/releases/latest/download/catalogs.db.bz2"
HOPS: Final = 5
MIB: Final = 1024 * 1024
PACKED_MAX_BYTES: Final = 256 * MIB  # the published file has about 12 MiB, unpacked about 90
UNPACKED_MAX_BYTES: Final = 1024 * MIB
LIMITS: Final = Limits(connect_s=10, read_s=30, total_s=600, answer_bytes=PACKED_MAX_BYTES)
_BZ2: Final = b"BZh"
_SQLITE: Final = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Fetched:
    """An unpacked database. version: date of its data, by its name, else by the day it was written."""

    path: Path
    version: str


def is_url(place: str) -> bool:
    """Whether this is an address rather than a file."""
    return place.startswith(("https://", "http://"))


def from_file(path: Path, folder: Path) -> Fetched:
    """The file, unpacked into ``folder`` where it is packed. Raises BadCatalogs, OSError."""
    return Fetched(_unpacked(path, folder), date_of(path))


async def from_url(egress: Egress, url: str, folder: Path) -> Fetched:
    """What the URL answers, kept in ``folder``. Redirects are followed, each under the rules of outgoing calls.

    Raises BadCatalogs.
    """
    packed = folder / "fetched"
    seen = [url]
    for _ in range(HOPS):
        with packed.open("wb") as file:
            answer = await _asked(egress, seen[-1], file)
        location = answer.headers.get("location")
        if 300 <= answer.status < 400 and location:
            seen.append(urljoin(seen[-1], location))
            continue
        if answer.status != 200:
            raise BadCatalogs(f"{_host(seen[-1])} answered {answer.status}")
        return Fetched(_unpacked(packed, folder), _version(seen, answer))
    raise BadCatalogs(f"{_host(url)} redirects more than {HOPS} times")


class _Sink(Protocol):
    def write(self, data: bytes, /) -> int: ...


async def _asked(egress: Egress, url: str, file: _Sink) -> Answer:
    def keep(piece: bytes) -> None:
        file.write(piece)

    try:
        return await egress.request("GET", url, limits=LIMITS, sink=keep)
    except EgressFailed as error:
        raise BadCatalogs(f"{_host(url)} cannot be read: {error}") from error


def _host(url: str) -> str:
    return urlsplit(url).netloc


def _version(seen: list[str], answer: Answer) -> str:
    """Release pages name the date in the path they redirect to (``v10.14.20260806``)."""
    written = next((day for url in reversed(seen) if (day := day_in(urlsplit(url).path))), None)
    if written is not None:
        return written
    try:
        return parsedate_to_datetime(answer.headers["last-modified"]).date().isoformat()
    except (KeyError, ValueError):
        raise BadCatalogs("nothing tells the date of the data: download the file and name it by its date") from None


def _unpacked(path: Path, folder: Path) -> Path:
    with path.open("rb") as file:
        start = file.read(len(_SQLITE))
    if start == _SQLITE:
        return path
    if not start.startswith(_BZ2):
        raise BadCatalogs("the file is neither an SQLite database nor one packed by bzip2")
    target = folder / "unpacked.sqlite"
    try:
        with bz2.open(path) as packed, target.open("wb") as out:
            while block := packed.read(MIB):
                if out.tell() + len(block) > UNPACKED_MAX_BYTES:
                    raise BadCatalogs(f"the unpacked file has more than {UNPACKED_MAX_BYTES // MIB} MiB")
                out.write(block)
    except (OSError, EOFError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise BadCatalogs(f"the packed file is damaged: {error}") from error
    return target
