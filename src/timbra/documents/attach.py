"""Attach a file to a client, invoice or payment, and give it out again.

The file is written first and the row after it, in one transaction with the idempotency record: a process that dies in
between leaves a file that nobody knows, which ``sweep`` removes a day later. There is never a row without its file.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from timbra.documents import store
from timbra.documents.form import DocumentForm
from timbra.documents.model import PER_PARENT, Document
from timbra.documents.parts import DocumentParts, Parent
from timbra.http.caller import Caller
from timbra.http.envelope import Answer, JSONReply
from timbra.http.errors import ApiError, BusinessRule, FileNotFound, NotFound, Unavailable
from timbra.http.idempotency import Claim
from timbra.platform import audit, faults
from timbra.platform.audit import Action
from timbra.platform.db import Tx
from timbra.platform.ids import new_id
from timbra.platform.scope import TeamScope
from timbra.platform.storage import StorageUnavailable

UNREACHABLE = "The file storage cannot be reached; try again later"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class File:
    """Bytes with the name and media type they are served under."""

    name: str
    media_type: str
    content: bytes


async def attach(
    parts: DocumentParts, caller: Caller, claim: Claim, kind: str, parent_id: str, form: DocumentForm
) -> JSONReply:
    """The reply with the new document. Raises NotFound, BusinessRule, Unavailable."""
    at_ms, scope = parts.clock.now_ms(), caller.scope
    parent = await parts.database.read(lambda tx: _open(tx, parts, scope, kind, parent_id))
    document = _document(caller, kind, parent, form, at_ms)
    key = key_of(parts, document)
    try:
        await parts.storage.put(key, form.content)
    except StorageUnavailable as error:
        log.warning("document_not_stored", team=scope.team_id, reason=str(error))
        raise Unavailable(UNREACHABLE) from error
    faults.point("documents.stored")
    unit = partial(_link, parts=parts, caller=caller, document=document, named=parent_id)
    try:
        return await claim.once(parts.database, unit)
    except ApiError:  # refused: nothing will ever name the file
        await _forget(parts, key)
        raise


async def listed(parts: DocumentParts, scope: TeamScope, kind: str, parent_id: str) -> Answer:
    """The list of an object's documents. Raises NotFound."""

    def unit(tx: Tx) -> list[dict[str, Any]]:
        parent = find_parent(tx, parts, scope, kind, parent_id)
        return [_shown(parts, parent, document) for document in store.of_parent(tx, scope, kind, parent.key)]

    rows = await parts.database.read(unit)
    beside = {
        "timestamp": _timestamp(parts.clock.now_ms()),
        "next": None,
        "has_more": False,
        "total_results": len(rows),
    }
    return Answer(rows, beside=beside)


async def by_link(parts: DocumentParts, document_id: str) -> File:
    """The file that a signed link names, as long as its object can be seen. Raises FileNotFound, Unavailable."""

    def unit(tx: Tx) -> Document | None:
        document = store.find_anywhere(tx, document_id)
        if document is None:
            return None
        scope = TeamScope(document.team_id, document.livemode)
        return document if parts.parents[document.parent_kind](tx, scope, document.parent_id) else None

    document = await parts.database.read(unit)
    if document is None:
        raise FileNotFound
    try:
        content = await parts.storage.get(key_of(parts, document))
    except StorageUnavailable as error:
        raise Unavailable(UNREACHABLE) from error
    if content is None or hashlib.sha256(content).hexdigest() != document.sha256:
        log.error("document_lost", document=document.id, reason="absent" if content is None else "altered")
        raise FileNotFound
    return File(document.file_name, document.mime_type, content)


def key_of(parts: DocumentParts, document: Document) -> str:
    """Where the file is: its name tells the document it belongs to and the SHA-256 of its bytes."""
    return f"{parts.folder}/{document.team_id}/{document.id}.{document.sha256}"


def find_parent(tx: Tx, parts: DocumentParts, scope: TeamScope, kind: str, parent_id: str) -> Parent:
    """What the path names. Raises NotFound."""
    parent = parts.parents[kind](tx, scope, parent_id)
    if parent is None:
        raise NotFound
    return parent


def _open(tx: Tx, parts: DocumentParts, scope: TeamScope, kind: str, parent_id: str) -> Parent:
    """The object, when it may have one document more."""
    parent = find_parent(tx, parts, scope, kind, parent_id)
    if store.count(tx, scope, kind, parent.key) >= PER_PARENT:
        raise BusinessRule(f"It has {PER_PARENT} documents already")
    return parent


def _document(caller: Caller, kind: str, parent: Parent, form: DocumentForm, at_ms: int) -> Document:
    return Document(
        id=new_id("doc"),
        team_id=caller.scope.team_id,
        livemode=caller.scope.livemode,
        parent_kind=kind,
        parent_id=parent.key,
        document_type=form.fields.document_type,
        name=form.name,
        description=form.fields.description,
        file_name=form.file_name,
        file_size=len(form.content),
        mime_type=form.mime_type,
        sha256=hashlib.sha256(form.content).hexdigest(),
        created_by=caller.user_id,
        created_ms=at_ms,
    )


def _link(tx: Tx, parts: DocumentParts, caller: Caller, document: Document, named: str) -> Answer:
    scope, at_ms = caller.scope, document.created_ms
    store.hold(tx, scope, document.parent_kind, document.parent_id)
    parent = _open(tx, parts, scope, document.parent_kind, named)
    store.add(tx, scope, document)
    changes = {"parent": parent.shown, "sha256": document.sha256, "size": document.file_size}
    audit.append(tx, scope, Action.DOCUMENT_CREATE, document.id, caller.actor, at_ms, changes=changes)
    return Answer(_shown(parts, parent, document), beside={"timestamp": _timestamp(at_ms)})


def _shown(parts: DocumentParts, parent: Parent, document: Document) -> dict[str, Any]:
    return document.to_wire(parent=parent.shown, url=parts.links.link(document.id))


async def _forget(parts: DocumentParts, key: str) -> None:
    try:
        await parts.storage.delete(key)
    except StorageUnavailable as error:
        log.warning("document_left_behind", reason=str(error))  # the sweep finds it


def _timestamp(at_ms: int) -> str:
    """ISO 8601 in UTC, with milliseconds."""
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03}Z"
