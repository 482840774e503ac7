"""How the team's sandbox behaves: reading it, changing it, setting it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from timbra.http.caller import Caller
from timbra.http.errors import FieldError, Invalid, NotFound
from timbra.pac.sandbox import store_controls
from timbra.pac.sandbox.cases import SLOWNESS_S, Behaviour, Control, Receiver
from timbra.pac.sandbox.controls import RECEIVER
from timbra.platform import audit
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.sandbox.parts import SandboxParts

NORMAL = Control(Behaviour.NORMAL)
NOT_ASKED = Control(Receiver.NOT_ASKED)


@dataclass(frozen=True, slots=True)
class State:
    """The settings in force, by PAC and of the receivers."""

    pacs: Mapping[str, Control]
    receiver: Receiver

    def to_wire(self) -> dict[str, Any]:
        """As the API shows them."""
        return {
            "pacs": [{"name": name, **_pac_wire(control)} for name, control in self.pacs.items()],
            "receiver": {"behaviour": self.receiver.value},
        }


def _pac_wire(control: Control) -> dict[str, Any]:
    behaviour = Behaviour(control.behaviour)
    return {
        "behaviour": behaviour.value,
        "code": control.code if behaviour is Behaviour.REJECTS else None,
        "seconds": control.seconds if behaviour is Behaviour.SLOW else None,
        "calls": control.calls,
    }


def refuse_live(caller: Caller) -> None:
    """Raises NotFound for a live key: live documents never meet the sandbox."""
    if caller.scope.livemode:
        raise NotFound("The sandbox belongs to test mode: use a test key")


async def state(parts: SandboxParts, caller: Caller) -> State:
    """The settings in force."""
    refuse_live(caller)
    found = await parts.database.read(lambda tx: store_controls.of(tx, caller.scope.team_id))
    return State(
        {name: found.get(name, NORMAL) for name in parts.pacs},
        Receiver(found.get(RECEIVER, NOT_ASKED).behaviour),
    )


async def change(
    parts: SandboxParts, caller: Caller, pacs: Mapping[str, Control | None], receiver: Receiver | None
) -> State:
    """The settings after those given have changed; a PAC given as None behaves normally. Raises Invalid, NotFound."""
    refuse_live(caller)
    for name, control in pacs.items():
        _check(parts, name, control)
    changes: dict[str, Control | None] = {name: _kept(control) for name, control in pacs.items()}
    if receiver is not None:
        changes[RECEIVER] = None if receiver is Receiver.NOT_ASKED else Control(receiver)

    def unit(tx: Tx) -> None:
        for subject, control in changes.items():
            store_controls.put(tx, caller.scope.team_id, subject, control)
        _note(tx, parts, caller, {subject: control and control.behaviour for subject, control in changes.items()})

    await parts.database.write(unit)
    parts.controls.noticed()
    return await state(parts, caller)


async def reset(parts: SandboxParts, caller: Caller) -> State:
    """The settings after everything was set back to normal. The clock keeps its time."""
    refuse_live(caller)

    def unit(tx: Tx) -> None:
        store_controls.clear(tx, caller.scope.team_id)
        _note(tx, parts, caller, {"reset": True})

    await parts.database.write(unit)
    parts.controls.noticed()
    return await state(parts, caller)


def _kept(control: Control | None) -> Control | None:
    return None if control is None or control.behaviour == Behaviour.NORMAL else control


def _check(parts: SandboxParts, name: str, control: Control | None) -> None:
    if name not in parts.pacs:
        problem = FieldError(f"pacs.{name}", "not_found", f"must be one of {', '.join(parts.pacs)}")
        raise Invalid([problem])
    if control is not None and control.behaviour == Behaviour.REJECTS and not control.code:
        raise Invalid([FieldError(f"pacs.{name}.code", "required", "is required: the SAT code of the refusal")])


def _note(tx: Tx, parts: SandboxParts, caller: Caller, changes: Mapping[str, Any]) -> None:
    at_ms = parts.machine.now_ms()
    audit.append(tx, caller.scope, Action.SANDBOX_SET, caller.scope.team_id, caller.actor, at_ms, changes=changes)


def control_of(behaviour: Behaviour, code: str | None, seconds: int | None, calls: int | None) -> Control:
    """A setting from its members; those that were not given have their defaults."""
    return Control(behaviour, code or "", SLOWNESS_S if seconds is None else seconds, calls)
