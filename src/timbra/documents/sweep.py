"""Files without a row: left by processes that died between the two, and by teams that were removed."""

from typing import Final

import structlog

from timbra.documents import store
from timbra.documents.parts import DocumentParts
from timbra.platform.storage import Stored

YOUNG_MS: Final = 24 * 3_600_000  # no request lives so long: an older file that has no row will never have one

log = structlog.get_logger(__name__)


async def remove_orphans(parts: DocumentParts) -> int:
    """Every file older than a day that no document names is gone; how many were. Raises StorageUnavailable."""
    oldest_ms = parts.clock.now_ms() - YOUNG_MS
    removed = 0
    async for batch in parts.storage.files(parts.folder):
        old = {_document_id(file): file.key for file in batch if file.changed_ms < oldest_ms}
        known = await parts.database.read(lambda tx, ids=list(old): store.known(tx, ids))  # type: ignore[misc]
        for document_id, key in old.items():
            if document_id not in known:
                await parts.storage.delete(key)
                removed += 1
    if removed:
        log.info("documents_swept", removed=removed)
    return removed


def _document_id(file: Stored) -> str:
    return file.key.rpartition("/")[2].partition(".")[0]
