"""POST /clients/csf: a client from SAT's Constancia de Situación Fiscal (contract clients.md section 2)."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from timbra.catalogs.address import MEXICO
from timbra.cfdi.text import FOREIGN_RFC, GENERIC_RFC
from timbra.clients import csf_code, csf_text, store
from timbra.clients.create import Outcome, add
from timbra.clients.csf_pages import Pages, pages_of, uploaded
from timbra.clients.csf_text import Constancia, NotACsf
from timbra.clients.parts import ClientParts
from timbra.clients.schemas import ClientFields
from timbra.clients.update import change
from timbra.http.body import problems_of
from timbra.http.caller import Caller
from timbra.http.errors import Conflict, FieldError, InvalidFile, NotFound
from timbra.http.multipart import Upload
from timbra.platform.db import Tx

AT_ONCE: Final = 2  # children that read a file; each may use a whole processor
FRESH_MONTHS: Final = 3
ACTIVE: Final = "ACTIVO"
ORIGIN: Final = "csf"
_SHORT: Final = 200


@dataclass(frozen=True, slots=True)
class Paper:
    """An uploaded Constancia that was read, and what is odd about it."""

    content: Constancia
    warnings: tuple[str, ...]


async def read(form: Upload, turns: asyncio.Semaphore) -> Paper:
    """The Constancia in the part ``file``. Raises Invalid, UploadFailed, InvalidFile."""
    content = uploaded(form)
    async with turns:
        pages = await pages_of(content)
        return await asyncio.to_thread(_understood, pages)  # a hostile text may take a while


def _understood(pages: Pages) -> Paper:
    try:
        found = csf_text.read(pages.texts)
        odd = csf_code.warnings(pages.codes, found.tax_id, found.id_cif)
    except NotACsf as error:
        raise InvalidFile(f"The file is not a Constancia de Situación Fiscal: {error}") from None
    return Paper(found, (*found.oddities, *odd))


def keep(tx: Tx, parts: ClientParts, caller: Caller, paper: Paper, *, client_id: str | None, at_ms: int) -> Outcome:
    """A new client of what was read or, with ``client_id``, that one changed. Raises NotFound, Conflict, InvalidFile."""
    rules: dict[str, Any] = {"catalogs": parts.catalogs, "screening": parts.screening, "at_ms": at_ms}
    if client_id is None:
        fields = _checked(paper.content, None, is_new=True)
        return Outcome(add(tx, caller, fields, origin=ORIGIN, **rules), "created")
    client = store.lock(tx, caller.scope, client_id)
    if client is None:
        raise NotFound.at("client_id")
    if client.tax_id not in (None, paper.content.tax_id, GENERIC_RFC, FOREIGN_RFC):
        problem = FieldError("client_id", "conflict", "has another RFC than the file")
        raise Conflict(problem.text, fields=[problem])
    fields = _checked(paper.content, client.tax_system, is_new=False)
    return Outcome(change(tx, caller, client, fields, **rules), "updated")


def _checked(paper: Constancia, present_regime: str | None, *, is_new: bool) -> Mapping[str, Any]:
    """The client's fields, checked like typed ones. Raises InvalidFile."""
    listed = [row.code for row in paper.regimes]
    given: dict[str, Any] = {
        "tax_id": paper.tax_id,
        "address": {"country": MEXICO, **{name: _cut(value) for name, value in paper.address.items()}},
    }
    if paper.legal_name:
        given["legal_name"] = paper.legal_name
    if listed:
        given["tax_system"] = present_regime if present_regime in listed else listed[-1]
    if is_new and paper.legal_name:
        given["name"] = _cut(paper.legal_name)
    try:
        return ClientFields.model_validate(given).changes()
    except ValidationError as error:
        raise InvalidFile(f"The file cannot be used: {problems_of(error)[0].text}") from None


def _cut(text: str | None) -> str | None:
    return text[:_SHORT].strip() if text else None


def shown(paper: Paper, today: date) -> dict[str, Any]:
    """``csf`` of the reply. today: the calendar day in Mexico City."""
    content = paper.content
    return {
        "tax_id": content.tax_id,
        "id_cif": content.id_cif,
        "issued_at": content.issued.isoformat() if content.issued else None,
        "register_status": content.status,
        "person_type": content.person_type,
        "tax_systems": [
            {"code": row.code, "name": row.name, "since": row.since.isoformat()} for row in content.regimes
        ],
        "warnings": [*_age_and_status(content, today), *paper.warnings],
    }


def _age_and_status(content: Constancia, today: date) -> list[str]:
    found = []
    if content.issued is None:
        found.append("The date of issue was not found")
    elif _months_after(content.issued, FRESH_MONTHS) < today:
        found.append(f"Issued on {content.issued.isoformat()}: older than {FRESH_MONTHS} months")
    if content.status != ACTIVE:
        found.append(f"The status in the register is {content.status or 'not stated'}, not {ACTIVE}")
    absent = [
        name for name, value in (("name", content.legal_name), ("postal code", content.address["zip"])) if not value
    ]
    return found + [f"The {name} was not found" for name in absent]


def _months_after(day: date, months: int) -> date:
    """The same day of the month, or the first of the next one where there is none."""
    month = day.month - 1 + months
    first = date(day.year + month // 12, month % 12 + 1, 1)
    try:
        return first.replace(day=day.day)
    except ValueError:
        return date(first.year + first.month // 12, first.month % 12 + 1, 1)
