"""POST /invoices/egress: credit notes and what they do to the invoices they credit."""

from decimal import Decimal
from typing import Any

import pytest

from world import CFDI, IVA, PUBLIC, World


def balances(world: World, *uuids: str) -> list[tuple[Any, Any]]:
    """(credited, last_balance) of each invoice."""
    return [(one["credited"], one["last_balance"]) for one in map(world.show, uuids)]


class TestExample:
    def test_the_contracts_example(self, world: World) -> None:
        sale = world.issue(3000)["uuid"]
        body = {
            "client": {"id": world.university()}, "payment_form": "03",
            "related_documents": [{"relationship": "01", "documents": [sale]}],
            "items": [{"description": "Bonificación", "quantity": 1, "unit_price": 1000, "taxes": [IVA]}],
        }  # fmt: skip

        reply = world.api.post("/invoices/egress", body)

        assert (reply.status, reply.message) == (201, "Invoice created successfully")
        expected = {
            "invoice_type": "E", "status": "valid", "series": "E", "folio_number": 1, "use": "G02",
            "payment_method": "PUE", "payment_form": "03", "subtotal": 1000, "discount": 0, "taxes": 160,
            "withholding_taxes": 0, "total": 1160, "last_balance": 0,
            "related_documents": [{"relationship": "01", "documents": [sale]}], "invoices": [sale],
        }  # fmt: skip
        assert {key: reply.data[key] for key in expected} == expected
        assert balances(world, sale) == [(1160, 0)]
        assert world.show(sale)["invoices"] == [reply.data["uuid"]]
        root = world.root(reply.data["uuid"])
        assert (root.get("TipoDeComprobante"), root.get("MetodoPago"), root.get("Serie")) == ("E", "PUE", "E")
        assert world.verdict(world.xml(reply.data["uuid"])).valid

    def test_get_and_list_show_egresses_only(self, world: World) -> None:
        sale = world.issue(100)["uuid"]
        credit = world.credit([sale], 50).data["uuid"]

        assert world.api.get(f"/invoices/egress/{credit}").data["uuid"] == credit
        assert [row["uuid"] for row in world.api.get("/invoices/egress").data] == [credit]
        assert [row["uuid"] for row in world.api.get("/invoices/income").data] == [sale]
        for path in (f"/invoices/income/{credit}", f"/invoices/egress/{sale}"):
            assert world.api.get(path).error_code == "resource_not_found"


class TestDefaults:
    def test_a_line_takes_the_keys_of_a_credit_note(self, world: World) -> None:
        sale = world.issue(100)["uuid"]
        related = {"documents": [sale]}
        body = {"client": {"id": world.university()}, "related_documents": related, "items": [{"unit_price": 10}]}

        data = world.api.post("/invoices/egress", body).data

        (item,) = data["items"]
        assert (item["product_key"], item["unit_key"], item["description"]) == ("84111506", "ACT", "Nota de crédito")
        assert data["related_documents"] == [{"relationship": "01", "documents": [sale]}]
        assert item["taxes"][0]["rate"] == Decimal("0.16")

    @pytest.mark.parametrize(("sold", "sent", "form"), [("01", None, "01"), (None, None, "03"), ("28", "17", "17")])
    def test_the_form_is_that_of_the_first_own_invoice(
        self, world: World, sold: str | None, sent: str | None, form: str
    ) -> None:
        sale = world.issue(100, payment_form=sold)["uuid"]

        assert world.credit([sale], 10, payment_form=sent).data["payment_form"] == form

    def test_the_form_is_15_for_ppd_and_for_documents_of_others(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]

        assert world.credit([sale], 10).data["payment_form"] == "15"
        assert world.credit(["11111111-2222-4333-8444-555555555555"], 10).data["payment_form"] == "15"

    def test_use_is_not_taken_from_client_or_settings(self, world: World) -> None:
        world.settings(use="I04")
        sale = world.issue(100)["uuid"]

        assert [world.credit([sale], 10, **more).data["use"] for more in ({}, {"use": "G01"})] == ["G02", "G01"]

    def test_series_of_the_team(self, world: World) -> None:
        world.settings(default_series={"credit_note": {"serie": "NC"}})
        sale = world.issue(100)["uuid"]

        assert [world.credit([sale], 10, **more).data["series"] for more in ({}, {"series": "X"})] == ["NC", "X"]

    def test_automation_and_global_are_taken_without_effect(self, world: World) -> None:
        sale = world.issue(100)["uuid"]

        reply = world.credit([sale], 10, automation_type="payment", **{"global": {"year": 2026}})

        assert (reply.status, reply.data["global"], reply.data["automations"]) == (201, None, [])

    def test_the_general_public_needs_no_related_document(self, world: World) -> None:
        body = {"client": PUBLIC, "items": [{"unit_price": 10, "taxes": [IVA]}]}

        reply = world.api.post("/invoices/egress", body)

        assert (reply.status, reply.data["use"], reply.data["global"]) == (201, "S01", None)
        assert reply.data["related_documents"] == []

    def test_nor_does_a_stored_client_of_the_general_public(self, world: World) -> None:
        client = world.client(**PUBLIC)
        body = {"client": {"id": client}, "items": [{"unit_price": 10, "taxes": [IVA]}]}

        assert world.api.post("/invoices/egress", body).status == 201

    def test_a_foreign_receiver_uses_s01(self, world: World) -> None:
        client = {"legal_name": "Acme Inc", "tax_id": "DE811234567", "address": {"country": "DE"}}
        sale = world.api.post("/invoices/income", world.sale(100) | {"client": client}).data["uuid"]
        related = [{"relationship": "01", "documents": [sale]}]

        reply = world.api.post("/invoices/egress", world.sale(10, related_documents=related) | {"client": client})

        assert (reply.status, reply.data["use"]) == (201, "S01")
        assert balances(world, sale) == [(Decimal("11.6"), 0)]


