"""All SQL of one-time tokens. People themselves are rows of ``timbra.teams``."""

from sqlalchemy import delete, insert, select

from timbra.platform.db import Tx
from timbra.users.tables import user_tokens


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
