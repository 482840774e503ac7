"""Links to the customer portal: made for a client, opened by whoever holds the token (contract clients.md section 2)."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import urlencode

from pydantic import model_validator

from timbra.clients import store, store_portal
from timbra.clients.create import only_match
from timbra.clients.model import Client
from timbra.http.body import Command
from timbra.http.caller import Caller
from timbra.http.errors import NotFound
from timbra.http.fields import Email, Text, refuse
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_token
from timbra.platform.scope import TeamScope

PREFIX: Final = "cp_"
LIFE_MS: Final = 432_000 * 1000
SESSION_MS: Final = 259_200 * 1000


class PortalFor(Command):
    """POST /clients/customerportal: exactly one of the two names the client."""

    id: Annotated[str | None, Text(max=160)] = None
    email: Annotated[str | None, Email()] = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "PortalFor":
        if self.id is None and self.email is None:
            raise refuse("required", "is required: send an id or an email", path="id")
        if self.id is not None and self.email is not None:
            raise refuse("not_allowed", "is not allowed beside id", path="email")
        return self


@dataclass(frozen=True, slots=True)
class PortalAccess:
    """A link just made: the only time its token is readable."""

    url: str
    token: str
    expires_ms: int
    client_id: str


@dataclass(frozen=True, slots=True)
class Visit:
    """What an opened link allows: to act as this client, until ``session_ends_ms``."""

    scope: TeamScope
    client: Client
    session_ends_ms: int


def mint(tx: Tx, caller: Caller, body: PortalFor, *, portal_url: str, at_ms: int) -> PortalAccess:
    """A new link for the client; older ones live on. Raises NotFound, Conflict (several clients with the address)."""
    client = _meant(tx, caller.scope, body)
    token = PREFIX + new_token()
    expires_ms = at_ms + LIFE_MS
    store_portal.add(tx, caller.scope, client.id, digest(token), at_ms=at_ms, expires_ms=expires_ms)
    audit.append(tx, caller.scope, Action.CLIENT_PORTAL_LINK, client.id, caller.actor, at_ms)
    return PortalAccess(f"{portal_url}/portal?{urlencode({'token': token})}", token, expires_ms, client.id)


def _meant(tx: Tx, scope: TeamScope, body: PortalFor) -> Client:
    if body.id is not None:
        client, path = store.get(tx, scope, body.id), "id"
    else:
        assert body.email is not None, "the schema asks for one of them"
        client, path = only_match(tx, scope, "email", body.email, "email"), "email"
    if client is None:
        raise NotFound.at(path)
    return client


def verify(tx: Tx, token: str, *, at_ms: int) -> Visit | None:
    """Whose portal the token opens now; None for a token that is unknown, expired, or of a client that is gone.

    The caller acts for the server. A link may be opened many times; each opening starts a session of its own.
    """
    link = store_portal.find(tx, digest(token))
    if link is None or link.expires_ms <= at_ms:
        return None
    client = store.get(tx, link.scope, link.client_id)
    return None if client is None else Visit(link.scope, client, at_ms + SESSION_MS)


def digest(token: str) -> bytes:
    """What is stored of a token: 256 bits of entropy need no salt."""
    return hashlib.sha256(token.encode()).digest()
