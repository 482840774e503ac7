"""Signing secrets: made, sealed, opened, and what is signed with them (contract §5).

Signatures are those of Standard Webhooks, with a second header as the older API has it.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from timbra.platform import json
from timbra.platform.ids import new_secret
from timbra.platform.scope import TeamScope
from timbra.platform.vault import Opener, SecretContext
from timbra.webhooks.model import Endpoint

PURPOSE: Final = "webhooks"  # of the opener that wiring hands out
PREFIX: Final = "whsec_"
KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """What a sender needs in clear. secrets: newest first."""

    secrets: Sequence[str]
    headers: Mapping[str, str]


def new_signing_secret() -> str:
    """A fresh secret as its holder keeps it."""
    return PREFIX + base64.b64encode(new_secret(KEY_BYTES)).decode()


class Secrets:
    """Seals and opens what endpoints keep secret."""

    def __init__(self, opener: Opener) -> None:
        self._opener = opener

    def seal_secret(self, scope: TeamScope, endpoint_id: str, secret: str) -> str:
        """The text to store. The secret before the last rotation moves columns, so both are bound to one place."""
        return self._opener.seal(_place(scope, endpoint_id, "secret"), secret.encode())

    def seal_headers(self, scope: TeamScope, endpoint_id: str, headers: Mapping[str, str]) -> str | None:
        """The text to store, None for no headers."""
        return self._opener.seal(_place(scope, endpoint_id, "headers"), json.dumps(dict(headers))) if headers else None

    def open(self, endpoint: Endpoint, now_ms: int) -> Opened:
        """Secrets that sign now, and the custom headers. Raises VaultRefused."""
        sealed = [endpoint.sealed_secret]
        if endpoint.sealed_previous and (endpoint.previous_until_ms or 0) > now_ms:
            sealed.append(endpoint.sealed_previous)
        place = _place(endpoint.scope, endpoint.id, "secret")
        secrets = [self._opener.open(place, text).reveal().decode() for text in sealed]
        headers = {}
        if endpoint.sealed_headers:
            place = _place(endpoint.scope, endpoint.id, "headers")
            headers = json.loads(self._opener.open(place, endpoint.sealed_headers).reveal())
        return Opened(secrets, headers)


def headers(opened: Opened, message_id: str, at_s: int, body: bytes) -> dict[str, str]:
    """The headers that prove who sent ``body`` at ``at_s`` (unix seconds)."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(signature(secret, message_id, at_s, body) for secret in opened.secrets),
        "X-Gigstack-Signature": legacy_signature(opened.secrets[0], body),
    }


def signature(secret: str, message_id: str, at_s: int, body: bytes) -> str:
    """``v1,`` and the HMAC-SHA256 of id, time and body under the 32 bytes of the secret."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{at_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def legacy_signature(secret: str, body: bytes) -> str:
    """HMAC-SHA256 in hex of the body alone, under the secret's text."""
    return hmac.digest(secret.encode(), body, hashlib.sha256).hex()


def _place(scope: TeamScope, endpoint_id: str, what: str) -> SecretContext:
    return SecretContext("webhooks", what, endpoint_id, scope.team_id, scope.livemode)
