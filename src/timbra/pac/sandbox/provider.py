"""The sandbox PAC: offline, honest, and able to lose an answer after it has stamped.

It validates as a PAC does, keeps what it stamped, and plays the cases that a test document asks for in
``metadata.sandbox`` and ``metadata.sandbox_cancel`` (contract invoices.md section 5.5).
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from timbra.cfdi import cancellation, timbre
from timbra.cfdi.cancellation import Acuse, AcuseFolio, CancellationRefused
from timbra.cfdi.certificate import CertificateFacts, HasPublicKey, issued_by
from timbra.cfdi.sat_status import MISSING, NOT_FOUND, SatStatus, Unanswered
from timbra.cfdi.seal import Signer
from timbra.cfdi.verify import SatData
from timbra.cfdi.xmldsig import Sha1Signer
from timbra.cfdi.zones import CENTRAL, local_time
from timbra.pac.port import (
    Abilities,
    Ability,
    Busy,
    CancelAccepted,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    Hints,
    NotThere,
    Rejected,
    Stamped,
    StampOutcome,
    Unknown,
)
from timbra.pac.sandbox import store
from timbra.pac.sandbox.cases import NOT_LISTED, Answer, Behaviour, Case, Receiver, answer_to, case_of, sat_says
from timbra.pac.sandbox.controls import Controls
from timbra.pac.sandbox.stamping import refusal, timbre_of, uuid_of, validate
from timbra.pac.sandbox.store import SandboxStamp
from timbra.platform.clock import Clock
from timbra.platform.db import Database, Tx

LARGE_BYTES = 100_000  # validated in a thread of its own


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

    abilities = Abilities(Dedup.BY_XML, frozenset({Ability.RECOVER, Ability.CANCEL, Ability.STATUS}))

    def __init__(
        self,
        name: str,
        *,
        database: Database,
        clock: Clock,
        data: SatData,
        keys: SandboxKeys,
        controls: Controls,
        latency_ms: int = 0,
        is_first: bool = True,
    ) -> None:
        self.name = name
        self._database = database
        self._clock = clock
        self._data = data
        self._keys = keys
        self._controls = controls
        self._latency_s = latency_ms / 1000
        self._is_first = is_first

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome:
        """The document's stamp, a refusal, or the failure that the document or its team asks for."""
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        asked = hints.stamp or ""
        case = case_of(asked, is_first=self._is_first) or await self._controls.pac(self.name)
        failed = await self._failing(reference, asked, case)
        if failed is not None:
            return failed
        if case.behaviour is Behaviour.REJECTS:
            return refusal(case.code)
        if case.behaviour is Behaviour.NOT_IN_LCO:
            return refusal(NOT_LISTED)
        stamped = await self._stamp(xml, reference, hints, case)
        if isinstance(stamped, Rejected):
            known = await self._known(xml)  # stamped before, and too old for a first time
            return stamped if known is None else self._answer(known, xml)
        if case.behaviour is Behaviour.DROPS_ANSWER:
            return Unknown("the answer was lost")
        return self._answer(stamped, xml)

    async def _failing(self, reference: str, asked: str, case: Case) -> Busy | Unknown | None:
        """What a call that does not come through looks like; some cases go by the document's first call."""
        if case.behaviour is Behaviour.DOWN and case.outage_ms is None:
            return Busy("the PAC is down")
        if case.behaviour not in (Behaviour.DOWN, Behaviour.LOSES_REQUEST):
            return None
        now_ms, mark = self._clock.now_ms(), (asked or f"{self.name}:{case.behaviour}")[:60]
        first_ms, is_first_call = await self._database.write(
            lambda tx: store.first_seen_ms(tx, reference, mark, now_ms)
        )
        if case.behaviour is Behaviour.LOSES_REQUEST:
            return Unknown("the request was lost") if is_first_call else None
        return Busy("the PAC is down") if now_ms < first_ms + (case.outage_ms or 0) else None

    async def _known(self, xml: bytes) -> SandboxStamp | None:
        digest = hashlib.sha256(xml).digest()
        return await self._database.look(lambda tx: store.find(tx, self.name, digest))

    async def _stamp(self, xml: bytes, reference: str, hints: Hints, case: Case) -> SandboxStamp | Rejected:
        if len(xml) > LARGE_BYTES:
            made = await asyncio.to_thread(self._made, xml, reference, hints, case)
        else:
            made = self._made(xml, reference, hints, case)
        if isinstance(made, Rejected):
            return made

        def unit(tx: Tx) -> SandboxStamp:
            if store.add(tx, made):
                return made
            earlier = store.find(tx, self.name, made.sha256)
            assert earlier is not None, "equal bytes get equal UUIDs"
            return earlier

        return await self._database.write(unit)

    def _made(self, xml: bytes, reference: str, hints: Hints, case: Case) -> SandboxStamp | Rejected:
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
            visible_ms=now_ms + (case.seconds * 1000 if case.behaviour is Behaviour.SLOW else 0),
            timbre=tfd,
            cancel_hint=hints.cancel[:60] if hints.cancel else None,
            cancel_requested_ms=None,
            account=self._controls.account(),
            receiver_rfc=verdict.receiver_rfc,
            total=verdict.total,
            sello=verdict.sello[-8:],
        )

    def _answer(self, stamp: SandboxStamp, xml: bytes) -> Stamped | Unknown:
        if self._clock.now_ms() < stamp.visible_ms:
            return Unknown("no answer in time")
        return Stamped(timbre.attach(xml, stamp.timbre))

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome:
        """The stamp of these bytes, when there is one and it is visible already."""
        if not hints.stamp and await self._controls.is_down(self.name):
            return Unknown("the PAC is down")
        known = await self._known(xml)
        return NotThere() if known is None else self._answer(known, xml)

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome:
        """Takes the request (201, or 202 the second time) or refuses it with SAT's code."""
        hint = hints.cancel or ""
        if hint.startswith("refused:"):
            return refusal(hint.removeprefix("refused:"))
        case = await self._controls.pac(self.name)
        if case.behaviour is Behaviour.DOWN:
            return Busy("the PAC is down")
        asked = self._verified(request.signed_xml)
        if isinstance(asked, Rejected):
            return asked
        now_ms, receiver = self._clock.now_ms(), await self._controls.receiver()
        code = await self._database.write(lambda tx: _take_request(tx, asked.uuid, asked.rfc, receiver, now_ms))
        if code not in ("201", "202"):
            return refusal(code)
        if case.behaviour in (Behaviour.DROPS_ANSWER, Behaviour.SLOW):
            return Unknown("the answer was lost")
        acuse = Acuse(asked.rfc, local_time(now_ms, CENTRAL), (AcuseFolio(asked.uuid.upper(), code),))
        signed = cancellation.build_acuse(acuse, certificate=self._keys.certificate, signer=self._keys.signer)
        return CancelAccepted(code, signed)

    def _verified(self, signed_xml: bytes) -> cancellation.Cancellation | Rejected:
        """What is asked for, if the signature holds and its certificate is known."""
        try:
            asked, signer = cancellation.verify(signed_xml)
        except CancellationRefused as error:
            return refusal("301", str(error))
        return asked if issued_by(signer, self._keys.authorities) is not None else refusal("305")


