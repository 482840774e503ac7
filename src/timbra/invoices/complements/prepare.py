"""From a request to a computed complement, before anything is durable: a refusal here costs no folio and no PAC call."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from timbra.cfdi.build import CertificateText, Draft, build
from timbra.cfdi.model import Invoice, Issuer, Receiver, Relation
from timbra.cfdi.parse import parse
from timbra.cfdi.payments.amounts import ComputedPayment
from timbra.cfdi.payments.node import payment_node
from timbra.cfdi.payments.scaffold import PAYMENT, PAYMENT_USE, document_of, frame
from timbra.cfdi.read import read_cfdi
from timbra.cfdi.read_values import ReadCfdi
from timbra.cfdi.rules.document import check_document
from timbra.cfdi.rules.finding import Finding, Level
from timbra.cfdi.rules.payment_bank import BankData, check_bank
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.clients import store as clients
from timbra.clients.model import Client
from timbra.clients.reference import ClientReference, receiver, resolve
from timbra.credentials.csd import CsdSigner
from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, FieldError, Invalid
from timbra.invoices import fragments, store
from timbra.invoices.complements import known as knowledge
from timbra.invoices.complements.assemble import Source, computed, foreign_source, own_source
from timbra.invoices.complements.body import SUBSTITUTION, PaymentBody
from timbra.invoices.complements.known import Known
from timbra.invoices.issuer import (
    check_invoiceable,
    field_of,
    first_pac,
    invalid,
    issuer_of,
    keeps_full_name,
    signer_of,
)
from timbra.invoices.model import FileKind, InvoiceRecord
from timbra.invoices.parts import MINUTE_MS, InvoiceParts
from timbra.platform import json
from timbra.platform.db import Tx
from timbra.teams.store import Team

LIMIT_BYTES = 16 * 1024 * 1024
LARGE_BYTES = 256 * 1024  # of all invoices together; more are read beside the event loop
TO_BE_DEFINED = "99"
EARLIEST_MS = 1_262_433_600_000  # 2010-01-02 12:00 UTC, in 2010 in every zone (type t_FechaH)


@dataclass(frozen=True, slots=True)
class Payer:
    """Who is printed as the receiver. ``shown``: the ``client`` of the object."""

    client_id: str
    email: str | None
    receiver: Receiver
    shown: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PreparedPayment:
    """A complement ready to be numbered and sealed; its amounts are computed again over the locked invoices."""

    team: Team
    payer: Payer
    document: Invoice  # folio 0 until it is taken
    sources: Mapping[str, Source]  # by uuid
    paid_at: datetime
    paid_ms: int
    computed: ComputedPayment
    signer: CsdSigner
    issued_ms: int
    addenda: str | None
    notes: str | None
    pac: str  # the one that is asked first

    def draft(self, amounts: ComputedPayment, folio: int) -> Draft:
        """The document with its number, ready for its seal."""
        return _draft(replace(self.document, folio=folio), amounts, self.signer.text)


def _draft(document: Invoice, amounts: ComputedPayment, certificate: CertificateText) -> Draft:
    return build(document, frame(), certificate, complement=payment_node(amounts))


async def prepare(parts: InvoiceParts, caller: Caller, body: PaymentBody, team: Team) -> PreparedPayment:
    """The computed complement. Raises NotFound, Invalid, BusinessRule, Conflict; nothing but an inline client stays."""
    now_ms, scope = parts.clock.now_ms(), caller.scope
    addenda = body.addenda if body.addenda is not None else team.settings["addenda"]
    fragments.check([], [], [], addenda, parts.sat.schemas)
    signer = await signer_of(parts, caller, now_ms)
    pac = await first_pac(parts, caller)
    issuer = issuer_of(parts, team, signer)

    def unit(tx: Tx) -> tuple[Known, dict[str, bytes]]:
        known = knowledge.look(tx, scope, body, parts.payments)
        return known, {one.id: store.file(tx, one, FileKind.STAMPED) or b"" for one in known.own.values()}

    known, files = await parts.database.look(unit)
    knowledge.check_found(body, known)
    _check_fields(body, now_ms)
    knowledge.check_payable(body, known, issuer.rfc)
    documents = await _read(files)
    sources = _sources(body, known, documents)
    payer = await _payer(parts, caller, body, known, documents, team, issuer, now_ms)
    _check_payment_client(known, payer)
    issued_ms = (now_ms - (MINUTE_MS if scope.livemode else 0)) // 1000 * 1000
    place = parts.sat.catalogs.zip_info(issuer.zip)
    zone = zone_of(place) if place else CENTRAL
    paid_ms = issued_ms if body.date is None else body.date // 1000 * 1000
    paid_at = local_time(paid_ms, zone)
    amounts = computed(body, known, sources, paid_at)
    document = document_of(
        issuer,
        payer.receiver,
        local_time(issued_ms, zone),
        series=team.settings.series_for("complements", body.series),
        relations=(Relation(SUBSTITUTION, tuple(body.replaced)),) if body.replaced else (),
    )
    _check_rules(parts, document, amounts, signer.text)
    notes = body.invoice_pdf_notes if body.invoice_pdf_notes is not None else team.settings["invoice_pdf_notes"]
    return PreparedPayment(
        team, payer, document, sources, paid_at, paid_ms, amounts, signer, issued_ms, addenda, notes, pac
    )


def _check_fields(body: PaymentBody, now_ms: int) -> None:
    """What the request says by itself. Source: CRP20212, CRP20221 to CRP20228."""
    problems: list[FieldError] = []
    if body.payment_form == TO_BE_DEFINED:
        problems.append(FieldError("payment_form", "CRP20212", "must say how the money came: 99 is for the invoice"))
    if body.date is not None and body.date > now_ms:
        problems.append(FieldError("date", "max", "must not be in the future", now_ms // 1000))
    if body.date is not None and body.date < EARLIEST_MS:
        problems.append(FieldError("date", "min", "must not be before 2010: SAT's schema knows no earlier payment"))
    bank = BankData(
        body.payment_form,
        body.payer_bank_rfc,
        body.payer_bank_name,
        body.payer_account,
        body.payee_bank_rfc,
        body.payee_account,
    )
    problems += [
        FieldError(one.path, "required" if one.code == "CRP20223" else one.code, one.message, one.fix)
        for one in check_bank(bank)
    ]
    if problems:
        raise invalid(problems)


async def _read(files: Mapping[str, bytes]) -> dict[str, ReadCfdi]:
    """The invoices' documents by ``inv_`` id."""
    if sum(map(len, files.values())) > LARGE_BYTES:
        return await asyncio.to_thread(_read_all, files)
    return _read_all(files)


