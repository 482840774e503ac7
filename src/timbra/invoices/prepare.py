"""From a request to a computed document, before anything is durable: a refusal here costs no folio and no PAC call."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from timbra.cfdi import codes, rules
from timbra.cfdi.model import GlobalInfo, Invoice, Issuer, LocalTax, Namespace, Rate, Receiver, Relation
from timbra.cfdi.money import micro
from timbra.cfdi.rules import Finding, Level
from timbra.cfdi.text import FOREIGN_RFC, GENERIC_RFC, PUBLIC_NAME
from timbra.cfdi.totals import AmountError, Totals, compute
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.clients.model import Client
from timbra.clients.reference import receiver, resolve
from timbra.credentials.csd import CsdSigner
from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, FieldError, Invalid
from timbra.invoices import fragments
from timbra.invoices.issuer import (
    check_invoiceable,
    field_of,
    first_pac,
    invalid,
    issuer_of,
    keeps_full_name,
    signer_of,
)
from timbra.invoices.parts import HOUR_MS, MINUTE_MS, InvoiceParts
from timbra.invoices.schemas import PERIODICITY_WORDS, IssueBody
from timbra.services import lines
from timbra.services.lines import LineBody, LineDefaults, ResolvedLine
from timbra.teams.store import Team

INCOME, EGRESS = "I", "E"
SERIES_KIND = {INCOME: "income", EGRESS: "credit_note"}
CREDIT_NOTE_LINE = LineDefaults("84111506", "ACT", "Nota de crédito")
GLOBAL_LINE = LineDefaults("01010101", "ACT", "Venta")
OLDEST_DATE_MS = 71 * HOUR_MS
TO_BE_DEFINED = "99"
GENERAL_EXPENSES = "G03"
LINES_INLINE = 200  # a document with more is computed in a thread: other requests do not wait for it


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document ready to be numbered and sealed."""

    team: Team
    client: Client
    lines: list[ResolvedLine]
    invoice: Invoice  # folio 0 until it is taken
    totals: Totals
    signer: CsdSigner
    issued_ms: int
    addenda: str | None
    notes: str | None
    pac: str  # the one that is asked first


async def prepare(
    parts: InvoiceParts, caller: Caller, kind: str, body: IssueBody, team: Team, first_related: str | None
) -> Prepared:
    """The computed document. Raises Invalid, BusinessRule, NotFound, Conflict; nothing but an inline client or service stays.

    first_related: payment form of the first own related invoice, the default of an egress.
    """
    now_ms = parts.clock.now_ms()
    addenda = body.addenda if body.addenda is not None else team.settings["addenda"]
    fragments.check(
        _namespaces(body),
        [line.complement for line in body.items],
        _complements(kind, body, team),
        addenda,
        parts.sat.schemas,
    )
    signer = await signer_of(parts, caller, now_ms)
    pac = await first_pac(parts, caller)
    issuer = issuer_of(parts, team, signer)
    client = body.inner.receiver or await resolve(
        parts.database, caller, body.client, catalogs=parts.sat.catalogs, screening=parts.screening, at_ms=now_ms
    )
    check_invoiceable(client)
    use = _use(kind, body, client, team)
    keep_full = keeps_full_name(client, team)
    to = receiver(client, issuer_zip=issuer.zip, keep_full_legal_name=keep_full, use=use)
    resolved = await lines.resolve(
        parts.database,
        caller,
        body.items,
        team=team,
        receiver_is_foreign=to.rfc == FOREIGN_RFC,
        receiver_rfc=to.rfc,
        at_ms=now_ms,
        catalogs=parts.sat.catalogs,
        defaults=_line_defaults(kind, body, to),
    )
    issued_ms = _issued_ms(body, now_ms, livemode=caller.scope.livemode)

    def compute_all() -> tuple[list[ResolvedLine], Invoice, Totals]:
        asked = [with_asked_taxability(*pair) for pair in zip(body.items, resolved, strict=True)]
        invoice = _document(parts, kind, body, team, issuer, to, asked, issued_ms, first_related)
        return asked, invoice, _totals(parts, invoice, now_ms, signer)

    is_large = len(resolved) > LINES_INLINE
    ready, invoice, totals = await asyncio.to_thread(compute_all) if is_large else compute_all()
    notes = body.invoice_pdf_notes if body.invoice_pdf_notes is not None else team.settings["invoice_pdf_notes"]
    return Prepared(team, client, ready, invoice, totals, signer, issued_ms, addenda, notes, pac)


