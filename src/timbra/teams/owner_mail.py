"""Mail to the people who answer for a team."""

from collections.abc import Mapping
from typing import Any

from timbra.platform.db import Tx
from timbra.platform.mail import Outbox
from timbra.platform.scope import TeamScope
from timbra.teams import store, store_people

ADMINS = ("owner", "admin")


def tell_owner(tx: Tx, mail: Outbox, scope: TeamScope, kind: str, values: Mapping[str, Any], at_ms: int) -> str | None:
    """The team's owner gets the mail ``kind``; its id, None while mail is off.

    ``values`` are completed with ``name`` (of the owner), ``team`` (its name) and ``livemode``.
    """
    team = store.team(tx, scope.team_id)
    assert team is not None, "mail is about teams that exist"
    owner = store_people.user(tx, team.owner)
    assert owner is not None, "every team has an owner"
    known = {"name": owner.name, "team": team.name, "livemode": scope.livemode}
    language = str(team.settings["pdf_language"])
    return mail.enqueue(
        tx, scope, kind=kind, to=owner.email, language=language, values={**known, **values}, at_ms=at_ms
    )


def tell_admins(tx: Tx, mail: Outbox, scope: TeamScope, kind: str, values: Mapping[str, Any], at_ms: int) -> None:
    """The team's owner and its admins get the mail ``kind``. ``values`` are completed as ``tell_owner`` does it."""
    team = store.team(tx, scope.team_id)
    assert team is not None, "mail is about teams that exist"
    language = str(team.settings["pdf_language"])
    for person, role in store_people.members(tx, scope.team_id):
        if role in ADMINS:
            given = {"name": person.name, "team": team.name, "livemode": scope.livemode, **values}
            mail.enqueue(tx, scope, kind=kind, to=person.email, language=language, values=given, at_ms=at_ms)
