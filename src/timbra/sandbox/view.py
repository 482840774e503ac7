"""What the control page shows, made from plain values by templates that escape everything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from timbra.cfdi.sat_status import SatStatus
from timbra.cfdi.zones import CENTRAL, local_time
from timbra.http.caller import Caller
from timbra.http.errors import ApiError
from timbra.pac.sandbox.cases import Behaviour, Receiver
from timbra.platform.db import Tx
from timbra.platform.keyset import Window
from timbra.sandbox import clock, documents, settings
from timbra.sandbox.documents import Document
from timbra.sandbox.parts import SandboxParts
from timbra.teams import store as teams

ROWS: Final = 25
DAY_S, HOUR_S = 86_400, 3_600
SAYINGS: Final = {
    "moved": "The clock was moved and what was due is done.",
    "set": "Saved.",
    "reset": "Everything behaves normally again.",
    "answered": "The receiver has answered.",
}
BEHAVIOURS: Final = {
    Behaviour.NORMAL: ("Normal", "stamps at once"),
    Behaviour.DOWN: ("Down", "cannot be reached"),
    Behaviour.SLOW: ("Slow", "stamps, but keeps silent for some seconds"),
    Behaviour.DROPS_ANSWER: ("Drops the answer", "stamps, and the answer is lost"),
    Behaviour.LOSES_REQUEST: ("Loses the request", "the first call of each document never arrives"),
    Behaviour.DUPLICATES: ("Answers 307", "says stamped before, with the original stamp"),
    Behaviour.REJECTS: ("Rejects", "refuses with the code below"),
    Behaviour.NOT_IN_LCO: ("Certificate not in the LCO", "refuses with 402, as for a certificate of today"),
}
RECEIVERS: Final = {
    Receiver.NOT_ASKED: ("Not asked", "SAT cancels without acceptance"),
    Receiver.ACCEPTS: ("Accepts", "after a minute"),
    Receiver.REJECTS: ("Rejects", "after a minute"),
    Receiver.SILENT: ("Keeps silent", "until the term of three working days ends"),
}
WORK: Final = {
    "stamped": "documents tried again",
    "cancellations": "cancellations followed",
    "alarms": "alarms for documents pending too long",
    "certificates": "warnings of certificates that end",
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def door(text: str | None) -> str:
    """The page that asks for a test key; text: why."""
    return _templates.get_template("door.html").render(text=text)


async def page(parts: SandboxParts, caller: Caller, query: Mapping[str, str], error: ApiError | None) -> str:
    """The control page of the caller's team; query: what was said and where to look; error: of the form just sent."""
    team = await parts.database.look(lambda tx: _team_name(tx, caller))
    state = await settings.state(parts, caller)
    before = _position(query.get("before", ""))
    recent = await documents.page(parts, caller, Window(limit=ROWS, after=before))
    asked = await documents.page(parts, caller, Window(limit=100), is_asked=True)
    return _templates.get_template("sandbox.html").render(
        team=team,
        now=_clock(parts),
        error=error,
        saying=SAYINGS.get(query.get("said", "")),
        done=[(count, WORK.get(name, name)) for name in parts.due.of_team() if (count := _count(query.get(name)))],
        pacs=state.pacs,
        behaviours=BEHAVIOURS,
        receiver=state.receiver,
        receivers=RECEIVERS,
        waiting=[_row(one) for one in asked.rows if one.is_waiting],
        documents=[_row(one) for one in recent.rows],
        total=recent.total,
        older=None if recent.last is None else f"{recent.last[0]}.{recent.last[1]}",
        is_newest=before is None,
    )


def _team_name(tx: Tx, caller: Caller) -> str:
    team = teams.team(tx, caller.scope.team_id)
    assert team is not None, "the session's team exists"
    return team.name


def _count(text: str | None) -> int:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else 0


def _position(text: str) -> tuple[int, str] | None:
    at, _, uuid = text.partition(".")
    return (int(at), uuid) if at.isascii() and at.isdigit() and len(at) < 16 and len(uuid) == 36 else None


def _clock(parts: SandboxParts) -> dict[str, Any]:
    shown = clock.now(parts)
    seconds = shown["ahead_seconds"]
    days, rest = divmod(seconds, DAY_S)
    ahead = [f"{days} days"] if days else []
    ahead += [f"{rest // HOUR_S} h {rest % HOUR_S // 60:02} min"] if rest else []
    local = f"{local_time(parts.clock.now_ms(), CENTRAL):%a %d %b %Y, %H:%M:%S}"
    return {"local": local, "field": shown["local"][:16], "ahead": " ".join(ahead)}


def _when(ms: int | None) -> str:
    """An instant in Mexico City, for a table."""
    return "" if ms is None else f"{local_time(ms, CENTRAL):%d %b %Y, %H:%M}"


def _row(document: Document) -> dict[str, Any]:
    stamp = document.stamp
    return {
        "uuid": stamp.uuid,
        "reference": stamp.reference,
        "pac": stamp.pac,
        "issuer": stamp.issuer_rfc,
        "receiver": stamp.receiver_rfc or "",
        "total": stamp.total or "",
        "stamped": _when(stamp.stamped_ms),
        "asked": _when(stamp.cancel_requested_ms),
        "answer": _when(stamp.cancel_answer_ms),
        "state": _state(document.sat),
        "tone": {"Vigente": "good", "Cancelado": "over"}.get(document.sat.state, "")
        if not document.is_waiting
        else "open",
    }


def _state(sat: SatStatus) -> str:
    """State and cancellation in SAT's words, nothing said twice."""
    if sat.cancellation is None or sat.cancellation.startswith(sat.state):
        return sat.cancellation or sat.state
    return f"{sat.state} · {sat.cancellation}"
