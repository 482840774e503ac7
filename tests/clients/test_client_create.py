"""POST /clients (contract clients.md section 2)."""

import asyncio
from typing import Any

import pytest

from factories.api import TEAM, USER, Api

pytestmark = pytest.mark.anyio

KEMPER = {
    "name": "Escuela Kemper",
    "company": "Kemper",
    "email": "pagos@kemper.mx",
    "legal_name": " ESCUELA  KEMPER URGATE SA DE CV ",
    "tax_id": "eku-900317.3C9",
    "tax_system": 601,
    "use": "g03",
    "address": {"country": "México", "zip": 42501, "street": "Hidalgo"},
    "metadata": {"crm_id": "8812"},
}


async def test_create_answers_the_whole_object_with_defaults(api: Api) -> None:
    reply = await api.call("POST", "/clients", KEMPER)

    assert reply.status_code == 201
    assert reply.json()["message"] == "Client created successfully"
    client = reply.json()["data"]
    assert client.pop("id").startswith("client_")
    assert client == {
        "name": "Escuela Kemper",
        "company": "Kemper",
        "email": "pagos@kemper.mx",
        "phone": None,
        "bcc": [],
        "legal_name": "ESCUELA KEMPER URGATE SA DE CV",
        "tax_id": "EKU9003173C9",
        "tax_system": "601",
        "use": "G03",
        "address": {
            "country": "MEX",
            "zip": "42501",
            "street": "Hidalgo",
            "exterior": None,
            "interior": None,
            "neighborhood": None,
            "municipality": None,
            "city": None,
            "state": None,
        },
        "metadata": {"crm_id": "8812"},
        "defaults": {
            "keep_full_legal_name": None,
            "issue_automatic_invoices": None,
            "issue_invoiceable_receipts": None,
        },
        "is_valid": True,
        "efos": None,
        "fiscal_validation": {"status": "valid", "message": "Matches the SAT register"},
        "sat_status": None,
        "livemode": False,
        "team": TEAM,
        "owner": USER,
        "from": "api",
        "created_at": 1791504000,
        "updated_at": 1791504000,
    }


async def test_create_leaves_its_event_and_audit_row(api: Api) -> None:
    reply = await api.call("POST", "/clients", KEMPER)

    assert api.events() == [("customer.created", reply.json()["data"]["id"])]
    assert api.actions() == ["client.create"]


@pytest.mark.parametrize("field", ["legal_name", "company", "email", "tax_id"])
async def test_the_name_falls_back_to_the_next_naming_field(api: Api, field: str) -> None:
    reply = await api.call("POST", "/clients", {field: KEMPER[field]})

    assert reply.json()["data"]["name"] == reply.json()["data"][field]


async def test_a_client_without_any_naming_field_is_refused(api: Api) -> None:
    reply = await api.call("POST", "/clients", {"phone": "55", "legal_name": "  "})

    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "missing_required_field"
    assert reply.json()["error"]["fields"][0]["path"] == "name"
    assert api.events() == []


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"tax_id": "EKU900317"}, "tax_id", "format"),
        ({"tax_id": "EKU9002303C9"}, "tax_id", "format"),
        ({"email": "a@b"}, "email", "format"),
        ({"bcc": ["a@b.mx", "x"]}, "bcc[1]", "format"),
        ({"bcc": ["a@b.mx"] * 21}, "bcc", "max_items"),
        ({"tax_system": "600"}, "tax_system", "enum"),
        ({"use": "G99"}, "use", "enum"),
        ({"dv": "x"}, "dv", "enum"),
        ({"address": {"country": "Atlantis"}}, "address.country", "enum"),
        ({"address": {"zip": "4250"}}, "address.zip", "format"),
        ({"legal_name": "A|B"}, "legal_name", "format"),
        ({"name": "x" * 201}, "name", "max_length"),
        ({"metadata": {"k": "x" * 501}}, "metadata", "max_length"),
        ({"search": {"on_key": "phone", "on_value": "1"}}, "search.on_key", "enum"),
        ({"livemode": True}, "livemode", "conflict"),
    ],
)
async def test_a_bad_value_is_named_with_its_path(api: Api, body: dict[str, Any], path: str, code: str) -> None:
    reply = await api.call("POST", "/clients", {"name": "Kemper", **body})

    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_field_value"
    assert [(row["path"], row["code"]) for row in reply.json()["error"]["fields"]] == [(path, code)]


async def test_a_text_with_a_bar_comes_with_one_that_would_do(api: Api) -> None:
    reply = await api.call("POST", "/clients", {"legal_name": "A|B SA DE CV"})

    assert reply.json()["error"]["fields"][0]["fix"] == "A/B SA DE CV"


async def test_a_client_abroad_needs_no_rfc(api: Api) -> None:
    body = {
        "legal_name": "Acme Inc",
        "tax_id": "12-3456789",
        "address": {"country": "Estados Unidos", "zip": "90210-1234"},
    }

    client = (await api.call("POST", "/clients", body)).json()["data"]

    assert client["tax_id"] == "123456789"
    assert client["address"]["country"] == "USA"
    assert client["is_valid"] is None


