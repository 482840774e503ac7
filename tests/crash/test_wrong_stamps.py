"""A PAC that answers with something that is not our stamp: refused, somebody is told, and the document waits for it."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from invariants import violations
from lxml import etree

from timbra.cfdi import timbre
from timbra.credentials.signer import RsaSigner
from timbra.pac.port import Abilities, CancelOutcome, CancelRequest, Dedup, FindOutcome, Hints, Stamped, StampOutcome
from timbra.pac.sandbox.provider import SandboxPac
from timbra.pac.sandbox.stamping import Accepted, timbre_of
from world import World

OTHER_UUID = "11111111-1111-4111-8111-111111111111"


class LyingPac:
    """The sandbox, with its stamps altered on the way back as long as ``lie`` is set."""

    name, abilities = "sandbox", Abilities(Dedup.BY_XML)

    def __init__(self, honest: SandboxPac, lie: Callable[[bytes, bytes], bytes]) -> None:
        self.honest = honest
        self.lie: Callable[[bytes, bytes], bytes] | None = lie

    async def stamp(self, xml: bytes, reference: str, *, hints: Hints) -> StampOutcome:
        outcome = await self.honest.stamp(xml, reference, hints=hints)
        return Stamped(self.lie(outcome.xml, xml)) if self.lie and isinstance(outcome, Stamped) else outcome

    async def find(self, xml: bytes, reference: str, *, hints: Hints) -> FindOutcome:
        outcome = await self.honest.find(xml, reference, hints=hints)
        return Stamped(self.lie(outcome.xml, xml)) if self.lie and isinstance(outcome, Stamped) else outcome

    async def cancel(self, request: CancelRequest, *, hints: Hints) -> CancelOutcome:
        return await self.honest.cancel(request, hints=hints)


def stamped_again(world: World, sealed: bytes, **changes: Any) -> bytes:
    """Our document with another timbre, sealed by the sandbox PAC itself."""
    facts = world.house.sandbox.pac_facts
    root = etree.fromstring(sealed)
    accepted = Accepted(changes.get("sello", root.get("Sello")), "EKU9003173C9", "URE180429TM6", root.get("Total", ""))
    at = changes.get("at", datetime(2026, 10, 9, 12))
    uuid = changes.get("uuid", OTHER_UUID)
    tfd = timbre_of(accepted, uuid=uuid, at_local=at, pac=facts, signer=RsaSigner(world.house.sandbox.pac.key))
    return timbre.attach(sealed, tfd)


def uuid_of(stamped: bytes) -> str:
    return str(next(etree.fromstring(stamped).iter("{*}TimbreFiscalDigital")).get("UUID"))


def with_attribute(xml: bytes, name: str, value: str) -> bytes:
    root = etree.fromstring(xml)
    tfd = next(root.iter("{*}TimbreFiscalDigital"))
    (root if name == "Total" else tfd).set(name, value)
    return etree.tostring(root)


Lie = Callable[[World, bytes], Callable[[bytes, bytes], bytes]]  # of the world and another invoice's stamped XML
LIES: dict[str, Lie] = {
    "the stamp of another invoice": lambda world, other: lambda _, __: other,
    "another invoice's timbre on ours": lambda world, other: lambda _, sealed: stamped_again(
        world, sealed, sello=etree.fromstring(other).get("Sello")),
    "an altered total": lambda world, _: lambda xml, __: with_attribute(xml, "Total", "1160.01"),
    "a wrong SelloCFD": lambda world, _: lambda xml, __: with_attribute(xml, "SelloCFD", "AAAA"),
    "an unknown certificate": lambda world, _: lambda xml, __: with_attribute(xml, "NoCertificadoSAT", "0" * 20),
    "a seal that is not the PAC's": lambda world, _: lambda xml, __: with_attribute(xml, "UUID", OTHER_UUID),
    "a used UUID": lambda world, other: lambda _, sealed: stamped_again(
        world, sealed, uuid=uuid_of(other)),
    "a timbre of another week": lambda world, _: lambda __, sealed: stamped_again(
        world, sealed, at=datetime(2026, 10, 2)),
    "two timbres": lambda world, _: lambda xml, sealed: timbre.attach(
        xml, etree.tostring(next(etree.fromstring(xml).iter("{*}TimbreFiscalDigital")))),
    "no timbre": lambda world, _: lambda __, sealed: sealed,
    "a timbre without UUID": lambda world, _: lambda xml, __: with_attribute(xml, "UUID", ""),
    "garbage": lambda world, _: lambda __, ___: b"\x00\xff<html>Service Unavailable",
    "nothing": lambda world, _: lambda __, ___: b"",
    "truncated XML": lambda world, _: lambda xml, __: xml[: len(xml) // 2],
    "a document type": lambda world, _: lambda xml, __: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
}  # fmt: skip


@pytest.mark.parametrize("what", LIES)
def test_a_stamp_that_is_not_ours_is_refused_and_alarmed_once(what: str, world: World) -> None:
    other = world.issue(50, metadata={"request": "other"})
    honest: Any = world.parts.test.pacs[0]
    pac = LyingPac(honest, LIES[what](world, world.xml(other["uuid"])))
    world.parts.test.pacs[:] = [pac]  # type: ignore[index]

    reply = world.api.post("/invoices/income", world.sale(1000, metadata={"request": "ours"}), idempotency_key="k")
    world.sweep(after_s=10)
    world.sweep(after_s=60)

    assert reply.status == 202, reply.json
    invoice_id = reply.data["id"]
    ((status, uuid, held_by),) = world.query("select status, uuid, held_by from invoices where id = :i", i=invoice_id)
    assert (status, uuid, held_by) == ("pending", None, "sandbox")
    alarms = world.query(
        "select outcome from audit_log where action = 'invoice.alarm' and resource_id = :i", i=invoice_id
    )
    assert alarms == [("alarm",)]
    assert world.query("select kind from invoice_files where invoice_id = :i", i=invoice_id) == [("sealed",)]
    assert len(world.events()) == 1

    pac.lie = None
    world.sweep(after_s=600)

    again = world.api.post("/invoices/income", world.sale(1000, metadata={"request": "ours"}), idempotency_key="k")
    assert (again.status, again.data["status"], again.data["internal_id"]) == (201, "valid", invoice_id)
    assert violations(world.database) == []
