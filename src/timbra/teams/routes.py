"""HTTP of teams (contract teams.md section 2)."""

from typing import Any, Final

from timbra.catalogs.fields import TaxId
from timbra.http.caller import Caller, Role
from timbra.http.envelope import JSONReply
from timbra.http.errors import NotFound
from timbra.http.fields import Choice
from timbra.http.idempotency import Claim
from timbra.http.query import ListQuery
from timbra.http.routing import Call, Router
from timbra.platform.db import Tx, UniqueViolation
from timbra.platform.keyset import Slice
from timbra.platform.tenancy import server_wide
from timbra.teams import create, members, onboarding, remove, series, store, store_series, update
from timbra.teams.bodies import AddMember, CreateSeries, CreateTeam, RemoveMember, UpdateSeries, UpdateTeam
from timbra.teams.parts import TeamParts
from timbra.teams.settings_body import UpdateSettings
from timbra.teams.store import ACTIVE, PENDING_DELETION, Team
from timbra.teams.store_series import Series
from timbra.teams.wire import integrations_json, series_json, team_json

FILTERS: Final = {"status": Choice(ACTIVE, PENDING_DELETION), "tax_id": TaxId()}
ADMIN: Final = {"role": Role.ADMIN}
OF_TEAM: Final = {"team_in_path": "id"}
READ: Final = {"area": None, **OF_TEAM}


def routes(parts: TeamParts) -> Router:
    """The operations on teams, but those of certificates and manifests."""
    router = Router(tag="Teams", area="teams")
    _teams(router, parts)
    _reading(router, parts)
    _series(router, parts)
    _settings_and_members(router, parts)
    return router


def _own(tx: Tx, caller: Caller) -> Team:
    team = store.team(tx, caller.scope.team_id)
    if team is None:
        raise NotFound.at("id")
    return team


def _reading(router: Router, parts: TeamParts) -> None:
    @router.get("/teams", "Teams retrieved successfully", filters=FILTERS, area=None)
    async def list_teams(caller: Caller, listing: ListQuery, call: Call) -> Slice[Any]:
        def unit(tx: Tx) -> Slice[Any]:
            home = _own(tx, caller)
            sees_all = home.connect_enabled and caller.crosses_teams and "team" not in call.query
            account = home.billing_account if sees_all else None
            page = store.page(tx, listing.window, listing.filters, billing_account=account, team_id=home.id)
            livemode = caller.scope.livemode
            return page.map(lambda team: team_json(tx, parts, team, livemode=livemode, with_members=False))

        with server_wide():  # the teams of an account
            return await parts.database.read(unit)

    @router.get("/teams/integrations", "Team integrations retrieved successfully", area=None)
    async def list_integrations(caller: Caller) -> dict[str, Any]:
        def unit(tx: Tx) -> dict[str, Any]:
            sat = parts.sat_of(tx, caller.scope, parts.clock.now_ms())
            return integrations_json(tx, parts, caller.scope.team_id, sat)

        return await parts.database.read(unit)

    @router.get("/teams/{id}", "Team retrieved successfully", **READ, while_pending=True)
    async def get_team(caller: Caller) -> dict[str, Any]:
        return await parts.database.read(
            lambda tx: team_json(tx, parts, _own(tx, caller), livemode=caller.scope.livemode)
        )


