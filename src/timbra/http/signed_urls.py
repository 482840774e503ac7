"""File links that need no credential: signed, with an end."""

import hashlib
import hmac
from dataclasses import dataclass

from timbra.http.errors import FileNotFound
from timbra.platform.clock import Clock

DEFAULT_LIFE_S = 24 * 3600


@dataclass(frozen=True)
class FileLinks:
    """Makes and checks ``{origin}/v2/files/{file_id}?exp=…&sig=…``. ``key``: 32 bytes derived for this use alone."""

    key: bytes
    origin: str
    clock: Clock

    def link(self, file_id: str, life_s: int = DEFAULT_LIFE_S) -> str:
        """A fresh URL that works for ``life_s`` seconds."""
        expires = self.clock.now_ms() // 1000 + life_s
        return f"{self.origin}/v2/files/{file_id}?exp={expires}&sig={self._signature(file_id, str(expires))}"

    def check(self, file_id: str, expires: str | None, signature: str | None) -> None:
        """Raises FileNotFound unless the link is ours and still alive."""
        expected = self._signature(file_id, expires or "")
        if not hmac.compare_digest(expected.encode(), (signature or "").encode()):
            raise FileNotFound
        if int(expires or "0") < self.clock.now_ms() // 1000:
            raise FileNotFound

    def _signature(self, file_id: str, expires: str) -> str:
        return hmac.digest(self.key, f"{file_id}\n{expires}".encode(), hashlib.sha256).hex()
