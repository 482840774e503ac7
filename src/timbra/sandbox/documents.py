"""The documents the simulated PACs stamped for the team, as the simulated SAT sees them; and the receiver's answers."""

from dataclasses import dataclass
from typing import Any

from timbra.cfdi.sat_status import IN_PROGRESS, SatStatus
from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, NotFound
from timbra.pac.sandbox import store
from timbra.pac.sandbox.cases import Answer, Receiver, sat_says
from timbra.pac.sandbox.store import SandboxStamp
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.keyset import Slice, Window
from timbra.sandbox.parts import SandboxParts
from timbra.sandbox.settings import refuse_live

ANSWERS = {"accept": "accepted", "reject": "rejected"}


@dataclass(frozen=True, slots=True)
class Document:
    """One stamped document with its state at the simulated SAT."""

    stamp: SandboxStamp
    sat: SatStatus

    @property
    def is_waiting(self) -> bool:
        """Whether the receiver has to answer."""
        return self.sat.cancellation == IN_PROGRESS

    def to_wire(self) -> dict[str, Any]:
        """As the API shows it."""
        stamp = self.stamp
        answer_ms = stamp.cancel_answer_ms if self.is_waiting else None
        return {
            "uuid": stamp.uuid,
            "internal_id": stamp.reference,
            "pac": stamp.pac,
            "stamped_at": stamp.stamped_ms // 1000,
            "issuer": stamp.issuer_rfc,
            "receiver": stamp.receiver_rfc,
            "total": stamp.total,
            "sat": {
                "status": self.sat.state,
                "cancelable": self.sat.cancelable,
                "cancellation_status": self.sat.cancellation,
            },
            "requested_at": None if stamp.cancel_requested_ms is None else stamp.cancel_requested_ms // 1000,
            "answer_at": None if answer_ms is None else answer_ms // 1000,
        }


async def page(parts: SandboxParts, caller: Caller, window: Window, *, is_asked: bool | None = None) -> Slice[Document]:
    """The team's documents, the newest first; is_asked: whether their cancellation was asked for."""
    refuse_live(caller)
    receiver, now_ms = await parts.controls.receiver(), parts.clock.now_ms()

    def unit(tx: Tx) -> Slice[SandboxStamp]:
        return store.page(tx, caller.scope.team_id, window, is_asked=is_asked)

    found = await parts.database.read(unit)
    return found.map(lambda stamp: _seen(stamp, receiver, now_ms))


def _seen(stamp: SandboxStamp, receiver: Receiver, now_ms: int) -> Document:
    return Document(stamp, sat_says(stamp.cancel_hint, receiver, stamp.answer, now_ms))


async def answer(parts: SandboxParts, caller: Caller, uuid: str, word: str) -> Document:
    """The document after the receiver has answered the open request: accept or reject. SAT is asked again at once.

    Raises NotFound, BusinessRule when no answer is awaited.
    """
    refuse_live(caller)
    now_ms, receiver = parts.clock.now_ms(), await parts.controls.receiver()

    def unit(tx: Tx) -> SandboxStamp:
        known = store.of_account(tx, caller.scope.team_id, uuid)
        if known is None:
            raise NotFound
        if not _seen(known, receiver, now_ms).is_waiting:
            raise BusinessRule("No answer of the receiver is awaited for this document")
        store.set_answer(tx, caller.scope.team_id, known.uuid, Answer(ANSWERS[word], now_ms))
        at_ms, changes = parts.machine.now_ms(), {"answer": word}
        audit.append(tx, caller.scope, Action.SANDBOX_ANSWER, known.uuid, caller.actor, at_ms, changes=changes)
        again = store.of_account(tx, caller.scope.team_id, known.uuid)
        assert again is not None, "it was there a moment ago"
        return again

    stamp = await parts.database.write(unit)
    await parts.follow(caller.scope, stamp.reference)
    return _seen(stamp, receiver, now_ms)
