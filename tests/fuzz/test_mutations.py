"""A good body, damaged at random: the answer is a document that SAT would take, or a refusal that leaves nothing."""

import copy
import os
from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from lxml import etree

from factories.refusals import check_envelope
from timbra.platform import json
from world import IVA, World

CASES = 2_000 if os.environ.get("TIMBRA_SOAK") else 200
PARTS = 4
ISR = {"type": "ISR", "rate": 0.1, "factor": "Tasa", "withholding": True}
IEPS = {"type": "IEPS", "rate": 0.08, "factor": "Tasa", "withholding": False, "inclusive": True}
VALUES: tuple[Any, ...] = (
    None, "", " ", "x", "0", "-1", "99999999999999999999", True, False, 0, -1, 1, 16, 0.16, 10**15, json.Raw("1" * 40), 0.000001, 1e-9,
    [], {}, [None], [[]], ["x"], {"x": {}}, "á\u0301|ñ", "x" * 2_000, "<a/>", "01", "99", "MXN", "USD", "JPY", "2026-10-09",
    1_791_568_800, "G03", "Exento", "Cuota", "PPD", "XAXX010101000", Decimal("33.333333"), Decimal("0.5"),
)  # fmt: skip


def body_of(world: World, random: Random) -> dict[str, Any]:
    """An income invoice with most of what a body can have."""
    lines = [
        {"description": "Consultoría", "quantity": 3, "unit_price": Decimal("33.333333"), "taxes": [IVA, ISR]},
        {"description": "Hospedaje", "unit_price": 116, "discount": 10, "taxes": [{**IVA, "inclusive": True}]},
        {"description": "Bebida", "unit_price": 50, "quantity": 2, "taxes": [IEPS, {**IVA, "inclusive": True}]},
        {"description": "Libro", "unit_price": 80, "taxes": [{**IVA, "rate": 0}], "sku": "L-1", "unit_key": "H87"},
        {"description": "Renta", "unit_price": 900, "product_key": "80131500", "taxability": "01", "taxes": []},
    ]
    items = random.sample(lines, random.randint(1, len(lines)))
    return world.sale(
        items=copy.deepcopy(items), currency="MXN", exchange_rate=1, payment_method="PUE", payment_form="03", use="G03",
        series="A", folio_number=0, exports="01", payment_conditions="Contado", metadata={"order": "1"},
        local_taxes=[{"name": "ISH", "rate": 0.03, "withholding": False}], emails=["a@b.mx"], send_email=False,
        related_documents=[{"relationship": "04", "documents": ["6f1c3a52-9d04-4f6e-8b1a-2c7d5e9f0a11"]}],
        invoice_pdf_notes="Gracias", return_files_urls=False, automation_type="none", date=1_791_568_000,
    )  # fmt: skip


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) below ``value``."""
    for key, inner in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
        yield value, key
        if isinstance(inner, dict | list):
            yield from places(inner)


def mutate(body: dict[str, Any], random: Random) -> None:
    """One thing dropped, emptied, replaced, swapped with another or made huge."""
    here, key = random.choice(list(places(body)))
    match random.choice(("drop", "null", "retype", "retype", "swap", "huge")):
        case "drop":
            del here[key]
        case "null":
            here[key] = None
        case "retype":
            here[key] = copy.deepcopy(random.choice(VALUES))
        case "swap":
            there, other = random.choice(list(places(body)))
            here[key], there[other] = copy.deepcopy(there[other]), copy.deepcopy(here[key])
        case "huge":
            here[key] = random.choice(
                ("x" * 100_000, json.Raw("9" * 300), [here[key]] * 60, {f"k{n}": n for n in range(200)})
            )


def check_document(world: World, data: dict[str, Any]) -> None:
    """The stamped XML is good and says what the reply says."""
    xml = world.xml(data["uuid"])
    verdict = world.verdict(xml)
    assert verdict.valid, verdict
    root = etree.fromstring(xml)
    taxes = root.find("{*}Impuestos")
    local = root.find(".//{http://www.sat.gob.mx/implocal}ImpuestosLocales")

    def amount(node: Any, name: str) -> Decimal:
        return Decimal("0" if node is None else node.get(name) or "0")

    assert data["total"] == amount(root, "Total")
    assert data["subtotal"] == amount(root, "SubTotal")
    assert data["discount"] == amount(root, "Descuento")
    assert data["taxes"] == amount(taxes, "TotalImpuestosTrasladados") + amount(local, "TotaldeTraslados")
    assert data["withholding_taxes"] == amount(taxes, "TotalImpuestosRetenidos") + amount(local, "TotaldeRetenciones")
    assert data["total"] == data["subtotal"] - data["discount"] + data["taxes"] - data["withholding_taxes"]
    assert (data["currency"], data["series"], str(data["folio_number"])) == (
        root.get("Moneda"), root.get("Serie"), root.get("Folio"),
    )  # fmt: skip


def test_the_unharmed_body_is_a_good_document(shared_world: World) -> None:
    for seed in range(5):
        reply = shared_world.api.post("/invoices/income", body_of(shared_world, Random(seed)))

        assert reply.status == 201, reply.json
        check_document(shared_world, reply.data)


@pytest.mark.parametrize("part", range(PARTS))
def test_damaged_body_is_a_good_document_or_a_refusal(shared_world: World, part: int) -> None:
    shared_world.client()  # one made inline stays when its document is refused
    outcomes: dict[int, int] = {}
    for seed in range(part, CASES, PARTS):
        random = Random(seed)
        body = body_of(shared_world, random)
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            mutate(body, random)
        before = shared_world.state()

        reply = shared_world.api.post("/invoices/income", body)

        outcomes[reply.status] = outcomes.get(reply.status, 0) + 1
        if reply.status == 201:
            check_document(shared_world, reply.data)
            continue
        assert 400 <= reply.status < 500, (seed, reply.json)
        check_envelope(reply)
        if reply.status != 422:  # which keeps the refused document, as failed
            left = shared_world.state()
            assert {name for name in left if left[name] != before[name]} <= {"clients", "events", "audit_log"}, seed
    assert outcomes.get(201, 0) > CASES // PARTS // 10, outcomes
    assert outcomes.get(400, 0) > CASES // PARTS // 4, outcomes