def _use(kind: str, body: IssueBody, client: Client, team: Team) -> str:
    """Use of the CFDI. Source: contract catalogs.md section 4; an egress takes it from the request alone, else G02."""
    if kind == EGRESS:
        return body.use or "G02"
    for wish in (body.use, client.use):
        if wish and wish != "P01":
            return wish
    preset = str(team.settings["use"])
    if preset not in ("P01", GENERAL_EXPENSES):
        return preset
    allowed = codes.USES[GENERAL_EXPENSES].regimes
    return GENERAL_EXPENSES if client.tax_system in allowed else codes.NO_EFFECTS_USE


def _line_defaults(kind: str, body: IssueBody, to: Receiver) -> LineDefaults | None:
    if kind == EGRESS:
        return CREDIT_NOTE_LINE
    return GLOBAL_LINE if body.global_ is not None and _is_public(to) else None


def _is_public(to: Receiver) -> bool:
    return to.rfc == GENERIC_RFC and to.name == PUBLIC_NAME


def with_asked_taxability(body: LineBody, resolved: ResolvedLine) -> ResolvedLine:
    """A line that is discounted may lose its taxes: 02 binds it only when the request says so. Source: contract M7."""
    if not resolved.line.discount or body.taxability is not None or resolved.line.taxability != "02":
        return resolved
    return replace(resolved, line=replace(resolved.line, taxability=None))


