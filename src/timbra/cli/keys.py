"""``timbra keys``: API keys of a team, for whoever runs the server."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from timbra.cli.house import opened
from timbra.platform.scope import Actor
from timbra.teams import keys as verbs
from timbra.teams import store, store_keys
from timbra.teams.store import Team
from timbra.wiring import Wiring

keys = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)

TeamOption = Annotated[str | None, typer.Option("--team", help="team id; default: the first team")]


def team_of(house: Wiring, team_id: str | None) -> Team:
    """The team named, or the first one. The command ends when there is none."""
    team = house.database.read_sync(lambda tx: store.team(tx, team_id) if team_id else store.first_team(tx))
    if team is None:
        typer.echo("No such team. `timbra demo` makes one.", err=True)
        raise typer.Exit(1)
    return team


@keys.command("create")
def create(
    name: Annotated[str, typer.Argument(help="what the key is for, 1 to 64 characters")],
    live: Annotated[bool, typer.Option("--live", help="a live key instead of a test key")] = False,
    team_id: TeamOption = None,
) -> None:
    """Make a key and print its token, which is shown only now."""
    with opened() as house:
        team = team_of(house, team_id)
        tokens = house.token_keys
        _, token = house.database.write_sync(
            lambda tx: verbs.create(
                tx,
                tokens,
                team,
                livemode=live,
                name=name[:64],
                user_id=team.owner,
                at_ms=house.clock.now_ms(),
            )
        )
    print(token)


@keys.command("list")
def list_keys(team_id: TeamOption = None) -> None:
    """Print every key of a team: id, mode, state, name."""
    with opened() as house:
        team = team_of(house, team_id)
        for key in house.database.read_sync(lambda tx: store_keys.api_keys_of(tx, team.id)):
            state = "revoked" if key.revoked_ms is not None else "active"
            made = datetime.fromtimestamp(key.created_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M")
            print(f"{key.key_id}  {'live' if key.livemode else 'test'}  {state:8} {made}  {key.name}")


@keys.command("revoke")
def revoke(
    key_id: Annotated[str, typer.Argument(help="sk_test_… or sk_live_…")],
    team_id: TeamOption = None,
) -> None:
    """End a key: every replica refuses it within 5 seconds."""
    with opened() as house:
        team = team_of(house, team_id)
        known = {key.key_id: key for key in house.database.read_sync(lambda tx: store_keys.api_keys_of(tx, team.id))}
        key = known.get(key_id)
        if key is None:
            typer.echo(f"{key_id} is no key of {team.id}", err=True)
            raise typer.Exit(1)
        actor = Actor(user_id=team.owner, role="owner", home_team=team.id)
        done = house.database.write_sync(lambda tx: verbs.revoke(tx, key, actor, house.clock.now_ms()))
    print("revoked" if done else "was revoked before")
