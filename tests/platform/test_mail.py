"""Mail: an outbox in the transaction of the change, a real SMTP server that receives it."""

import asyncio
import re
import socket
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from jinja2 import TemplateNotFound, UndefinedError
from pydantic import ValidationError
from sqlalchemy import text

from timbra.platform.clock import FrozenClock
from timbra.platform.config import Settings
from timbra.platform.db import Database
from timbra.platform.mail import Outbox
from timbra.platform.mail_text import FOLDER, LANGUAGES, render
from timbra.platform.mailer import ATTEMPTS_MAX, LEASE_MS, Attachment, Mailer, MailServer, MailUrlRefused, delay_ms
from timbra.platform.scope import TeamScope
from timbra.platform.vault import Vault
from timbra.platform.vault_local import LocalKeys

NOON_MS = 1_791_568_800_000
SCOPE = TeamScope("team_1", livemode=True)
VALUES = {"name": "Ana Ñandú", "team": "Kemper", "livemode": True, "key_id": "sk_live_1", "key_name": "till 3"}


class Inbox:
    """What the server received; ``answers`` are given to the next messages instead of taking them."""

    def __init__(self) -> None:
        self.raw: list[tuple[str, list[str], bytes]] = []
        self.answers: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answers:
            answer = self.answers.pop(0)
            if answer == "taken, then lost":
                self.raw.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
                session.peer = None
                server.transport.abort()
                return "250 OK"
            return answer
        self.raw.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(content, policy=default) for _, _, content in self.raw]  # type: ignore[misc]


class Post:
    """An outbox, its mailer, and the server at the other end."""

    def __init__(self, database: Database, url: str, inbox: Inbox) -> None:
        self.database, self.inbox = database, inbox
        self.clock = FrozenClock(NOON_MS)
        self.outbox = Outbox(Vault(LocalKeys(bytes(32))).opener("mail"), self.clock, is_on=True)
        self.mailer = Mailer(database, self.outbox, MailServer.from_url(url), self.clock, self.attach)

    async def attach(self, file_id: str) -> Attachment:
        return Attachment(f"{file_id}.xml", "application/xml", b"<a/>")

    def enqueue(self, to: str = "ana@kemper.example", **changes: Any) -> str | None:
        given = {"kind": "api_key_created", "language": "es", "values": VALUES, "at_ms": NOON_MS} | changes
        return self.database.write_sync(lambda tx: self.outbox.enqueue(tx, SCOPE, to=to, **given))

    def drain(self) -> int:
        return asyncio.run(self.mailer.drain())

    def rows(self, columns: str = "outcome, attempts, due_ms, last_error") -> list[tuple[Any, ...]]:
        statement = text(f"select {columns} from mail_outbox order by id")
        return [tuple(row) for row in self.database.read_sync(lambda tx: tx.execute(statement).all())]


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def smtp(inbox: Inbox) -> Iterator[Controller]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    yield server
    if server._thread is not None:
        server.stop()


@pytest.fixture
def post(database: Database, smtp: Controller, inbox: Inbox) -> Post:
    return Post(database, f"smtp://127.0.0.1:{smtp.port}?from=Timbra+%3Cno-reply@cfdi.example%3E&tls=none", inbox)


def test_a_mail_arrives_with_text_html_and_attachment(post: Post):
    mail_id = post.enqueue(attachments=["xml_inv_1"])

    assert post.drain() == 1

    message = post.inbox.messages[0]
    assert (message["From"], message["To"]) == ("Timbra <no-reply@cfdi.example>", "ana@kemper.example")
    assert message["Subject"] == "Nueva clave de API en Kemper"
    assert message["Message-ID"] == f"<{mail_id}@cfdi.example>"
    assert message["Date"] == "Fri, 09 Oct 2026 18:00:00 +0000"
    plain, page = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert "Hola, Ana Ñandú:" in plain.get_content()
    assert "<p" in page.get_content()
    assert [(part.get_filename(), part.get_content()) for part in message.iter_attachments()] == [
        ("xml_inv_1.xml", b"<a/>")
    ]
    assert post.rows() == [("sent", 1, None, None)]
    assert post.rows("sealed_values") == [(None,)]
    assert post.drain() == 0


