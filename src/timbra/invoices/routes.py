"""HTTP of invoices (contract invoices.md)."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from timbra.catalogs.fields import TaxId
from timbra.cfdi import matrix
from timbra.http.caller import Caller
from timbra.http.envelope import Answer
from timbra.http.errors import FileNotFound, NotFound
from timbra.http.fields import Choice, Code, Email, QueryFlag, Rule, Text, Whole
from timbra.http.idempotency import Claim, fingerprint
from timbra.http.query import ListQuery
from timbra.http.routing import Call, Router
from timbra.invoices import cancel, cancel_advice, cancel_follow, issue, store, store_lists
from timbra.invoices.complements.body import PaymentBody
from timbra.invoices.examples import CANCELLATION, EXAMPLES
from timbra.invoices.files import PDF_TYPE, XML_TYPE, File, Files
from timbra.invoices.model import InvoiceRecord
from timbra.invoices.parts import InvoiceParts
from timbra.invoices.prepare import EGRESS, INCOME
from timbra.invoices.schemas import SERIES_FORM, CancelBody, DocumentBody, EgressBody, IncomeBody
from timbra.platform import json
from timbra.platform.clock import Clock
from timbra.platform.db import Tx
from timbra.platform.json import Raw
from timbra.platform.keyset import Slice

BODY_LIMIT_BYTES = 4 * 1024 * 1024
ERRORS_MAX_PAGE = 1_000
STATUS_WORDS = {
    "stamped": "valid", "active": "valid", "vigente": "valid",
    "cancelled": "canceled", "cancelado": "canceled",
    "processing": "pending", "created": "pending", "error": "failed",
}  # fmt: skip
FILTERS: Mapping[str, Rule] = {
    "status": Choice("pending", "valid", "canceled", "failed", "paid", "unpaid", also=STATUS_WORDS),
    "client_id": Text(max=160),
    "series": Text(max=25, pattern=SERIES_FORM, explain="must be 1 to 25 of A-Z a-z 0-9 _ -"),
    "payment_method": Choice("PUE", "PPD"),
    "currency": Code(max=3),
    "tax_id": TaxId(),
    "email": Email(),
    "folio_number": Whole(min=0, max=999_999_999),
}
LANGUAGE = Choice("es", "en")
PAYMENT_FILTERS: Mapping[str, Rule] = {
    **{name: FILTERS[name] for name in ("status", "client_id", "series", "currency")},
    "invoice_id": Text(max=160),
    "payment_form": Code(max=2, pad=2),
}
KINDS: Mapping[str, tuple[str, type[DocumentBody], Mapping[str, Rule]]] = {
    "income": (INCOME, IncomeBody, FILTERS),
    "egress": (EGRESS, EgressBody, FILTERS),
    "payment": (issue.PAYMENT, PaymentBody, PAYMENT_FILTERS),
}


def routes(parts: InvoiceParts, files: Files) -> Router:
    """The operations on invoices."""
    router = Router(tag="Invoices", area="invoices")
    for name, (kind, model, filters) in KINDS.items():
        _documents(router, parts, name, kind, model, filters)
    router.absent.append("/invoices/complements")  # contract complements.md: payment is the name
    _one_document(router, parts)
    _files(router, parts, files)
    _matrix(router, parts.clock)
    return router


def _documents(
    router: Router,
    parts: InvoiceParts,
    name: str,
    kind: str,
    model: type[DocumentBody],
    rules: Mapping[str, Rule],
) -> None:
    """List, create and get of one kind."""

    @router.get(f"/invoices/{name}", "Invoices retrieved successfully", filters=rules)
    async def list_invoices(caller: Caller, listing: ListQuery) -> Slice[Any]:
        filters = dict(listing.filters)
        if "email" in filters:
            filters["email"] = filters["email"].lower()

        def unit(tx: Tx) -> Slice[Any]:
            page = store_lists.page(tx, caller.scope, kind, listing.window, filters)
            related = store.related_ids(tx, page.rows)
            return page.map(lambda record: parts.printer.show(record, related[record.id]))

        return await parts.database.read(unit)

    async def create_invoice(call: Call, caller: Caller, body: Any, claim: Claim) -> Answer:
        command = issue.Command(
            kind=kind,
            body=body,
            caller=caller,
            claim=claim,
            prefers_async="respond-async" in (call.header("prefer") or "").lower(),
            fingerprint=claim.fingerprint or fingerprint(call.data, call.query),
        )
        return await issue.issue(parts, command)

    create_invoice.__annotations__["body"] = model
    router.post(
        f"/invoices/{name}",
        issue.CREATED,
        success=201,
        also=(200, 202),
        bucket="stamp",
        limit_bytes=BODY_LIMIT_BYTES,
        body_key=True,
        example=EXAMPLES[name],
    )(create_invoice)

    @router.get(f"/invoices/{name}/{{id}}", "Invoice retrieved successfully")
    async def get_invoice(caller: Caller, id: str) -> Raw:  # noqa: A002 (the path names it)
        def unit(tx: Tx) -> Raw:
            record = _found(store.find(tx, caller.scope, id))
            if record.kind != kind:
                raise NotFound
            related = store.related_ids(tx, [record])[record.id]
            return parts.printer.show(record, related, with_files=True)

        return await parts.database.read(unit)


def _found(record: InvoiceRecord | None) -> InvoiceRecord:
    if record is None:
        raise NotFound
    return record


def _one_document(router: Router, parts: InvoiceParts) -> None:
    """Cancel and the state of a cancellation."""

    @router.delete("/invoices/{id}", cancel.CANCELED_TEXT, also=(202,), bucket="stamp", example=CANCELLATION)
    async def cancel_invoice(caller: Caller, body: CancelBody, id: str) -> Answer:  # noqa: A002
        return await cancel.cancel(parts, caller, id, body)

    @router.get("/invoices/{id}/cancellation", "Cancellation status retrieved successfully")
    async def get_cancellation(caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        record = _found(await parts.database.read(lambda tx: store.find(tx, caller.scope, id)))
        if record.uuid is None:
            raise FileNotFound("The invoice is not stamped")
        record = await cancel_follow.current_state(parts, record)
        shown = json.loads(parts.printer.show(record).text)
        return {
            "cancellation": shown["cancellation"],
            "cancellation_status": record.cancellation_status or "none",
            "sat": Raw(record.sat_status) if record.sat_status else None,
            "checked_at": record.sat_checked_ms // 1000 if record.sat_checked_ms else None,
            "advice": await cancel_advice.advise(parts, record),
        }


def _files(router: Router, parts: InvoiceParts, files: Files) -> None:
    """Links to the files of a document, and the bytes."""

    async def stamped(caller: Caller, id_: str) -> InvoiceRecord:
        record = _found(await parts.database.read(lambda tx: store.find(tx, caller.scope, id_)))
        if record.uuid is None:
            raise FileNotFound("The invoice is not stamped")
        return record

    @router.get(
        "/invoices/{id}/files",
        "Invoice files retrieved successfully",
        filters={"file_type": Choice("pdf", "xml", "acuse"), "inline": QueryFlag(), "lang": LANGUAGE},
    )
    async def get_files(call: Call, caller: Caller, id: str) -> dict[str, Any]:  # noqa: A002
        record = await stamped(caller, id)
        asked, lang = call.filters.get("file_type"), call.filters.get("lang")
        kinds = [asked] if asked else ["pdf", "xml"] + (["acuse"] if record.has_acuse else [])
        if asked == "acuse" and not record.has_acuse:
            raise FileNotFound("The invoice has no acuse")
        if call.filters.get("inline"):
            got = {kind: await _read(files, record, kind, lang) for kind in kinds}
            return {kind: base64.b64encode(one.content).decode() for kind, one in got.items()}
        names = {kind: f"pdf-{lang}" if kind == "pdf" and lang else kind for kind in kinds}
        links = {kind: parts.printer.file_url(record, name) for kind, name in names.items()}
        return links | {"expires_at": parts.printer.links.clock.now_ms() // 1000 + parts.printer.life_s}

    async def send_bytes(call: Call, caller: Caller, id_: str, kind: str) -> Response:
        record = await stamped(caller, id_)
        return served(await _read(files, record, kind, call.filters.get("lang")))

    async def get_xml(call: Call, caller: Caller, id: str) -> Response:  # noqa: A002
        return await send_bytes(call, caller, id, "xml")

    async def get_pdf(call: Call, caller: Caller, id: str) -> Response:  # noqa: A002
        return await send_bytes(call, caller, id, "pdf")

    async def get_acuse(call: Call, caller: Caller, id: str) -> Response:  # noqa: A002
        return await send_bytes(call, caller, id, "acuse")

    router.get("/invoices/{id}/xml", "XML", produces=XML_TYPE)(get_xml)
    router.get("/invoices/{id}/pdf", "PDF", produces=PDF_TYPE, filters={"lang": LANGUAGE})(get_pdf)
    router.get("/invoices/{id}/acuse", "Acuse", produces=XML_TYPE)(get_acuse)


async def _read(files: Files, record: InvoiceRecord, kind: str, lang: str | None) -> File:
    if kind == "pdf":
        return await files.pdf(record, lang)
    return await (files.xml(record) if kind == "xml" else files.acuse(record))


def served(file: File) -> Response:
    """The bytes as a download."""
    return Response(
        file.content,
        media_type=file.media_type,
        headers={"Content-Disposition": f'attachment; filename="{file.name}"'},
    )


def _matrix(router: Router, clock: Clock) -> None:
    """The CFDI error matrix (contract invoices.md section 13)."""
    filters: Mapping[str, Rule] = {
        "code": Text(max=40),
        "q": Text(max=200),
        "type": Choice(*matrix.TYPES),
        "limit": Whole(min=1, max=100),
        "page": Whole(min=1, max=ERRORS_MAX_PAGE),
    }

    async def list_errors(call: Call) -> Answer:
        asked = call.filters
        rows = matrix.search(asked.get("q"), asked.get("code"), asked.get("type"))
        limit, page = asked.get("limit", 50), asked.get("page", 1)
        shown = [
            {
                "code": row.code,
                "description": row.description,
                "explanation": row.explanation,
                "solution": row.solution,
                "type": row.type,
            }
            for row in rows[(page - 1) * limit : page * limit]
        ]
        at = datetime.fromtimestamp(clock.now_ms() // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Answer(shown, beside={"total": len(rows), "page": page, "limit": limit, "timestamp": at})

    for path in ("/invoices/errors", "/invoices/cfdi-errors"):
        router.get(path, "CFDI errors retrieved successfully", filters=filters)(list_errors)
