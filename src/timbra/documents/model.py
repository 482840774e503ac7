"""A support document, and what is asked of the file behind it (contract support-documents.md)."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

DOCUMENT_TYPES: Final = (
    "contract", "delivery_proof", "payment_proof", "communication", "payment_confirmation", "subscription_info",
)  # fmt: skip
NAME_MAX: Final = 200
DESCRIPTION_MAX: Final = 1_000
PER_PARENT: Final = 100
PDF_START_BYTES: Final = 1_024

ENDINGS: Final[Mapping[str, str]] = {
    "application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """One uploaded file of a client, invoice or payment. ``parent_id``: the key of that row, not its name on the wire."""

    id: str
    team_id: str
    livemode: bool
    parent_kind: str
    parent_id: str
    document_type: str
    name: str
    description: str | None
    file_name: str
    file_size: int
    mime_type: str
    sha256: str
    created_by: str
    created_ms: int

    def to_wire(self, *, parent: str, url: str) -> dict[str, Any]:
        """The object of the API. parent: the id that callers know the parent by; url: a fresh signed link."""
        return {
            "id": self.id,
            "document_type": self.document_type,
            "name": self.name,
            "description": self.description,
            "file_url": url,
            "file_name": self.file_name,
            "file_size": self.file_size,
            "mime_type": self.mime_type,
            "compliance_status": "pending_review",
            "compliance_notes": None,
            "valid_from": None,
            "valid_until": None,
            "ai_extraction": None,
            "audits": [],
            "created_at": self.created_ms,
            "created_by": self.created_by,
            "updated_at": self.created_ms,
            "linked_entities": [{"entity_type": self.parent_kind, "entity_id": parent, "linked_at": self.created_ms}],
        }


def media_type_of(content: bytes) -> str | None:
    """What the bytes are, whatever they are called; None for anything but the four kinds."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return "application/pdf" if b"%PDF-" in content[:PDF_START_BYTES] else None


def safe_file_name(claimed: str, media_type: str) -> str:
    """The last part of the claimed name without characters that cannot be seen, at most NAME_MAX long; never empty."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", claimed))[-1]
    seen = "".join(char for char in last if unicodedata.category(char)[0] != "C").strip()[:NAME_MAX].strip()
    return f"document.{ENDINGS[media_type]}" if seen.strip(".") == "" else seen
