"""Files by their key: in a local folder, or in a bucket of an S3-compatible service.

    storage = Storage.open(settings.storage_url)
    await storage.put("documents/team_…/doc_…", content)      # durable when it returns

Keys are made by this server, of letters, digits and ``/ . _ -``. A local file is written beside its place, synced and
moved there, for this user alone. No call is made inside a transaction: a row that names a file is written after the
file, so that what a dead process leaves is a file without a row, which a sweep finds (docs/decisions/0025-files-and-their-rows.md).
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from timbra.platform.db import in_transaction

CONNECT_S: Final = "3s"
TOTAL_S: Final = "30s"
RETRIES: Final = 2
S3_OPTIONS: Final = {
    "endpoint": "endpoint",
    "region": "region",
    "access_key": "access_key_id",
    "secret_key": "secret_access_key",
}

_KEY: Final = re.compile(r"[A-Za-z0-9_\-]+([./][A-Za-z0-9_\-]+)*", re.ASCII)


class StorageRefused(ValueError):
    """The setting is no storage; the message says why."""


class StorageUnavailable(Exception):
    """The files cannot be reached; the caller may try again. The message holds no secret."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file that is there. ``changed_ms``: when it was written."""

    key: str
    size: int
    changed_ms: int


class Storage:
    """The files of one server. Two servers must not share a folder, or a bucket and prefix."""

    def __init__(self, store: LocalStore | S3Store, folder: Path | None, place: str) -> None:
        """folder: of a local store, None for a bucket. place: what is said of it in messages."""
        self._store = store
        self._folder = folder
        self.place = place

    @classmethod
    def open(cls, url: str) -> "Storage":
        """The storage that the setting names; a folder is made. Raises StorageRefused, StorageUnavailable."""
        refuse_storage(url)
        parts = urlsplit(url)
        if parts.scheme == "s3":
            return cls(_bucket(url), None, f"s3://{parts.hostname}{parts.path}")
        return cls._local(Path(unquote(parts.path) if parts.scheme else url))

    @classmethod
    def _local(cls, folder: Path) -> "Storage":
        place = folder.resolve()
        try:
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnavailable(f"{place}: {error.strerror}") from error
        return cls(LocalStore(place), place, str(place))

    async def put(self, key: str, content: bytes) -> None:
        """The file is durable. Raises StorageUnavailable."""
        self._check(key)
        with _translated(self.place):
            await obstore.put_async(self._store, key, content)
            if self._folder is not None:
                await asyncio.to_thread(_settle, self._folder, self._folder / key)

    async def get(self, key: str) -> bytes | None:
        """The bytes, None when there is no such file. Raises StorageUnavailable."""
        self._check(key)
        with _translated(self.place):
            try:
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())
            except FileNotFoundError:
                return None

    async def delete(self, key: str) -> None:
        """The file is not there, whether it was or not. Raises StorageUnavailable."""
        self._check(key)
        with _translated(self.place):
            try:
                await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                return

    async def files(self, prefix: str) -> AsyncIterator[list[Stored]]:
        """Every file below ``prefix``, in batches. Raises StorageUnavailable."""
        self._check(prefix)
        with _translated(self.place):
            async for batch in obstore.list(self._store, prefix):
                yield [_stored(found) for found in batch]

    def _check(self, key: str) -> None:
        assert not in_transaction.get(), "no file is touched inside a transaction"
        assert _KEY.fullmatch(key), key


def refuse_storage(url: str) -> None:
    """Raises StorageRefused unless the URL names a folder or a bucket; neither is looked for."""
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        _bucket(url)
    elif scheme not in ("", "file"):
        raise StorageRefused("storage: must be a folder, or s3://bucket/prefix?endpoint=https://host")


def _stored(found: Any) -> Stored:
    changed = found["last_modified"]
    return Stored(str(found["path"]), int(found["size"]), int(changed.timestamp() * 1000))


def _bucket(url: str) -> S3Store:
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(given.keys() - S3_OPTIONS.keys())
    if unknown or not parts.hostname:
        raise StorageRefused(f"storage: {', '.join(unknown) or 'no bucket'}: s3://bucket/prefix?{'&'.join(S3_OPTIONS)}")
    if ("access_key" in given) != ("secret_key" in given):
        raise StorageRefused("storage: access_key and secret_key belong together")
    config: Any = {S3_OPTIONS[name]: value for name, value in given.items()}
    is_plain = given.get("endpoint", "").startswith("http://")
    try:
        return S3Store(
            parts.hostname,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={"allow_http": is_plain, "connect_timeout": CONNECT_S, "timeout": TOTAL_S},
            retry_config={"max_retries": RETRIES, "retry_timeout": timedelta(seconds=30)},
        )
    except (BaseError, ValueError) as error:
        raise StorageRefused(f"storage: s3://{parts.hostname}: {type(error).__name__}") from error


def _settle(root: Path, path: Path) -> None:
    """File and folders are on the disk, for this user alone."""
    path.chmod(0o600)
    _sync(path)
    folder = path.parent
    while True:
        folder.chmod(0o700)
        _sync(folder)
        if folder == root:
            return
        folder = folder.parent


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _translated(place: str) -> Any:
    """Errors of the library and of the system as ours; its texts name hosts and keys, and stay in the chain."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise StorageUnavailable(f"{place}: {type(error).__name__}") from error
