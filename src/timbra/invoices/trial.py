"""A trial of a PAC at its own sandbox: one document stamped, sent again, looked up and cancelled.

Nothing of it is stored: the document is no document of the team. Each step says in words what the provider did.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Final

from timbra.catalogs.load import SatData
from timbra.cfdi import cadena, cancellation, timbre
from timbra.cfdi.build import build
from timbra.cfdi.model import Factor, Invoice, Issuer, Line, LineTax, Micro, Rate, Receiver, Tax
from timbra.cfdi.money import text
from timbra.cfdi.seal import seal
from timbra.cfdi.text import name_on_cfdi
from timbra.cfdi.timbre import Timbre, TimbreRefused, UnknownPac
from timbra.cfdi.totals import compute
from timbra.cfdi.zones import CENTRAL, local_time, zone_of
from timbra.credentials.csd import CsdSigner
from timbra.invoices.stamp import describe
from timbra.pac.port import (
    Ability,
    CancelAccepted,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    Hints,
    PacPort,
    Rejected,
    Stamped,
    StampOutcome,
)
from timbra.platform.clock import Clock
from timbra.platform.ids import new_id
from timbra.teams.store import Team

# A taxpayer of SAT's public test register, which every provider's sandbox knows.
RECEIVER: Final = Receiver("URE180429TM6", "UNIVERSIDAD ROBOTICA ESPAÑOLA", "86991", "601", "G03")
LINE: Final = Line(
    "84111506",
    "E48",
    "Prueba de conexión",
    Micro(1_000_000),
    Micro(1_000_000),
    taxes=(LineTax(Tax.IVA, Factor.TASA, Rate(Micro(160_000)), withheld=False),),
)
SERIES: Final = "PRUEBA"
MOTIVE: Final = "02"
IN_THE_PAST_MS: Final = 60_000  # PACs refuse a date in their own future (401)
PAUSES_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
FRESH_UNKNOWN: Final = "205"


@dataclass(frozen=True, slots=True)
class Step:
    """``is_good``: the provider did what its adapter declares. ``name``: stamp, check, repeat, find, cancel."""

    name: str
    is_good: bool
    says: str


@dataclass(frozen=True, slots=True)
class Bench:
    """What a trial works with. ``certificates``: those of PACs, by number; ``pauses_s``: waits between tries."""

    clock: Clock
    sat: SatData
    signer: CsdSigner
    issuer: Issuer
    certificates: Mapping[str, bytes]
    pauses_s: tuple[float, ...] = PAUSES_S


def issuer_of(team: Team, signer: CsdSigner) -> Issuer | None:
    """The team as the issuer of its certificate; None while its regime or its postal code is missing."""
    if team.tax_system is None or team.zip is None:
        return None
    facts = signer.certificate
    name = name_on_cfdi(team.legal_name or facts.name, facts.rfc, bool(team.settings["keep_full_legal_name"]))
    return Issuer(facts.rfc, name, team.tax_system, team.zip)


async def trial(bench: Bench, pac: PacPort) -> AsyncIterator[Step]:
    """The steps as they happen; the first one that goes wrong is the last, cancelling apart."""
    reference = new_id("inv")
    sealed, total = _document(bench)
    outcome = await _stamped(bench, pac, sealed, reference)
    yield Step("stamp", isinstance(outcome, Stamped), _words(outcome))
    if not isinstance(outcome, Stamped):
        return
    stamp, step = _checked(bench, sealed, outcome)
    yield step
    if stamp is None:
        return
    if pac.abilities.dedup is not Dedup.NONE:
        yield _repeated(await pac.stamp(sealed, reference, hints=Hints()), stamp)
    if Ability.RECOVER in pac.abilities.can:
        yield _found(await _looked_up(bench, pac, sealed, reference), stamp)
    if Ability.CANCEL in pac.abilities.can:
        yield await _cancelled(bench, pac, stamp, total)


def _document(bench: Bench) -> tuple[bytes, str]:
    """(sealed bytes, total as printed)."""
    now_ms = bench.clock.now_ms()
    place = bench.sat.catalogs.zip_info(bench.issuer.zip)
    issued_at = local_time(now_ms - IN_THE_PAST_MS, zone_of(place) if place else CENTRAL)
    folio = now_ms // 1000 % 1_000_000_000
    invoice = Invoice("I", bench.issuer, RECEIVER, (LINE,), issued_at, series=SERIES, folio=folio)
    totals = compute(invoice.lines, decimals=2)
    draft = build(invoice, totals, bench.signer.text, cadena_of=lambda root: cadena.of(root, bench.sat.stylesheets))
    return seal(draft, bench.signer).xml, text(totals.total)


async def _stamped(bench: Bench, pac: PacPort, sealed: bytes, reference: str) -> StampOutcome | FindOutcome:
    """The stamp; an unknown outcome is cleared up as it would be for a real document."""
    outcome: StampOutcome | FindOutcome = await pac.stamp(sealed, reference, hints=Hints())
    for pause in bench.pauses_s:
        if describe(outcome)[0] != "unknown":
            break
        await asyncio.sleep(pause)
        outcome = await pac.find(sealed, reference, hints=Hints())
    return outcome


def _checked(bench: Bench, sealed: bytes, outcome: Stamped) -> tuple[Timbre | None, Step]:
    """The stamp is of our document. A sandbox's PAC certificate is often published nowhere: that alone is no fault."""
    try:
        stamp = timbre.check(outcome.xml, sealed, pac_certificates=bench.certificates, used=lambda _: False)
    except UnknownPac as unknown:
        stamp = timbre.read_stamped(outcome.xml)
        return stamp, Step("check", True, f"UUID {stamp.uuid}; the seal of the timbre was not judged ({unknown})")
    except TimbreRefused as refused:
        return None, Step("check", False, f"not our document with one good timbre: {refused}")
    return stamp, Step("check", True, f"UUID {stamp.uuid}, stamped by {stamp.rfc_pac}")


