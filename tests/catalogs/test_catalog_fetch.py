"""A published database brought here from an address."""

from pathlib import Path
from typing import Any

import pytest

from timbra.catalogs.fetch import PUBLISHED, from_url
from timbra.catalogs.published import BadCatalogs
from timbra.platform.egress import Answer, NotSent, Reason

pytestmark = pytest.mark.anyio
DATABASE = b"SQLite format 3\0" + bytes(100)
RELEASE = "https://github.com/phpcfdi/resources-sat-catalogs/releases/download/v10.15.20261120/catalogs.db.bz2"


class Hosts:
    """Answers by URL, as the client of outgoing calls does: the body of a success goes to the sink."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def request(self, method: str, url: str, *, limits: object, sink: Any) -> Answer:
        self.asked.append(url)
        status, headers, body = self.answers[url]
        if 200 <= status < 300:
            sink(body[:7])
            sink(body[7:])
        return Answer(status, headers, b"")


async def fetched(folder: Path, url: str, answers: dict[str, Any]) -> Any:
    return await from_url(Hosts(answers), url, folder)  # type: ignore[arg-type]


async def test_redirects_lead_to_the_release_and_its_date(tmp_path: Path) -> None:
    answers = {
        PUBLISHED: (302, {"location": "/phpcfdi/resources-sat-catalogs/releases/download/v10.15.20261120/catalogs.db.bz2"}, b""),
        RELEASE: (302, {"location": "https://objects.example/abc?sig=x"}, b""),
        "https://objects.example/abc?sig=x": (200, {}, DATABASE),
    }  # fmt: skip

    found = await fetched(tmp_path, PUBLISHED, answers)

    assert found.version == "2026-11-20"
    assert found.path.read_bytes() == DATABASE


async def test_the_date_may_come_from_the_header(tmp_path: Path) -> None:
    headers = {"last-modified": "Fri, 20 Nov 2026 06:00:00 GMT"}

    found = await fetched(tmp_path, "https://a.example/c.db", {"https://a.example/c.db": (200, headers, DATABASE)})

    assert found.version == "2026-11-20"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {}, b""), "a.example answered 404"),
        ((302, {"location": "https://a.example/20261120.db"}, b""), "redirects more than 5 times"),
        ((200, {}, b"<html>"), "neither an SQLite database"),
    ],
)
async def test_what_is_no_database_is_refused(tmp_path: Path, answer: Any, says: str) -> None:
    url = "https://a.example/20261120.db"

    with pytest.raises(BadCatalogs, match=says):
        await fetched(tmp_path, url, {url: answer})


async def test_without_any_date_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadCatalogs, match="nothing tells the date"):
        await fetched(tmp_path, "https://a.example/c.db", {"https://a.example/c.db": (200, {}, DATABASE)})


async def test_a_call_that_may_not_be_made_is_told(tmp_path: Path) -> None:
    class Closed:
        async def request(self, *_: object, **__: object) -> Answer:
            raise NotSent(Reason.ADDRESS, "the address is not public")

    with pytest.raises(BadCatalogs, match="cannot be read: the address is not public"):
        await from_url(Closed(), "https://a.example/c.db", tmp_path)  # type: ignore[arg-type]
