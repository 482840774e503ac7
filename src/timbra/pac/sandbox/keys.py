"""The sandbox's own authority and PAC certificate: made once, kept in the database, the private keys sealed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from timbra.cfdi.certificate import CertificateFacts, read
from timbra.pac.sandbox import store
from timbra.pac.sandbox.authority import Issued, issue_csd, issue_pac, make_authority
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.ids import new_serial_digits

AUTHORITY, PAC = "authority", "pac"
SERIAL_DIGITS = 20


class KeyBox(Protocol):
    """Seals private keys (``wiring`` binds it to this purpose). ``name``: which key it is."""

    def seal(self, name: str, plain: bytes) -> str: ...

    def open(self, name: str, sealed: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The authority that issues sandbox CSDs, and the PAC that stamps."""

    authority: Issued
    pac: Issued
    authority_facts: CertificateFacts
    pac_facts: CertificateFacts

    def issue(self, *, rfc: str, name: str, at_ms: int) -> Issued:
        """A sandbox CSD for any RFC, valid for four years."""
        return issue_csd(self.authority, rfc=rfc, name=name, serial=new_serial_digits(SERIAL_DIGITS), at_ms=at_ms)


def ensure(database: Database, box: KeyBox, clock: Clock) -> Sandbox:
    """The sandbox of this server; the first start makes it."""
    at_ms = clock.now_ms()
    stored = database.read_sync(store.keys)
    if PAC not in stored:
        authority = make_authority(serial=new_serial_digits(SERIAL_DIGITS), at_ms=at_ms)
        pac = issue_pac(authority, serial=new_serial_digits(SERIAL_DIGITS), at_ms=at_ms)
        stored = database.write_sync(_adding(box, {AUTHORITY: authority, PAC: pac}))
    keys = {name: Issued(bytes(der), box.open(name, sealed)) for name, (der, sealed) in stored.items()}
    authority, pac = keys[AUTHORITY], keys[PAC]
    return Sandbox(authority, pac, read(authority.certificate), read(pac.certificate))


def _adding(box: KeyBox, made: dict[str, Issued]) -> Callable[[Tx], dict[str, tuple[bytes, str]]]:
    def unit(tx: Tx) -> dict[str, tuple[bytes, str]]:
        if not store.keys(tx):  # another replica may have been faster
            for name, issued in made.items():
                store.add_key(tx, name, issued.certificate, box.seal(name, issued.key))
        return store.keys(tx)

    return unit