def _take_request(tx: Tx, uuid: str, rfc: str, receiver: Receiver, now_ms: int) -> str:
    """The code of the acuse, or of the refusal."""
    known = store.find_by_uuid(tx, uuid)
    if known is None:
        return "205"
    if known.issuer_rfc != rfc:
        return "203"
    if known.cancel_hint == "not_cancelable":
        return "204"
    if known.answer is not None and not _is_rejected(known.answer, now_ms):
        return "202"
    answer = answer_to(known.cancel_hint, receiver, now_ms, is_repeat=known.answer is not None)
    store.request_cancel(tx, uuid, now_ms, answer)
    return "201"


def _is_rejected(answer: Answer, now_ms: int) -> bool:
    return answer.word == "rejected" and answer.at_ms is not None and now_ms >= answer.at_ms


class SandboxStatus:
    """SAT's status service as the sandbox plays it for the documents it stamped."""

    def __init__(self, database: Database, clock: Clock, controls: Controls) -> None:
        self._database = database
        self._clock = clock
        self._controls = controls

    async def status(
        self, *, uuid: str, issuer_rfc: str, receiver_rfc: str, total: str, sello: str
    ) -> SatStatus | Unanswered:
        """The document's state in SAT's words; a document described otherwise than it is, is not found."""
        known = await self._database.look(lambda tx: store.find_by_uuid(tx, uuid))
        named = (issuer_rfc, receiver_rfc, Decimal(total), sello[-8:])
        if known is None or named != _name_of(known, named):
            return SatStatus(NOT_FOUND, MISSING, None, None)
        return sat_says(known.cancel_hint, await self._controls.receiver(), known.answer, self._clock.now_ms())


def _name_of(known: SandboxStamp, named: tuple[str, str, Decimal, str]) -> tuple[str, str, Decimal, str]:
    """How SAT knows the document; what was not kept of documents of earlier releases is as named."""
    if known.receiver_rfc is None or known.total is None or known.sello is None:
        return (known.issuer_rfc, *named[1:])
    return known.issuer_rfc, known.receiver_rfc, Decimal(known.total), known.sello
