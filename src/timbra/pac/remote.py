"""A PAC on the network: an adapter that translates, behind a breaker, a bulkhead and the four outcomes.

Nothing that an adapter, the network or the other side does becomes an exception here: what cannot be told is Unknown.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Protocol

from timbra.pac.breaker import Gate, Resting
from timbra.pac.codes import DATE_OUT_OF_RANGE
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
from timbra.pac.talk import LIMITS, Http, Talk, Unreadable
from timbra.platform import egress
from timbra.platform.egress import Limits

Outcome = Stamped | Rejected | Busy | Unknown | NotThere | CancelAccepted


class Adapter(Protocol):
    """One provider's language. Methods translate one exchange and may raise what Talk raises; they never retry."""

    name: str
    abilities: Abilities

    @property
    def secrets(self) -> Sequence[str]:
        """Texts that must not be kept in the ledger."""
        ...

    async def stamp(self, talk: Talk, xml: bytes, reference: str) -> StampOutcome: ...

    async def find(self, talk: Talk, xml: bytes, reference: str) -> FindOutcome:
        """Only called when the adapter can ``RECOVER``."""
        ...

    async def cancel(self, talk: Talk, request: CancelRequest) -> CancelOutcome: ...


class RemotePac:
    """The port over an adapter. ``gate`` is shared by everybody who uses the same provider in the same mode."""

    def __init__(
        self,
        adapter: Adapter,
        http: Http,
        gate: Gate,
        limits: Limits = LIMITS,
        hear_date: Callable[[str], None] | None = None,
    ) -> None:
        self.name = adapter.name
        self.abilities = adapter.abilities
        self._adapter = adapter
        self._http = http
        self._gate = gate
        self._limits = limits
        self._hear_date = hear_date

    @property
    def is_resting(self) -> bool:
        """Its breaker is open: it is asked after the others."""
        return self._gate.breaker.is_open

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome:
        """What the provider made of the document."""
        outcome = await self._call(lambda talk: self._adapter.stamp(talk, xml, reference))
        assert isinstance(outcome, Stamped | Rejected | Busy | Unknown)
        return outcome

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome:
        """The stamp that the provider may have made: by its recovery call, else by the same bytes again.

        The same bytes are sent again only to a provider that recognises them; any other is left to a person.
        """
        if Ability.RECOVER in self.abilities.can:
            outcome = await self._call(lambda talk: self._adapter.find(talk, xml, reference))
        elif self.abilities.dedup is Dedup.NONE:
            return Unknown(f"{self.name} can neither look a document up nor recognise a repeat: ask its support")
        else:
            outcome = _replayed(await self._call(lambda talk: self._adapter.stamp(talk, xml, reference)))
        if isinstance(outcome, Busy):
            return Unknown(f"silent: {outcome.reason}", outcome.said)
        assert isinstance(outcome, Stamped | NotThere | Rejected | Unknown)
        return outcome

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome:
        """What the provider made of the request."""
        outcome = await self._call(lambda talk: self._adapter.cancel(talk, request))
        assert isinstance(outcome, CancelAccepted | Rejected | Busy | Unknown)
        return outcome

    async def _call(self, ask: Callable[[Talk], Awaitable[Outcome]]) -> Outcome:
        talk = Talk(self._http, self._adapter.secrets, self._limits, self._hear_date)
        try:
            async with self._gate.turn():
                outcome = await self._asked(talk, ask)
        except Resting as resting:
            return Busy(str(resting))
        return replace(outcome, said=talk.said)

    async def _asked(self, talk: Talk, ask: Callable[[Talk], Awaitable[Outcome]]) -> Outcome:
        is_answered = False
        try:
            outcome = await ask(talk)
        except egress.NotSent as failure:
            return _silent(talk, f"not reached: {failure}")
        except egress.Unknown as failure:
            return _silent(talk, f"no answer: {failure}")
        except Unreadable as failure:
            return _silent(talk, f"unreadable answer: {failure}")
        else:
            is_answered = True
            return outcome
        finally:  # given up by whoever waits counts as a failure too
            breaker = self._gate.breaker
            (breaker.worked if is_answered else breaker.failed)()


def _silent(talk: Talk, reason: str) -> Unknown | Busy:
    """While nothing but a login has left, nobody was told of the document."""
    return Unknown(reason) if talk.has_left else Busy(reason)


def _replayed(outcome: Outcome) -> Outcome:
    """A refusal for the date says nothing about whether the same bytes were stamped while they were young."""
    if isinstance(outcome, Rejected) and outcome.code == DATE_OUT_OF_RANGE:
        return Unknown(f"refused for its age now: {outcome.code} {outcome.text}", outcome.said)
    return outcome
