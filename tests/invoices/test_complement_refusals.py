"""What POST /invoices/payment refuses, and what parallel and repeated calls leave (contract complements.md section 3.4)."""

from typing import Any

import pytest

from world import HOUR_MS, NOON_MS, PUBLIC, World

ABSENT = "99999999-2222-4333-8444-555555555555"
OTHER = {"legal_name": "XOCHILT CASAS CHAVEZ", "tax_id": "CACX7605101P8", "tax_system": "612",
         "address": {"zip": "36257"}}  # fmt: skip


def credit_sale(world: World, price: float = 10_000, **fields: Any) -> str:
    return str(world.issue(price, payment_method="PPD", **fields)["uuid"])


def balance(world: World, uuid: str) -> tuple[Any, Any, Any]:
    shown = world.show(uuid)
    return shown["payment_complements"], shown["last_balance"], shown["installments"]


class TestFields:
    @pytest.mark.parametrize(
        ("fields", "code", "paths"),
        [
            ({"payment_form": None}, "missing_required_field", [("payment_form", "required")]),
            ({"invoices": None}, "missing_required_field", [("invoices", "required")]),
            ({"invoices": []}, "invalid_field_value", [("invoices", "min_items")]),
            ({"payment_form": "99"}, "invalid_field_value", [("payment_form", "CRP20212")]),
            ({"payment_form": "77"}, "invalid_field_value", [("payment_form", "not_in_catalog")]),
            ({"date": (NOON_MS + 1000) // 1000}, "invalid_field_value", [("date", "max")]),
            ({"date": "2009-12-31T12:00:00"}, "invalid_field_value", [("date", "min")]),
            ({"amount": 0}, "invalid_field_value", [("amount", "min")]),
            ({"amount": 11_599.99}, "invalid_field_value", [("amount", "CRP20217")]),
            ({"amount": 11_600.001}, "invalid_field_value", [("amount", "CRP20219")]),
            ({"currency": "XXX"}, "invalid_field_value", [("currency", "not_in_catalog")]),
            ({"operation_number": "a|b"}, "invalid_field_value", [("operation_number", "format")]),
            ({"payer_account": "123"}, "invalid_field_value", [("payer_account", "CRP20225")]),
            ({"payment_form": "01", "payer_bank_rfc": "BNM840515VB1"}, "invalid_field_value",
             [("payer_bank_rfc", "CRP20221")]),
            ({"payee_bank_rfc": "XEXX010101000"}, "invalid_field_value", [("payee_bank_rfc", "max_length")]),
            ({"payer_bank_rfc": "XEXX010101000"}, "missing_required_field", [("payer_bank_name", "required")]),
            ({"payment_form": "99", "payee_account": "1"}, "invalid_field_value",
             [("payment_form", "CRP20212"), ("payee_account", "CRP20228")]),
            ({"related_documents": [{"relationship": "01", "documents": [ABSENT]}]}, "invalid_field_value",
             [("related_documents[0].relationship", "enum")]),
            ({"series": "con espacio"}, "invalid_field_value", [("series", "format")]),
        ],
    )  # fmt: skip
    def test_refused(self, world: World, fields: dict[str, Any], code: str, paths: list[tuple[str, str]]) -> None:
        sale = credit_sale(world)
        with world.unchanged():
            reply = world.api.post(
                "/invoices/payment", {"payment_form": "03", "invoices": [{"invoice": sale}], **fields}
            )

        assert (reply.status, reply.error_code, reply.paths) == (400, code, paths)

    def test_a_rule_of_sat_is_explained(self, world: World) -> None:
        reply = world.pay(credit_sale(world), payment_form="99")

        assert reply.error["cfdi"]["code"] == "CRP20212"
        assert reply.error["cfdi"]["explanation"]

    def test_an_invoice_listed_twice(self, world: World) -> None:
        sale = world.issue(10_000, payment_method="PPD")
        with world.unchanged():
            reply = world.pay((sale["uuid"].upper(), 10), (sale["internal_id"], 20))

        assert (reply.error_code, reply.paths) == ("invalid_field_value", [("invoices[1].invoice", "duplicate")])

    def test_more_invoices_than_a_complement_takes(self, world: World) -> None:
        reply = world.pay(*([ABSENT] * 201))

        assert reply.paths == [("invoices", "max_items")]

    @pytest.mark.parametrize("named", [ABSENT, "inv_01KN6Q4R6S8T0V2W4X6Y8Z0A2B"])
    def test_an_unknown_invoice(self, world: World, named: str) -> None:
        sale = credit_sale(world)
        with world.unchanged():
            reply = world.pay(sale, named)

        assert (reply.status, reply.error_code, reply.paths) == (
            404, "resource_not_found", [("invoices[1].invoice", "not_found")],
        )  # fmt: skip

    def test_an_unknown_payment(self, world: World) -> None:
        sale = credit_sale(world)
        with world.unchanged():
            reply = world.pay(sale, payment="payment_01KN6R4A6C8E0G2J4M6P8R0T2V")

        assert (reply.status, reply.paths) == (404, [("payment", "not_found")])

    def test_there_is_no_other_collection(self, world: World) -> None:
        for method in ("GET", "POST", "DELETE"):
            reply = world.api.call(method, "/invoices/complements", {"motive": "02"} if method != "GET" else None)
            assert (reply.status, reply.error_code) == (404, "resource_not_found")


class TestInvoices:
    def refused(self, world: World, *entries: Any, **fields: Any) -> str:
        with world.unchanged():
            reply = world.pay(*entries, **fields)
        assert (reply.status, reply.error_code) == (400, "business_rule_violation"), reply.json
        return str(reply.details[0])

    def test_not_ppd(self, world: World) -> None:
        assert self.refused(world, world.issue(100)["uuid"]) == "invoices[0].invoice: is not PPD"

    def test_not_an_income_invoice(self, world: World) -> None:
        credit = world.credit([credit_sale(world)], 100).data["uuid"]

        assert self.refused(world, credit) == "invoices[0].invoice: is not an income invoice"

    def test_canceled(self, world: World) -> None:
        sale = credit_sale(world)
        world.api.delete(f"/invoices/{sale}", {"motive": "02"})

        assert self.refused(world, sale) == "invoices[0].invoice: is canceled, not valid"

    def test_being_canceled(self, world: World) -> None:
        sale = credit_sale(world, metadata={"sandbox_cancel": "pending"})
        world.api.delete(f"/invoices/{sale}", {"motive": "02"})

        assert self.refused(world, sale) == "invoices[0].invoice: is being canceled"

    def test_not_stamped_yet(self, world: World) -> None:
        world.api.post("/invoices/income", world.sale(100, payment_method="PPD", metadata={"sandbox": "pac_down"}))
        waiting = world.query("select id from invoices")[0][0]

        assert self.refused(world, waiting) == "invoices[0].invoice: is pending, not valid"

    def test_settled(self, world: World) -> None:
        sale = credit_sale(world)
        world.pay(sale)

        assert self.refused(world, sale) == "invoices[0].invoice: is settled: it has no balance"

    def test_more_than_is_owed(self, world: World) -> None:
        sale = credit_sale(world)
        world.pay((sale, 600))

        detail = self.refused(world, (sale, 11_000.01))

        assert detail == "invoices[0].amount: must not be above what is owed, 11000"

    def test_receivers_that_differ(self, world: World) -> None:
        first = credit_sale(world)
        second = world.api.post("/invoices/income", world.sale(100, payment_method="PPD") | {"client": OTHER})

        detail = self.refused(world, first, second.data["uuid"])

        assert detail == f"invoices[1].invoice: has another receiver, CACX7605101P8, than {first}"

    def test_every_problem_is_told_at_once(self, world: World) -> None:
        pue, settled = world.issue(100)["uuid"], credit_sale(world)
        world.pay(settled)

        reply = world.pay(pue, settled)

        assert [path for path, _ in reply.paths] == ["invoices[0].invoice", "invoices[1].invoice"]

    def test_a_live_invoice_is_none_of_test_mode(self, world: World) -> None:
        sale = credit_sale(world)

        reply = world.live.post("/invoices/payment", {"payment_form": "03", "invoices": [{"invoice": sale}]})

        assert reply.status in (400, 404)
        assert balance(world, sale) == (0, 11_600, 0)


class TestClient:
    def test_the_receiver_of_the_invoices_may_be_named(self, world: World) -> None:
        sale = credit_sale(world)

        reply = world.pay(sale, client={"id": world.university()})

        assert (reply.status, reply.data["client"]["tax_id"]) == (201, "URE180429TM6")

    @pytest.mark.parametrize("path", ["client.tax_id", "client"])
    def test_another_client_is_refused_and_not_made(self, world: World, path: str) -> None:
        sale = credit_sale(world)
        client: dict[str, Any] = OTHER if path == "client.tax_id" else {"id": world.client(**OTHER)}

        with world.unchanged():
            reply = world.pay(sale, client=client)

        assert (reply.error_code, reply.paths) == ("invalid_field_value", [(path, "conflict")])

    def test_the_client_as_it_is_today(self, world: World) -> None:
        sale = credit_sale(world)
        world.api.call("PUT", f"/clients/{world.university()}", {"name": "Pagos URE", "email": "caja@ure.example"})

        data = world.pay(sale).data

        assert (data["client"]["name"], data["client"]["email"]) == ("Pagos URE", "caja@ure.example")

    def test_a_deleted_client_is_printed_as_it_was(self, world: World) -> None:
        client = world.client(**OTHER)
        sale = world.api.post(
            "/invoices/income", world.sale(100, payment_method="PPD") | {"client": {"id": client}}
        ).data["uuid"]
        assert world.api.delete(f"/clients/{client}").status == 200

        data = world.pay(sale).data

        assert (data["client_name"], data["client"]["tax_id"]) == ("XOCHILT CASAS CHAVEZ", "CACX7605101P8")

    def test_a_generic_receiver_has_the_use_of_payments(self, world: World) -> None:
        named = {**PUBLIC, "legal_name": "CLIENTE SIN RFC"}
        sale = world.api.post("/invoices/income", world.sale(100, payment_method="PPD") | {"client": named}).data

        reply = world.pay(sale["uuid"])

        assert (reply.status, reply.data["use"]) == (201, "CP01"), reply.json


class TestOutcomes:
    def test_a_refusal_of_the_pac_moves_nothing(self, world: World) -> None:
        sale = credit_sale(world)
        before = world.show(sale)

        reply = world.pay(sale, metadata={"sandbox": "reject:CRP20217"}, idempotency_key="k-1")

        assert (reply.status, reply.error["cfdi"]["code"]) == (422, "CRP20217")
        assert world.show(sale) | {"files": None} == before | {"files": None}
        assert world.query("select state from invoice_payments") == [("undone",)]
        assert world.released("P") == [1]
        assert [type_ for type_, _ in world.events()] == ["invoice.created", "invoice.failed"]
        assert world.pay(sale, idempotency_key="k-1").data["folio_number"] == 1

    def test_effects_of_the_stamp(self, world: World) -> None:
        sale = credit_sale(world)

        data = world.pay((sale, 5_800)).data

        assert world.events()[-1] == ("invoice.created", data["uuid"])
        (_, told) = world.event_bodies("invoice.created")
        assert (told["invoice_type"], told["payment_complement"]["amount"]) == ("P", 5_800)
        assert world.actions()[-2:] == ["invoice.create", "invoice.stamp"]
        assert world.query("select action, resource_id from audit_log where action = 'complement.create'") == [
            ("complement.create", data["internal_id"])
        ]

    def test_an_outage_holds_the_invoices_back(self, world: World) -> None:
        sale, other = credit_sale(world), credit_sale(world, 100)

        waiting = world.pay((sale, 1_000), metadata={"sandbox": "pac_down"})
        meanwhile = world.pay(other, sale)

        assert waiting.status == 503
        assert balance(world, sale) == (0, 11_600, 0)
        assert (meanwhile.status, meanwhile.error_code, meanwhile.header("retry-after")) == (
            409, "resource_conflict", "5",
        )  # fmt: skip
        assert meanwhile.details == [f"invoice: {sale}"]
        assert world.api.delete(f"/invoices/{sale}", {"motive": "02"}).error_code == "business_rule_violation"
        world.sweep(after_s=60)
        assert balance(world, sale) == (1_000, 10_600, 1)
        assert world.pay(other, sale).status == 201

    def test_accepted_for_later(self, world: World) -> None:
        sale = credit_sale(world)

        reply = world.pay(sale, **{"async": True})

        assert (reply.status, reply.data["status"], reply.data["invoices"]) == (202, "pending", [sale])
        assert reply.header("location") == f"/v2/invoices/payment/{reply.data['internal_id']}"
        assert balance(world, sale) == (0, 11_600, 0)
        world.sweep(after_s=1)
        assert balance(world, sale) == (11_600, 0, 1)

    def test_a_process_that_dies_after_the_stamp(self, world: World) -> None:
        sale = credit_sale(world)
        body = {"payment_form": "03", "invoices": [{"invoice": sale, "amount": 5_800}]}

        world.die_at("stamp.before_tx2", lambda: world.api.post("/invoices/payment", body, idempotency_key="k"))
        world.restart()
        world.sweep(after_s=120)

        assert balance(world, sale) == (5_800, 5_800, 1)
        repeated = world.api.post("/invoices/payment", body, idempotency_key="k")
        assert (repeated.status, repeated.data["folio_number"]) == (201, 1)
        assert world.rows("sandbox_stamps") == 2

    def test_the_same_key_pays_once(self, world: World) -> None:
        sale = credit_sale(world)

        first, second = (world.pay((sale, 100), idempotency_key="transfer-1") for _ in range(2))
        other = world.pay((sale, 200), idempotency_key="transfer-1")

        assert (first.status, second.status, second.json) == (201, 201, first.json)
        assert second.header("idempotent-replayed") == "true"
        assert (other.status, other.error_code) == (409, "resource_conflict")
        assert balance(world, sale) == (100, 11_500, 1)

    def test_parallel_calls_never_pay_more_than_is_owed(self, world: World) -> None:
        sale, other = credit_sale(world), credit_sale(world)
        entries = [{"invoice": sale, "amount": 4_000}, {"invoice": other, "amount": 1_000}]
        bodies = [
            {"payment_form": "03", "invoices": entries[:: 1 if n % 2 else -1], "metadata": {"n": str(n)}}
            for n in range(8)
        ]

        replies = world.together([world.api.later("POST", "/invoices/payment", body) for body in bodies])

        made = [reply for reply in replies if reply.status == 201]
        assert {reply.status for reply in replies} <= {201, 400, 409}
        assert 1 <= len(made) <= 2
        assert balance(world, sale) == (4_000 * len(made), 11_600 - 4_000 * len(made), len(made))
        numbers = [reply.data["payment_complement"]["documents"][0]["installment"] for reply in made]
        assert sorted(numbers) == list(range(1, len(made) + 1))

    def test_an_old_complement_is_sealed_again_with_a_new_date(self, world: World) -> None:
        sale = credit_sale(world)
        world.pay(sale, metadata={"sandbox": "pac_timeout"})

        data = world.api.get("/invoices/payment").data[0]

        assert (data["status"], balance(world, sale)) == ("valid", (11_600, 0, 1))


class TestLists:
    def test_filters(self, world: World) -> None:
        pesos, dollars = credit_sale(world), credit_sale(world, 100, currency="USD", exchange_rate=17)
        first = world.pay((pesos, 100)).data
        second = world.pay(
            (dollars, 10), exchange_rate=18, payment_form="01", series="PAGOS", metadata={"caja": "7"}
        ).data
        invoice = world.show(dollars)["internal_id"]

        def listed(query: str) -> list[str]:
            return [row["uuid"] for row in world.api.get(f"/invoices/payment?{query}").data]

        assert listed("") == [second["uuid"], first["uuid"]]
        for query, found in (
            (f"invoice_id={pesos.upper()}", first), (f"invoice_id={invoice}", second), ("payment_form=01", second),
            ("currency=MXN", first), ("series=PAGOS", second), ("metadata.caja=7", second),
        ):  # fmt: skip
            assert listed(query) == [found["uuid"]], query
        assert listed(f"invoice_id={ABSENT}") == []
        assert world.api.get("/invoices/payment?invoice_id=x").json["total_results"] == 0
        assert listed(f"client_id={world.university()}&status=valid") == [second["uuid"], first["uuid"]]

    def test_get_shows_complements_only(self, world: World) -> None:
        sale = credit_sale(world)
        data = world.pay(sale).data

        assert world.api.get(f"/invoices/payment/{data['uuid'].upper()}").data["uuid"] == data["uuid"]
        assert world.api.get(f"/invoices/payment/{sale}").error_code == "resource_not_found"
        assert world.api.get(f"/invoices/income/{data['uuid']}").error_code == "resource_not_found"
        assert [row["uuid"] for row in world.api.get("/invoices/income?status=paid").data] == [sale]

    def test_series_of_the_team(self, world: World) -> None:
        world.settings(default_series={"complements": {"serie": "CP"}})
        sale = credit_sale(world)

        assert [world.pay((sale, 10), **more).data["series"] for more in ({}, {"series": "X"})] == ["CP", "X"]
        assert world.pay((sale, 10), folio_number=40).data["folio_number"] == 40
        assert world.pay((sale, 10), folio_number=40).error_code == "resource_already_exists"

    def test_a_payment_long_ago(self, world: World) -> None:
        at = (NOON_MS - 24 * 40 * HOUR_MS) // 1000

        data = world.pay(credit_sale(world), date=at).data

        assert (data["payment_complement"]["date"], data["date"]) == (at, NOON_MS)
