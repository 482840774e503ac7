"""The control page as a browser sees it: ways in, forms, and what keeps others out."""

from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from timbra.http.middleware import Edge
from timbra.http.ratelimit import RateLimits
from world import DAY_MS, HOUR_MS, World

ORIGIN = "https://cfdi.example.com"


class Browser:
    """Follows redirects, keeps cookies, sends forms as a page of ``origin`` does."""

    def __init__(self, world: World) -> None:
        self.world = world
        transport = httpx.ASGITransport(app=world.app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url=ORIGIN, follow_redirects=True)

    def get(self, path: str) -> httpx.Response:
        return self.world.run(self.http.get(path))  # type: ignore[no-any-return]

    def post(self, path: str, *, origin: str | None = ORIGIN, site: str = "same-origin", **form: Any) -> httpx.Response:
        headers = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": site}
        headers |= {"origin": origin} if origin is not None else {}
        request = self.http.post(f"/sandbox{path}", content=urlencode(form), headers=headers)
        return self.world.run(request)  # type: ignore[no-any-return]

    def enter(self) -> httpx.Response:
        return self.post("/enter", key=self.world.founded.test_key)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


class TestDoors:
    def test_a_stranger_sees_the_door(self, browser: Browser) -> None:
        page = browser.get("/sandbox")

        assert (page.status_code, 'name="key"' in page.text) == (200, True)
        assert "Kemper" not in page.text

    def test_a_test_key_opens(self, browser: Browser) -> None:
        page = browser.enter()

        assert (page.status_code, page.url.path) == (200, "/sandbox")
        assert "Kemper" in page.text
        (session,) = browser.http.cookies.jar
        assert (session.path, session.secure, session.has_nonstandard_attr("HttpOnly")) == ("/sandbox", True, True)
        assert browser.world.founded.test_key not in str(session.value)

    def test_a_live_key_does_not(self, browser: Browser) -> None:
        page = browser.post("/enter", key=browser.world.founded.live_key)

        assert (page.status_code, "use a test key" in page.text) == (401, True)
        assert list(browser.http.cookies.jar) == []

    @pytest.mark.parametrize("key", ["", "x", "eyJh.eyJh.AAAA", "<script>"])
    def test_a_wrong_key_does_not(self, browser: Browser, key: str) -> None:
        page = browser.post("/enter", key=key)

        assert page.status_code == 401
        assert "<script>" not in page.text

    def test_a_link_opens_for_a_day(self, world: World, browser: Browser) -> None:
        link = world.house.sandbox_doors.link(world.team_id, ORIGIN)

        page = browser.get(link)
        assert ("Kemper" in page.text, str(page.url)) == (True, f"{ORIGIN}/sandbox")
        world.clock.advance(DAY_MS)

        late = Browser(world).get(link)
        assert (late.status_code, "does not work any more" in late.text) == (403, True)

    def test_a_session_ends(self, world: World, browser: Browser) -> None:
        browser.enter()
        world.clock.advance(12 * HOUR_MS)

        assert 'name="key"' in browser.get("/sandbox").text
        assert browser.post("/reset").status_code == 403

    def test_a_session_ends_with_its_key(self, world: World, browser: Browser) -> None:
        browser.enter()
        world.database.write_sync(
            lambda tx: tx.connection.exec_driver_sql("update api_keys set revoked_ms = 1 where not livemode")
        )

        assert 'name="key"' in browser.get("/sandbox").text

    def test_a_forged_session_or_link_opens_nothing(self, world: World, browser: Browser) -> None:
        browser.enter()
        (cookie,) = browser.http.cookies.jar
        link = urlsplit(world.house.sandbox_doors.link(world.team_id, ORIGIN)).query.removeprefix("pass=")
        content, _, signature = str(cookie.value).partition(".")
        forged = [f"{content}.{'0' * 64}", f"{content}x.{signature}", link, "", ".", "a.b", f".{signature}"]

        for value in forged:
            stranger = Browser(world)
            stranger.http.cookies.set("timbra_sandbox", value, domain="cfdi.example.com", path="/sandbox")
            assert 'name="key"' in stranger.get("/sandbox").text
        assert browser.get(f"/sandbox?pass={cookie.value}").status_code == 403

    def test_leaving(self, browser: Browser) -> None:
        browser.enter()

        page = browser.post("/leave")

        assert 'name="key"' in page.text
        assert list(browser.http.cookies.jar) == []


