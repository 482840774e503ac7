"""Sends what waits in the mail outbox, over SMTP. At least once: a repeat has the Message-ID of the first try."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime, parseaddr
from functools import partial
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
import structlog

from timbra.platform import mail
from timbra.platform.clock import Clock
from timbra.platform.db import Database
from timbra.platform.mail import Outbox, Waiting

CONNECT_TIME_S = 10.0
MAIL_TIME_S = 15.0
CHECK_TIME_S = 1.5
CHECK_KEPT_MS = 30_000
BATCH = 20
LEASE_MS = (BATCH + 2) * int(MAIL_TIME_S) * 1000  # longer than the slowest batch
FIRST_DELAY_MS, LONGEST_DELAY_MS = 30_000, 3_600_000
ATTEMPTS_MAX = 24  # the last one is about 18 hours after the first
PORTS = {"starttls": 587, "tls": 465, "none": 25}

log = structlog.get_logger(__name__)


class MailUrlRefused(ValueError):
    """The setting ``mail`` is not a URL of the form that is documented there."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


Attach = Callable[[str], Awaitable[Attachment]]
"""Reads the file that an attachment id names."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where mail is handed in. ``tls``: ``starttls`` (required), ``tls`` from the first byte, ``none``."""

    host: str
    port: int
    tls: str
    sender: Address
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> "MailServer":
        """``smtp://user:password@host:587?from=Name+<a@b>&tls=starttls|tls|none``. Raises MailUrlRefused, without the URL."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
            query = parse_qs(parts.query, strict_parsing=bool(parts.query))
        except ValueError:
            raise MailUrlRefused("is not a URL") from None
        tls = query.get("tls", ["tls" if parts.scheme == "smtps" else "starttls"])[-1]
        if parts.scheme not in ("smtp", "smtps") or not host:
            raise MailUrlRefused("must begin with smtp://host or smtps://host")
        if tls not in PORTS:
            raise MailUrlRefused(f"tls must be one of {', '.join(PORTS)}")
        user, password = (unquote(part) if part else None for part in (parts.username, parts.password))
        return cls(host, port or PORTS[tls], tls, _address(query.get("from", [""])[-1]), user, password)

    def client(self, timeout_s: float) -> aiosmtplib.SMTP:
        """A connection that is not open yet."""
        return aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            use_tls=self.tls == "tls",
            start_tls=self.tls == "starttls",
            username=self.user,
            password=self.password,
            timeout=timeout_s,
        )


def _address(text: str) -> Address:
    name, address = parseaddr(text)
    try:
        return Address(name, addr_spec=address)
    except (ValueError, HeaderParseError, IndexError):
        raise MailUrlRefused("needs from=address, such as from=no-reply@example.com") from None


class Mailer:
    """Drains the outbox into one mail server."""

    def __init__(self, database: Database, outbox: Outbox, server: MailServer, clock: Clock, attach: Attach) -> None:
        self._database = database
        self._outbox = outbox
        self._server = server
        self._clock = clock
        self._attach = attach
        self._checked: tuple[int, str] | None = None

    async def drain(self) -> int:
        """Every mail that was due has been tried; how many were sent. Mails that fail wait longer each time."""
        sent = 0
        while True:
            take = partial(self._outbox.take, now_ms=self._clock.now_ms(), lease_ms=LEASE_MS, limit=BATCH)
            batch = await self._database.write(take)
            if batch:
                sent += await self._send_all(batch)
            if len(batch) < BATCH:
                return sent

    async def check(self) -> str:
        """``ok`` when the server answers, else ``degraded``; asked at most every 30 seconds."""
        now_ms = self._clock.now_ms()
        if self._checked is None or now_ms - self._checked[0] >= CHECK_KEPT_MS:
            try:
                async with asyncio.timeout(CHECK_TIME_S), self._connected():
                    result = "ok"
            except (aiosmtplib.SMTPException, OSError):
                result = "degraded"
            self._checked = (now_ms, result)
        return self._checked[1]

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = self._server.client(CONNECT_TIME_S)
        try:
            await client.connect()
            yield client
            await client.quit()
        finally:
            client.close()

    async def _send_all(self, batch: list[Waiting]) -> int:
        left = list(batch)
        sent = 0
        try:
            async with self._connected() as client:
                while left:
                    sent += await self._try(client, left[0])
                    left.pop(0)
        except (aiosmtplib.SMTPException, OSError) as error:
            log.warning("mail_server_failed", error=type(error).__name__, waiting=len(left))
            for waiting in left:
                await self._postpone(waiting, type(error).__name__)
        return sent

    async def _try(self, client: aiosmtplib.SMTP, waiting: Waiting) -> bool:
        """Whether the mail is out. Raises when the connection is of no use any more."""
        try:
            attachments = [await self._attach(file_id) for file_id in waiting.attachments]
            message = message_of(waiting, self._server.sender, attachments, self._clock.now_ms())
        except ValueError as error:
            await self._end(waiting, mail.FAILED, f"not a message: {error}")
            return False
        try:
            async with asyncio.timeout(MAIL_TIME_S):
                await client.send_message(message, sender=self._server.sender.addr_spec, recipients=[waiting.recipient])
        except (aiosmtplib.SMTPResponseException, aiosmtplib.SMTPRecipientsRefused) as error:
            await self._refused(waiting, error)
            if not client.is_connected:
                raise aiosmtplib.SMTPServerDisconnected("the server hung up") from error
            return False
        except aiosmtplib.SMTPNotSupported as error:
            await self._end(waiting, mail.FAILED, str(error))
            return False
        await self._end(waiting, mail.SENT)
        return True

    async def _refused(
        self, waiting: Waiting, error: aiosmtplib.SMTPResponseException | aiosmtplib.SMTPRecipientsRefused
    ) -> None:
        first = error.recipients[0] if isinstance(error, aiosmtplib.SMTPRecipientsRefused) else error
        if 500 <= first.code < 600:
            await self._end(waiting, mail.FAILED, f"{first.code} {first.message}")
        else:
            await self._postpone(waiting, f"{first.code} {first.message}")

    async def _end(self, waiting: Waiting, outcome: str, error: str | None = None) -> None:
        now_ms = self._clock.now_ms()
        await self._database.write(lambda tx: mail.end(tx, waiting, outcome, now_ms, error))
        log.info("mail_ended", mail=waiting.id, kind=waiting.kind, outcome=outcome, attempts=waiting.attempts)

    async def _postpone(self, waiting: Waiting, error: str) -> None:
        if waiting.attempts >= ATTEMPTS_MAX:
            await self._end(waiting, mail.FAILED, error)
            return
        until_ms = self._clock.now_ms() + delay_ms(waiting.attempts)
        await self._database.write(lambda tx: mail.postpone(tx, waiting, until_ms, error))


def delay_ms(attempts: int) -> int:
    """How long a mail waits after so many failed attempts: 30 s, doubled each time, at most an hour."""
    return min(FIRST_DELAY_MS << min(attempts - 1, 20), LONGEST_DELAY_MS)


def message_of(waiting: Waiting, sender: Address, attachments: list[Attachment], at_ms: int) -> EmailMessage:
    """The message. Raises ValueError when the recipient is no single address; line ends never reach a header."""
    message = EmailMessage(policy=POLICY)
    message["From"] = sender
    message["To"] = _single(waiting.recipient)
    message["Subject"] = waiting.text.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(at_ms // 1000, UTC))
    message["Message-ID"] = f"<{waiting.id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(waiting.text.plain)
    message.add_alternative(waiting.text.html, subtype="html")
    for attachment in attachments:
        main, _, sub = attachment.media_type.partition("/")
        message.add_attachment(attachment.content, maintype=main, subtype=sub, filename=attachment.name)
    return message


def _single(recipient: str) -> Address:
    try:
        return Address(addr_spec=recipient)
    except (HeaderParseError, IndexError) as error:
        raise ValueError("the recipient is no address") from error