async def test_colombian_fields_appear_only_when_set(api: Api) -> None:
    body = {"name": "Bogotá SAS", "document_type": 31, "fiscal_responsibilities": ["o-13"], "dv": 7}

    client = (await api.call("POST", "/clients", body)).json()["data"]

    assert {name: client[name] for name in ("document_type", "fiscal_responsibilities", "dv")} == {
        "document_type": "31",
        "fiscal_responsibilities": ["O-13"],
        "dv": "7",
    }
    assert "tribute_code" not in client


class TestSearch:
    async def test_no_match_creates(self, api: Api) -> None:
        reply = await api.call("POST", "/clients", {**KEMPER, "search": {"on_key": "tax_id"}})

        assert reply.status_code == 201

    async def test_no_match_is_not_found_without_auto_create(self, api: Api) -> None:
        body = {**KEMPER, "search": {"on_key": "tax_id", "auto_create": False}}

        reply = await api.call("POST", "/clients", body)

        assert reply.status_code == 404
        assert reply.json()["error"]["details"] == ["search.on_value: not found"]
        assert api.events() == []

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("tax_id", "eku9003173c9"),
            ("email", "PAGOS@kemper.mx"),
            ("name", "ESCUELA kemper"),
            ("metadata.crm_id", "8812"),
        ],
    )
    async def test_the_one_match_comes_back_untouched(self, api: Api, key: str, value: str) -> None:
        known = (await api.call("POST", "/clients", KEMPER)).json()["data"]

        reply = await api.call("POST", "/clients", {"name": "Other", "search": {"on_key": key, "on_value": value}})

        assert (reply.status_code, reply.json()["message"]) == (200, "Client retrieved successfully")
        assert reply.json()["data"] == known
        assert api.actions() == ["client.create"]

    async def test_the_id_finds_too(self, api: Api) -> None:
        known = (await api.call("POST", "/clients", KEMPER)).json()["data"]

        reply = await api.call("POST", "/clients", {"id": known["id"], "search": {"on_key": "id"}})

        assert reply.json()["data"] == known

    async def test_update_applies_the_other_fields_to_the_match(self, api: Api) -> None:
        known = (await api.call("POST", "/clients", KEMPER)).json()["data"]
        body = {"tax_id": KEMPER["tax_id"], "phone": "55", "search": {"on_key": "tax_id", "update": True}}

        reply = await api.call("POST", "/clients", body)

        assert (reply.status_code, reply.json()["message"]) == (200, "Client updated successfully")
        assert reply.json()["data"] == {**known, "phone": "55"}
        assert api.events()[-1] == ("customer.updated", known["id"])

    async def test_several_matches_are_named_and_nothing_changes(self, api: Api) -> None:
        ids = [(await api.call("POST", "/clients", KEMPER)).json()["data"]["id"] for _ in range(2)]

        reply = await api.call("POST", "/clients", {**KEMPER, "search": {"on_key": "tax_id", "update": True}})

        assert reply.status_code == 409
        assert reply.json()["error"]["details"] == [f"search.on_value: matches 2 clients: {ids[0]}, {ids[1]}"]
        assert len(api.events()) == 2

    async def test_at_most_ten_of_many_matches_are_named(self, api: Api) -> None:
        for _ in range(12):
            await api.call("POST", "/clients", {"name": "Twin"})

        reply = await api.call("POST", "/clients", {"name": "twin", "search": {"on_key": "name"}})

        detail = reply.json()["error"]["details"][0]
        assert detail.startswith("search.on_value: matches 12 clients: ")
        assert detail.count("client_") == 10

    async def test_a_search_without_key_or_value_is_refused(self, api: Api) -> None:
        no_key = await api.call("POST", "/clients", {**KEMPER, "search": {"on_value": "x"}})
        no_value = await api.call("POST", "/clients", {"name": "x", "search": {"on_key": "email"}})

        assert no_key.json()["error"]["details"] == ["search.on_key: is required"]
        assert no_value.json()["error"]["code"] == "missing_required_field"
        assert no_value.json()["error"]["fields"][0]["path"] == "search.on_value"

    async def test_twenty_simultaneous_calls_make_one_client(self, api: Api) -> None:
        body = {**KEMPER, "search": {"on_key": "tax_id"}}

        replies = await asyncio.gather(*(api.call("POST", "/clients", body) for _ in range(20)))

        assert sorted(reply.status_code for reply in replies) == [200] * 19 + [201]
        assert len({reply.json()["data"]["id"] for reply in replies}) == 1
        assert len(api.events()) == 1

    async def test_clients_of_the_other_mode_are_not_found(self, api: Api) -> None:
        await api.call("POST", "/clients", KEMPER)

        reply = await api.call("POST", "/clients", {**KEMPER, "search": {"on_key": "tax_id"}}, token="live")

        assert reply.status_code == 201


async def test_the_same_idempotency_key_makes_one_client(api: Api) -> None:
    headers = {"Idempotency-Key": "abc"}

    first = await api.call("POST", "/clients", KEMPER, headers=headers)
    again = await api.call("POST", "/clients", KEMPER, headers=headers)
    other = await api.call("POST", "/clients", {"name": "Other"}, headers=headers)

    assert again.json() == first.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert other.status_code == 409
    assert len(api.events()) == 1


async def test_a_viewer_may_not_create(api: Api) -> None:
    reply = await api.call("POST", "/clients", KEMPER, token="test-viewer")

    assert reply.status_code == 403
