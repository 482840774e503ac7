"""Files in a local folder, and in a bucket of a real S3 server (moto's)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from factories.s3_server import s3_server
from timbra.platform.db import Database
from timbra.platform.storage import Storage, StorageRefused, StorageUnavailable, Stored, refuse_storage

KEY = "documents/a1/team_1/doc_1.abc"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    with s3_server() as origin:
        yield origin


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return Storage.open(str(tmp_path / "files"))
    origin = request.getfixturevalue("s3")
    return Storage.open(f"s3://files/{tmp_path.name}?endpoint={origin}&region=us-east-1&access_key=id&secret_key=key")


async def listed(storage: Storage, prefix: str) -> list[Stored]:
    return sorted([file async for batch in storage.files(prefix) for file in batch], key=lambda file: file.key)


def test_file_is_there_until_it_is_deleted(storage: Storage) -> None:
    async def life() -> list[Any]:
        before = await storage.get(KEY)
        await storage.put(KEY, b"one")
        await storage.put(KEY, b"two")
        during = await storage.get(KEY)
        await storage.delete(KEY)
        await storage.delete(KEY)
        return [before, during, await storage.get(KEY)]

    assert asyncio.run(life()) == [None, b"two", None]


def test_large_file_comes_back_whole(storage: Storage) -> None:
    content = bytes(range(256)) * 40_960  # 10 MiB

    async def both() -> bytes | None:
        await storage.put(KEY, content)
        return await storage.get(KEY)

    assert asyncio.run(both()) == content


def test_files_below_a_prefix(storage: Storage) -> None:
    async def all_of_them() -> list[Stored]:
        for n in range(3):
            await storage.put(f"documents/a1/team_{n}/doc_{n}.x", b"x" * n)
        await storage.put("documents/b2/team_1/doc_9.x", b"")
        return await listed(storage, "documents/a1")

    found = asyncio.run(all_of_them())

    assert [(file.key, file.size) for file in found] == [(f"documents/a1/team_{n}/doc_{n}.x", n) for n in range(3)]
    assert all(file.changed_ms > 1_700_000_000_000 for file in found)
    assert asyncio.run(listed(storage, "nothing")) == []


@pytest.mark.parametrize("key", ["../x", "/etc/passwd", "a//b", "a/../b", "", "a b", "a\x00"])
def test_key_that_is_not_ours_is_a_bug(storage: Storage, key: str) -> None:
    with pytest.raises(AssertionError):
        asyncio.run(storage.put(key, b"x"))


def test_local_files_are_for_this_user_alone(tmp_path: Path) -> None:
    asyncio.run(Storage.open(f"file://{tmp_path}/files").put(KEY, b"x"))

    found = [tmp_path / "files", *(tmp_path / "files").rglob("*")]
    assert {path.stat().st_mode & 0o777 for path in found if path.is_dir()} == {0o700}
    assert {path.stat().st_mode & 0o777 for path in found if path.is_file()} == {0o600}


def test_bucket_that_does_not_exist(s3: str) -> None:
    storage = Storage.open(f"s3://other?endpoint={s3}&region=us-east-1&access_key=id&secret_key=sesame")

    with pytest.raises(StorageUnavailable) as error:
        asyncio.run(storage.put(KEY, b"x"))

    assert "sesame" not in str(error.value)


def test_server_that_does_not_answer() -> None:
    storage = Storage.open("s3://files?endpoint=http://127.0.0.1:1&access_key=id&secret_key=key")

    for call in (storage.put(KEY, b"x"), storage.get(KEY), storage.delete(KEY)):
        with pytest.raises(StorageUnavailable):
            asyncio.run(call)


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(StorageUnavailable):
        Storage.open(str(tmp_path / "file" / "files"))


@pytest.mark.parametrize(
    "url",
    [
        "https://files",
        "ftp://x/y",
        "s3://",
        "s3:///x",
        "s3://files?secret=x",
        "s3://files?endpoint=http://h&acl=p",
        "s3://files?secret_key=k",
    ],
)
def test_urls_that_are_no_storage(url: str) -> None:
    with pytest.raises(StorageRefused):
        refuse_storage(url)


def test_no_file_is_touched_inside_a_transaction(tmp_path: Path, database: Database) -> None:
    storage = Storage.open(str(tmp_path / "files"))

    def unit(_tx: Any) -> None:
        with pytest.raises(AssertionError):
            storage._check(KEY)

    database.write_sync(unit)
