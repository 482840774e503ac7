"""``timbra pac``: a team's accounts at stamping providers, for whoever runs the server."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated

import typer

from timbra.cli import startup
from timbra.cli.house import opened
from timbra.cli.keys import TeamOption, team_of
from timbra.credentials import pacs, store_pacs
from timbra.credentials.trust import Environment
from timbra.invoices import store_stamping
from timbra.invoices.trial import Bench, Step, issuer_of, trial
from timbra.pac.providers import PROVIDERS, Provider
from timbra.platform.scope import Actor, TeamScope
from timbra.platform.tenancy import acting_for
from timbra.teams.store import Team
from timbra.wiring import Wiring

pac = typer.Typer(help="Connect a team to stamping providers (PACs), and try them.", no_args_is_help=True)

NAMES = ", ".join(PROVIDERS)
Name = Annotated[str, typer.Argument(help=f"the provider: {NAMES}")]
Live = Annotated[bool, typer.Option("--live", help="the live account instead of the one at the provider's sandbox")]


def _provider(name: str) -> Provider:
    found = PROVIDERS.get(name)
    if found is None:
        startup.fail(f"{name} is no provider that this release speaks to: {NAMES}")
    return found


def _actor(team: Team) -> Actor:
    return Actor(user_id=team.owner, role="owner", home_team=team.id)


@pac.command("add")
def add(name: Name, live: Live = False, team_id: TeamOption = None) -> None:
    """Keep an account's credentials, asked for one by one (or read from standard input), sealed by the master key.

    A new account is asked last; a known one gets the new credentials.
    """
    provider = _provider(name)
    given = _asked(provider)
    missing = provider.missing(given)
    if missing is not None:
        startup.fail(missing)
    with opened() as house:
        team = team_of(house, team_id)
        if live and provider.abilities.seals_itself:
            _refuse_untried(house, team, provider)
        scope, opener, at_ms = TeamScope(team.id, live), house.pac_opener, house.clock.now_ms()
        with acting_for(scope):
            house.database.write_sync(
                lambda tx: pacs.connect(tx, scope, name, given, opener=opener, actor=_actor(team), at_ms=at_ms)
            )
    typer.echo(f"kept. Try it: timbra pac test {name}" if not live else "kept: live documents of this team go there")


def _asked(provider: Provider) -> dict[str, str]:
    """Credentials as typed; of several ways to log in the first one that is not left empty."""
    for needed in provider.needs:
        first, *others = sorted(needed)
        empty = "" if len(provider.needs) > 1 else None
        value = typer.prompt(first, hide_input=True, default=empty, show_default=False)
        if value:
            return {first: value, **{name: typer.prompt(name, hide_input=True) for name in others}}
    return {}


def _refuse_untried(house: Wiring, team: Team, provider: Provider) -> None:
    """A provider that makes a document of its own is used for real only after it has made ours."""
    scope = TeamScope(team.id, livemode=False)
    with acting_for(scope):
        stored = house.database.read_sync(lambda tx: store_pacs.connections(tx, scope))
    if not any(one.provider == provider.name and one.tested_ms is not None for one in stored):
        startup.fail(
            f"{provider.title} seals with its own copy of the certificate. Add its sandbox account first and let "
            f"`timbra pac test {provider.name}` pass: that proves that its documents equal ours"
        )


@pac.command("list")
def list_pacs(team_id: TeamOption = None) -> None:
    """Print a team's accounts in the order in which they are asked: mode, provider, abilities, last good test."""
    with opened() as house:
        team = team_of(house, team_id)
        for live in (True, False):
            scope = TeamScope(team.id, live)
            with acting_for(scope):
                stored = house.database.read_sync(lambda tx, scope=scope: store_pacs.connections(tx, scope))  # type: ignore[misc]
            for place, one in enumerate(stored, start=1):
                can = ", ".join(sorted(PROVIDERS[one.provider].abilities.can)) if one.provider in PROVIDERS else "?"
                tested = _day(one.tested_ms) if one.tested_ms else "never"
                print(f"{'live' if live else 'test'}  {place}  {one.provider:10} tested {tested:16}  {can}")


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M")


@pac.command("order")
def order(
    names: Annotated[list[str], typer.Argument(help="every account of the team, first to last")],
    live: Live = False,
    team_id: TeamOption = None,
) -> None:
    """Set the order of failover."""
    with opened() as house:
        team = team_of(house, team_id)
        scope = TeamScope(team.id, live)
        with acting_for(scope):
            try:
                house.database.write_sync(
                    lambda tx: pacs.put_in_order(tx, scope, names, actor=_actor(team), at_ms=house.clock.now_ms())
                )
            except pacs.Refused as refused:
                startup.fail(str(refused))
    typer.echo(f"asked in this order: {', '.join(names)}")


@pac.command("remove")
def remove(name: Name, live: Live = False, team_id: TeamOption = None) -> None:
    """Forget an account and its credentials. Refused while a document may have been stamped there."""
    with opened() as house:
        team = team_of(house, team_id)
        scope = TeamScope(team.id, live)
        with acting_for(scope):
            try:
                house.database.write_sync(
                    lambda tx: pacs.disconnect(
                        tx,
                        scope,
                        name,
                        held=store_stamping.held_by(tx, scope, name),
                        actor=_actor(team),
                        at_ms=house.clock.now_ms(),
                    )
                )
            except pacs.Refused as refused:
                startup.fail(str(refused))
    typer.echo("forgotten")


@pac.command("test")
def run_trial(name: Name, team_id: TeamOption = None) -> None:
    """Stamp a document of one peso at the provider's own sandbox, send it again, look it up, cancel it.

    Uses the team's test account there and the certificate of its test slot, which must be one of SAT's test
    certificates: providers do not know this server's own authority. The exit code is 1 when a step fails.
    """
    _provider(name)
    with opened() as house:
        team = team_of(house, team_id)
        scope = TeamScope(team.id, livemode=False)
        with acting_for(scope):
            steps = asyncio.run(_trial(house, team, scope, name))
            if all(step.is_good for step in steps):
                house.database.write_sync(lambda tx: store_pacs.note_tested(tx, scope, name, house.clock.now_ms()))
    raise typer.Exit(int(not all(step.is_good for step in steps)))


async def _trial(house: Wiring, team: Team, scope: TeamScope, name: str) -> list[Step]:
    try:
        provider = next((one for one in await house.pacs.of(scope) if one.name == name), None)
        if provider is None:
            startup.fail(f"the team has no test account at {name}: timbra pac add {name}")
        signer = await house.signers.signer_for(scope)
        if signer is None or house.trust.environment_of(signer.certificate) is Environment.SANDBOX:
            startup.fail(
                "the test slot needs a SAT test certificate (such as EKU9003173C9's), uploaded at "
                f"POST /v2/teams/{team.id}/sat-connection with a test key"
            )
        issuer = issuer_of(team, signer)
        if issuer is None:
            startup.fail(f"the team has no tax_system or address.zip: complete it at PUT /v2/teams/{team.id}")
        bench = Bench(house.clock, house.sat, signer, issuer, house.pac_certificates)
        steps = []
        async for step in trial(bench, provider):
            typer.secho("ok   " if step.is_good else "bad  ", fg="green" if step.is_good else "red", nl=False)
            typer.echo(f"{step.name}: {step.says}")
            steps.append(step)
        return steps
    finally:
        await house.egress.aclose()
