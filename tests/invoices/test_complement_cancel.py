"""Canceling and replacing complements (contract complements.md section 5)."""

from collections.abc import Iterator
from typing import Any

import pytest

from crash.invariants import violations
from world import World


@pytest.fixture(autouse=True)
def consistent(world: World) -> Iterator[None]:
    """Whatever a test does, the tables agree with each other afterwards, once nothing waits."""
    yield
    world.sweep(after_s=3_600)
    assert [fault for fault in violations(world.database) if "authority says otherwise" not in fault] == []


def credit_sale(world: World, price: float = 10_000, **fields: Any) -> str:
    return str(world.issue(price, payment_method="PPD", **fields)["uuid"])


def balance(world: World, uuid: str) -> tuple[Any, Any, Any]:
    shown = world.show(uuid)
    return shown["payment_complements"], shown["last_balance"], shown["installments"]


def replacing(old: str) -> list[dict[str, Any]]:
    return [{"relationship": "04", "documents": [old]}]


def states(world: World) -> list[tuple[Any, ...]]:
    return world.query(
        "select installment, amount / 1000000, state from invoice_payments order by complement_id, position"
    )


class TestCancel:
    def test_what_was_paid_is_owed_again(self, world: World) -> None:
        sale = credit_sale(world)
        world.pay((sale, 1_000))
        last = world.pay((sale, 2_000)).data["uuid"]

        reply = world.api.delete(f"/invoices/{last}", {"motive": "02"})

        assert (reply.status, reply.message, reply.data["status"]) == (200, "Invoice canceled successfully", "canceled")
        assert balance(world, sale) == (1_000, 10_600, 1)
        assert world.pay((sale, 500)).data["payment_complement"]["documents"][0]["installment"] == 2
        assert world.event_bodies("invoice.canceled")[0]["invoice_type"] == "P"

    def test_the_last_instalment_of_each_invoice_goes_first(self, world: World) -> None:
        sale, other = credit_sale(world), credit_sale(world)
        first = world.pay((sale, 1_000), (other, 1_000)).data["uuid"]
        second = world.pay((sale, 1_000)).data["uuid"]
        third = world.pay((other, 1_000)).data["uuid"]

        for motive in ("02", "03"):
            reply = world.api.delete(f"/invoices/{first}", {"motive": motive})
            assert (reply.status, reply.error_code) == (400, "business_rule_violation")
            assert sorted(reply.details) == sorted(f"related document: {uuid}" for uuid in (second, third))
        assert world.api.get(f"/invoices/{first}/cancellation").data["advice"]["can_cancel"] is False
        for uuid in (second, third, first):
            assert world.api.delete(f"/invoices/{uuid}", {"motive": "02"}).data["status"] == "canceled"
        assert (balance(world, sale), balance(world, other)) == ((0, 11_600, 0), (0, 11_600, 0))

    def test_motive_04_is_for_global_invoices(self, world: World) -> None:
        uuid = world.pay(credit_sale(world)).data["uuid"]

        reply = world.api.delete(f"/invoices/{uuid}", {"motive": "04"})

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")

    def test_an_invoice_with_live_complements_stays(self, world: World) -> None:
        sale = credit_sale(world)
        uuid = world.pay((sale, 10)).data["uuid"]

        refused = world.api.delete(f"/invoices/{sale}", {"motive": "02"})
        world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        assert (refused.error_code, refused.details) == ("business_rule_violation", [f"related document: {uuid}"])
        assert world.api.delete(f"/invoices/{sale}", {"motive": "02"}).data["status"] == "canceled"

    def test_nothing_moves_until_it_is_final(self, world: World) -> None:
        sale = credit_sale(world)
        uuid = world.pay((sale, 10), metadata={"sandbox_cancel": "rejected"}).data["uuid"]

        reply = world.api.delete(f"/invoices/{uuid}", {"motive": "02"})

        assert (reply.data["status"], balance(world, sale)) == ("valid", (10, 11_590, 1))
        world.sweep(after_s=120)
        assert (world.show(uuid)["cancellation_status"], balance(world, sale)) == ("rejected", (10, 11_590, 1))


