"""GET, PUT and DELETE of clients (contract clients.md section 2)."""

from typing import Any

import pytest
from sqlalchemy import text

from factories.api import OTHER_TEAM, Api
from timbra.platform import json

pytestmark = pytest.mark.anyio

KEMPER = {
    "legal_name": "ESCUELA KEMPER URGATE SA DE CV",
    "email": "pagos@kemper.mx",
    "tax_id": "EKU9003173C9",
    "tax_system": "601",
    "address": {"zip": "42501", "city": "Pachuca"},
    "metadata": {"crm_id": "8812"},
}


async def create(api: Api, **fields: Any) -> dict[str, Any]:
    return (await api.call("POST", "/clients", {**KEMPER, **fields})).json()["data"]


class TestUpdate:
    async def test_changes_what_was_sent_and_merges_the_address(self, api: Api) -> None:
        client = await create(api, phone="55")
        api.clock.advance(60_000)
        body = {"phone": None, "address": {"zip": "26015"}, "metadata": {}, "defaults": {"keep_full_legal_name": False}}

        reply = await api.call("PUT", f"/clients/{client['id']}", body)

        assert (reply.status_code, reply.json()["message"]) == (200, "Client updated successfully")
        assert reply.json()["data"] == {
            **client,
            "phone": None,
            "address": {**client["address"], "zip": "26015"},
            "metadata": {},
            "defaults": {**client["defaults"], "keep_full_legal_name": False},
            "updated_at": 1791504060,
        }
        assert api.events()[-1] == ("customer.updated", client["id"])

    async def test_the_audit_row_tells_old_and_new(self, api: Api) -> None:
        client = await create(api)

        await api.call("PUT", f"/clients/{client['id']}", {"phone": "55"})

        query = text("select changes from audit_log where action = 'client.update'")
        changes = api.db.read_sync(lambda tx: tx.execute(query).scalar_one())
        assert json.loads(changes.encode()) == {"phone": {"old": None, "new": "55"}}

    async def test_an_empty_body_changes_nothing(self, api: Api) -> None:
        client = await create(api)
        api.clock.advance(60_000)

        reply = await api.call("PUT", f"/clients/{client['id']}")

        assert reply.json()["data"] == client
        assert len(api.events()) == 1

    async def test_validation_runs_again_when_fiscal_data_change(self, api: Api) -> None:
        client = await create(api)

        reply = await api.call("PUT", f"/clients/{client['id']}", {"address": {"zip": "01030"}})

        assert client["is_valid"] is True
        assert reply.json()["data"]["is_valid"] is False

    async def test_the_name_falls_back_when_it_is_cleared(self, api: Api) -> None:
        client = await create(api, name="Kemper")

        reply = await api.call("PUT", f"/clients/{client['id']}", {"name": None})

        assert reply.json()["data"]["name"] == KEMPER["legal_name"]

    async def test_a_client_keeps_something_that_names_it(self, api: Api) -> None:
        client = await create(api)
        body = dict.fromkeys(["name", "legal_name", "company", "email", "tax_id"])

        reply = await api.call("PUT", f"/clients/{client['id']}", body)

        assert reply.json()["error"]["code"] == "missing_required_field"
        assert len(api.events()) == 1

    async def test_the_address_can_be_cleared_as_a_whole(self, api: Api) -> None:
        client = await create(api)

        reply = await api.call("PUT", f"/clients/{client['id']}", {"address": None})

        assert set(reply.json()["data"]["address"].values()) == {None}

    async def test_a_move_to_mexico_asks_for_an_rfc(self, api: Api) -> None:
        client = await create(api, tax_id="123456789", address={"country": "USA", "zip": "90210"})

        reply = await api.call("PUT", f"/clients/{client['id']}", {"address": {"country": "MX"}})

        assert [row["path"] for row in reply.json()["error"]["fields"]] == ["tax_id"]

    async def test_read_only_fields_are_ignored(self, api: Api) -> None:
        client = await create(api)

        reply = await api.call("PUT", f"/clients/{client['id']}", client)

        assert reply.json()["data"] == client
        assert len(api.events()) == 1


class TestDelete:
    async def test_is_soft_and_final(self, api: Api) -> None:
        client = await create(api)

        reply = await api.call("DELETE", f"/clients/{client['id']}")
        again = await api.call("DELETE", f"/clients/{client['id']}")

        assert reply.json()["message"] == "Client deleted successfully"
        assert reply.json()["data"] == {"id": client["id"], "deleted": True}
        assert again.status_code == 404
        assert (await api.call("GET", f"/clients/{client['id']}")).status_code == 404
        assert (await api.call("GET", "/clients")).json()["total_results"] == 0
        assert api.events()[-1] == ("customer.deleted", client["id"])
        assert api.actions() == ["client.create", "client.delete"]

    async def test_a_deleted_client_is_no_match(self, api: Api) -> None:
        client = await create(api)
        await api.call("DELETE", f"/clients/{client['id']}")

        reply = await api.call("POST", "/clients", {**KEMPER, "search": {"on_key": "tax_id"}})

        assert reply.status_code == 201


@pytest.mark.parametrize("token", ["live", f"test-{OTHER_TEAM}"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_other_teams_and_modes_do_not_see_it(api: Api, token: str, method: str) -> None:
    client = await create(api)

    assert (await api.call(method, f"/clients/{client['id']}", token=token)).status_code == 404
    assert (await api.call("GET", "/clients", token=token)).json()["data"] == []
    assert len(api.events()) == 1


class TestList:
    async def test_answers_the_newest_first(self, api: Api) -> None:
        ids = []
        for _ in range(3):
            ids.append((await create(api))["id"])
            api.clock.advance(1000)

        reply = (await api.call("GET", "/clients?limit=2")).json()

        assert reply["message"] == "Clients retrieved successfully"
        assert [row["id"] for row in reply["data"]] == [ids[2], ids[1]]
        assert (reply["has_more"], reply["total_results"]) == (True, 3)
        rest = (await api.call("GET", f"/clients?limit=2&next={reply['next']}")).json()
        assert [row["id"] for row in rest["data"]] == [ids[0]]
        assert (rest["has_more"], rest["next"]) == (False, None)

    async def test_orders_by_legal_name_else_name_without_case_and_accents(self, api: Api) -> None:
        for name in ("Óscar", "ana", "Zoe"):
            await api.call("POST", "/clients", {"name": name})
        await api.call("POST", "/clients", {"name": "Aaa", "legal_name": "PABLO"})

        rows = (await api.call("GET", "/clients?order_by=name&sort=asc")).json()["data"]

        assert [row["name"] for row in rows] == ["ana", "Óscar", "Aaa", "Zoe"]

    @pytest.mark.parametrize(
        "query",
        ["email=OTHER@kemper.mx", "tax_id=ure-180429tm6", "is_valid=null", "metadata.tier=12.5", "metadata[vip]=true"],
    )
    async def test_filters(self, api: Api, query: str) -> None:
        await create(api)
        wanted = await create(
            api,
            email="other@Kemper.mx",
            tax_id="URE180429TM6",
            tax_system=None,
            legal_name=None,
            address=None,
            metadata={"tier": 12.5, "vip": True},
        )

        reply = (await api.call("GET", f"/clients?{query}")).json()

        assert [row["id"] for row in reply["data"]] == [wanted["id"]]
        assert reply["total_results"] == 1

    async def test_a_bad_parameter_is_refused(self, api: Api) -> None:
        reply = await api.call("GET", "/clients?is_valid=maybe&limit=0")

        assert {row["path"] for row in reply.json()["error"]["fields"]} == {"is_valid", "limit"}
