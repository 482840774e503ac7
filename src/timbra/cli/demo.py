"""``timbra demo``: a team that can issue at once, in test mode. Running it again changes nothing."""

import json as json_text
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated

import typer

from timbra.cli.house import opened
from timbra.clients import create as clients
from timbra.clients.schemas import CreateClient
from timbra.credentials import csd, upload
from timbra.http.caller import Caller, Role
from timbra.platform.db import Tx
from timbra.platform.scope import Actor, TeamScope
from timbra.services import create as services
from timbra.teams import found, keys, store, store_keys
from timbra.teams.found import NewTeam
from timbra.teams.store import Team
from timbra.teams.store_keys import ApiKey
from timbra.wiring import Wiring

PASSWORD = "sandbox"  # noqa: S105 of a key file that exists only between two lines below
KEY_NAMES = {False: "demo test key", True: "demo live key"}
TEAM = NewTeam(
    name="Kemper",
    legal_name="ESCUELA KEMPER URGATE",
    tax_id="EKU9003173C9",
    tax_system="601",
    zip="42501",
    primary_color="#1d4ed8",
    support_email="soporte@kemper.example",
)
CLIENTS = (
    {
        "name": "Universidad Robótica",
        "legal_name": "UNIVERSIDAD ROBOTICA ESPAÑOLA",
        "tax_id": "URE180429TM6",
        "tax_system": "601",
        "use": "G03",
        "email": "pagos@ure.example",
        "address": {"zip": "86991", "country": "MEX"},
    },
    {
        "name": "Xochilt Casas",
        "legal_name": "XOCHILT CASAS CHAVEZ",
        "tax_id": "CACX7605101P8",
        "tax_system": "612",
        "use": "G03",
        "email": "xochilt@casas.example",
        "address": {"zip": "36257", "country": "MEX"},
    },
)
SERVICES = (
    {"description": "Consultoría mensual", "unit_price": Decimal(1500), "product_key": "80141503", "sku": "CONS-01"},
    {"description": "Hospedaje web", "unit_price": Decimal(500), "product_key": "81112100", "sku": "HOST-01"},
)


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demo team is reached with."""

    team: Team
    test_key: str
    live_key: str


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")] = False,
    host: Annotated[str, typer.Option(help="host that `timbra serve` will listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port that `timbra serve` will listen on")] = 8000,
) -> None:
    """Make a team with a sandbox certificate, two clients, two services, a test key and a live key.

    Running it again changes nothing and prints the same.
    """
    with opened() as house:
        made = ensure(house)
        base_url = house.settings.public_url or f"http://{host}:{port}"
        page = house.sandbox_doors.link(made.team.id, base_url)
    if as_json:
        content = {
            "team_id": made.team.id,
            "test_key": made.test_key,
            "live_key": made.live_key,
            "base_url": base_url,
            "sandbox_url": page,
        }
        print(json_text.dumps(content))
        return
    print(f"Team      {made.team.name} ({made.team.tax_id}), {made.team.id}")
    print(f"Test key  {made.test_key}")
    print(f"Live key  {made.live_key}")
    print(f"API       {base_url}/v2    docs: {base_url}/docs")
    print(f"Sandbox   {page}")


def ensure(house: Wiring) -> Demo:
    """The demo team, made when the server has no team yet."""
    team = house.database.read_sync(store.first_team)
    if team is None:
        team = house.database.write_sync(
            lambda tx: found.found(
                tx, TEAM, user_name="Ana Ruiz", email="ana@kemper.example", at_ms=house.clock.now_ms()
            )
        )
        _fill(house, team)
    _ensure_csd(house, team)
    return Demo(team, _key(house, team, livemode=False), _key(house, team, livemode=True))


def _fill(house: Wiring, team: Team) -> None:
    at_ms = house.clock.now_ms()
    caller = Caller(
        scope=TeamScope(team.id, livemode=False),
        home_team=team.id,
        key_id="",
        user_id=team.owner,
        billing_account=team.billing_account,
        scopes=frozenset({"*"}),
        role=Role.OWNER,
        request_id="demo",
    )

    def unit(tx: Tx) -> None:
        for client in CLIENTS:
            body = CreateClient.model_validate(client)
            clients.create(tx, caller, body, catalogs=house.sat.catalogs, at_ms=at_ms)
        for service in SERVICES:
            services.add(
                tx, caller, service, origin="api", settings=team.settings, catalogs=house.sat.catalogs, at_ms=at_ms
            )

    house.database.write_sync(unit)


def _ensure_csd(house: Wiring, team: Team) -> None:
    """A sandbox CSD in the test slot, through the same checks as an upload."""
    scope, at_ms = TeamScope(team.id, livemode=False), house.clock.now_ms()
    current = house.database.read_sync(lambda tx: csd.current(tx, scope))
    if current is not None and current.not_after_ms > at_ms:
        return
    assert team.tax_id is not None
    issued = house.sandbox.issue(rfc=team.tax_id, name=team.legal_name or team.name, at_ms=at_ms)
    checked = upload.check(
        issued.certificate,
        issued.encrypted_key(PASSWORD),
        PASSWORD,
        trust=house.trust,
        livemode=False,
        allow_test_in_live=False,
        team_rfc=team.tax_id,
        now_ms=at_ms,
    )
    actor = Actor(user_id=team.owner, role="owner", home_team=team.id)
    house.database.write_sync(
        lambda tx: csd.store_csd(tx, scope, checked, opener=house.csd_opener, actor=actor, at_ms=at_ms)
    )


def _key(house: Wiring, team: Team, *, livemode: bool) -> str:
    """The demo key of the mode: the one made before while its token can be made again, else a new one."""
    tokens = house.token_keys
    known = house.database.read_sync(lambda tx: store_keys.api_keys_of(tx, team.id))
    for key in known:
        if _is_demo(key, livemode=livemode) and (token := keys.token_again(tokens, key)) is not None:
            return token
    _, token = house.database.write_sync(
        lambda tx: keys.create(
            tx,
            tokens,
            team,
            livemode=livemode,
            name=KEY_NAMES[livemode],
            user_id=team.owner,
            at_ms=house.clock.now_ms(),
        )
    )
    return token


def _is_demo(key: ApiKey, *, livemode: bool) -> bool:
    return key.livemode == livemode and key.name == KEY_NAMES[livemode] and key.revoked_ms is None
