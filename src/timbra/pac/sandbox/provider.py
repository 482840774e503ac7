"""The sandbox PAC: offline, honest, and able to lose an answer after it has stamped.

It validates as a PAC does, keeps what it stamped, and plays the cases that a test document asks for in
``metadata.sandbox`` and ``metadata.sandbox_cancel`` (contract invoices.md section 5.5).
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from timbra.cfdi import cancellation, timbre
from timbra.cfdi.cancellation import Acuse, AcuseFolio, CancellationRefused
from timbra.cfdi.certificate import CertificateFacts, HasPublicKey, issued_by
from timbra.cfdi.seal import Signer
from timbra.cfdi.verify import SatData
from timbra.cfdi.xmldsig import Sha1Signer
from timbra.cfdi.zones import CENTRAL, local_time
from timbra.pac.port import (
    Busy,
    CancelAccepted,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    Hints,
    NotThere,
    Rejected,
    SatStatus,
    Stamped,
    StampOutcome,
    Unknown,
)
from timbra.pac.sandbox import store
from timbra.pac.sandbox.stamping import refusal, timbre_of, uuid_of, validate
from timbra.pac.sandbox.store import SandboxStamp
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx

OUTAGE_MS = 60_000
SLOWNESS_MS = 30_000
ANSWER_MS = 60_000  # of the simulated receiver
LARGE_BYTES = 100_000  # validated in a thread of its own

FOUND = "S - Comprobante obtenido satisfactoriamente."
NOT_FOUND = "N - 602: Comprobante no encontrado."
WITH_ACCEPTANCE = ("pending", "accepted", "rejected", "expired")


class PacSigner(Signer, Sha1Signer, Protocol):
    """Signs timbres and acuses."""


@dataclass(frozen=True, slots=True)
class SandboxKeys:
    """The sandbox PAC's certificate and signer, and the authorities whose CSDs it takes."""

    certificate: CertificateFacts
    signer: PacSigner
    authorities: Sequence[HasPublicKey]


