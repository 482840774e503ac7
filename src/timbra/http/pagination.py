"""Cursors: opaque, signed, bound to one list of one team in one mode."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

from timbra.http.errors import FieldError, Invalid
from timbra.platform import json
from timbra.platform.keyset import Position
from timbra.platform.scope import TeamScope

MAX_CURSOR = 512
MAX_ORDER_VALUE_BYTES = 256
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cursor stands: the order it was made for and the last row shown."""

    order_by: str
    descending: bool
    position: Position


class Cursors:
    """Makes and reads cursors with a key of the server."""

    def __init__(self, key: bytes) -> None:
        assert len(key) >= 32, "a cursor key has at least 256 bits"
        self._key = key

    def encode(self, path: str, scope: TeamScope, place: Place) -> str:
        """The cursor text, at most 512 characters."""
        value, identity = place.position
        assert len(str(value).encode()) <= MAX_ORDER_VALUE_BYTES, "an order column is short"
        payload = json.dumps([place.order_by, int(place.descending), value, identity])
        text = base64.urlsafe_b64encode(self._mac(path, scope, payload) + payload).rstrip(b"=").decode()
        assert len(text) <= MAX_CURSOR
        return text

    def decode(self, text: str, path: str, scope: TeamScope, *, parameter: str = "next") -> Place:
        """The place a cursor names. Raises Invalid when it was not made for this very list."""
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        mac, payload = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if len(text) > MAX_CURSOR or not hmac.compare_digest(mac, self._mac(path, scope, payload)):
            raise Invalid([not_a_cursor(parameter)])
        order_by, descending, value, identity = json.loads(payload)
        return Place(order_by, bool(descending), (value, identity))

    def _mac(self, path: str, scope: TeamScope, payload: bytes) -> bytes:
        bound: list[Any] = [path, scope.team_id, scope.livemode]
        return hmac.digest(self._key, json.dumps(bound) + b"\n" + payload, hashlib.sha256)[:_MAC_BYTES]


def not_a_cursor(parameter: str) -> FieldError:
    """The one complaint about cursors, whatever is wrong with them."""
    return FieldError(parameter, "format", "is not a cursor of this list")
