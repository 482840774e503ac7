"""The OpenAPI document, checked by a validator of others, and the page that shows it."""

import re

import jsonschema_rs
import pytest

pytestmark = pytest.mark.anyio


async def test_document_lists_every_operation_with_its_declaration(world) -> None:
    found = (await world.api.get("/openapi.json")).json()

    assert found["openapi"] == "3.1.0"
    assert found["security"] == [{"bearer": []}]
    assert set(found["paths"]["/v2/notes/{id}"]) == {"get", "put", "delete"}
    create = found["paths"]["/v2/notes"]["post"]
    assert create["summary"] == "Creates a note"
    assert create["tags"] == ["Notes"]
    assert [parameter["name"] for parameter in create["parameters"]] == ["team", "Idempotency-Key"]
    assert create["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/CreateNote"}
    assert set(create["responses"]) == {"201", "400", "401", "403", "404", "409", "413", "429", "500", "503"}
    names = [parameter["name"] for parameter in found["paths"]["/v2/notes"]["get"]["parameters"]]
    assert names[:3] == ["team", "limit", "next"]
    assert names[-1] == "status"
    assert found["paths"]["/health"]["get"]["security"] == []


async def test_body_schemas_are_those_of_the_reader(world) -> None:
    schemas = (await world.api.get("/openapi.json")).json()["components"]["schemas"]
    note = schemas["CreateNote"]

    assert note["required"] == ["name"]
    assert note["properties"]["name"] == {"type": "string", "minLength": 1, "maxLength": 60, "title": "Name"}
    assert note["properties"]["factor"]["enum"] == ["Tasa", "Cuota"]
    assert note["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Line"}
    assert schemas["Tax"]["properties"]["rate"] == {"type": "number", "minimum": 0, "maximum": 1, "title": "Rate"}
    for schema in schemas.values():
        jsonschema_rs.validator_for({**schema, "components": {"schemas": schemas}})


async def test_operation_ids_are_unique(world) -> None:
    found = (await world.api.get("/openapi.json")).json()
    ids = [operation["operationId"] for path in found["paths"].values() for operation in path.values()]

    assert len(ids) == len(set(ids))


async def test_documentation_page_asks_nothing_of_other_hosts_and_runs_no_inline_script(world) -> None:
    page = await world.api.get("/docs/")
    policy = page.headers["content-security-policy"]

    assert page.headers["content-type"].startswith("text/html")
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "://" not in page.text
    assert re.findall(r"<script(?! src)", page.text) == []
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        asset = await world.api.get(path)
        assert asset.status_code == 200, path
        assert len(asset.content) > 50


async def test_a_reader_of_others_finds_every_operation(world) -> None:
    import schemathesis

    found = (await world.api.get("/openapi.json")).json()
    schema = schemathesis.openapi.from_dict(found)

    assert len(list(schema.get_all_operations())) == sum(len(path) for path in found["paths"].values())
