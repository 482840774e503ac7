"""Everything this server can prove of one document, as files of a bundle. Nothing is changed by collecting it."""

import base64
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from lxml import etree

from timbra.cfdi.parse import parse
from timbra.cfdi.sat_status import SatStatus
from timbra.invoices import cancel_follow, store, store_cancel, store_stamping
from timbra.invoices.model import FileKind, InvoiceRecord
from timbra.invoices.parts import InvoiceParts
from timbra.platform import audit, json
from timbra.platform.db import Tx
from timbra.teams import store as teams

XML_LIMIT_BYTES: Final = 16 * 1024 * 1024
NAMES: Final = {
    FileKind.SEALED: "documents/sealed",
    FileKind.STAMPED: "documents/stamped",
    FileKind.ACUSE: "documents/acuse",
}
README: Final = """Evidence of one CFDI, made by timbra.

documents/sealed-N.xml    the bytes this server sealed and sent (N: generation; a higher one replaced the one before)
documents/stamped-N.xml   the bytes the PAC answered with, untouched
documents/acuse-N.xml     acuse of cancellation request N
certificates/             the issuer's certificate, and the PAC's if it is known
invoice.json              the document as the API shows it
ledger.json               what each PAC was asked and what it said, in order, without credentials
cancellations.json        the requests to cancel and what became of them
sat.json                  what SAT's status service says, and when it was asked
audit.json                rows of the audit log about the document; each hash covers the row and the hash before it
manifest.json             SHA-256 of every file; manifest.sig is an Ed25519 signature over it (public key: signed_by)

Check it without a network:   timbra evidence verify FILE
By hand:                      sha256sum documents/* against manifest.json
"""


@dataclass(frozen=True, slots=True)
class Collected:
    """What the bundle is about, and its files."""

    about: Mapping[str, Any]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class _Stored:
    files: list[tuple[str, int, bytes]]
    cancellations: list[Any]
    ledger: list[store_stamping.Attempt]
    audit: list[Mapping[str, Any]]
    team: Mapping[str, Any]
    shown: bytes


async def collect(parts: InvoiceParts, record: InvoiceRecord) -> Collected:
    """The files of the bundle of one document. SAT is asked now; its silence is told as such."""
    sat = await cancel_follow.ask_sat(parts, record)
    at_ms = parts.clock.now_ms()
    stored = await parts.database.read(lambda tx: _read(tx, parts, record))
    files = {f"{NAMES[FileKind(kind)]}-{number}.xml": content for kind, number, content in stored.files}
    files |= _certificates(files, (await parts.side_of(record.scope)).certificates)
    files |= {
        "README.txt": README.encode(),
        "invoice.json": stored.shown,
        "ledger.json": _json([asdict(attempt) for attempt in stored.ledger]),
        "cancellations.json": _json([asdict(one) for one in stored.cancellations]),
        "sat.json": _json(_sat(record, sat, at_ms)),
        "audit.json": _json([_audit_row(row) for row in stored.audit]),
    }
    about = {
        "uuid": record.uuid,
        "internal_id": record.id,
        "status": record.status,
        "livemode": record.livemode,
        "team": stored.team,
    }
    return Collected(about, files)


def _read(tx: Tx, parts: InvoiceParts, record: InvoiceRecord) -> _Stored:
    team = teams.team(tx, record.team_id)
    assert team is not None, "documents have a team"
    return _Stored(
        files=store.files(tx, record),
        cancellations=store_cancel.requests(tx, record),
        ledger=store_stamping.ledger(tx, record),
        audit=audit.rows_about(tx, record.team_id, [one for one in (record.id, record.uuid) if one]),
        team={"id": team.id, "name": team.name, "tax_id": team.tax_id},
        shown=json.dumps(parts.printer.show(record, store.related_ids(tx, [record])[record.id])),
    )


def _certificates(files: Mapping[str, bytes], pacs: Mapping[str, bytes]) -> dict[str, bytes]:
    """The issuer's certificate as it stands in the document, and the PAC's if this server knows it."""
    found: dict[str, bytes] = {}
    for content in files.values():
        root = parse(content, limit=XML_LIMIT_BYTES)
        if root.get("Certificado"):
            found[f"certificates/issuer-{root.get('NoCertificado')}.cer"] = base64.b64decode(
                root.get("Certificado", "")
            )
        number = _pac_certificate(root)
        if number in pacs:
            found[f"certificates/pac-{number}.cer"] = pacs[number]
    return found


def _pac_certificate(root: etree._Element) -> str:
    timbre = next(root.iter("{*}TimbreFiscalDigital"), None)
    return "" if timbre is None else timbre.get("NoCertificadoSAT", "")


def _sat(record: InvoiceRecord, sat: object, at_ms: int) -> dict[str, Any]:
    known = json.loads(record.sat_status.encode()) if record.sat_status else None
    return {
        "asked_at": at_ms // 1000,
        "answer": asdict(sat) if isinstance(sat, SatStatus) else None,
        "earlier": known,
        "earlier_at": None if record.sat_checked_ms is None else record.sat_checked_ms // 1000,
    }


def _audit_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "hash": bytes(row["hash"]).hex(), "before": bytes(row["before"]).hex()}


def _json(value: Any) -> bytes:
    return json.dumps(value) + b"\n"
