"""Mail goes to an outbox in the transaction of the change; ``timbra.platform.mailer`` sends it.

    mail.enqueue(tx, scope, kind="password_reset", to=user.email, language="es", values={"name": …, "url": …}, at_ms=…)

Texts are rendered here, so that a missing value is found by the caller's test, and kept sealed until they are sent: they
may hold links that open something. Without a mail server ``enqueue`` keeps nothing and gives None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Integer,
    String,
    Table,
    insert,
    select,
    tuple_,
    update,
)

from timbra.platform import json, mail_text
from timbra.platform.clock import Clock
from timbra.platform.db import Instant, JsonText, Tx, metadata
from timbra.platform.ids import new_id
from timbra.platform.mail_text import Text
from timbra.platform.scope import TeamScope
from timbra.platform.sealed import Sealed
from timbra.platform.vault import Opener, SecretContext

PURPOSE = "mail"  # of the opener that wiring hands out
SENT, FAILED = "sent", "failed"
ERROR_MAX = 200

mail_outbox = Table(
    "mail_outbox",
    metadata,
    Column("team_id", String(40), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("livemode", Boolean, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("language", String(2), nullable=False),
    Column("recipient", String(254), nullable=False),
    Column("sealed_values", Sealed),  # subject, text and HTML; forgotten when the mail is out
    Column("attachments", JsonText, nullable=False),  # ids of files, read when the mail is sent
    Column("created_ms", Instant, nullable=False),
    Column("due_ms", Instant),  # null when nothing is left to do
    Column("attempts", Integer, nullable=False),
    Column("outcome", String(10)),
    Column("ended_ms", Instant),
    Column("last_error", String(ERROR_MAX)),
    CheckConstraint("(due_ms is null) = (outcome is not null)", name="state"),
    Index(None, "due_ms"),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mail taken for sending. ``attempts`` counts this one."""

    team_id: str
    id: str
    kind: str
    recipient: str
    text: Text
    attachments: tuple[str, ...]
    attempts: int


class Outbox:
    """Where mail waits. ``is_on`` False: no mail server is configured and everything is discarded.

    clock: the machine's, which decides when a mail leaves; a team in test mode may date its own ahead.
    """

    def __init__(self, opener: Opener, clock: Clock, *, is_on: bool) -> None:
        self._opener = opener
        self._clock = clock
        self.is_on = is_on

    def enqueue(
        self,
        tx: Tx,
        scope: TeamScope,
        *,
        kind: str,
        to: str,
        language: str,
        values: Mapping[str, Any],
        at_ms: int,
        attachments: Sequence[str] = (),
    ) -> str | None:
        """The mail is sent after ``tx`` commits; its id. None, and nothing is sent, while mail is off.

        kind: name of a template in ``mail_templates``; language: ``es`` or ``en``; attachments: file ids of signed links.
        """
        text = mail_text.render(kind, language, values)
        if not self.is_on:
            return None
        mail_id = new_id("mail")
        parts = json.dumps({"subject": text.subject, "plain": text.plain, "html": text.html})
        tx.execute(
            insert(mail_outbox),
            {
                "id": mail_id,
                "team_id": scope.team_id,
                "livemode": scope.livemode,
                "kind": kind,
                "language": language,
                "recipient": to,
                "sealed_values": self._opener.seal(_place(scope, mail_id), parts),
                "attachments": json.dumps(list(attachments)),
                "created_ms": at_ms,
                "due_ms": min(at_ms, self._clock.now_ms()),
                "attempts": 0,
            },
        )
        return mail_id

    def take(self, tx: Tx, *, now_ms: int, lease_ms: int, limit: int) -> list[Waiting]:
        """Mails that are due, oldest first; nobody else takes them before ``lease_ms`` have passed."""
        due = select(mail_outbox).where(mail_outbox.c.due_ms <= now_ms)
        due = due.order_by(mail_outbox.c.due_ms, mail_outbox.c.id).limit(limit).with_for_update(skip_locked=True)
        rows = tx.execute(due).all()
        if rows:
            mine = tuple_(mail_outbox.c.team_id, mail_outbox.c.id)
            taken = update(mail_outbox).where(mine.in_([(row.team_id, row.id) for row in rows]))
            tx.execute(taken.values(due_ms=now_ms + lease_ms, attempts=mail_outbox.c.attempts + 1))
        return [self._waiting(row) for row in rows]

    def _waiting(self, row: Any) -> Waiting:
        place = _place(TeamScope(row.team_id, row.livemode), row.id)
        parts = json.loads(self._opener.open(place, row.sealed_values).reveal())
        attachments = tuple(json.loads(row.attachments.encode()))
        return Waiting(row.team_id, row.id, row.kind, row.recipient, Text(**parts), attachments, row.attempts + 1)


def end(tx: Tx, sent: Waiting, outcome: str, at_ms: int, error: str | None = None) -> None:
    """The mail is SENT or FAILED for good; its text is forgotten."""
    ended = {"outcome": outcome, "ended_ms": at_ms, "due_ms": None, "sealed_values": None, "last_error": _short(error)}
    tx.execute(update(mail_outbox).where(*_is(sent)).values(ended))


def postpone(tx: Tx, tried: Waiting, until_ms: int, error: str) -> None:
    """The mail is tried again at ``until_ms``."""
    waiting = update(mail_outbox).where(*_is(tried), mail_outbox.c.due_ms.is_not(None))
    tx.execute(waiting.values(due_ms=until_ms, last_error=_short(error)))


def _is(waiting: Waiting) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return mail_outbox.c.team_id == waiting.team_id, mail_outbox.c.id == waiting.id


def _short(error: str | None) -> str | None:
    return None if error is None else " ".join(error.split())[:ERROR_MAX]


def _place(scope: TeamScope, mail_id: str) -> SecretContext:
    return SecretContext("mail_outbox", "sealed_values", mail_id, scope.team_id, scope.livemode)
