"""``timbra sandbox``: a link to the control page of a team's sandbox."""

from typing import Annotated

import typer

from timbra.cli import startup
from timbra.cli.house import opened
from timbra.teams import store


def sandbox(
    team_id: Annotated[str | None, typer.Argument(help="team_…; default: the first team.")] = None,
    host: Annotated[str, typer.Option(help="host that `timbra serve` listens on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port that `timbra serve` listens on")] = 8000,
) -> None:
    """Print a link to the sandbox's control page, where PACs, SAT, receivers and the clock can be set.

    It opens the page of one team, in test mode, for a day. Whoever has it can do the same: keep it to yourself.
    """
    with opened() as house:
        team = house.database.read_sync(lambda tx: store.first_team(tx) if team_id is None else store.team(tx, team_id))
        if team is None:
            startup.fail("no such team" if team_id else "there is no team yet: `timbra demo` makes one")
        print(house.sandbox_doors.link(team.id, house.settings.public_url or f"http://{host}:{port}"))
