"""Accounts by API: user, billing account, team, subscription and both keys at once (contract auth.md section 9)."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from timbra.catalogs.fields import Country, TaxId
from timbra.cfdi.text import GENERIC_RFC
from timbra.http.body import Command
from timbra.http.envelope import JSONReply
from timbra.http.errors import FieldError, Invalid, Unauthorized
from timbra.http.exchange import address_of, exchange_of
from timbra.http.fields import Choice, Email, Flag, Metadata, Text
from timbra.http.idempotency import HEADER, Claim
from timbra.http.routing import Call, Router
from timbra.platform.audit import Action
from timbra.platform.db import Tx, UniqueViolation
from timbra.platform.ids import new_id
from timbra.platform.scope import TeamScope
from timbra.teams import keys, store, store_people
from timbra.teams.found import API_ONLY, NewTeam, Origin, found
from timbra.teams.keys import TokenKeys
from timbra.teams.store import Team
from timbra.teams.store_people import SIGNUP
from timbra.users import links
from timbra.users.change import LANGUAGE, registered
from timbra.users.links import Purpose
from timbra.users.parts import UserParts

PARTNER_HEADER: Final = "X-Internal-API-Key"
PLANS: Final = ("free", "agent-tier", "pro", "business")
MONTHS_OF: Final = {"monthly": 1, "annual": 12}
NOTE: Final = "A CSD is needed only to stamp; clients, services, payments, receipts and webhooks work now."
SECRETS: Final = ("api_keys.live", "api_keys.test")
_UUID4: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)


class SignUp(Command):
    """POST /auth/signup. Payment method and mode matter to a billing provider only; there is none."""

    email: Annotated[str, Email()]
    name: Annotated[str, Text(max=200)]
    rfc: Annotated[str, TaxId(strict=True)] = GENERIC_RFC
    country: Annotated[str, Country()] = "MEX"
    plan_id: Annotated[str, Choice(*PLANS)]
    billing_cycle: Annotated[str, Choice(*MONTHS_OF)] = "monthly"
    stripe_payment_method: Annotated[str | None, Text(max=200)] = None
    livemode: Flag = True
    partner_ref: Annotated[str | None, Text(max=64)] = None
    metadata: Annotated[dict[str, Any] | None, Metadata()] = None


@dataclass(frozen=True, slots=True)
class Partners:
    """Digests of the partner keys; without any nobody signs up."""

    digests: Sequence[bytes]

    @classmethod
    def of(cls, setting: str) -> "Partners":
        """From a setting: SHA-256 digests in hex, separated by commas."""
        return cls(tuple(bytes.fromhex(part.strip()) for part in setting.split(",") if part.strip()))

    async def admit(self, call: Call) -> TeamScope:
        """Whose idempotency records a signup uses. Raises Unauthorized, RateLimited, Invalid."""
        exchange_of(call.scope).fault_member = "binnacle_id"
        given = hashlib.sha256((call.header(PARTNER_HEADER) or "").encode("latin-1")).digest()
        if sum(hmac.compare_digest(given, digest) for digest in self.digests) == 0:  # each one is compared
            await call.take("badauth", address_of(call.scope))
            raise Unauthorized(f"{PARTNER_HEADER} is missing or not a partner's key")
        partner = f"partner_{given.hex()[:32]}"
        await call.take("signup", partner)
        key = call.header(HEADER)
        if key is None:
            raise Invalid([FieldError(HEADER, "required", "is required: a UUID v4")])
        if not _UUID4.fullmatch(key):
            raise Invalid([FieldError(HEADER, "format", "must be a UUID v4")])
        return TeamScope(partner, livemode=True)


def routes(parts: UserParts, tokens: TokenKeys, partners: Partners) -> Router:
    """The one operation."""
    router = Router(tag="Auth")

    @router.post(
        "/auth/signup",
        "Account created successfully",
        success=201,
        public=True,
        gate=partners.admit,
        mode_is_free=True,
    )
    async def sign_up(body: SignUp, claim: Claim) -> JSONReply:
        at_ms = parts.clock.now_ms()

        def unit(tx: Tx) -> JSONReply:
            return JSONReply(_create(tx, parts, tokens, body, at_ms), 201)

        try:
            return await claim.once(parts.database, unit, secret_paths=SECRETS)
        except UniqueViolation:  # the same address, made meanwhile
            raise registered() from None

    return router


def _create(tx: Tx, parts: UserParts, tokens: TokenKeys, body: SignUp, at_ms: int) -> dict[str, Any]:
    if store_people.is_registered(tx, body.email):
        raise registered()
    new = NewTeam(body.name, None, body.rfc, None, None, country=body.country)
    origin = Origin(SIGNUP, API_ONLY, Action.ACCOUNT_SIGNUP, body.partner_ref, body.metadata or {})
    team = found(tx, new, user_name=body.name, email=body.email, at_ms=at_ms, origin=origin)
    _invite(tx, parts, team, body, at_ms)
    subscription = _subscribe(tx, team, body, at_ms)
    made = {
        mode: keys.create(tx, tokens, team, livemode=mode == "live", name="signup", user_id=team.owner, at_ms=at_ms)[1]
        for mode in ("live", "test")
    }
    return {
        "success": True,
        "message": "Account created successfully",
        "user_id": team.owner,
        "team_id": team.id,
        "billing_account_id": team.billing_account,
        "subscription": subscription,
        "api_keys": made,
        "next_steps": {
            "fiel_upload_url": f"POST /v2/teams/{team.id}/sat-connection",
            "manifest_sign_url": f"POST /v2/teams/{team.id}/manifest/sign",
            "note": NOTE,
        },
    }


def _invite(tx: Tx, parts: UserParts, team: Team, body: SignUp, at_ms: int) -> None:
    link = links.make(tx, parts.portal_url, team.owner, Purpose.PASSWORD, at_ms=at_ms, life_ms=links.SIGNUP_MS)
    values = {"name": body.name, "url": link.url, "hours": links.SIGNUP_MS // links.HOUR_MS}
    scope = TeamScope(team.id, livemode=True)
    parts.mail.enqueue(tx, scope, kind="welcome", to=body.email, language=LANGUAGE, values=values, at_ms=at_ms)


def _subscribe(tx: Tx, team: Team, body: SignUp, at_ms: int) -> dict[str, Any]:
    """Every plan is active at once and free of charge: no billing provider is known."""
    end_ms = _months_later(at_ms, MONTHS_OF[body.billing_cycle])
    row = {
        "id": new_id("sub"),
        "billing_account": team.billing_account,
        "plan_id": body.plan_id,
        "billing_cycle": body.billing_cycle,
        "status": "active",
        "period_end_ms": end_ms,
        "created_ms": at_ms,
    }
    store.add_subscription(tx, row)
    return {"id": row["id"], "status": "active", "current_period_end": end_ms // 1000}


def _months_later(at_ms: int, months: int) -> int:
    """The same day and time of a later month, or that month's last day when it is shorter."""
    start = datetime.fromtimestamp(at_ms // 1000, UTC)
    year, month = divmod(start.month - 1 + months, 12)
    first = start.replace(year=start.year + year, month=month + 1, day=1)
    after = (first + timedelta(days=31)).replace(day=1)
    last_day = (after - timedelta(days=1)).day
    return int(first.replace(day=min(start.day, last_day)).timestamp()) * 1000
