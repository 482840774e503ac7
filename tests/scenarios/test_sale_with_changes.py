"""A sale, a partial credit, the credit taken back, the invoice replaced: what the books say at each step."""

from typing import Any

from timbra.cfdi.cancellation import read_acuse
from world import CFDI, IVA, World


def books(world: World) -> dict[str, Any]:
    """What an accountant adds up: documents in force and their totals."""
    sold = list(world.api.get("/invoices/income?status=valid&limit=100").data)
    credited = list(world.api.get("/invoices/egress?status=valid&limit=100").data)
    return {
        "sold": sum(row["total"] for row in sold),
        "credited": sum(row["total"] for row in credited),
        "open": sum(row["last_balance"] for row in sold),
        "documents": len(sold) + len(credited),
    }


def test_the_life_of_a_sale(world: World) -> None:
    customer = world.university()

    # Monday: two days of consulting are sold on credit.
    sale = world.api.post(
        "/invoices/income",
        {
            "client": {"id": customer},
            "payment_method": "PPD",
            "items": [{"description": "Consultoría", "quantity": 2, "unit_price": 5000, "taxes": [IVA]}],
            "metadata": {"order": "7781"},
        },
    ).data
    assert (sale["series"], sale["folio_number"], sale["payment_form"]) == ("A", 1, "99")
    assert (sale["subtotal"], sale["taxes"], sale["total"], sale["last_balance"]) == (10000, 1600, 11600, 11600)
    assert books(world) == {"sold": 11600, "credited": 0, "open": 11600, "documents": 1}

    # The customer complains: a tenth is credited.
    credit = world.api.post(
        "/invoices/egress",
        {
            "client": {"id": customer},
            "related_documents": [{"relationship": "01", "documents": [sale["uuid"]]}],
            "items": [{"description": "Bonificación del 10 %", "unit_price": 1000, "taxes": [IVA]}],
        },
    ).data
    assert (credit["series"], credit["folio_number"], credit["total"]) == ("E", 1, 1160)
    assert books(world) == {"sold": 11600, "credited": 1160, "open": 10440, "documents": 2}

    # The invoice cannot be canceled while the credit is in force.
    refused = world.api.delete(f"/invoices/{sale['uuid']}", {"motive": "02"})
    assert (refused.status, refused.details) == (400, [f"related document: {credit['uuid']}"])

    # The credit was a mistake and is taken back: the customer owes the whole again.
    canceled = world.api.delete(f"/invoices/{credit['uuid']}", {"motive": "02"})
    assert (canceled.status, canceled.data["status"]) == (200, "canceled")
    assert books(world) == {"sold": 11600, "credited": 0, "open": 11600, "documents": 1}

    # The description was wrong too: a new invoice replaces the old one.
    new = world.api.post(
        "/invoices/income",
        {
            "client": {"id": customer},
            "payment_method": "PPD",
            "items": [{"description": "Consultoría fiscal", "quantity": 2, "unit_price": 4500, "taxes": [IVA]}],
            "related_documents": [{"relationship": "04", "documents": [sale["uuid"]]}],
            "metadata": {"order": "7781"},
        },
    ).data
    assert (new["folio_number"], new["total"], new["invoices"]) == (2, 10440, [sale["uuid"]])
    replaced = world.api.delete(f"/invoices/{sale['uuid']}", {"motive": "01", "substitution_uuid": new["uuid"]})
    assert replaced.data["cancellation"]["substitution_uuid"] == new["uuid"]
    assert books(world) == {"sold": 10440, "credited": 0, "open": 10440, "documents": 1}

    # What the archive holds: three documents whose seals hold, two acuses, one line of events per step.
    for uuid in (sale["uuid"], credit["uuid"], new["uuid"]):
        assert world.verdict(world.xml(uuid)).valid
    for uuid in (sale["uuid"], credit["uuid"]):
        acuse = read_acuse(world.api.get(f"/invoices/{uuid}/acuse").raw.content)
        assert [(folio.uuid, folio.code) for folio in acuse.folios] == [(uuid.upper(), "201")]
    relation = world.root(new["uuid"]).find(f"{CFDI}CfdiRelacionados")
    assert relation is not None
    assert (relation.get("TipoRelacion"), relation[0].get("UUID")) == ("04", sale["uuid"])
    assert [event for event in world.events() if event[0] != "invoice.cancellation_updated"] == [
        ("invoice.created", sale["uuid"]),
        ("invoice.created", credit["uuid"]),
        ("invoice.canceled", credit["uuid"]),
        ("invoice.created", new["uuid"]),
        ("invoice.canceled", sale["uuid"]),
    ]
    assert world.actions() == [
        "invoice.create", "invoice.stamp", "invoice.create", "invoice.stamp", "invoice.cancel",
        "invoice.create", "invoice.stamp", "invoice.cancel",
    ]  # fmt: skip
    assert (world.folios("A"), world.folios("E")) == ((2, [1, 2]), (1, [1]))
    found = world.api.get("/invoices/income?metadata.order=7781")
    assert [row["uuid"] for row in found.data] == [new["uuid"], sale["uuid"]]
