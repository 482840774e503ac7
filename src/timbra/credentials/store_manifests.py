"""All SQL of signed manifests."""

from dataclasses import asdict, dataclass, field

from sqlalchemy import func, insert, select

from timbra.credentials.tables import manifests
from timbra.platform.db import Tx
from timbra.platform.scope import TeamScope


@dataclass(frozen=True, slots=True)
class Manifest:
    """A carta manifiesto as it was signed. ``signature``: RSA PKCS#1 v1.5, SHA-256, over ``text`` in UTF-8."""

    id: str
    rfc: str
    certificate_number: str
    certificate: bytes = field(repr=False)
    text: str = field(repr=False)
    signature: bytes = field(repr=False)
    pdf: bytes = field(repr=False)
    signed_by: str
    signed_ms: int


def add(tx: Tx, scope: TeamScope, manifest: Manifest) -> None:
    """The manifest is kept; earlier ones stay."""
    tx.execute(insert(manifests).values(team_id=scope.team_id, livemode=scope.livemode, **asdict(manifest)))


def last_signed_ms(tx: Tx, scope: TeamScope) -> int | None:
    """When the team last signed in this mode."""
    mine = (manifests.c.team_id == scope.team_id, manifests.c.livemode == scope.livemode)
    signed_ms: int | None = tx.execute(select(func.max(manifests.c.signed_ms)).where(*mine)).scalar_one()
    return signed_ms


def pdf_anywhere(tx: Tx, manifest_id: str) -> bytes | None:
    """The page of a manifest, for whoever holds a signed link to it."""
    pdf = tx.execute(select(manifests.c.pdf).where(manifests.c.id == manifest_id)).scalar_one_or_none()
    return None if pdf is None else bytes(pdf)
