"""Openers for secrets that are found by a name instead of a team's row."""

import hashlib
from dataclasses import dataclass

from timbra.platform.vault import Opener, SecretContext


@dataclass(frozen=True, slots=True)
class ServerSecrets:
    """A purpose-bound opener for secrets that belong to the server, not to a team: sealed by name."""

    opener: Opener
    table: str

    def seal(self, name: str, plain: bytes) -> str:
        """The sealed text of the secret called ``name``."""
        return self.opener.seal(self._place(name), plain)

    def open(self, name: str, sealed: str) -> bytes:
        """The secret called ``name``."""
        return self.opener.open(self._place(name), sealed).reveal()

    def _place(self, name: str) -> SecretContext:
        return SecretContext(self.table, "sealed_key", name, "", False)


@dataclass(frozen=True, slots=True)
class ReplySecrets:
    """Seals stored replies that hold secrets; ``context`` names the idempotency record."""

    opener: Opener

    def seal(self, plain: bytes, context: str) -> str:
        """The sealed reply."""
        return self.opener.seal(self._place(context), plain)

    def open(self, sealed: str, context: str) -> bytes:
        """The reply."""
        return self.opener.open(self._place(context), sealed).reveal()

    def _place(self, context: str) -> SecretContext:
        digest = hashlib.sha256(context.encode()).hexdigest()  # the key in it is the client's text
        return SecretContext("idempotency_records", "sealed_body", digest, "", False)