def _issued_ms(body: IssueBody, now_ms: int, *, livemode: bool) -> int:
    """The instant of Fecha; in live mode one minute back, since a PAC refuses a date in its own future (SAT code 401)."""
    if body.date is None:
        return (now_ms - (MINUTE_MS if livemode else 0)) // 1000 * 1000
    if body.date > now_ms:
        raise Invalid([FieldError("date", "max", "must not be in the future", now_ms // 1000)])
    if body.date < now_ms - OLDEST_DATE_MS:
        raise Invalid([FieldError("date", "min", "must not be older than 71 hours (SAT code 401)", now_ms // 1000)])
    return body.date // 1000 * 1000


def _document(
    parts: InvoiceParts,
    kind: str,
    body: IssueBody,
    team: Team,
    issuer: Issuer,
    to: Receiver,
    resolved: list[ResolvedLine],
    issued_ms: int,
    first_related: str | None,
) -> Invoice:
    place = parts.sat.catalogs.zip_info(issuer.zip)
    issued_at = local_time(issued_ms, zone_of(place) if place else CENTRAL)
    method, form = _payment(kind, body, first_related)
    return Invoice(
        kind=kind,
        issuer=issuer,
        receiver=to,
        lines=tuple(line.line for line in resolved),
        issued_at=issued_at,
        series=team.settings.series_for(SERIES_KIND[kind], body.series),
        folio=body.folio_number,
        currency=body.currency,
        exchange_rate=micro(_exchange_rate(body)),
        payment_method=method,
        payment_form=form,
        conditions=body.payment_conditions,
        exports=body.exports,
        confirmation=body.confirmation,
        global_info=_global(body, team, to, issued_at) if kind == INCOME else None,
        relations=tuple(
            Relation(one.relationship, tuple(uuid.lower() for uuid in one.documents)) for one in body.related_documents
        ),
        local_taxes=_local_taxes(kind, body, team),
        complements=_complements(kind, body, team),
        namespaces=_namespaces(body),
    )


def _exchange_rate(body: IssueBody) -> Decimal:
    if body.currency == "MXN" or body.exchange_rate is None:
        return Decimal(1)
    return body.exchange_rate


def _payment(kind: str, body: IssueBody, first_related: str | None) -> tuple[str, str]:
    """(method, form). PPD is always 99; a 99 with PUE is refused."""
    if body.payment_method == "PPD":
        return "PPD", TO_BE_DEFINED
    if kind == EGRESS:
        own = first_related if first_related != TO_BE_DEFINED else None
        form = body.payment_form or own or "15"
    else:
        form = body.payment_form or "03"
    if form == TO_BE_DEFINED:
        raise BusinessRule(
            "payment_form: 99 goes with PPD only",
            fields=[FieldError("payment_form", "conflict", "99 goes with payment_method PPD only", "03")],
        )
    return "PUE", form


def _global(body: IssueBody, team: Team, to: Receiver, issued_at: datetime) -> GlobalInfo | None:
    """The node as asked, or the team's period for the general public (contract invoices.md section 4.3)."""
    is_public = _is_public(to)
    if body.global_ is not None and not is_public:
        raise BusinessRule(f"global: goes with the receiver {GENERIC_RFC} named {PUBLIC_NAME} only")
    if not is_public:
        return None
    if body.payment_method != "PUE":
        raise BusinessRule(
            "payment_method: an invoice to the general public is PUE",
            fields=[FieldError("payment_method", "conflict", "is PUE for the general public", "PUE")],
        )
    if body.global_ is not None:
        return GlobalInfo(body.global_.periodicity, body.global_.months, body.global_.year)
    periodicity = PERIODICITY_WORDS[team.settings["periodicity"]]
    month = issued_at.month
    months = f"{12 + (month + 1) // 2:02}" if periodicity == codes.BIMONTHLY else f"{month:02}"
    return GlobalInfo(periodicity, months, issued_at.year)


def _local_taxes(kind: str, body: IssueBody, team: Team) -> tuple[LocalTax, ...]:
    if body.local_taxes is not None:
        return tuple(LocalTax(one.name, Rate(micro(one.rate)), one.withholding) for one in body.local_taxes)
    return team_local_taxes(team) if kind == INCOME else ()


def team_local_taxes(team: Team) -> tuple[LocalTax, ...]:
    """The local taxes that every income invoice of the team bears unless it says otherwise."""
    return tuple(
        LocalTax(one["name"], Rate(micro(Decimal(str(one["rate"])))), bool(one.get("withholding")))
        for one in team.settings["local_taxes"]
    )


def _complements(kind: str, body: IssueBody, team: Team) -> tuple[str, ...]:
    """Those of the request, else the team's own on income invoices."""
    if body.complements is not None:
        return tuple(one.data for one in body.complements)
    return tuple(one["data"] for one in team.settings["complements"]) if kind == INCOME else ()


def _namespaces(body: IssueBody) -> tuple[Namespace, ...]:
    return tuple(Namespace(one.prefix, one.uri, one.schema_location) for one in body.namespaces)


def _totals(parts: InvoiceParts, invoice: Invoice, now_ms: int, signer: CsdSigner) -> Totals:
    """The amounts, once neither they nor SAT's matrix object. Raises Invalid with everything that is wrong."""
    decimals = parts.sat.catalogs.currency_decimals(invoice.currency)
    assert decimals is not None, "the schema admits known currencies only"
    problems: list[FieldError] = []
    totals: Totals | None = None
    try:
        totals = compute(invoice.lines, decimals=decimals, local_taxes=invoice.local_taxes)
    except AmountError as error:
        problems.append(FieldError(error.path, error.code, error.message, error.fix))
    findings = _findings(parts, invoice, totals, now_ms, signer)
    refusals = [finding for finding in findings if finding.level is Level.REFUSE]
    known = {(problem.path, problem.code) for problem in problems}
    problems += [field_of(finding) for finding in refusals if (finding.path, finding.code) not in known]
    if problems:
        raise invalid(problems)
    assert totals is not None, "amounts that cannot be computed are a problem"
    broken = [finding.code for finding in findings if finding.level is Level.INVARIANT]
    assert not broken, f"our own document breaks {broken}"
    return totals


def _findings(
    parts: InvoiceParts, invoice: Invoice, totals: Totals | None, now_ms: int, signer: CsdSigner
) -> list[Finding]:
    place = parts.sat.catalogs.zip_info(invoice.issuer.zip)
    zone = zone_of(place) if place else CENTRAL
    facts = signer.certificate
    return rules.check(
        invoice,
        totals,
        catalogs=parts.sat.catalogs,
        today=invoice.issued_at.date(),
        now=local_time(now_ms, zone),
        certificate_valid=(local_time(facts.not_before_ms, zone), local_time(facts.not_after_ms, zone)),
    )
