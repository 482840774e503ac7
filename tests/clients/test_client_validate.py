"""POST /clients/validate/{id} (contract clients.md section 5)."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from factories.api import OTHER_TEAM, START_MS, Api, add_team, open_api
from timbra.catalogs.load import SatData
from timbra.clients.parts import ClientParts
from timbra.clients.routes import routes
from timbra.clients.validation import Asking
from timbra.pac.taxpayers import Claim, Compared, Comparison, NoSuchRfc, OutOfReach, Refused
from timbra.platform.db import Database, Tx

pytestmark = pytest.mark.anyio

KEMPER = {
    "legal_name": "ESCUELA KEMPER URGATE SA DE CV",
    "tax_id": "EKU9003173C9",
    "tax_system": "601",
    "use": "G03",
    "address": {"zip": "42501"},
}
LISTED = {"list": "69b_definitivo", "label": "69-B Definitivo", "source": "SAT", "is_risky": True, "detail": {}}
RISKY = {"is_risky": True, "efos": {"is_valid": False}, "hits": [LISTED]}


async def made(api: Api, *, token: str = "test", **fields: Any) -> dict[str, Any]:
    return (await api.call("POST", "/clients", {**KEMPER, **fields}, token=token)).json()["data"]


async def validated(api: Api, client: Mapping[str, Any], *, token: str = "test") -> dict[str, Any]:
    reply = await api.call("POST", f"/clients/validate/{client['id']}", token=token)
    assert (reply.status_code, reply.json()["message"]) == (200, "Client validated successfully"), reply.text
    return reply.json()["data"]


def failed(data: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """(field, proposed value) of the checks that failed."""
    return [(row["field"], row["fix"]) for row in data["checks"] if row["ok"] is False]


class TestEmbedded:
    async def test_the_reply_is_the_client_with_its_checks(self, api: Api) -> None:
        client = await made(api)

        data = await validated(api, client)

        checks = data.pop("checks")
        assert data == client
        assert [(row["field"], row["ok"]) for row in checks][-1] == ("register.tax_system", True)
        assert all(set(row) == {"field", "ok", "message", "fix"} for row in checks)
        assert api.events() == [("customer.created", client["id"])]
        assert api.actions() == ["client.create", "client.validate"]

    @pytest.mark.parametrize(
        ("fields", "fixes"),
        [
            ({"tax_id": "EKU9003173C8"}, [("tax_id", "EKU9003173C9")]),
            ({"legal_name": "OTRA"}, [("register.legal_name", "ESCUELA KEMPER URGATE")]),
            ({"address": {"zip": "01030"}}, [("register.address.zip", "26015")]),
            ({"address": {"zip": "00001"}}, [("address.zip", "26015"), ("register.address.zip", "26015")]),
            ({"tax_system": "612"}, [("tax_system", "601"), ("register.tax_system", "601")]),
            ({"use": "D01"}, [("use", "G03")]),
            (
                {"tax_id": "XAXX010101000", "legal_name": None, "address": None},
                [("tax_system", "616"), ("use", "S01")],
            ),
        ],
    )
    async def test_a_failed_check_proposes_what_would_pass(
        self, api: Api, fields: dict[str, Any], fixes: list[tuple[str, str]]
    ) -> None:
        data = await validated(api, await made(api, **fields))

        assert failed(data) == fixes
        assert (data["is_valid"], data["fiscal_validation"]["status"]) == (False, "invalid")

    async def test_every_proposal_together_is_valid(self, api: Api) -> None:
        client = await made(api, tax_system="612", address={"zip": "00001"}, legal_name="OTRA")
        fixes: dict[str, Any] = {}
        for name, fix in failed(await validated(api, client)):
            fixes[name.removeprefix("register.")] = fix
        body = {**{n: v for n, v in fixes.items() if "." not in n}, "address": {"zip": fixes["address.zip"]}}

        await api.call("PUT", f"/clients/{client['id']}", body)

        assert (await validated(api, client))["is_valid"] is True

    async def test_a_client_without_rfc_is_unverified(self, api: Api) -> None:
        data = await validated(api, await made(api, tax_id=None))

        assert data["fiscal_validation"] == {"status": "unverified", "message": "Incomplete: tax_id"}

    @pytest.mark.parametrize("token", ["live", f"test-{OTHER_TEAM}"])
    async def test_other_teams_and_modes_do_not_see_it(self, api: Api, token: str) -> None:
        client = await made(api)

        reply = await api.call("POST", f"/clients/validate/{client['id']}", token=token)

        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "resource_not_found")
        assert api.actions() == ["client.create"]


@dataclass
class Asked:
    """A PAC that answers what the test says, and the claims it was asked about."""

    answer: Comparison = field(default_factory=lambda: Compared(True, True, True))
    claims: list[Claim] = field(default_factory=list)
    name: str = "asked"
    meanwhile: Any = None

    async def compare(self, claim: Claim) -> Comparison:
        self.claims.append(claim)
        if self.meanwhile is not None:
            await self.meanwhile()
        return self.answer


@dataclass
class Lists:
    """SAT's lists as the test says."""

    found: Mapping[str, Any] | None = None
    asked: list[str] = field(default_factory=list)

    def status(self, tx: Tx, rfc: str, at_ms: int) -> Mapping[str, Any] | None:
        self.asked.append(rfc)
        return None if self.found is None else {**self.found, "checked_at": at_ms // 1000}


@pytest.fixture
def pac() -> Asked:
    return Asked()


@pytest.fixture
def lists() -> Lists:
    return Lists()


@pytest.fixture
async def asking(
    anyio_backend: str, database: Database, sat_data: SatData, pac: Asked, lists: Lists
) -> AsyncIterator[Api]:
    add_team(database)
    catalogs = sat_data.catalogs
    opened = open_api(
        database,
        lambda clock: [
            routes(ClientParts(database, clock, catalogs, Asking(catalogs, pac), "https://p.example", lists))
        ],
    )
    yield opened
    await opened.http.aclose()


class TestAsking:
    async def test_live_clients_are_compared_as_they_are_printed(self, asking: Api, pac: Asked) -> None:
        client = await made(asking, token="live", legal_name="Escuela Kemper Urgate, S.A. de C.V.")

        data = await validated(asking, client, token="live")

        assert pac.claims == [Claim("EKU9003173C9", "ESCUELA KEMPER URGATE", "42501", "601")]
        assert client["is_valid"] is None
        assert data["fiscal_validation"] == {"status": "valid", "message": "Matches the SAT register"}
        assert asking.events()[-1] == ("customer.updated", client["id"])

    async def test_what_differs_is_named(self, asking: Api, pac: Asked) -> None:
        pac.answer = Compared(name=True, zip=False, regime=False)

        data = await validated(asking, await made(asking, token="live"), token="live")

        assert failed(data) == [("register.address.zip", None), ("register.tax_system", None)]
        assert data["fiscal_validation"]["message"] == (
            "address.zip: the SAT register has another postal code for this RFC"
        )

    async def test_an_rfc_that_nobody_has_is_invalid(self, asking: Api, pac: Asked) -> None:
        pac.answer = NoSuchRfc()

        data = await validated(asking, await made(asking, token="live"), token="live")

        assert failed(data) == [("tax_id", None)]
        assert data["fiscal_validation"]["message"] == "tax_id: the SAT register has no such RFC"

    @pytest.mark.parametrize(
        ("token", "fields"),
        [
            ("test", {}),
            ("live", {"address": None}),
            ("live", {"legal_name": None, "name": "x"}),
            ("live", {"tax_id": "EKU9003173C8"}),
            ("live", {"tax_id": "XAXX010101000"}),
            ("live", {"tax_id": "123", "address": {"country": "USA", "zip": "90210"}}),
        ],
    )
    async def test_nobody_is_asked_about_what_no_register_can_tell(
        self, asking: Api, pac: Asked, token: str, fields: dict[str, Any]
    ) -> None:
        await validated(asking, await made(asking, token=token, **fields), token=token)

        assert pac.claims == []

    @pytest.mark.parametrize(
        ("answer", "status", "code", "retry"),
        [
            (OutOfReach("timeout"), 503, "service_unavailable", "30"),
            (Refused("HTTP 401"), 502, "external_service_error", None),
        ],
    )
    async def test_nothing_is_stored_when_there_is_no_answer(
        self, asking: Api, pac: Asked, lists: Lists, answer: Comparison, status: int, code: str, retry: str | None
    ) -> None:
        client = await made(asking, token="live")
        pac.answer = answer
        lists.found = RISKY

        reply = await asking.call("POST", f"/clients/validate/{client['id']}", token="live")

        assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
        assert reply.headers.get("retry-after") == retry
        assert (await asking.call("GET", f"/clients/{client['id']}", token="live")).json()["data"] == client
        assert asking.actions() == ["client.create"]

    async def test_a_client_changed_meanwhile_is_a_conflict(self, asking: Api, pac: Asked) -> None:
        client = await made(asking, token="live")

        async def change() -> None:
            await asking.call("PUT", f"/clients/{client['id']}", {"legal_name": "OTRA"}, token="live")

        pac.meanwhile = change
        reply = await asking.call("POST", f"/clients/validate/{client['id']}", token="live")

        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "resource_conflict")
        assert asking.actions() == ["client.create", "client.update"]


