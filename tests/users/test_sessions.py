"""Sessions of people: opaque, ended by time, by idleness, by signing out and by a new password."""

import pytest

from timbra.platform.db import Database
from timbra.users import access, sessions
from timbra.users.sessions import FormTokens
from world import HOUR_MS, NOON_MS, World

DAY_MS = 24 * HOUR_MS


@pytest.fixture
def user(world: World) -> str:
    return str(world.query("select owner from teams where id = :t", t=world.team_id)[0][0])


def begin(database: Database, user: str, at_ms: int = NOON_MS) -> str:
    return database.write_sync(lambda tx: sessions.begin(tx, user, at_ms=at_ms)).token


def user_of(database: Database, token: str, at_ms: int) -> str | None:
    return database.write_sync(lambda tx: sessions.user_of(tx, token, at_ms=at_ms))


def test_a_session_tells_its_user_and_no_table_holds_its_token(world: World, user: str) -> None:
    token = begin(world.database, user)

    assert user_of(world.database, token, NOON_MS + 1) == user
    assert token.startswith("us_")
    assert len(token) == 46
    assert token not in repr(world.query("select * from user_sessions"))


def test_eight_hours_without_use_end_it(world: World, user: str) -> None:
    token = begin(world.database, user)

    assert user_of(world.database, token, NOON_MS + 8 * HOUR_MS - 1) == user
    assert user_of(world.database, token, NOON_MS + 16 * HOUR_MS - 2) == user
    assert user_of(world.database, token, NOON_MS + 24 * HOUR_MS - 2) is None
    assert world.rows("user_sessions") == 0


def test_three_days_end_it_however_busy(world: World, user: str) -> None:
    token = begin(world.database, user)
    for hours in range(0, 72, 6):
        assert user_of(world.database, token, NOON_MS + hours * HOUR_MS) == user

    assert user_of(world.database, token, NOON_MS + 3 * DAY_MS) is None


def test_a_new_password_ends_all_of_them(world: World, user: str) -> None:
    tokens = [begin(world.database, user) for _ in range(2)]
    world.api.post(f"/users/reset-password/{user}", {})
    link = world.database.write_sync(lambda tx: access.links.make(
        tx, "https://x", user, access.Purpose.PASSWORD, at_ms=NOON_MS, life_ms=HOUR_MS
    ))  # fmt: skip

    world.database.write_sync(lambda tx: access.set_password(tx, link.token, "hash", at_ms=NOON_MS))

    assert [user_of(world.database, token, NOON_MS + 1) for token in tokens] == [None, None]


def test_signing_out_ends_this_one_only(world: World, user: str) -> None:
    first, second = begin(world.database, user), begin(world.database, user)

    world.database.write_sync(lambda tx: sessions.end(tx, first))

    assert [user_of(world.database, token, NOON_MS + 1) for token in (first, second)] == [None, user]


def test_the_cookie_is_closed_to_scripts_and_other_sites() -> None:
    assert sessions.cookie("us_x", is_secure=True) == (
        "timbra_session=us_x; Path=/; Max-Age=259200; HttpOnly; SameSite=Lax; Secure"
    )
    assert sessions.cookie("us_x", is_secure=False).endswith("SameSite=Lax")


def test_a_form_token_is_good_for_its_form_and_session_only() -> None:
    forms = FormTokens(b"k" * 32)
    token = forms.mint("us_a", "/settings")

    assert forms.holds("us_a", "/settings", token)
    assert not forms.holds("us_b", "/settings", token)
    assert not forms.holds("us_a", "/keys", token)
    assert not forms.holds("us_a", "/settings", token[:-1] + "0" if token[-1] != "0" else token[:-1] + "1")
