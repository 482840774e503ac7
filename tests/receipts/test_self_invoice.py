"""Links to the self-invoice page: what opens a receipt and what does not."""

from urllib.parse import parse_qs, urlsplit

from sqlalchemy import text

from receipts.test_create import sold
from timbra.receipts import self_invoice
from timbra.receipts.model import Receipt
from world import World


def opened(world: World, receipt_id: str, key: str) -> Receipt | None:
    links = world.house.receipts.links
    return world.database.read_sync(lambda tx: links.verify(tx, receipt_id, key))


def by_code(world: World, code: str) -> Receipt | None:
    return world.database.read_sync(lambda tx: self_invoice.opened_by_code(tx, code))


def test_key_and_code_open_their_receipt_alone(world: World) -> None:
    first, second = sold(world).data, sold(world).data
    key = parse_qs(urlsplit(first["url"]).query)["k"][0]

    found = opened(world, first["id"], key)
    short = by_code(world, first["short_url"].rpartition("/")[2])

    assert (len(key), found is not None and found.id, short is not None and short.id) == (22, first["id"], first["id"])
    assert opened(world, second["id"], key) is None
    for wrong in ("", key[:16], key[:21], key[:-1] + ("a" if key[-1] != "a" else "b"), key + "a", "ñ" * 22):
        assert opened(world, first["id"], wrong) is None
    assert by_code(world, key) is None
    assert by_code(world, "a" * 16) is None


def test_a_link_lives_as_long_as_its_team(world: World) -> None:
    receipt = sold(world).data
    key = parse_qs(urlsplit(receipt["url"]).query)["k"][0]

    world.restart()
    assert opened(world, receipt["id"], key) is not None
    world.api.delete(f"/receipts/{receipt['id']}")
    assert opened(world, receipt["id"], key) is not None

    world.database.write_sync(lambda tx: tx.execute(text("update teams set status = 'pending_deletion'")))
    assert opened(world, receipt["id"], key) is None


def test_neither_key_nor_code_is_stored(world: World) -> None:
    receipt = sold(world).data
    code = receipt["short_url"].rpartition("/")[2]

    assert not any(code in str(value) for row in world.query("select * from receipts") for value in row)
