"""Envelope encryption of secrets at rest.

Each secret has a data key of its own, wrapped by the master key of a ``KeyProvider``. The text form is
``v1.<master key>.<wrapped>.<nonce>.<ciphertext>`` (base64url without padding). The place where a secret is stored, its
owner and its use are bound to the ciphertext: moved elsewhere it does not open. See docs/decisions/0007-envelope-encryption.md.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from timbra.platform.ids import new_secret

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12


class VaultRefused(Exception):
    """A secret does not open, or the master key cannot be used. The message names no secret."""


class Secret:
    """Bytes that must not leak: constant ``repr`` and ``str``, no equality by content, no pickling, no copying."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value

    def reveal(self) -> bytes:
        """The bytes. Call it where they are used, and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __reduce_ex__(self, protocol: object) -> str:
        raise TypeError("a Secret cannot be pickled or copied")


@dataclass(frozen=True, slots=True)
class SecretContext:
    """Where a secret is stored and whose it is. ``team_id`` is empty for secrets of the whole server."""

    table: str
    column: str
    row_id: str
    team_id: str
    livemode: bool


class KeyProvider(Protocol):
    """Keeper of the master key: the port behind which a KMS or an HSM stands.

    A provider for a KMS sends 32 bytes out to be wrapped and the wrapped ones to be unwrapped; the master key itself
    never comes here. It must answer within 2 s or raise VaultRefused, and bear being called from several threads.
    """

    @property
    def name(self) -> str:
        """The key in use: letters, digits and ``-``. It is the second part of every sealed text."""
        ...

    def fingerprints(self) -> Mapping[str, bytes]:
        """32 bytes by name for every key that ``unwrap`` has: equal keys, equal bytes, and no way back to the key."""
        ...

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """The data key of 32 bytes, encrypted by the key in use, and the name of that key."""
        ...

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The data key. Raises VaultRefused when the key ``name`` did not wrap it, or is not here."""
        ...

    def derive(self, label: str) -> bytes:
        """32 bytes for ``label``: equal labels give equal bytes, for as long as the server lives, rotations included."""
        ...


class Opener:
    """Seals and opens the secrets of one purpose; those of another purpose do not open with it."""

    def __init__(self, keys: KeyProvider, purpose: str) -> None:
        self._keys = keys
        self._purpose = purpose

    def seal(self, context: SecretContext, plaintext: bytes) -> str:
        """The text to store at the place that ``context`` names."""
        data_key, nonce = new_secret(KEY_BYTES), new_secret(NONCE_BYTES)
        ciphertext = AESGCM(data_key).encrypt(nonce, plaintext, self._binding(context))
        name, wrapped = self._keys.wrap(data_key)
        return ".".join([VERSION, name, *map(_encoded, (wrapped, nonce, ciphertext))])

    def open(self, context: SecretContext, text: str) -> Secret:
        """The secret stored at the place that ``context`` names. Raises VaultRefused."""
        name, wrapped, rest = _split(text)
        nonce, ciphertext = map(_decoded, rest)
        return Secret(decrypt(self._keys.unwrap(name, wrapped), nonce, ciphertext, self._binding(context)))

    def _binding(self, context: SecretContext) -> bytes:
        mode = "live" if context.livemode else "test"
        fields = (context.table, context.column, context.row_id, context.team_id, mode, self._purpose)
        if any("|" in field for field in fields):
            raise ValueError("'|' separates the fields a secret is bound to and cannot be part of one")
        return "|".join(fields).encode()


class Vault:
    """Hands out openers and derived keys. Only ``wiring`` holds one."""

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    def opener(self, purpose: str) -> Opener:
        """An opener bound to ``purpose``, such as ``csd``."""
        return Opener(self._keys, purpose)

    def derive(self, label: str) -> bytes:
        """32 bytes for the use that ``label`` names: page cursors, file URLs."""
        return self._keys.derive(label)

    @property
    def key_name(self) -> str:
        """The master key in use."""
        return self._keys.name

    def rewrapped(self, text: str) -> str:
        """The same secret in the same place, its data key wrapped by the master key in use; the secret is not opened."""
        name, wrapped, rest = _split(text)
        new_name, new_wrapped = self._keys.wrap(self._keys.unwrap(name, wrapped))
        return ".".join([VERSION, new_name, _encoded(new_wrapped), *rest])


def prefix_of(key_name: str) -> str:
    """What every text sealed under a master key begins with."""
    return f"{VERSION}.{key_name}."


def _split(text: str) -> tuple[str, bytes, list[str]]:
    """(name of the master key, wrapped data key, nonce and ciphertext as written). Raises VaultRefused."""
    version, *parts = text.split(".")
    if version != VERSION or len(parts) != 4:
        raise VaultRefused("not a sealed secret of this server")
    return parts[0], _decoded(parts[1]), parts[2:]


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, binding: bytes) -> bytes:
    """The plain bytes. Raises VaultRefused when they are not of this key and place."""
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, binding)
    except (InvalidTag, ValueError) as fault:
        raise VaultRefused("the secret does not open with this key in this place") from fault


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as fault:
        raise VaultRefused("not a sealed secret") from fault
