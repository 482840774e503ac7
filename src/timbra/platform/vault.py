"""Envelope encryption of secrets at rest.

Each secret has a data key of its own, wrapped by the master key of a ``KeyProvider``. The text form is
``v1.<provider>.<wrapped>.<nonce>.<ciphertext>`` (base64url without padding). The place where a secret is stored, its
owner and its use are bound to the ciphertext: moved elsewhere it does not open. See docs/decisions/0007-envelope-encryption.md.
"""

import base64
import binascii
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from timbra.platform.ids import new_secret

VERSION = "v1"
KEY_BYTES = 32
NONCE_BYTES = 12
KEY_FILE = "master.key"
_WRAPPING = "wrap data keys"
_WRAP_BINDING = b"timbra v1 data key"


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
    """Keeper of the master key."""

    name: str

    def wrap(self, data_key: bytes) -> bytes: ...

    def unwrap(self, wrapped: bytes) -> bytes: ...

    def derive(self, label: str) -> bytes: ...


class LocalKeys:
    """The provider ``local``: a master key in a file that only the server's user can read."""

    name = "local"

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise VaultRefused(f"the master key must have {KEY_BYTES} bytes, not {len(master)}")
        self._master = master
        self._wrapping = self.derive(_WRAPPING)

    @classmethod
    def open(cls, folder: Path) -> "LocalKeys":
        """The key of ``folder``, made there when none exists yet.

        Raises VaultRefused when the folder or the file may be read or changed by other users.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_shared(folder)
        path = folder / KEY_FILE
        if not path.exists():
            _create(path)
        _refuse_shared(path)
        return cls(path.read_bytes())

    def wrap(self, data_key: bytes) -> bytes:
        """The data key, encrypted by the master key."""
        nonce = new_secret(NONCE_BYTES)
        return nonce + AESGCM(self._wrapping).encrypt(nonce, data_key, _WRAP_BINDING)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key. Raises VaultRefused when another master key wrapped it."""
        return _decrypt(self._wrapping, wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _WRAP_BINDING)

    def derive(self, label: str) -> bytes:
        """A key of 32 bytes of its own for ``label``; equal labels give equal keys."""
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"timbra v1 {label}".encode()).derive(self._master)


class Opener:
    """Seals and opens the secrets of one purpose; those of another purpose do not open with it."""

    def __init__(self, keys: KeyProvider, purpose: str) -> None:
        self._keys = keys
        self._purpose = purpose

    def seal(self, context: SecretContext, plaintext: bytes) -> str:
        """The text to store at the place that ``context`` names."""
        data_key, nonce = new_secret(KEY_BYTES), new_secret(NONCE_BYTES)
        ciphertext = AESGCM(data_key).encrypt(nonce, plaintext, self._binding(context))
        return ".".join([VERSION, self._keys.name, *map(_encoded, (self._keys.wrap(data_key), nonce, ciphertext))])

    def open(self, context: SecretContext, text: str) -> Secret:
        """The secret stored at the place that ``context`` names. Raises VaultRefused."""
        head, parts = text.split(".")[:2], text.split(".")[2:]
        if head != [VERSION, self._keys.name] or len(parts) != 3:
            raise VaultRefused("not a sealed secret of this server's key provider")
        wrapped, nonce, ciphertext = map(_decoded, parts)
        return Secret(_decrypt(self._keys.unwrap(wrapped), nonce, ciphertext, self._binding(context)))

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


def _decrypt(key: bytes, nonce: bytes, ciphertext: bytes, binding: bytes) -> bytes:
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


def _refuse_shared(path: Path) -> None:
    shared = path.stat().st_mode & 0o077
    if shared:
        raise VaultRefused(f"{path} is open to other users (mode {shared:03o}); run: chmod go= {path}")


def _create(path: Path) -> None:
    """The file exists with a fresh key, durable and complete even when two processes start at once."""
    draft = path.with_name(f"{path.name}.{new_secret(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(new_secret(KEY_BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was first; its key is the one
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
