"""Members of a team (contract teams.md section 8)."""

from typing import Any

import pytest

from factories.accounts import actions, key_of, person, untouched
from world import World


def test_add_change_and_remove(world: World) -> None:
    user = person(world)
    path = f"/teams/{world.team_id}"

    added = world.api.post(f"{path}/add-member", {"id": user})
    changed = world.api.post(f"{path}/add-member", {"user_id": user, "role": "editor"})
    removed = world.api.post(f"{path}/remove-member", {"id": user})

    assert (added.status, added.message) == (200, "Operation completed successfully")
    assert added.data == {"team": world.team_id, "id": user, "email": "luis@kemper.mx", "role": "viewer"}
    assert changed.data["role"] == "editor"
    assert removed.data == {"team": world.team_id, "id": user, "removed": True}
    assert world.api.get(f"/users/{user}").data["role"] == "member"
    assert actions(world, "team.member") == [
        ("team.member_add", user),
        ("team.member_add", user),
        ("team.member_remove", user),
    ]


@pytest.mark.parametrize("verb", ["add-member", "remove-member"])
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "missing_required_field"),
        ({"id": "owner"}, 400, "business_rule_violation"),
        ({"id": "stranger"}, 404, "resource_not_found"),
        ({"id": "user_x"}, 404, "resource_not_found"),
    ],
)
def test_refusals(world: World, verb: str, body: dict[str, Any], status: int, code: str) -> None:
    owner = world.api.get(f"/teams/{world.team_id}").data["owner"]
    stranger = world.rival.get("/users").data[0]["id"]
    names = {"owner": owner, "stranger": stranger}

    with untouched(world):
        reply = world.api.post(f"/teams/{world.team_id}/{verb}", {k: names.get(v, v) for k, v in body.items()})

    assert (reply.status, reply.error_code) == (status, code)


def test_roles_and_non_members(world: World) -> None:
    user = person(world)

    with untouched(world):
        owner_role = world.api.post(f"/teams/{world.team_id}/add-member", {"id": user, "role": "owner"})
        absent = world.api.post(f"/teams/{world.team_id}/remove-member", {"id": user})

    assert (owner_role.error_code, owner_role.paths) == ("invalid_field_value", [("role", "enum")])
    assert (absent.status, absent.error_code) == (404, "resource_not_found")


def test_the_area_is_users(world: World) -> None:
    user = person(world)
    body = {"id": user}

    assert (
        key_of(world, world.team_id, scopes=("teams:write",))
        .post(f"/teams/{world.team_id}/add-member", body)
        .error_code
        == "insufficient_permissions"
    )
    assert (
        key_of(world, world.team_id, scopes=("users:write",)).post(f"/teams/{world.team_id}/add-member", body).status
        == 200
    )