class TestScreening:
    async def test_a_new_client_is_looked_up(self, asking: Api, lists: Lists) -> None:
        lists.found = RISKY

        client = await made(asking)

        assert lists.asked == ["EKU9003173C9"]
        assert client["efos"] == {"is_valid": False}
        assert client["sat_status"] == {**RISKY, "checked_at": START_MS // 1000}
        assert (await asking.call("GET", f"/clients/{client['id']}")).json()["data"] == client

    @pytest.mark.parametrize(
        "fields",
        [
            {"tax_id": None},
            {"tax_id": "XAXX010101000"},
            {"tax_id": "XEXX010101000"},
            {"tax_id": "EKU9003173C9", "address": {"country": "USA"}},
        ],
    )
    async def test_who_is_in_no_list_is_not_looked_up(self, asking: Api, lists: Lists, fields: dict[str, Any]) -> None:
        lists.found = RISKY

        client = await made(asking, **fields)

        assert (lists.asked, client["efos"], client["sat_status"]) == ([], None, None)

    async def test_a_change_of_fiscal_data_looks_again(self, asking: Api, lists: Lists) -> None:
        client = await made(asking)
        lists.found = RISKY

        after = await asking.call("PUT", f"/clients/{client['id']}", {"phone": "55"})
        assert after.json()["data"]["efos"] is None
        after = await asking.call("PUT", f"/clients/{client['id']}", {"use": "S01"})
        assert after.json()["data"]["efos"] == {"is_valid": False}

    async def test_validation_tells_of_a_new_risk_once(self, asking: Api, lists: Lists) -> None:
        client = await made(asking)
        lists.found = RISKY
        asking.clock.advance(60_000)

        first = await validated(asking, client)
        asking.clock.advance(60_000)
        second = await validated(asking, client)

        assert first["sat_status"]["is_risky"] is True
        assert (first["updated_at"], second["updated_at"]) == (START_MS // 1000 + 60, START_MS // 1000 + 60)
        assert second["sat_status"]["checked_at"] == START_MS // 1000 + 120
        assert asking.events() == [("customer.created", client["id"]), ("customer.updated", client["id"])]