class TestBalance:
    def test_a_credit_lowers_what_is_owed(self, world: World) -> None:
        sale = world.issue(1000, payment_method="PPD")["uuid"]
        assert balances(world, sale) == [(0, 1160)]

        world.credit([sale], 100)
        world.credit([sale], 400)

        assert balances(world, sale) == [(580, 580)]

    def test_a_credit_is_spread_in_the_order_listed(self, world: World) -> None:
        first, second, third = (world.issue(100, payment_method="PPD")["uuid"] for _ in range(3))

        world.credit([third, first, second], 250)

        assert balances(world, first, second, third) == [(116, 0), (58, 58), (116, 0)]

    def test_relations_03_credit_too_others_do_not(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]

        world.credit([sale], 10, relationship="07")
        assert balances(world, sale) == [(0, 116)]
        world.credit([sale], 10, relationship="03")

        assert balances(world, sale) == [(Decimal("11.6"), Decimal("104.4"))]

    def test_the_whole_may_be_credited_and_no_more(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]
        world.credit([sale], 100)
        assert balances(world, sale) == [(116, 0)]

        with world.unchanged():
            reply = world.credit([sale], 0.01)

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert reply.paths == [("items", "max")]
        assert balances(world, sale) == [(116, 0)]

    def test_a_credit_above_the_total_says_what_is_left(self, world: World) -> None:
        sale = world.issue(100)["uuid"]
        world.credit([sale], 40)

        with world.unchanged():
            reply = world.credit([sale], 60.01)

        assert reply.details == ["items: total must be at most 69.6"]

    def test_a_canceled_credit_is_owed_again(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]
        credit = world.credit([sale], 40).data["uuid"]

        reply = world.api.delete(f"/invoices/{credit}", {"motive": "02"})

        assert (reply.status, reply.data["status"]) == (200, "canceled")
        assert balances(world, sale) == [(0, 116)]
        assert world.credit([sale], 100).status == 201

    def test_a_refused_credit_holds_nothing(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]

        reply = world.credit([sale], 100, metadata={"sandbox": "reject:CFDI40147"})

        assert (reply.status, balances(world, sale)) == (422, [(0, 116)])
        assert world.query("select credit_outstanding from invoices where kind = 'I'") == [(0,)]
        assert world.query("select state from invoice_credits") == [("undone",)]
        assert world.credit([sale], 100).status == 201

    def test_a_credit_that_waits_for_its_stamp_is_held_back(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]

        waiting = world.credit([sale], 60, metadata={"sandbox": "pac_down"})

        assert (waiting.status, balances(world, sale)) == (503, [(0, 116)])
        assert world.credit([sale], 60).error_code == "business_rule_violation"
        assert world.credit([sale], 40).status == 201
        world.sweep(after_s=60)
        assert balances(world, sale) == [(116, 0)]

    def test_parallel_credits_never_pass_the_total(self, world: World) -> None:
        sale = world.issue(100, payment_method="PPD")["uuid"]
        related = [{"relationship": "01", "documents": [sale]}]
        bodies = [world.sale(30, related_documents=related, metadata={"n": str(n)}) for n in range(8)]

        replies = world.together([world.api.later("POST", "/invoices/egress", body) for body in bodies])

        assert sorted(reply.status for reply in replies) == [201] * 3 + [400] * 5
        assert balances(world, sale) == [(Decimal("104.4"), Decimal("11.6"))]
        assert world.folios("E") == (3, [1, 2, 3])

    def test_parallel_credits_over_the_same_invoices_in_other_orders(self, world: World) -> None:
        one, two = (world.issue(100, payment_method="PPD")["uuid"] for _ in range(2))
        bodies = [
            world.sale(20, related_documents=[{"relationship": "01", "documents": uuids}], metadata={"n": str(n)})
            for n, uuids in enumerate([[one, two], [two, one]] * 5)
        ]

        replies = world.together([world.api.later("POST", "/invoices/egress", body) for body in bodies])

        assert [reply.status for reply in replies] == [201] * 10
        assert balances(world, one, two) == [(116, 0), (116, 0)]


