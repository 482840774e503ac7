"""Bodies of the sandbox calls."""

from typing import Annotated, Self

from pydantic import model_validator

from timbra.cfdi.zones import CENTRAL
from timbra.http.body import Command
from timbra.http.fields import Choice, Flag, Instant, Text, Whole, refuse
from timbra.pac.sandbox.cases import Behaviour, Control, Receiver
from timbra.platform.team_clock import AHEAD_MAX_MS
from timbra.sandbox.clock import Move
from timbra.sandbox.settings import control_of

CODE_FORM = r"[A-Za-z0-9]{1,20}"


class PacControl(Command):
    """What one simulated PAC does. code: with rejects; seconds: of silence, with slow; calls: then normal again."""

    behaviour: Annotated[Behaviour, Choice(*Behaviour)]
    code: Annotated[str | None, Text(max=20, pattern=CODE_FORM, explain="must be a code such as CFDI40147")] = None
    seconds: Annotated[int | None, Whole(min=1, max=259_200)] = None
    calls: Annotated[int | None, Whole(min=1, max=1_000)] = None

    def control(self) -> Control:
        """As it is kept."""
        return control_of(self.behaviour, self.code, self.seconds, self.calls)


class ReceiverControl(Command):
    """What receivers do when a cancellation needs their acceptance."""

    behaviour: Annotated[Receiver, Choice(*Receiver)]


class ChangeSandbox(Command):
    """Settings by PAC name; null sets one back. What is absent stays."""

    pacs: dict[str, PacControl | None] | None = None
    receiver: ReceiverControl | None = None


class MoveClock(Command):
    """One of them says where to."""

    advance_seconds: Annotated[int | None, Whole(min=1, max=AHEAD_MAX_MS // 1000)] = None
    working_days: Annotated[int | None, Whole(min=1, max=250)] = None
    month_end: Flag | None = None
    to: Annotated[int | None, Instant(zone=CENTRAL)] = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = (self.advance_seconds, self.working_days, self.month_end or None, self.to)
        if sum(value is not None for value in given) != 1:
            raise refuse("required", "give one of advance_seconds, working_days, month_end, to", path="to")
        return self

    def move(self) -> Move:
        """As the verb wants it."""
        return Move(self.advance_seconds, self.working_days, bool(self.month_end), self.to)


class ReceiverAnswer(Command):
    """What the receiver says now."""

    answer: Annotated[str, Choice("accept", "reject")]
