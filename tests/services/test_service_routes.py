"""The endpoints of contract services.md section 2."""

from typing import Any

import pytest

from factories.api import OTHER_TEAM, TEAM, USER, Api

pytestmark = pytest.mark.anyio

IVA = {"type": "IVA", "rate": 0.16, "factor": "Tasa", "withholding": False}
CONSULTING = {
    "description": "Consultoría mensual",
    "unit_price": 1500,
    "product_key": "80141503",
    "unit_key": "e48",
    "sku": "CONS-01",
    "taxes": [IVA],
}


async def create(api: Api, **fields: Any) -> dict[str, Any]:
    return (await api.call("POST", "/services", {**CONSULTING, **fields})).json()["data"]


class TestCreate:
    async def test_answers_the_whole_object(self, api: Api) -> None:
        reply = await api.call("POST", "/services", CONSULTING)

        assert (reply.status_code, reply.json()["message"]) == (201, "Service created successfully")
        service = reply.json()["data"]
        assert service.pop("id").startswith("service_")
        assert service == {
            "description": "Consultoría mensual",
            "sku": "CONS-01",
            "product_key": "80141503",
            "unit_key": "E48",
            "unit_name": "Unidad de servicio",
            "unit_price": 1500,
            "quantity": 1,
            "taxability": "02",
            "taxes": [
                {"type": "IVA", "rate": 0.16, "factor": "Tasa", "base": None, "inclusive": False, "withholding": False}
            ],
            "metadata": {},
            "livemode": False,
            "team": TEAM,
            "owner": USER,
            "from": "api",
            "created_at": 1791504000,
            "updated_at": 1791504000,
        }

    async def test_two_fields_are_enough(self, api: Api) -> None:
        service = (await api.call("POST", "/services", {"description": "Renta", "unit_price": "99.5"})).json()["data"]

        assert (service["unit_price"], service["product_key"], service["unit_key"]) == (99.5, "01010101", "E48")
        assert [tax["rate"] for tax in service["taxes"]] == [0.16]

    async def test_an_empty_list_of_taxes_means_none(self, api: Api) -> None:
        service = await create(api, taxes=[])

        assert (service["taxes"], service["taxability"]) == ([], "01")

    async def test_leaves_event_and_audit_row(self, api: Api) -> None:
        service = await create(api)

        assert api.events() == [("service.created", service["id"])]
        assert api.actions() == ["service.create"]

    async def test_both_required_fields_are_missed_at_once(self, api: Api) -> None:
        reply = await api.call("POST", "/services", {})

        assert reply.json()["error"]["code"] == "missing_required_field"
        assert reply.json()["error"]["details"] == ["description: is required", "unit_price: is required"]

    @pytest.mark.parametrize(
        ("body", "path", "code", "fix"),
        [
            ({"unit_price": -1}, "unit_price", "min", 0),
            ({"unit_price": 1.1234567}, "unit_price", "format", 1.123457),
            ({"quantity": 0}, "quantity", "min", None),
            ({"description": "a|b"}, "description", "format", "a/b"),
            ({"description": "x" * 1001}, "description", "max_length", "x" * 1000),
            ({"product_key": "99999999"}, "product_key", "not_in_catalog", None),
            ({"product_key": "801415"}, "product_key", "not_in_catalog", "80141500"),
            ({"unit_key": "ZZZ"}, "unit_key", "not_in_catalog", None),
            ({"taxability": "09"}, "taxability", "enum", None),
            ({"taxes": [{**IVA, "rate": 16}]}, "taxes[0].rate", "max", 0.16),
            ({"taxes": [IVA, IVA]}, "taxes[1]", "duplicate", None),
        ],
    )
    async def test_a_bad_value_is_named(self, api: Api, body: dict[str, Any], path: str, code: str, fix: Any) -> None:
        reply = await api.call("POST", "/services", {**CONSULTING, **body})

        assert reply.status_code == 400
        row = reply.json()["error"]["fields"][0]
        assert (row["path"], row["code"], row["fix"]) == (path, code, fix)
        assert api.events() == []

    async def test_the_same_key_makes_one_service(self, api: Api) -> None:
        headers = {"Idempotency-Key": "k1"}

        first = await api.call("POST", "/services", CONSULTING, headers=headers)
        again = await api.call("POST", "/services", CONSULTING, headers=headers)

        assert first.json() == again.json()
        assert len(api.events()) == 1


