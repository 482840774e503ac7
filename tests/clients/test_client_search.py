"""GET /clients/search over a whole server."""

import pytest

from world import Api, Reply, World
from worlds import founded, shared_world

__all__ = ["founded", "shared_world"]


@pytest.fixture(scope="module")
def people(shared_world: World) -> World:
    shared_world.client(legal_name="ESCUELA KEMPER URGATE", tax_id="EKU9003173C9", email="pagos@kemper.example")
    shared_world.client(legal_name="PEÑA NIETO", tax_id="XIA190128J61", phone="55 1234 5678", company="Peñasco")
    shared_world.client(shared_world.live, legal_name="KEMPER EN VIVO", tax_id="XIA190128J61")
    shared_world.client(shared_world.rival, legal_name="KEMPER AJENO", tax_id="XIA190128J61")
    return shared_world


def names(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.json
    return [row["legal_name"] for row in reply.data]


def test_the_reply_is_the_search_envelope(people: World) -> None:
    reply = people.api.get("/clients/search?q=kemper")

    assert {name: value for name, value in reply.json.items() if name != "data"} == {
        "success": True, "message": "Clients retrieved successfully", "found": 1, "page": 1, "per_page": 10,
        "has_more": False, "next": None, "total_results": 1,
    }  # fmt: skip
    listed = people.api.get("/clients?email=pagos@kemper.example").data
    assert reply.data == listed


@pytest.mark.parametrize(
    "query", ["esceula kempr", "EKU9003", "eku9003173c9", "pagos%40kemper.example", "KEMPER", "urgate%20escuela"]
)
def test_what_people_type_finds_the_client(people: World, query: str) -> None:
    assert names(people.api.get(f"/clients/search?q={query}")) == ["ESCUELA KEMPER URGATE"]


def test_the_id_finds_its_client(people: World) -> None:
    client_id = people.api.get("/clients/search?q=penasco").data[0]["id"]

    assert [row["id"] for row in people.api.get(f"/clients/search?q={client_id}").data] == [client_id]


def test_modes_and_teams_are_apart(people: World) -> None:
    assert names(people.live.get("/clients/search?q=kemper")) == ["KEMPER EN VIVO"]
    assert names(people.rival.get("/clients/search?q=kemper")) == ["KEMPER AJENO"]


def test_what_is_written_is_found_changed_and_forgotten_at_once(people: World) -> None:
    client_id = people.client(legal_name="ZAPATERIA LOPEZ", tax_id="XIA190128J61")
    assert names(people.api.get("/clients/search?q=zapateria")) == ["ZAPATERIA LOPEZ"]

    people.api.call("PUT", f"/clients/{client_id}", {"legal_name": "MUEBLERIA LOPEZ"})
    assert names(people.api.get("/clients/search?q=zapateria")) == []
    assert names(people.api.get("/clients/search?q=muebleria")) == ["MUEBLERIA LOPEZ"]

    people.api.delete(f"/clients/{client_id}")
    assert names(people.api.get("/clients/search?q=muebleria")) == []


def test_pages_and_cursors_lead_through_everything(people: World) -> None:
    for number in range(5):
        people.client(legal_name=f"PAGINA {number}", tax_id="XIA190128J61")

    first = people.api.get("/clients/search?q=pagina&limit=2")
    second = people.api.get(f"/clients/search?q=pagina&limit=2&next={first.json['next']}")
    third = people.api.get("/clients/search?q=pagina&per_page=2&page=3")
    beyond = people.api.get("/clients/search?q=pagina&limit=2&page=4")

    assert [(r.json["page"], r.json["has_more"], r.json["found"]) for r in (first, second, third)] == [
        (1, True, 5), (2, True, 5), (3, False, 5),
    ]  # fmt: skip
    found = [*names(first), *names(second), *names(third)]
    assert sorted(found) == [f"PAGINA {number}" for number in range(5)]
    assert (names(beyond), beyond.json["found"], third.json["next"]) == ([], 5, None)


def test_fields_restrict_what_is_searched(people: World) -> None:
    assert names(people.api.get("/clients/search?q=kemper&fields=email,tax_id")) == ["ESCUELA KEMPER URGATE"]
    assert names(people.api.get("/clients/search?q=kemper&fields=tax_id")) == []


@pytest.mark.parametrize(
    ("query", "code", "path"),
    [
        ("", "missing_required_field", "q"),
        ("q=", "missing_required_field", "q"),
        ("q=%20%20", "missing_required_field", "q"),
        (f"q={'a' * 201}", "invalid_field_value", "q"),
        (f"q={'a' * 7000}", "invalid_field_value", "q"),
        ("q=a%00b", "invalid_field_value", "q"),
        ("q=a&page=0", "invalid_field_value", "page"),
        ("q=a&page=x", "invalid_field_value", "page"),
        ("q=a&page=1.5", "invalid_field_value", "page"),
        ("q=a&page=1001", "invalid_field_value", "page"),
        ("q=a&page=101&limit=100", "invalid_field_value", "page"),
        ("q=a&limit=0", "invalid_field_value", "limit"),
        ("q=a&limit=101", "invalid_field_value", "limit"),
        ("q=a&per_page=101", "invalid_field_value", "per_page"),
        ("q=a&fields=secret", "invalid_field_value", "fields"),
        ("q=a&fields=name,uuid", "invalid_field_value", "fields"),
        ("q=a&next=x", "invalid_field_value", "next"),
        ("q=a&created[gte]=soon", "invalid_field_value", "created[gte]"),
    ],
)
def test_bad_parameters_are_refused(people: World, query: str, code: str, path: str) -> None:
    reply = people.api.get(f"/clients/search?{query}")

    assert (reply.status, reply.error_code) == (400, code)
    assert [row["path"] for row in reply.error["fields"]] == [path]


def test_every_problem_is_told_at_once(people: World) -> None:
    reply = people.api.get("/clients/search?limit=0&fields=x")

    assert (reply.status, reply.error_code) == (400, "validation_failed")
    assert [row["path"] for row in reply.error["fields"]] == ["q", "limit", "fields"]


@pytest.mark.parametrize("api", ["rival", "live"])
def test_a_cursor_of_another_team_or_mode_is_no_cursor(people: World, api: str) -> None:
    for number in range(2):
        people.client(legal_name=f"CURSOR {number}", tax_id="XIA190128J61")
    cursor = people.api.get("/clients/search?q=cursor&limit=1").json["next"]
    other: Api = getattr(people, api)

    reply = other.get(f"/clients/search?q=cursor&limit=1&next={cursor}")

    assert (reply.status, reply.details) == (400, ["next: is not a cursor of this list"])


@pytest.mark.parametrize(
    "query",
    ["%22", "'", "%25", "_", "*", "kemper*", "NEAR(a,b)", "a%20AND%20b", "-a", "^a", "%5C", "%F0%9F%98%80", "%FF"],
)
def test_no_sign_is_an_operator(people: World, query: str) -> None:
    reply = people.api.get(f"/clients/search?q={query}")

    assert reply.status == 200
    assert names(reply) in ([], ["ESCUELA KEMPER URGATE"])
