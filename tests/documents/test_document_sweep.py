import os
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from factories.s3_server import s3_server
from factories.uploads import PDF, upload
from timbra.app import create_app
from timbra.documents import sweep
from timbra.platform.storage import Storage, StorageUnavailable
from world import DAY_MS, NOON_MS, World


@pytest.fixture
def path(world: World) -> str:
    return f"/clients/{world.university()}/support-documents"


def stored(world: World) -> list[Path]:
    return sorted(found for found in (world.folder / "files").rglob("*") if found.is_file())


def remove(world: World) -> int:
    return int(world.run(sweep.remove_orphans(world.house.documents)))


def age(world: World) -> None:
    """Every file was written a day and a second before now."""
    for file in stored(world):
        at_s = (NOON_MS - DAY_MS) // 1000 - 1
        os.utime(file, (at_s, at_s))


def test_death_between_file_and_row_leaves_a_file_that_is_swept(world: World, path: str) -> None:
    world.die_at("documents.stored", lambda: upload(world.api, path))
    world.restart()
    assert (world.rows("support_documents"), len(stored(world))) == (0, 1)

    kept = remove(world)
    age(world)

    assert (kept, remove(world)) == (0, 1)
    assert stored(world) == []
    assert upload(world.api, path).status == 201


def test_death_after_the_row_leaves_a_document(world: World, path: str) -> None:
    world.die_at("db.committed", lambda: upload(world.api, path, idempotency_key="k"))
    world.restart()

    again = upload(world.api, path, idempotency_key="k")

    assert (again.status, again.header("Idempotent-Replayed")) == (201, "true")
    assert (world.rows("support_documents"), len(stored(world))) == (1, 1)
    assert world.api.get(again.data["file_url"]).raw.content == PDF


def test_files_with_a_row_stay_whatever_their_age(world: World, path: str) -> None:
    upload(world.api, path)
    age(world)

    assert remove(world) == 0
    assert len(stored(world)) == 1


def test_files_of_another_server_in_the_same_place_stay(world: World, path: str) -> None:
    upload(world.api, path)
    other = world.folder / "files" / "documents" / "0011223344556677" / "team_x"
    other.mkdir(parents=True)
    (other / "doc_1.abc").write_bytes(b"x")
    age(world)

    assert remove(world) == 0


def test_whole_life_in_a_bucket(world: World, path: str) -> None:
    with s3_server() as origin:
        url = f"s3://files/timbra?endpoint={origin}&region=us-east-1&access_key=id&secret_key=key"
        in_bucket = replace(world.house.documents, storage=Storage.open(url))
        world.house.__dict__["documents"] = in_bucket
        world.app = create_app(wiring=world.house, with_worker=False)
        world.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=world.app), base_url="https://cfdi.example.com"
        )

        made = upload(world.api, path).data
        orphan = f"{in_bucket.folder}/{world.team_id}/doc_lost.abc"
        world.run(in_bucket.storage.put(orphan, PDF))

        assert world.api.get(made["file_url"]).raw.content == PDF
        assert stored(world) == []
        assert remove(world) == 0  # both were written today by the bucket's clock
        world.clock.advance(400 * DAY_MS)
        assert remove(world) == 1
        assert world.run(in_bucket.storage.get(orphan)) is None
        fresh = world.api.get(path).data[0]["file_url"]
        assert world.api.get(fresh).raw.content == PDF


def test_upload_that_cannot_be_stored_is_503(world: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_key: str, _content: bytes) -> None:
        raise StorageUnavailable("s3://files: GenericError")

    monkeypatch.setattr(world.house.documents.storage, "put", fail)
    with world.unchanged():
        reply = upload(world.api, path)

    assert (reply.status, reply.error_code) == (503, "service_unavailable")
    assert int(reply.header("Retry-After") or 0) >= 1


def test_file_that_cannot_be_fetched_is_503(world: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = upload(world.api, path).data["file_url"]

    async def fail(_key: str) -> None:
        raise StorageUnavailable("s3://files: GenericError")

    monkeypatch.setattr(world.house.documents.storage, "get", fail)

    assert world.api.get(url).status == 503
