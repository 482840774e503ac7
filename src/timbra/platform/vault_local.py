"""The key provider ``local``: master keys in files that only the server's user can read.

``master.key`` is the first key, called ``local``; a rotation adds ``master.2.key``, called ``local-2``, and so on, and
removes the former one when nothing needs it any more. The newest file is the key in use. Processes look at the folder
when they seal and when they meet an unknown key, so a rotation does not stop them. Every replica needs this folder.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from timbra.platform.ids import new_secret
from timbra.platform.vault import KEY_BYTES, NONCE_BYTES, VaultRefused, decrypt

KEY_FILE = "master.key"
FIRST_NAME = "local"
_FILE = re.compile(r"master(?:\.([1-9][0-9]{0,5}))?\.key")
_NAME = re.compile(r"local(?:-([1-9][0-9]{0,5}))?")
_WRAPPING = "wrap data keys"
_FINGERPRINT = "fingerprint"
_WRAP_BINDING = b"timbra v1 data key"


class MasterKey:
    """One master key: 32 bytes that wrap, and the root of the derived keys, which stays the same over rotations."""

    def __init__(self, content: bytes) -> None:
        """``content``: of a key file; the first key is its own root, later ones carry the root behind them."""
        if len(content) not in (KEY_BYTES, 2 * KEY_BYTES):
            raise VaultRefused(f"the master key must have {KEY_BYTES} bytes, not {len(content)}")
        master = content[:KEY_BYTES]
        self.root = content[KEY_BYTES:] or master
        self._wrapping = _derived(master, _WRAPPING)
        self.fingerprint = _derived(master, _FINGERPRINT)

    def wrap(self, data_key: bytes) -> bytes:
        """The data key, encrypted."""
        nonce = new_secret(NONCE_BYTES)
        return nonce + AESGCM(self._wrapping).encrypt(nonce, data_key, _WRAP_BINDING)

    def unwrap(self, wrapped: bytes) -> bytes:
        """The data key. Raises VaultRefused when another master key wrapped it."""
        return decrypt(self._wrapping, wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], _WRAP_BINDING)


class LocalKeys:
    """The provider ``local``, over a folder or over one key in memory."""

    def __init__(self, content: bytes, number: int = 1, folder: Path | None = None) -> None:
        """``content``: of the key file ``number``; ``folder``: where others may be or come."""
        self._folder = folder
        self._keys = {number: MasterKey(content)}
        self._root = self._keys[number].root
        self._reload()

    @classmethod
    def open(cls, folder: Path, *, may_create: bool = True) -> "LocalKeys":
        """The keys of ``folder``; the first one is made there when there is none yet.

        Raises VaultRefused when the folder or a file may be read or changed by other users, or when there is no key and
        none may be made.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_shared(folder)
        if not _numbers(folder):
            if not may_create:
                raise VaultRefused(f"there is no master key in {folder}, and this database was sealed with one")
            _create(folder / KEY_FILE, new_secret(KEY_BYTES))
        newest = _numbers(folder)[-1]
        return cls(_content(folder, newest), newest, folder)

    @property
    def name(self) -> str:
        """The newest key's."""
        self._reload()
        return name_of(max(self._keys))

    def fingerprints(self) -> Mapping[str, bytes]:
        """By name, of every key in the folder."""
        self._reload()
        return {name_of(number): key.fingerprint for number, key in sorted(self._keys.items())}

    def wrap(self, data_key: bytes) -> tuple[str, bytes]:
        """The name of the newest key, and the data key encrypted by it."""
        self._reload()
        newest = max(self._keys)
        return name_of(newest), self._keys[newest].wrap(data_key)

    def unwrap(self, name: str, wrapped: bytes) -> bytes:
        """The data key. Raises VaultRefused when the key is not here or another one wrapped it."""
        match = _NAME.fullmatch(name)
        number = int(match[1] or 1) if match else 0
        if number not in self._keys:
            self._reload()
        if number not in self._keys:
            raise VaultRefused("not a sealed secret of this server's master key")
        return self._keys[number].unwrap(wrapped)

    def derive(self, label: str) -> bytes:
        """A key of 32 bytes of its own for ``label``; equal labels give equal keys."""
        return _derived(self._root, label)

    def add(self) -> str:
        """There is a newer key, in use from now on by every process that has this folder; its name."""
        assert self._folder is not None, "keys in memory do not rotate"
        self._reload()
        number = max(self._keys) + 1
        _create(self._folder / _file_of(number), new_secret(KEY_BYTES) + self._root)
        return self.name

    def remove_former(self) -> None:
        """Only the newest key is left."""
        assert self._folder is not None, "keys in memory do not rotate"
        self._reload()
        for number in sorted(self._keys)[:-1]:
            (self._folder / _file_of(number)).unlink(missing_ok=True)
            del self._keys[number]

    def _reload(self) -> None:
        """Keys that were added to the folder are known."""
        if self._folder is None:
            return
        for number in _numbers(self._folder):
            if number not in self._keys:
                self._keys[number] = MasterKey(_content(self._folder, number))


def name_of(number: int) -> str:
    """What the key of that number is called."""
    return FIRST_NAME if number == 1 else f"{FIRST_NAME}-{number}"


def newest_file(folder: Path) -> Path | None:
    """The file of the key in use; None when there is none."""
    numbers = _numbers(folder) if folder.is_dir() else []
    return folder / _file_of(numbers[-1]) if numbers else None


def _file_of(number: int) -> str:
    return KEY_FILE if number == 1 else f"master.{number}.key"


def _content(folder: Path, number: int) -> bytes:
    path = folder / _file_of(number)
    _refuse_shared(path)
    return path.read_bytes()


def _numbers(folder: Path) -> list[int]:
    matches = [_FILE.fullmatch(path.name) for path in folder.iterdir()]
    return sorted(int(match[1] or 1) for match in matches if match)


def _derived(secret: bytes, label: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"timbra v1 {label}".encode()).derive(secret)


def _refuse_shared(path: Path) -> None:
    shared = path.stat().st_mode & 0o077
    if shared:
        raise VaultRefused(f"{path} is open to other users (mode {shared:03o}); run: chmod go= {path}")


def _create(path: Path, content: bytes) -> None:
    """The file exists with a key, durable and complete even when two processes start at once."""
    draft = path.with_name(f"{path.name}.{new_secret(8).hex()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
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