def _read_all(files: Mapping[str, bytes]) -> dict[str, ReadCfdi]:
    return {id_: read_cfdi(parse(content, limit=LIMIT_BYTES)) for id_, content in files.items()}


def _sources(body: PaymentBody, known: Known, documents: Mapping[str, ReadCfdi]) -> dict[str, Source]:
    found = {}
    for entry in body.entries:
        invoice = known.own.get(entry.invoice)
        if invoice is not None:
            found[known.uuid(entry.invoice)] = own_source(invoice, documents[invoice.id])
        else:
            assert entry.external is not None
            found[known.uuid(entry.invoice)] = foreign_source(entry.external)
    return found


# --- receiver ------------------------------------------------------------------------------------------------------


async def _payer(
    parts: InvoiceParts,
    caller: Caller,
    body: PaymentBody,
    known: Known,
    documents: Mapping[str, ReadCfdi],
    team: Team,
    issuer: Issuer,
    now_ms: int,
) -> Payer:
    """The receiver of the invoices, as the client is today; as it was printed when the client is gone or another one."""
    first = next(iter(known.own.values()), None)
    if body.client is not None:
        _check_same_rfc(body.client, first)
        client = await resolve(
            parts.database, caller, body.client, catalogs=parts.sat.catalogs, at_ms=now_ms, screening=parts.screening
        )
        payer = _of_client(client, team, issuer)
        if first is not None and payer.receiver.rfc != first.receiver_rfc:
            raise Invalid([_other_receiver("client", first)])
        return payer
    if first is None:
        raise Invalid([FieldError("client", "required", "is required: none of the invoices is ours")])
    stored = await parts.database.look(lambda tx: clients.get(tx, caller.scope, first.client_id))
    if stored is not None and (stored.tax_id == first.receiver_rfc or stored.is_foreign):
        payer = _of_client(stored, team, issuer)
        if payer.receiver.rfc == first.receiver_rfc:
            return payer
    printed = documents[first.id].receiver
    shown = json.loads(first.document.encode())["client"]
    to = Receiver(printed.rfc, printed.name, printed.zip, printed.regime, PAYMENT_USE)
    return Payer(first.client_id, first.client_email, to, shown)


def _check_same_rfc(reference: ClientReference, first: InvoiceRecord | None) -> None:
    """Before an inline client would be made for nothing."""
    if first is not None and reference.id is None and reference.tax_id not in (None, first.receiver_rfc):
        raise Invalid([_other_receiver("client.tax_id", first)])


def _other_receiver(path: str, first: InvoiceRecord) -> FieldError:
    fix = first.receiver_rfc if path.endswith("tax_id") else None
    return FieldError(path, "conflict", f"must be the receiver of the invoices, {first.receiver_rfc}", fix)


def _of_client(client: Client, team: Team, issuer: Issuer) -> Payer:
    check_invoiceable(client)
    to = receiver(client, issuer_zip=issuer.zip, keep_full_legal_name=keeps_full_name(client, team), use=PAYMENT_USE)
    email = client.email.lower() if client.email else None
    shown = client.to_wire() | {"legal_name": to.name}
    # Generic receivers too: a document of type P has no other use.
    return Payer(client.id, email, replace(to, use=PAYMENT_USE), shown)


def _check_payment_client(known: Known, payer: Payer) -> None:
    linked = known.payment
    if linked is not None and linked.client_id is not None and linked.client_id != payer.client_id:
        problem = FieldError("payment", "conflict", "is of another client")
        raise BusinessRule(problem.text, fields=[problem])


# --- SAT's matrix --------------------------------------------------------------------------------------------------


def _check_rules(
    parts: InvoiceParts, document: Invoice, amounts: ComputedPayment, certificate: CertificateText
) -> None:
    """The complement as a PAC would judge it, written once without its number. Raises Invalid."""
    draft = _draft(replace(document, folio=1), amounts, certificate)
    root = parse(f"{draft.head}{draft.tail}".encode(), limit=LIMIT_BYTES)
    findings = check_document(root, catalogs=parts.sat.catalogs)
    broken = [finding.code for finding in findings if finding.level is Level.INVARIANT]
    assert not broken, f"our own {PAYMENT} breaks {broken}"
    refusals: list[Finding] = [finding for finding in findings if finding.level is Level.REFUSE]
    if refusals:
        raise invalid([field_of(finding) for finding in refusals])