class TestForms:
    def test_the_clock_and_what_was_due(self, world: World, browser: Browser) -> None:
        browser.enter()
        uuid = world.issue(100, metadata={"sandbox_cancel": "accepted"})["uuid"]
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        page = browser.post("/clock", advance_seconds=259_200)

        assert "The clock was moved" in page.text
        assert "1 cancellations followed" in page.text
        assert "Mon 12 Oct 2026, 12:00:00" in page.text
        assert "3 days ahead of the server" in page.text
        assert world.show(uuid)["status"] == "canceled"

    def test_to_an_instant_in_mexico_city(self, world: World, browser: Browser) -> None:
        browser.enter()
        browser.post("/clock", to="2026-10-10T08:00")

        assert world.api.get("/sandbox").data["clock"]["local"] == "2026-10-10T08:00:00"

    def test_back_is_refused_where_it_was_typed(self, world: World, browser: Browser) -> None:
        browser.enter()
        page = browser.post("/clock", to="2026-10-01T08:00")

        assert (page.status_code, "never moved back" in page.text) == (400, True)
        assert world.rows("team_clocks") == 0

    def test_pacs_and_receivers(self, world: World, browser: Browser) -> None:
        browser.enter()

        page = browser.post("/pacs", pac="sandbox", behaviour="rejects", code="CFDI40147", seconds="30", calls="2")
        browser.post("/receiver", behaviour="silent")

        assert "for 2 more calls" in page.text
        state = world.api.get("/sandbox").data
        assert state["pacs"][0] == {
            "name": "sandbox", "behaviour": "rejects", "code": "CFDI40147", "seconds": None, "calls": 2,
        }  # fmt: skip
        assert state["receiver"] == {"behaviour": "silent"}
        browser.post("/reset")
        assert world.api.get("/sandbox").data["receiver"] == {"behaviour": "not_asked"}

    def test_the_receivers_answer(self, world: World, browser: Browser) -> None:
        browser.enter()
        browser.post("/receiver", behaviour="silent")
        uuid = world.issue(100)["uuid"]
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})
        assert f'value="{uuid}"' in browser.get("/sandbox").text

        page = browser.post("/answer", uuid=uuid, answer="reject")

        assert "The receiver has answered." in page.text
        assert "Solicitud rechazada" in page.text
        assert world.show(uuid)["cancellation_status"] == "rejected"

    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("/pacs", {"pac": "<img src=x>", "behaviour": "down"}),
            ("/pacs", {"pac": "sandbox", "behaviour": "<script>alert(1)</script>"}),
            ("/pacs", {}),
            ("/receiver", {}),
            ("/clock", {}),
            ("/answer", {"uuid": "nonsense", "answer": "accept"}),
            ("/answer", {"answer": "<script>"}),
        ],
    )
    def test_nonsense_is_told_and_escaped(
        self, world: World, browser: Browser, path: str, form: dict[str, str]
    ) -> None:
        browser.enter()

        page = browser.post(path, **form)

        assert page.status_code in (400, 404)
        assert 'role="alert"' in page.text
        assert "<script>" not in page.text
        assert "<img" not in page.text
        assert world.rows("sandbox_controls") == world.rows("team_clocks") == 0

    def test_what_is_said_comes_from_a_closed_list(self, browser: Browser) -> None:
        browser.enter()

        page = browser.get("/sandbox?said=%3Cb%3Epwned&stamped=%3Cb%3E&before=%3Cb%3E")

        assert (page.status_code, "pwned" in page.text) == (200, False)

    def test_pages_of_documents(self, world: World, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("timbra.sandbox.view.ROWS", 1)
        browser.enter()
        uuids = {world.issue(price)["uuid"] for price in (10, 20)}

        first = browser.get("/sandbox")
        older = first.text.partition('href="/sandbox?before=')[2].partition("#")[0]
        second = browser.get(f"/sandbox?before={older}")

        assert {uuid for uuid in uuids for page in (first, second) if uuid in page.text} == uuids
        assert all(sum(uuid in page.text for uuid in uuids) == 1 for page in (first, second))


class TestWalls:
    @pytest.mark.parametrize(
        ("origin", "site"),
        [
            ("https://evil.example", "same-origin"),
            (ORIGIN, "cross-site"),
            ("null", "same-origin"),
            (ORIGIN, "same-site"),
        ],
    )
    @pytest.mark.parametrize("path", ["/clock", "/reset", "/pacs"])
    def test_forms_of_other_pages_do_nothing(
        self, world: World, browser: Browser, origin: str, site: str, path: str
    ) -> None:
        browser.enter()

        page = browser.post(path, origin=origin, site=site, advance_seconds=60)

        assert page.status_code == 403
        assert world.rows("team_clocks") == 0

    def test_a_form_has_its_size(self, browser: Browser) -> None:
        browser.enter()

        assert browser.post("/pacs", pac="x" * 20_000).status_code == 413

    def test_no_script_and_nothing_of_other_hosts(self, browser: Browser) -> None:
        page = browser.enter()

        assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-frame-options"] == "DENY"
        assert "<script" not in page.text
        assert "style=" not in page.text
        style = browser.get("/sandbox/sandbox.css")
        assert (style.status_code, style.headers["content-type"].partition(";")[0]) == (200, "text/css")
        assert "url(" not in style.text

    def test_nobody_guesses_keys_for_long(self, world: World) -> None:
        pages = replace(world.house.sandbox_pages, limits=RateLimits(world.clock, "badauth=3"))
        app = Starlette(routes=pages.routes())
        app.add_middleware(Edge, time_limit_s=60)
        world.app = app  # type: ignore[assignment]
        browser = Browser(world)

        assert [browser.post("/enter", key="x").status_code for _ in range(5)] == [401, 401, 401, 429, 429]

    def test_teams_see_their_own(self, world: World, browser: Browser) -> None:
        uuid = world.issue(100)["uuid"]

        page = browser.post("/enter", key=world.founded.rival_key)

        assert ("Xenon" in page.text, uuid in page.text) == (True, False)