class SandboxPac:
    """One simulated PAC. ``is_first``: the one that ``pac_down_first`` makes unreachable."""

    dedup = Dedup.BY_XML

    def __init__(
        self,
        name: str,
        *,
        database: Database,
        clock: Clock,
        data: SatData,
        keys: SandboxKeys,
        latency_ms: int = 0,
        is_first: bool = True,
    ) -> None:
        self.name = name
        self._database = database
        self._clock = clock
        self._data = data
        self._keys = keys
        self._latency_s = latency_ms / 1000
        self._is_first = is_first

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome:
        """The document's stamp, a refusal, or the failure that the hint asks for."""
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        hint = hints.stamp or ""
        failed = await self._failing(reference, hint)
        if failed is not None:
            return failed
        if hint.startswith("reject:"):
            return refusal(hint.removeprefix("reject:"))
        stamped = await self._stamp(xml, reference, hints)
        if isinstance(stamped, Rejected):
            known = await self._known(xml)  # stamped before, and too old for a first time
            return stamped if known is None else self._answer(known, xml)
        if hint == "pac_timeout":
            return Unknown("the answer was lost")
        return self._answer(stamped, xml)

    async def _failing(self, reference: str, hint: str) -> Busy | Unknown | None:
        if hint == "pac_down_first":
            return Busy("the first PAC is down") if self._is_first else None
        if hint not in ("pac_down", "pac_timeout_lost"):
            return None
        now_ms = self._clock.now_ms()
        first_ms, is_first_call = await self._database.write(
            lambda tx: store.first_seen_ms(tx, reference, hint, now_ms)
        )
        if hint == "pac_timeout_lost":
            return Unknown("the request was lost") if is_first_call else None
        return Busy("the PAC is down") if now_ms < first_ms + OUTAGE_MS else None

    async def _known(self, xml: bytes) -> SandboxStamp | None:
        digest = hashlib.sha256(xml).digest()
        return await self._database.look(lambda tx: store.find(tx, self.name, digest))

    async def _stamp(self, xml: bytes, reference: str, hints: Hints) -> SandboxStamp | Rejected:
        if len(xml) > LARGE_BYTES:
            made = await asyncio.to_thread(self._made, xml, reference, hints)
        else:
            made = self._made(xml, reference, hints)
        if isinstance(made, Rejected):
            return made

        def unit(tx: Tx) -> SandboxStamp:
            if store.add(tx, made):
                return made
            earlier = store.find(tx, self.name, made.sha256)
            assert earlier is not None, "equal bytes get equal UUIDs"
            return earlier

        return await self._database.write(unit)

    def _made(self, xml: bytes, reference: str, hints: Hints) -> SandboxStamp | Rejected:
        now_ms = self._clock.now_ms()
        now_local = local_time(now_ms, CENTRAL)
        verdict = validate(xml, data=self._data, authorities=self._keys.authorities, now_local=now_local)
        if isinstance(verdict, Rejected):
            return verdict
        uuid = uuid_of(self.name, xml)
        tfd = timbre_of(verdict, uuid=uuid, at_local=now_local, pac=self._keys.certificate, signer=self._keys.signer)
        return SandboxStamp(
            pac=self.name,
            sha256=hashlib.sha256(xml).digest(),
            reference=reference,
            uuid=uuid,
            issuer_rfc=verdict.issuer_rfc,
            stamped_ms=now_ms,
            visible_ms=now_ms + (SLOWNESS_MS if hints.stamp == "pac_slow" else 0),
            timbre=tfd,
            cancel_hint=hints.cancel[:60] if hints.cancel else None,
            cancel_requested_ms=None,
        )

    def _answer(self, stamp: SandboxStamp, xml: bytes) -> Stamped | Unknown:
        if self._clock.now_ms() < stamp.visible_ms:
            return Unknown("no answer in time")
        return Stamped(timbre.attach(xml, stamp.timbre))

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome:
        """The stamp of these bytes, when there is one and it is visible already."""
        known = await self._known(xml)
        return NotThere() if known is None else self._answer(known, xml)

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome:
        """Takes the request (201, or 202 the second time) or refuses it with SAT's code."""
        hint = hints.cancel or ""
        if hint.startswith("refused:"):
            return refusal(hint.removeprefix("refused:"))
        try:
            asked, signer = cancellation.verify(request.signed_xml)
        except CancellationRefused as error:
            return refusal("301", str(error))
        if issued_by(signer, self._keys.authorities) is None:
            return refusal("305")
        now_ms = self._clock.now_ms()

        def unit(tx: Tx) -> str:
            known = store.find_by_uuid(tx, asked.uuid)
            if known is None:
                return "205"
            if known.issuer_rfc != asked.rfc:
                return "203"
            if known.cancel_requested_ms is not None and known.cancel_hint != "rejected":
                return "202"
            store.request_cancel(tx, asked.uuid, now_ms)
            return "201"

        code = await self._database.write(unit)
        if code not in ("201", "202"):
            return refusal(code)
        acuse = Acuse(asked.rfc, local_time(now_ms, CENTRAL), (AcuseFolio(asked.uuid.upper(), code),))
        signed = cancellation.build_acuse(acuse, certificate=self._keys.certificate, signer=self._keys.signer)
        return CancelAccepted(code, signed)


class SandboxStatus:
    """SAT's status service as the sandbox plays it for the documents it stamped."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def status(
        self, *, uuid: str, issuer_rfc: str, receiver_rfc: str, total: str, sello: str
    ) -> SatStatus | Unknown:
        """The document's state in SAT's words."""
        known = await self._database.look(lambda tx: store.find_by_uuid(tx, uuid))
        if known is None or known.issuer_rfc != issuer_rfc:
            return SatStatus(NOT_FOUND, "No Encontrado", None, None)
        return _status(known, self._clock.now_ms())


def _status(stamp: SandboxStamp, now_ms: int) -> SatStatus:
    hint = stamp.cancel_hint or ""
    if hint == "not_cancelable":
        return SatStatus(FOUND, "Vigente", "No cancelable", None)
    cancelable = "Cancelable con aceptación" if hint in WITH_ACCEPTANCE else "Cancelable sin aceptación"
    if stamp.cancel_requested_ms is None:
        return SatStatus(FOUND, "Vigente", cancelable, None)
    if hint not in WITH_ACCEPTANCE:
        return SatStatus(FOUND, "Cancelado", cancelable, "Cancelado sin aceptación")
    if hint == "pending" or now_ms < stamp.cancel_requested_ms + ANSWER_MS:
        return SatStatus(FOUND, "Vigente", cancelable, "En proceso")
    if hint == "rejected":
        return SatStatus(FOUND, "Vigente", cancelable, "Solicitud rechazada")
    outcome = "Cancelado con aceptación" if hint == "accepted" else "Plazo vencido"
    return SatStatus(FOUND, "Cancelado", cancelable, outcome)
