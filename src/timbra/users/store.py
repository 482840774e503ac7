"""All SQL of one-time tokens and sessions. People themselves are rows of ``timbra.teams``."""

from sqlalchemy import delete, insert, select, update

from timbra.platform.db import Tx
from timbra.users.tables import user_sessions, user_tokens


def add_token(tx: Tx, digest: bytes, user_id: str, purpose: str, *, at_ms: int, expires_ms: int) -> None:
    """The token opens what its purpose says until it expires or is taken."""
    row = {"token_sha256": digest, "user_id": user_id, "purpose": purpose}
    tx.execute(insert(user_tokens), {**row, "created_ms": at_ms, "expires_ms": expires_ms})


def take_token(tx: Tx, digest: bytes, purpose: str, now_ms: int) -> str | None:
    """The user of a token that is good for ``purpose`` now, and never again; None for any other."""
    taken = delete(user_tokens).where(user_tokens.c.token_sha256 == digest, user_tokens.c.purpose == purpose)
    row = tx.execute(taken.returning(user_tokens.c.user_id, user_tokens.c.expires_ms)).one_or_none()
    return row.user_id if row is not None and row.expires_ms > now_ms else None


def token_user(tx: Tx, digest: bytes, purpose: str, now_ms: int) -> str | None:
    """Like ``take_token``, but the token stays good: to show a page before it is used."""
    found = select(user_tokens.c.user_id).where(
        user_tokens.c.token_sha256 == digest, user_tokens.c.purpose == purpose, user_tokens.c.expires_ms > now_ms
    )
    return tx.execute(found).scalar_one_or_none()


def end_tokens(tx: Tx, user_id: str, purpose: str | None = None) -> None:
    """The user's open tokens, of one purpose or of all, open nothing any more."""
    mine = delete(user_tokens).where(user_tokens.c.user_id == user_id)
    tx.execute(mine if purpose is None else mine.where(user_tokens.c.purpose == purpose))


def forget_expired(tx: Tx, now_ms: int) -> None:
    """No row is left of a token that opens nothing."""
    tx.execute(delete(user_tokens).where(user_tokens.c.expires_ms <= now_ms))
    tx.execute(delete(user_sessions).where(user_sessions.c.expires_ms <= now_ms))


def add_session(tx: Tx, digest: bytes, user_id: str, *, at_ms: int, expires_ms: int) -> None:
    """The session is open."""
    row = {"token_sha256": digest, "user_id": user_id, "created_ms": at_ms, "used_ms": at_ms, "expires_ms": expires_ms}
    tx.execute(insert(user_sessions), row)


def session(tx: Tx, digest: bytes) -> tuple[str, int, int] | None:
    """(user, instant of last use, end) of a session."""
    found = select(user_sessions.c.user_id, user_sessions.c.used_ms, user_sessions.c.expires_ms)
    row = tx.execute(found.where(user_sessions.c.token_sha256 == digest)).one_or_none()
    return (row.user_id, row.used_ms, row.expires_ms) if row is not None else None


def touch_session(tx: Tx, digest: bytes, at_ms: int) -> None:
    """The session was used."""
    tx.execute(update(user_sessions).where(user_sessions.c.token_sha256 == digest).values(used_ms=at_ms))


def end_session(tx: Tx, digest: bytes) -> None:
    """The session opens nothing any more."""
    tx.execute(delete(user_sessions).where(user_sessions.c.token_sha256 == digest))


def end_sessions(tx: Tx, user_id: str) -> None:
    """No session of the user is left."""
    tx.execute(delete(user_sessions).where(user_sessions.c.user_id == user_id))
