"""A month of sales on credit: outages, a refusal, credits over several invoices, a cancellation the customer rejects."""

from decimal import Decimal

from world import DAY_MS, IVA, World


def owed(world: World) -> Decimal:
    """What customers owe, by the list of unpaid invoices."""
    return sum(
        (row["last_balance"] for row in world.api.get("/invoices/income?status=unpaid&limit=100").data), Decimal(0)
    )


def sell(world: World, price: float, case: str | None = None, cancel: str | None = None) -> dict[str, str]:
    """A sale on credit; the id of its document and the status of the reply."""
    metadata = {name: value for name, value in (("sandbox", case), ("sandbox_cancel", cancel)) if value}
    body = world.sale(price, payment_method="PPD", metadata=metadata)
    reply = world.api.post("/invoices/income", body)
    id_ = reply.data["internal_id"] if reply.status in (201, 202) else reply.error["invoice"]["id"]
    return {"id": id_, "status": str(reply.status)}


def test_a_month_on_credit(world: World) -> None:
    # Week 1: three plain sales.
    first, second, third = (sell(world, price)["id"] for price in (1000, 2000, 3000))
    assert owed(world) == Decimal(6960)

    # Week 2: the PAC is down, then slow, then refuses a wrong postal code. Nothing is lost and no number is skipped.
    world.clock.advance(7 * DAY_MS)
    outage, slow, refused = (
        sell(world, 500, "pac_down"),
        sell(world, 600, "pac_slow"),
        sell(world, 700, "reject:CFDI40147"),
    )
    assert [one["status"] for one in (outage, slow, refused)] == ["503", "202", "422"]
    assert owed(world) == Decimal(6960)  # what is not stamped is not owed
    corrected = sell(world, 700)
    assert world.show(corrected["id"])["folio_number"] == 6  # the number of the refused one
    world.sweep(after_s=90)
    assert [world.show(one["id"])["status"] for one in (outage, slow, refused)] == ["valid", "valid", "failed"]
    assert owed(world) == Decimal(6960) + Decimal("1.16") * (500 + 600 + 700)

    # Week 3: goods come back. One credit note covers the first two invoices and a part of the third.
    world.clock.advance(7 * DAY_MS)
    uuids = [world.show(id_)["uuid"] for id_ in (first, second, third)]
    back = world.credit(uuids, 3500, relationship="03").data
    assert back["total"] == Decimal(4060)
    assert [world.show(uuid)["credited"] for uuid in uuids] == [1160, 2320, 580]
    assert [world.show(uuid)["last_balance"] for uuid in uuids] == [0, 0, 2900]
    assert owed(world) == Decimal(2900) + Decimal(2088)
    too_much = world.credit(uuids, 2500.01)
    assert too_much.error_code == "business_rule_violation"

    # Week 4: a doubtful sale is to be canceled, the customer refuses, later agrees.
    world.clock.advance(7 * DAY_MS)
    doubtful = world.show(sell(world, 9000, cancel="rejected")["id"])["uuid"]
    assert world.api.delete(f"/invoices/{doubtful}", {"motive": "03"}).data["cancellation_status"] == "pending"
    world.sweep(after_s=120)
    assert world.show(doubtful)["cancellation_status"] == "rejected"
    assert owed(world) == Decimal(4988) + Decimal(10440)
    world.credit([doubtful], 9000, items=[{"description": "Nota por el total", "unit_price": 9000, "taxes": [IVA]}])
    assert owed(world) == Decimal(4988)

    # Month end: every number of the series is used once, every stamp holds, every balance adds up.
    assert world.folios("A") == (7, [1, 2, 3, 4, 5, 6, 7])
    assert world.released("A") == []
    rows = world.api.get("/invoices/income?limit=100").data + world.api.get("/invoices/egress?limit=100").data
    assert len(rows) == 9
    assert all(world.verdict(world.xml(row["uuid"])).valid for row in rows)
    for row in rows:
        if row["payment_method"] == "PPD":
            assert row["last_balance"] == row["total"] - row["payment_complements"] - row["credited"]
    stamped = [id_ for type_, id_ in world.events() if type_ == "invoice.created"]
    assert sorted(stamped) == sorted(row["uuid"] for row in rows)
