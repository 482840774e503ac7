"""A team's CSD in use: storing it, its facts, and the signers that hold its open key in memory."""

import base64
from collections import OrderedDict
from dataclasses import dataclass

from timbra.cfdi.build import CertificateText
from timbra.cfdi.certificate import CertificateFacts, read
from timbra.credentials import store
from timbra.credentials.signer import RsaSigner
from timbra.credentials.store import StoredCsd
from timbra.credentials.upload import CheckedCsd
from timbra.platform import audit
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import Actor, TeamScope
from timbra.platform.vault import Opener, SecretContext

PURPOSE = "csd"  # of the opener that wiring hands out
HELD_MAX = 256
IDLE_MAX_MS = 10 * 60 * 1000
RECHECK_MS = 5_000  # a CSD replaced by another process is noticed within this time


@dataclass(frozen=True, slots=True)
class CsdFacts:
    """What may be told of a stored CSD. Instants are ms UTC."""

    id: str
    number: str
    rfc: str
    name: str
    environment: str
    not_before_ms: int
    not_after_ms: int
    connected_ms: int


class CsdSigner:
    """An open CSD: signs, and knows its certificate as a document carries it."""

    __slots__ = ("_signer", "certificate", "text")

    def __init__(self, certificate: CertificateFacts, plain_key: bytes) -> None:
        self._signer = RsaSigner(plain_key)
        self.certificate = certificate
        self.text = CertificateText(certificate.number, base64.b64encode(certificate.der).decode())

    def sign(self, data: bytes) -> bytes:
        """The signature over SHA-256."""
        return self._signer.sign(data)

    def sign_sha1(self, data: bytes) -> bytes:
        """The signature over SHA-1, for cancellation requests."""
        return self._signer.sign_sha1(data)


def current(tx: Tx, scope: TeamScope) -> CsdFacts | None:
    """The facts of the CSD in use for the team and mode; no key is opened."""
    found = store.current(tx, scope)
    return None if found is None else _facts(found)


def store_csd(tx: Tx, scope: TeamScope, checked: CheckedCsd, *, opener: Opener, actor: Actor, at_ms: int) -> CsdFacts:
    """The checked CSD is the current one of its slot, its key sealed, and the audit log says so.

    Call ``Signers.forget`` after the transaction.
    """
    certificate = checked.certificate
    csd_id = new_id("csd")
    csd = StoredCsd(
        id=csd_id,
        number=certificate.number,
        rfc=certificate.rfc,
        name=certificate.name,
        environment=checked.environment.value,
        not_before_ms=certificate.not_before_ms,
        not_after_ms=certificate.not_after_ms,
        certificate=certificate.der,
        sealed_key=opener.seal(_place(scope, csd_id), checked.plain_key),
        created_ms=at_ms,
    )
    store.replace_current(tx, scope, csd)
    changes = {"certificate_number": csd.number, "tax_id": csd.rfc, "environment": csd.environment}
    audit.append(tx, scope, audit.Action.TEAM_SAT_CONNECTION, csd_id, actor, at_ms, changes=changes)
    return _facts(csd)


@dataclass(slots=True)
class _Held:
    csd_id: str
    signer: CsdSigner
    checked_ms: int
    used_ms: int


class Signers:
    """Open CSDs by team and mode: at most 256, none idle over 10 minutes. For one event loop."""

    def __init__(self, database: Database, opener: Opener, clock: Clock) -> None:
        self._database = database
        self._opener = opener
        self._clock = clock
        self._held: OrderedDict[TeamScope, _Held] = OrderedDict()  # least recently used first

    async def signer_for(self, scope: TeamScope) -> CsdSigner | None:
        """The signer of the current CSD, None without one. Expiry is for the caller to judge.

        Asks the database when the answer in memory is older than 5 s. Raises DatabaseUnavailable, VaultRefused.
        """
        now_ms = self._clock.now_ms()
        self._drop_idle(now_ms)
        held = self._held.get(scope)
        if held is None or now_ms - held.checked_ms >= RECHECK_MS:
            held = await self._fresh(scope, now_ms)
            if held is None:
                return None
        held.used_ms = now_ms
        self._held.move_to_end(scope)
        return held.signer

    def forget(self, scope: TeamScope) -> None:
        """The next use opens the stored CSD anew: to be called when it was replaced or deleted."""
        self._held.pop(scope, None)

    def close(self) -> None:
        """No key object is left."""
        self._held.clear()

    async def _fresh(self, scope: TeamScope, now_ms: int) -> _Held | None:
        stored = await self._database.read(lambda tx: store.current(tx, scope))
        if stored is None:
            self.forget(scope)
            return None
        held = self._held.get(scope)
        if held is None or held.csd_id != stored.id:
            held = _Held(stored.id, self._open(scope, stored), now_ms, now_ms)
            self._held[scope] = held
            if len(self._held) > HELD_MAX:
                self._held.popitem(last=False)
        held.checked_ms = now_ms
        return held

    def _open(self, scope: TeamScope, stored: StoredCsd) -> CsdSigner:
        secret = self._opener.open(_place(scope, stored.id), stored.sealed_key)
        return CsdSigner(read(stored.certificate), secret.reveal())

    def _drop_idle(self, now_ms: int) -> None:
        while self._held:
            scope, oldest = next(iter(self._held.items()))
            if now_ms - oldest.used_ms <= IDLE_MAX_MS:
                return
            del self._held[scope]


def _place(scope: TeamScope, csd_id: str) -> SecretContext:
    return SecretContext("csds", "sealed_key", csd_id, scope.team_id, scope.livemode)


def _facts(csd: StoredCsd) -> CsdFacts:
    return CsdFacts(
        id=csd.id,
        number=csd.number,
        rfc=csd.rfc,
        name=csd.name,
        environment=csd.environment,
        not_before_ms=csd.not_before_ms,
        not_after_ms=csd.not_after_ms,
        connected_ms=csd.created_ms,
    )