def test_what_waits_is_unreadable_and_rolls_back_with_the_change(post: Post):
    post.enqueue()
    assert "Ana" not in repr(post.rows("*"))
    with pytest.raises(ZeroDivisionError):
        post.database.write_sync(
            lambda tx: (
                post.outbox.enqueue(
                    tx, SCOPE, kind="api_key_created", to="b@c.mx", language="es", values=VALUES, at_ms=NOON_MS
                ),
                1 // 0,
            )
        )
    assert len(post.rows()) == 1


def test_without_a_server_nothing_is_kept_and_the_caller_is_told(post: Post):
    post.outbox.is_on = False
    assert post.enqueue() is None
    assert post.rows() == []


def test_a_temporary_refusal_waits_longer_each_time_and_ends_at_the_last_attempt(post: Post):
    post.enqueue()
    for attempt in range(1, ATTEMPTS_MAX):
        post.inbox.answers = ["451 try later"]
        assert post.drain() == 0
        due_ms = post.clock.now_ms() + delay_ms(attempt)
        assert post.rows() == [(None, attempt, due_ms, "451 try later")]
        assert post.drain() == 0
        post.clock.advance(delay_ms(attempt))
    assert (delay_ms(1), delay_ms(2), delay_ms(20)) == (30_000, 60_000, 3_600_000)
    post.inbox.answers = ["451 try later"]
    post.drain()
    assert post.rows() == [("failed", ATTEMPTS_MAX, None, "451 try later")]


def test_a_final_refusal_is_not_repeated_and_does_not_hold_up_the_others(post: Post):
    post.enqueue()
    post.enqueue("luis@kemper.example")
    post.inbox.answers = ["550 no such mailbox"]

    assert post.drain() == 1

    assert [row[0] for row in post.rows()] == ["failed", "sent"]
    assert post.inbox.raw[0][1] == ["luis@kemper.example"]


def test_a_mail_whose_receipt_was_lost_is_sent_again_under_the_same_message_id(post: Post):
    post.enqueue()
    post.inbox.answers = ["taken, then lost"]
    assert post.drain() == 0
    post.clock.advance(delay_ms(1))

    assert post.drain() == 1

    first, second = post.inbox.messages
    assert first["Message-ID"] == second["Message-ID"]


def test_a_mail_taken_by_a_process_that_died_is_sent_by_another_after_its_lease(post: Post):
    post.enqueue()
    taken = post.database.write_sync(lambda tx: post.outbox.take(tx, now_ms=NOON_MS, lease_ms=LEASE_MS, limit=5))
    assert len(taken) == 1
    assert post.drain() == 0
    post.clock.advance(LEASE_MS)
    assert post.drain() == 1


def test_more_than_one_batch_leaves_in_one_go(post: Post):
    for number in range(45):
        post.enqueue(f"user{number}@kemper.example")
    assert post.drain() == 45
    assert len({message["Message-ID"] for message in post.inbox.messages}) == 45


def test_a_server_that_is_not_there_costs_one_attempt_each(database: Database, inbox: Inbox):
    post = Post(database, "smtp://127.0.0.1:9?from=a@b.mx&tls=none", inbox)
    post.enqueue()
    post.enqueue()
    assert post.drain() == 0
    assert [row[1] for row in post.rows()] == [1, 1]
    assert asyncio.run(post.mailer.check()) == "degraded"


def test_the_check_asks_the_server_and_remembers_for_half_a_minute(post: Post, smtp: Controller):
    assert asyncio.run(post.mailer.check()) == "ok"
    smtp.stop()
    assert asyncio.run(post.mailer.check()) == "ok"
    post.clock.advance(30_000)
    assert asyncio.run(post.mailer.check()) == "degraded"