class TestUpdate:
    async def test_changes_what_was_sent_only(self, api: Api) -> None:
        service = await create(api)
        api.clock.advance(60_000)

        reply = await api.call("PUT", f"/services/{service['id']}", {"unit_price": 1650.5})

        assert (reply.status_code, reply.json()["message"]) == (200, "Service updated successfully")
        assert reply.json()["data"] == {**service, "unit_price": 1650.5, "updated_at": 1791504060}
        assert api.events()[-1] == ("service.updated", service["id"])

    async def test_nothing_changes_with_an_empty_body(self, api: Api) -> None:
        service = await create(api)

        reply = await api.call("PUT", f"/services/{service['id']}")

        assert reply.json()["data"] == service
        assert len(api.events()) == 1

    async def test_null_clears_or_restores_the_default(self, api: Api) -> None:
        service = await create(api, quantity=3, metadata={"a": 1}, taxability="02", taxes=[{**IVA, "rate": 0.08}])
        nulls = dict.fromkeys(
            ["sku", "metadata", "product_key", "unit_key", "unit_name", "taxability", "taxes", "quantity"]
        )

        after = (await api.call("PUT", f"/services/{service['id']}", nulls)).json()["data"]

        assert (after["sku"], after["metadata"], after["quantity"], after["product_key"]) == (None, {}, 1, "01010101")
        assert [tax["rate"] for tax in after["taxes"]] == [0.16]

    async def test_description_and_price_cannot_be_null(self, api: Api) -> None:
        service = await create(api)

        reply = await api.call("PUT", f"/services/{service['id']}", {"description": None, "unit_price": None})

        assert reply.json()["error"]["code"] == "missing_required_field"
        assert {row["path"] for row in reply.json()["error"]["fields"]} == {"description", "unit_price"}

    async def test_a_new_unit_brings_its_catalogue_name(self, api: Api) -> None:
        service = await create(api)

        after = (await api.call("PUT", f"/services/{service['id']}", {"unit_key": "ACT"})).json()["data"]

        assert (after["unit_key"], after["unit_name"]) == ("ACT", "Actividad")

    async def test_a_unit_name_of_ones_own_stays(self, api: Api) -> None:
        service = await create(api, unit_name="Mes")

        after = (await api.call("PUT", f"/services/{service['id']}", {"unit_key": "ACT"})).json()["data"]

        assert after["unit_name"] == "Mes"


class TestDelete:
    async def test_is_soft_and_final(self, api: Api) -> None:
        service = await create(api)

        reply = await api.call("DELETE", f"/services/{service['id']}")
        again = await api.call("DELETE", f"/services/{service['id']}")

        assert reply.json()["data"] == {"id": service["id"], "deleted": True}
        assert again.status_code == 404
        assert (await api.call("GET", f"/services/{service['id']}")).status_code == 404
        assert (await api.call("GET", "/services")).json()["total_results"] == 0
        assert api.actions() == ["service.create", "service.delete"]


class TestRead:
    @pytest.mark.parametrize("token", ["live", f"test-{OTHER_TEAM}"])
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    async def test_others_do_not_see_it(self, api: Api, token: str, method: str) -> None:
        service = await create(api)

        reply = await api.call(method, f"/services/{service['id']}", token=token)

        assert reply.status_code == 404

    async def test_lists_in_pages_by_name(self, api: Api) -> None:
        for description in ("Ñandú", "árbol", "Zapato", "nata", "Buzón"):
            await create(api, description=description)

        first = (await api.call("GET", "/services?order_by=name&sort=asc&limit=3")).json()
        second = (await api.call("GET", f"/services?order_by=name&sort=asc&limit=3&next={first['next']}")).json()

        names = [row["description"] for row in first["data"] + second["data"]]
        assert names == ["árbol", "Buzón", "Ñandú", "nata", "Zapato"]
        assert (first["total_results"], first["has_more"], second["has_more"]) == (5, True, False)

    @pytest.mark.parametrize("query", ["sku=B", "product_key=80101500", "metadata.plan=gold"])
    async def test_filters(self, api: Api, query: str) -> None:
        await create(api)
        wanted = await create(api, sku="B", product_key="80101500", metadata={"plan": "gold"})

        reply = await api.call("GET", f"/services?{query}")

        assert [row["id"] for row in reply.json()["data"]] == [wanted["id"]]
        assert reply.json()["total_results"] == 1