def _repeated(outcome: StampOutcome, stamp: Timbre) -> Step:
    if isinstance(outcome, Stamped):
        return _found(outcome, stamp, name="repeat")
    word, detail = describe(outcome)
    return Step("repeat", word == "unknown", f"{word}: {detail}" if detail else word)


def _found(outcome: StampOutcome | FindOutcome, stamp: Timbre, name: str = "find") -> Step:
    if not isinstance(outcome, Stamped):
        return Step(name, False, _words(outcome))
    try:
        uuid = timbre.read_stamped(outcome.xml).uuid
    except TimbreRefused as refused:
        return Step(name, False, str(refused))
    same = uuid == stamp.uuid
    return Step(name, same, "the same stamp" if same else f"ANOTHER stamp: {uuid}. Do not use this account")


async def _looked_up(bench: Bench, pac: PacPort, sealed: bytes, reference: str) -> FindOutcome:
    found = await pac.find(sealed, reference, hints=Hints())
    for pause in bench.pauses_s:
        if isinstance(found, Stamped | Rejected):
            break
        await asyncio.sleep(pause)
        found = await pac.find(sealed, reference, hints=Hints())
    return found


async def _cancelled(bench: Bench, pac: PacPort, stamp: Timbre, total: str) -> Step:
    """205 on a fresh document is asked again: the provider's sandbox has not told SAT's yet."""
    outcome = await _asked(bench, pac, stamp, total)
    for pause in bench.pauses_s:
        if not (isinstance(outcome, Rejected) and outcome.code == FRESH_UNKNOWN):
            break
        await asyncio.sleep(pause)
        outcome = await _asked(bench, pac, stamp, total)
    if isinstance(outcome, CancelAccepted):
        return Step("cancel", True, f"{outcome.code}, acuse of {len(outcome.acuse)} bytes")
    return Step("cancel", False, _words(outcome))


async def _asked(bench: Bench, pac: PacPort, stamp: Timbre, total: str) -> CancelOutcome:
    place = bench.sat.catalogs.zip_info(bench.issuer.zip)
    asked = cancellation.Cancellation(
        rfc=bench.issuer.rfc,
        requested_at=local_time(bench.clock.now_ms(), zone_of(place) if place else CENTRAL),
        uuid=stamp.uuid.upper(),
        motive=MOTIVE,
    )
    request = CancelRequest(
        uuid=stamp.uuid,
        issuer_rfc=bench.issuer.rfc,
        receiver_rfc=RECEIVER.rfc,
        total=total,
        motive=MOTIVE,
        substitution_uuid=None,
        signed_xml=cancellation.request(asked, certificate=bench.signer.certificate, signer=bench.signer),
    )
    return await pac.cancel(request, hints=Hints())


def _words(outcome: StampOutcome | FindOutcome | CancelOutcome) -> str:
    word, detail = describe(outcome)
    return f"{word}: {detail}" if detail else word