class TestReplace:
    def test_a_wrong_complement_is_replaced(self, world: World) -> None:
        sale = credit_sale(world)
        world.pay((sale, 600))
        wrong = world.pay((sale, 5_000)).data["uuid"]

        reply = world.pay((sale, 1_000), related_documents=replacing(wrong))

        assert reply.status == 201, reply.json
        (paid,) = reply.data["payment_complement"]["documents"]
        assert (paid["installment"], paid["previous_balance"], paid["remaining_balance"]) == (2, 11_000, 10_000)
        assert reply.data["related_documents"] == replacing(wrong)
        assert balance(world, sale) == (1_600, 10_000, 2)
        canceled = world.api.delete(f"/invoices/{wrong}", {"motive": "01", "substitution_uuid": reply.data["uuid"]})
        assert canceled.data["status"] == "canceled"
        assert balance(world, sale) == (1_600, 10_000, 2)
        assert states(world) == [(1, 600, "live"), (2, 5_000, "replaced"), (2, 1_000, "live")]

    def test_a_settled_invoice_may_be_paid_again_by_a_replacement(self, world: World) -> None:
        sale = credit_sale(world)
        wrong = world.pay(sale).data["uuid"]

        data = world.pay(sale, payment_form="01", related_documents=replacing(wrong)).data

        assert (data["payment_complement"]["documents"][0]["previous_balance"], data["total"]) == (11_600, 11_600)
        assert balance(world, sale) == (11_600, 0, 1)

    def test_an_earlier_instalment_is_replaced_with_its_own_number(self, world: World) -> None:
        sale = credit_sale(world)
        first = world.pay((sale, 1_000)).data["uuid"]
        world.pay((sale, 2_000))

        data = world.pay((sale, 1_000), operation_number="OK", related_documents=replacing(first)).data

        (paid,) = data["payment_complement"]["documents"]
        assert (paid["installment"], paid["previous_balance"]) == (1, 11_600)
        canceled = world.api.delete(f"/invoices/{first}", {"motive": "01", "substitution_uuid": data["uuid"]})
        assert (canceled.status, balance(world, sale)) == (200, (3_000, 8_600, 2))

    def test_no_more_than_others_leave(self, world: World) -> None:
        sale = credit_sale(world)
        first = world.pay((sale, 1_000)).data["uuid"]
        world.pay((sale, 10_000))

        with world.unchanged():
            reply = world.pay((sale, 1_600.01), related_documents=replacing(first))

        assert reply.details == ["invoices[0].amount: must not be above what is owed, 1600"]

    def test_an_invoice_that_the_new_one_leaves_out_is_owed_again(self, world: World) -> None:
        sale, other = credit_sale(world), credit_sale(world)
        wrong = world.pay(sale, other).data["uuid"]

        world.pay(sale, related_documents=replacing(wrong))

        assert (balance(world, sale), balance(world, other)) == ((11_600, 0, 1), (0, 11_600, 0))

    def test_a_chain_of_replacements(self, world: World) -> None:
        sale = credit_sale(world)
        uuid = world.pay((sale, 100)).data["uuid"]

        for amount in (200, 300, 400):
            data = world.pay((sale, amount), related_documents=replacing(uuid)).data
            assert data["payment_complement"]["documents"][0]["installment"] == 1
            world.api.delete(f"/invoices/{uuid}", {"motive": "01", "substitution_uuid": data["uuid"]})
            uuid = data["uuid"]

        assert balance(world, sale) == (400, 11_200, 1)

    def test_only_once(self, world: World) -> None:
        sale = credit_sale(world)
        wrong = world.pay((sale, 100)).data["uuid"]
        world.pay((sale, 200), related_documents=replacing(wrong))

        with world.unchanged():
            reply = world.pay((sale, 300), related_documents=replacing(wrong))

        assert reply.details == ["related_documents[0].documents[0]: was replaced before"]

    def test_only_own_valid_complements(self, world: World) -> None:
        sale = credit_sale(world)
        canceled = world.pay((sale, 100)).data["uuid"]
        world.api.delete(f"/invoices/{canceled}", {"motive": "02"})

        for uuid, reason in (
            ("99999999-2222-4333-8444-555555555555", "is not a complement of this team"),
            (sale, "is not a complement of this team"),
            (canceled, "is canceled, not valid"),
        ):
            with world.unchanged():
                reply = world.pay((sale, 10), related_documents=replacing(uuid))
            assert reply.details == [f"related_documents[0].documents[0]: {reason}"]

    def test_a_refused_replacement_changes_nothing(self, world: World) -> None:
        sale = credit_sale(world)
        wrong = world.pay((sale, 100)).data["uuid"]

        reply = world.pay((sale, 200), related_documents=replacing(wrong), metadata={"sandbox": "reject:CRP20217"})

        assert (reply.status, balance(world, sale)) == (422, (100, 11_500, 1))
        assert states(world) == [(1, 100, "live"), (1, 200, "undone")]
        assert world.pay((sale, 200), related_documents=replacing(wrong)).status == 201

    def test_a_replacement_that_waits_keeps_others_away(self, world: World) -> None:
        sale, other = credit_sale(world), credit_sale(world)
        wrong = world.pay((sale, 100), (other, 100)).data["uuid"]
        world.pay((sale, 200), related_documents=replacing(wrong), metadata={"sandbox": "pac_down"})

        assert (balance(world, sale), balance(world, other)) == ((100, 11_500, 1), (100, 11_500, 1))
        assert world.pay((other, 10)).error_code == "resource_conflict"
        world.sweep(after_s=60)
        assert (balance(world, sale), balance(world, other)) == ((200, 11_400, 1), (0, 11_600, 0))

    def test_without_its_replacement_the_old_one_counts_again(self, world: World) -> None:
        sale = credit_sale(world)
        old = world.pay((sale, 100)).data["uuid"]
        new = world.pay((sale, 200), related_documents=replacing(old)).data["uuid"]

        world.api.delete(f"/invoices/{new}", {"motive": "02"})

        assert balance(world, sale) == (100, 11_500, 1)
        assert states(world) == [(1, 100, "live"), (1, 200, "undone")]

    def test_unless_others_have_taken_its_place(self, world: World) -> None:
        sale = credit_sale(world)
        old = world.pay((sale, 10_000)).data["uuid"]
        new = world.pay((sale, 100), related_documents=replacing(old)).data["uuid"]
        world.pay((sale, 11_500))
        assert world.api.delete(f"/invoices/{new}", {"motive": "02"}).status == 400

        fresh = world.pay((sale, 100), related_documents=replacing(new)).data["uuid"]
        world.api.delete(f"/invoices/{new}", {"motive": "01", "substitution_uuid": fresh})

        assert balance(world, sale) == (11_600, 0, 2)

    def test_a_replacement_must_relate_to_the_old_one(self, world: World) -> None:
        sale = credit_sale(world)
        first, second = (world.pay((sale, 10)).data["uuid"] for _ in range(2))

        reply = world.api.delete(f"/invoices/{first}", {"motive": "01", "substitution_uuid": second})

        assert (reply.error_code, reply.paths) == ("business_rule_violation", [("substitution_uuid", "conflict")])
