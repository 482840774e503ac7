"""The form of an evidence bundle: a zip of files, a manifest with their hashes, and a signature over the manifest.

    manifest.json   what the bundle is about; name, size and SHA-256 of every other file; the signer's public key
    manifest.sig    Ed25519 signature over the bytes of manifest.json, base64

Reading is strict: names, sizes and numbers are limited before anything is unpacked.
"""

import base64
import hashlib
import io
import lzma
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from timbra.platform import json
from timbra.platform.json import JsonRefused

MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.sig"
VERSION: Final = 1
FILES_MAX: Final = 500
# Everything the library raises for a damaged archive.
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, RuntimeError, EOFError, OSError, ValueError,
)  # fmt: skip
BYTES_MAX: Final = 256 * 1024 * 1024


class BundleRefused(Exception):
    """The file is no evidence bundle; the message says why."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An opened bundle. ``faults``: what in it does not agree with the manifest or its signature."""

    manifest: Mapping[str, Any]
    files: Mapping[str, bytes]
    faults: tuple[str, ...]

    @property
    def signer(self) -> str:
        """Fingerprint of the key that signed the manifest."""
        return fingerprint(base64.b64decode(self.manifest["signed_by"]))


def fingerprint(public_key: bytes) -> str:
    """The first 16 bytes of the SHA-256 of a public key, in hex."""
    return hashlib.sha256(public_key).hexdigest()[:32]


def pack(about: Mapping[str, Any], files: Mapping[str, bytes], seed: bytes, at_ms: int) -> bytes:
    """The zip, signed by the key with this seed of 32 bytes. The same contents and instant give the same bytes."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    manifest = json.dumps(
        {
            "version": VERSION,
            **about,
            "made_at": at_ms // 1000,
            "signed_by": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
            "files": {
                name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                for name, content in sorted(files.items())
            },
        }
    )
    signature = base64.b64encode(key.sign(manifest))
    held = io.BytesIO()
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).timetuple()[:6]
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {MANIFEST: manifest, SIGNATURE: signature, **dict(sorted(files.items()))}.items():
            archive.writestr(zipfile.ZipInfo(name, moment), content, zipfile.ZIP_DEFLATED)
    return held.getvalue()


def unpack(content: bytes) -> Bundle:
    """The bundle with what is wrong in it. Raises BundleRefused when it is none at all."""
    files = _files(content)
    if MANIFEST not in files or SIGNATURE not in files:
        raise BundleRefused("it has no manifest or no signature")
    raw, signature = files.pop(MANIFEST), files.pop(SIGNATURE)
    manifest = _manifest(raw)
    faults = [*_signature_faults(manifest, raw, signature), *_file_faults(manifest, files)]
    return Bundle(manifest, files, tuple(faults))


def _files(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if len(entries) > FILES_MAX or len(set(names)) != len(names):
                raise BundleRefused("it has too many files, or one twice")
            if sum(entry.file_size for entry in entries) > BYTES_MAX:
                raise BundleRefused(f"its files have more than {BYTES_MAX} bytes")
            return {entry.filename: archive.read(entry) for entry in entries}
    except _UNREADABLE as error:
        raise BundleRefused(f"it is no zip that can be read: {error}") from error


def _manifest(raw: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(raw)
    except JsonRefused as error:
        raise BundleRefused(f"its manifest is not JSON: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("version") != VERSION:
        raise BundleRefused(f"its manifest is not of version {VERSION}")
    if not isinstance(manifest.get("files"), dict) or not isinstance(manifest.get("signed_by"), str):
        raise BundleRefused("its manifest names no files or no signer")
    return manifest


def _signature_faults(manifest: Mapping[str, Any], raw: bytes, signature: bytes) -> list[str]:
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(manifest["signed_by"], validate=True))
        key.verify(base64.b64decode(signature, validate=True), raw)
    except (ValueError, InvalidSignature):
        return [f"{MANIFEST}: the signature is not over it"]
    return []


def _file_faults(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> list[str]:
    named: Mapping[str, Any] = manifest["files"]
    faults = [f"{name}: is missing" for name in sorted(named.keys() - files.keys())]
    faults += [f"{name}: is not in the manifest" for name in sorted(files.keys() - named.keys())]
    for name in sorted(named.keys() & files.keys()):
        if not isinstance(named[name], dict) or named[name].get("sha256") != hashlib.sha256(files[name]).hexdigest():
            faults.append(f"{name}: its SHA-256 is not the one in the manifest")
    return faults