class TestRefusals:
    def refused(self, world: World, uuids: list[str], *, relationship: str = "01", **fields: Any) -> Any:
        with world.unchanged():
            reply = world.credit(uuids, 10, relationship=relationship, **fields)
        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert reply.paths == [("related_documents[0].documents[0]", "conflict")]
        return reply.details[0]

    def test_a_canceled_invoice(self, world: World) -> None:
        sale = world.issue(100)["uuid"]
        world.api.delete(f"/invoices/{sale}", {"motive": "02"})

        assert self.refused(world, [sale]) == (
            f"related_documents[0].documents[0]: invoice {sale} is canceled, not valid"
        )

    def test_a_credit_note(self, world: World) -> None:
        credit = world.credit([world.issue(100)["uuid"]], 10).data["uuid"]

        assert self.refused(world, [credit]).endswith("is not an income invoice")

    def test_an_invoice_to_somebody_else(self, world: World) -> None:
        other = {"legal_name": "XOCHILT CASAS CHAVEZ", "tax_id": "CACX7605101P8", "tax_system": "612",
                 "address": {"zip": "36257"}}  # fmt: skip
        sale = world.api.post("/invoices/income", world.sale(100) | {"client": other}).data["uuid"]

        assert self.refused(world, [sale]).endswith("has another receiver, CACX7605101P8")

    def test_an_invoice_in_another_currency(self, world: World) -> None:
        sale = world.issue(100, currency="USD", exchange_rate=17)["uuid"]

        assert self.refused(world, [sale], relationship="03").endswith("is in USD")

    def test_the_same_documents_under_another_relation_are_fine(self, world: World) -> None:
        sale = world.issue(100, currency="USD", exchange_rate=17)["uuid"]

        assert world.credit([sale], 10, relationship="07").status == 201

    def test_no_related_document(self, world: World) -> None:
        with world.unchanged():
            reply = world.api.post("/invoices/egress", world.sale(10))

        assert (reply.status, reply.error_code) == (400, "missing_required_field")
        assert reply.paths == [("related_documents", "required")]

    def test_ppd(self, world: World) -> None:
        sale = world.issue(100)["uuid"]
        with world.unchanged():
            reply = world.credit([sale], 10, payment_method="PPD")

        assert (reply.status, reply.error_code) == (400, "invalid_field_value")
        assert (reply.paths, reply.error["fields"][0]["fix"]) == ([("payment_method", "enum")], "PUE")

    def test_form_99(self, world: World) -> None:
        sale = world.issue(100)["uuid"]
        with world.unchanged():
            reply = world.credit([sale], 10, payment_form="99")

        assert (reply.error_code, reply.paths) == ("business_rule_violation", [("payment_form", "conflict")])


def test_several_relations_are_printed_one_node_each(world: World) -> None:
    own = world.issue(100)["uuid"]
    foreign = "11111111-2222-4333-8444-555555555555"
    related = [{"relationship": "01", "documents": [own]}, {"relationship": "07", "documents": [foreign]}]

    data = world.api.post("/invoices/egress", world.sale(10, related_documents=related)).data

    nodes = world.root(data["uuid"]).findall(f"{CFDI}CfdiRelacionados")
    assert [(node.get("TipoRelacion"), [child.get("UUID") for child in node]) for node in nodes] == [
        ("01", [own]),
        ("07", [foreign]),
    ]
    assert data["invoices"] == [own]