def test_starttls_is_required_unless_it_is_switched_off(database: Database, smtp: Controller, inbox: Inbox):
    post = Post(database, f"smtp://127.0.0.1:{smtp.port}?from=a@b.mx", inbox)
    post.enqueue()
    assert post.drain() == 0
    assert inbox.raw == []


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\x0b", "\u2028"])
def test_values_never_become_headers(post: Post, line_end: str):
    evil = f"Kemper{line_end}Bcc: thief@evil.example{line_end}{line_end}<script>"
    post.enqueue(values={**VALUES, "team": evil})
    post.drain()
    message = post.inbox.messages[0]
    assert message["Bcc"] is None
    assert "Bcc: thief@evil.example" in message["Subject"]
    assert post.inbox.raw[0][1] == ["ana@kemper.example"]


@pytest.mark.parametrize(
    "address", ["a@b.mx,c@d.mx", "a@b.mx\r\nBcc: c@d.mx", "<a@b.mx>", "a b@c.mx", "@c.mx", "a@", "", "a@b.mx, c@d.mx"]
)
def test_a_recipient_that_is_no_single_address_fails_for_good(post: Post, address: str):
    post.enqueue(address)
    assert post.drain() == 0
    assert post.inbox.raw == []
    assert post.rows()[0][0] == "failed"


@pytest.mark.parametrize(
    "evil", ["{{ 7*7 }}", "{% include 'layout.html' %}", "<script>alert(1)</script>", "{{ config }}", "${7*7}"]
)
def test_values_are_data(post: Post, evil: str):
    mail = render("api_key_created", "es", {**VALUES, "name": evil})
    assert evil in mail.plain
    assert "<script>" not in mail.html
    assert "49" not in mail.plain


def test_every_template_speaks_both_languages_with_the_same_values():
    kinds = {path.name.split(".")[0] for path in FOLDER.iterdir() if path.name != "layout.html"}
    for kind in kinds:
        asked = []
        for language in LANGUAGES:
            source = "".join((FOLDER / f"{kind}.{language}.{ending}").read_text() for ending in ("subject", "txt"))
            asked.append(set(re.findall(r"{{ ?(\w+)", source)))
        assert asked[0] == asked[1], kind


def test_an_unknown_kind_or_a_missing_value_is_found_at_once(post: Post):
    with pytest.raises(TemplateNotFound):
        post.enqueue(kind="nothing")
    with pytest.raises(UndefinedError):
        post.enqueue(values={"name": "x"})
    assert render("api_key_created", "fr", VALUES).subject == "Nueva clave de API en Kemper"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://h?from=a@b.mx", "smtp://"), ("smtp://?from=a@b.mx", "smtp://"), ("smtp://h", "from"),
        ("smtp://h?from=nobody", "from"), ("smtp://h?from=a@b.mx&tls=maybe", "tls"), ("smtp://h:99999?from=a@b.mx", "URL"),
    ],
)  # fmt: skip
def test_a_bad_url_is_refused_without_telling_it(url: str, why: str):
    with pytest.raises(MailUrlRefused, match=why):
        MailServer.from_url(url)
    with pytest.raises(ValidationError) as refused:
        Settings(mail=url.replace("//", "//user:hunter2@"))
    assert "hunter2" not in str([each["msg"] for each in refused.value.errors()])


def test_the_url_says_everything():
    server = MailServer.from_url("smtps://us%40er:p%3Aw@mail.example:2465?from=Caja+%3Ccaja@kemper.mx%3E")
    assert (server.host, server.port, server.tls) == ("mail.example", 2465, "tls")
    assert (server.user, server.password, str(server.sender)) == ("us@er", "p:w", "Caja <caja@kemper.mx>")
    assert "p:w" not in repr(server)
    assert MailServer.from_url("smtp://mail.example?from=a@b.mx").port == 587
