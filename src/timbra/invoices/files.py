"""The files of a document: XML as stamped, PDF rendered when somebody asks, acuse of a cancellation."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from timbra.cfdi import timbre
from timbra.cfdi.parse import parse
from timbra.cfdi.pdf import view as views
from timbra.cfdi.pdf.brand import Brand
from timbra.cfdi.pdf.render import TEMPLATE_VERSION, Renderer
from timbra.cfdi.pdf.view import Texts
from timbra.cfdi.pdf.words import Language
from timbra.http.errors import FileNotFound
from timbra.invoices import store
from timbra.invoices.model import FileKind, InvoiceRecord, Status
from timbra.platform import json
from timbra.platform.db import Database, Tx
from timbra.teams import store as teams
from timbra.teams.store import Team

XML_TYPE = "application/xml"
PDF_TYPE = "application/pdf"
LIMIT_BYTES = 16 * 1024 * 1024
KEPT_PDFS = 128
KEPT_BYTES = 64 * 1024 * 1024
LANGUAGES: dict[str, Language] = {"es": "es", "en": "en"}


@dataclass(frozen=True, slots=True)
class File:
    """Bytes with the name and media type they are served under."""

    name: str
    media_type: str
    content: bytes


def file_name(record: InvoiceRecord, ending: str) -> str:
    """``{series}{folio}_{uuid}.pdf``."""
    return f"{record.series}{record.folio}_{record.uuid}.{ending}"


class Files:
    """Reads and renders. PDFs are cached by (XML, language, brand, template), the least recently used go first."""

    def __init__(self, database: Database, renderer: Renderer, texts: Texts) -> None:
        self._database = database
        self._renderer = renderer
        self._texts = texts
        self._pdfs: OrderedDict[str, bytes] = OrderedDict()
        self._rendering = asyncio.Semaphore(2)

    async def xml(self, record: InvoiceRecord) -> File:
        """The stamped XML as received, with its addenda. Raises FileNotFound before the stamp."""
        stamped = await self._database.read(lambda tx: store.file(tx, record, FileKind.STAMPED))
        if stamped is None:
            raise FileNotFound
        addenda = json.loads(record.document.encode())["addenda"] if '"addenda":null' not in record.document else None
        content = timbre.add_addenda(stamped, addenda) if addenda else stamped
        return File(file_name(record, "xml"), XML_TYPE, content)

    async def acuse(self, record: InvoiceRecord) -> File:
        """SAT's receipt of the cancellation. Raises FileNotFound before it is final."""
        content = None
        if record.has_acuse and record.status == Status.CANCELED:
            content = await self._database.read(lambda tx: store.file(tx, record, FileKind.ACUSE))
        if content is None:
            raise FileNotFound
        return File(f"acuse_{record.uuid}.xml", XML_TYPE, content)

    async def pdf(self, record: InvoiceRecord, language: str | None) -> File:
        """The printed document. Raises FileNotFound before the stamp."""

        def unit(tx: Tx) -> tuple[bytes | None, Team | None]:
            return store.file(tx, record, FileKind.STAMPED), teams.team(tx, record.team_id)

        stamped, team = await self._database.read(unit)
        if stamped is None or team is None:
            raise FileNotFound
        spoken = LANGUAGES[language or team.settings["pdf_language"]]
        brand = Brand(primary_color=team.brand.get("primary_color"), secondary_color=team.brand.get("secondary_color"))
        content = await self._printed(record, stamped, spoken, brand)
        return File(file_name(record, "pdf"), PDF_TYPE, content)

    async def _printed(self, record: InvoiceRecord, stamped: bytes, language: Language, brand: Brand) -> bytes:
        notes = json.loads(record.document.encode())["invoice_pdf_notes"]
        parts = (hashlib.sha256(stamped).hexdigest(), language, repr(brand), record.status, notes, TEMPLATE_VERSION)
        key = repr(parts)
        known = self._pdfs.get(key)
        if known is not None:
            self._pdfs.move_to_end(key)
            return known
        async with self._rendering:
            content = await asyncio.to_thread(self._render, record, stamped, language, brand, notes)
        self._pdfs[key] = content
        while len(self._pdfs) > KEPT_PDFS or sum(map(len, self._pdfs.values())) > KEPT_BYTES:
            self._pdfs.popitem(last=False)
        return content

    def _render(
        self, record: InvoiceRecord, stamped: bytes, language: Language, brand: Brand, notes: str | None
    ) -> bytes:
        view = views.from_document(parse(stamped, limit=LIMIT_BYTES), texts=self._texts)
        return self._renderer.render(
            view,
            language=language,
            brand=brand,
            test_mode=not record.livemode,
            canceled=record.status == Status.CANCELED,
            notes=notes,
        )

    async def by_link(self, file_id: str) -> File:
        """The file that a signed link names: ``xml_inv_…``, ``pdf_inv_…``, ``pdf-en_inv_…``, ``acuse_inv_…``.

        The signature is the permission: it was checked before. Raises FileNotFound.
        """
        kind, _, invoice_id = file_id.partition("_")
        record = await self._database.read(lambda tx: store.find_anywhere(tx, invoice_id))
        if record is None:
            raise FileNotFound
        if kind == "xml":
            return await self.xml(record)
        if kind == "acuse":
            return await self.acuse(record)
        base, _, language = kind.partition("-")
        if base != "pdf" or (language and language not in LANGUAGES):
            raise FileNotFound
        return await self.pdf(record, language or None)