def _teams(router: Router, parts: TeamParts) -> None:
    @router.post("/teams", "Team created successfully", **ADMIN, success=201)
    async def create_team(caller: Caller, body: CreateTeam, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()

        def unit(tx: Tx) -> dict[str, Any]:
            return create.create(tx, parts, caller, body, at_ms=at_ms)

        with server_wide():  # rows of the new team, an event of the calling one
            return await claim.once(parts.database, unit, secret_paths=["data.onboarding_url"])

    @router.put("/teams/{id}", "Team updated successfully", **ADMIN, **OF_TEAM)
    async def update_team(caller: Caller, body: UpdateTeam) -> dict[str, Any]:
        at_ms = parts.clock.now_ms()
        return await parts.database.write(lambda tx: update.update(tx, parts, caller, body.changes(), at_ms=at_ms))

    @router.delete("/teams/{id}", "Team scheduled for deletion", **ADMIN, **OF_TEAM, while_pending=True)
    async def delete_team(caller: Caller) -> dict[str, Any]:
        at_ms = parts.clock.now_ms()
        with server_wide():  # whether its members are in other teams
            return await parts.database.write(lambda tx: remove.schedule(tx, parts, caller, at_ms=at_ms))

    @router.get("/teams/{id}/onboarding-url", "Onboarding URL retrieved successfully", **ADMIN, **OF_TEAM, write=True)
    async def onboarding_url(caller: Caller) -> str:
        at_ms = parts.clock.now_ms()
        return await parts.database.write(
            lambda tx: onboarding.open_link(tx, parts.portal_url, caller.scope, caller, at_ms=at_ms)
        )


def _series(router: Router, parts: TeamParts) -> None:
    @router.get("/teams/{id}/series", "Series retrieved successfully", **READ)
    async def list_series(caller: Caller) -> Slice[Any]:
        found = await parts.database.read(lambda tx: store_series.series_of(tx, caller.scope.team_id))
        return Slice([series_json(one) for one in found], len(found), None)

    @router.post("/teams/{id}/series", "Series created successfully", **ADMIN, **OF_TEAM, success=201)
    async def create_series(caller: Caller, body: CreateSeries, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()
        new = Series(body.series, body.live, body.test, at_ms)

        def unit(tx: Tx) -> dict[str, Any]:
            return series_json(series.create(tx, parts, caller, new, at_ms=at_ms))

        return await claim.once(parts.database, unit)

    @router.put("/teams/{id}/series/{seriesId}", "Series updated successfully", **ADMIN, **OF_TEAM)
    async def update_series(caller: Caller, body: UpdateSeries, seriesId: str) -> dict[str, Any]:  # noqa: N803
        at_ms = parts.clock.now_ms()
        counters = {"live": body.live, "test": body.test}

        def unit(tx: Tx) -> Series:
            return series.update(tx, parts, caller, seriesId, counters, at_ms=at_ms)

        return series_json(await parts.database.write(unit))


def _settings_and_members(router: Router, parts: TeamParts) -> None:
    @router.get("/teams/{id}/settings", "Team settings retrieved successfully", **READ)
    async def get_settings(caller: Caller) -> dict[str, Any]:
        team = await parts.database.read(lambda tx: _own(tx, caller))
        return {"id": team.id, "settings": team.settings.to_wire()}

    @router.put("/teams/{id}/settings", "Team settings updated successfully", **ADMIN, **OF_TEAM)
    async def update_settings(caller: Caller, body: UpdateSettings) -> dict[str, Any]:
        at_ms = parts.clock.now_ms()

        def unit(tx: Tx) -> dict[str, Any]:
            return update.update_settings(tx, caller, body.changes(), catalogs=parts.catalogs, at_ms=at_ms)

        try:
            settings = await parts.database.write(unit)
        except UniqueViolation:  # another team took the portal name meanwhile
            raise update.slug_taken() from None
        return {"id": caller.scope.team_id, "settings": settings}

    @router.post("/teams/{id}/add-member", "Operation completed successfully", **ADMIN, **OF_TEAM, area="users")
    async def add_member(caller: Caller, body: AddMember, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()
        return await claim.once(parts.database, lambda tx: members.add(tx, caller, body.id, body.role, at_ms=at_ms))

    @router.post("/teams/{id}/remove-member", "Operation completed successfully", **ADMIN, **OF_TEAM, area="users")
    async def remove_member(caller: Caller, body: RemoveMember, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()
        return await claim.once(parts.database, lambda tx: members.remove(tx, caller, body.id, at_ms=at_ms))
