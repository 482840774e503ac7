"""POST /invoices/payment, its list and its object (contract complements.md)."""

from decimal import Decimal
from typing import Any

import pytest

from world import CFDI, IVA, NOON_MS, World

PAGOS = "{http://www.sat.gob.mx/Pagos20}"
FOREIGN = "11111111-2222-4333-8444-555555555555"
ABSENT = "99999999-2222-4333-8444-555555555555"


def credit_sale(world: World, price: float = 10_000, **fields: Any) -> str:
    """The uuid of a PPD invoice."""
    return str(world.issue(price, payment_method="PPD", **fields)["uuid"])


def balance(world: World, uuid: str) -> tuple[Any, Any, Any]:
    """(payment_complements, last_balance, installments)."""
    shown = world.show(uuid)
    return shown["payment_complements"], shown["last_balance"], shown["installments"]


def external(**changes: Any) -> dict[str, Any]:
    """An invoice of somebody else's making: 116 with IVA."""
    taxes = [{**IVA, "base": 100, "amount": 16}]
    return {
        "series": "X", "folio": "9", "currency": "MXN", "total": 116, "previous_balance": 58, "installment": 2,
        "taxes": taxes, **changes,
    }  # fmt: skip


class TestExample:
    def test_the_contracts_example(self, world: World) -> None:
        first, second = credit_sale(world), credit_sale(world, 2_000)
        at = NOON_MS // 1000 - 3_600
        body = {
            "payment_form": "03", "date": at, "amount": 8120, "operation_number": "BNX-55120",
            "idempotency_key": "transfer-55120",
            "invoices": [{"invoice": first, "amount": 5800}, {"invoice": second}],
        }  # fmt: skip

        reply = world.api.post("/invoices/payment", body)

        assert (reply.status, reply.message) == (201, "Invoice created successfully"), reply.json
        data = reply.data
        expected = {
            "id": data["uuid"], "invoice_type": "P", "status": "valid", "series": "P", "folio_number": 1,
            "livemode": False, "currency": "MXN", "exchange_rate": 1, "subtotal": 8120, "discount": 0, "taxes": 0,
            "withholding_taxes": 0, "total": 8120, "use": "CP01", "payment_form": "03", "payment_method": None,
            "last_balance": 0, "payment_complements": 0, "installments": 0, "credited": 0, "exports": "01",
            "client_name": "UNIVERSIDAD ROBOTICA ESPAÑOLA", "invoices": [first, second], "payments": [],
            "idempotency_key": "transfer-55120", "related_documents": [],
        }  # fmt: skip
        assert {key: data[key] for key in expected} == expected
        taxes = {"type": "IVA", "rate": Decimal("0.16"), "factor": "Tasa", "withholding": False}
        document = {"series": "A", "currency": "MXN", "equivalence": 1, "installment": 1, "taxability": "02"}
        assert data["payment_complement"] == {
            "date": at, "payment_form": "03", "currency": "MXN", "exchange_rate": 1, "amount": 8120, "unapplied": 0,
            "operation_number": "BNX-55120", "payer_bank_rfc": None, "payer_bank_name": None, "payer_account": None,
            "payee_bank_rfc": None, "payee_account": None,
            "documents": [
                {**document, "uuid": first, "folio": "1", "previous_balance": 11600, "paid_amount": 5800,
                 "remaining_balance": 5800, "taxes": [{**taxes, "base": 5000, "amount": 800}]},
                {**document, "uuid": second, "folio": "2", "previous_balance": 2320, "paid_amount": 2320,
                 "remaining_balance": 0, "taxes": [{**taxes, "base": 2000, "amount": 320}]},
            ],
            "totals": {
                "amount_mxn": 8120, "base_iva16": 7000, "iva16": 1120, "base_iva8": None, "iva8": None,
                "base_iva0": None, "iva0": None, "base_exempt": None, "withheld_iva": None, "withheld_isr": None,
                "withheld_ieps": None,
            },
        }  # fmt: skip
        (item,) = data["items"]
        assert (item["product_key"], item["unit_key"], item["description"]) == ("84111506", "ACT", "Pago")
        assert (item["quantity"], item["unit_price"], item["taxability"], item["total"]) == (1, 0, "01", 0)
        assert (balance(world, first), balance(world, second)) == ((5800, 5800, 1), (2320, 0, 1))
        assert world.show(first)["invoices"] == [data["uuid"]]

    def test_the_document_is_what_sat_prescribes(self, world: World) -> None:
        sale = credit_sale(world)

        data = world.pay((sale, 5800)).data

        root = world.root(data["uuid"])
        names = ("TipoDeComprobante", "Moneda", "SubTotal", "Total", "Exportacion", "FormaPago", "MetodoPago", "Serie")
        assert [root.get(name) for name in names] == ["P", "XXX", "0", "0", "01", None, None, "P"]
        receiver = root.find(f"{CFDI}Receptor")
        assert receiver is not None
        assert (receiver.get("UsoCFDI"), receiver.get("Rfc")) == ("CP01", "URE180429TM6")
        (paid,) = root.iter(f"{PAGOS}DoctoRelacionado")
        assert (paid.get("IdDocumento"), paid.get("Serie"), paid.get("Folio")) == (sale, "A", "1")
        assert (paid.get("NumParcialidad"), paid.get("ImpSaldoAnt"), paid.get("ImpSaldoInsoluto")) == (
            "1", "11600.00", "5800.00",
        )  # fmt: skip
        (sent,) = root.iter(f"{PAGOS}Pago")
        assert sent.get("FechaPago") == "2026-10-09T12:00:00"
        assert world.verdict(world.xml(data["uuid"])).valid
        assert "tt=0&" in data["verification_url"]

    def test_files_are_served_like_those_of_any_invoice(self, world: World) -> None:
        uuid = world.pay(credit_sale(world), return_files_urls=True).data["uuid"]

        files = world.api.get(f"/invoices/{uuid}/files").data

        assert set(files) == {"pdf", "xml", "expires_at"}
        pdf = world.api.get(files["pdf"]).raw
        assert (pdf.status_code, pdf.content[:4]) == (200, b"%PDF")
        assert f"P1_{uuid}.pdf" in pdf.headers["content-disposition"]


class TestShortForm:
    def test_one_invoice_by_its_id(self, world: World) -> None:
        sale = world.issue(10_000, payment_method="PPD")
        body = {"payment_form": 3, "ppd_invoice_id": sale["internal_id"], "paid_amount": 5800}

        reply = world.api.post("/invoices/payment", body)

        assert (reply.status, reply.data["payment_form"], reply.data["total"]) == (201, "03", 5800)
        assert reply.data["payment_complement"]["documents"][0]["uuid"] == sale["uuid"]

    def test_without_amount_the_whole_balance(self, world: World) -> None:
        sale = credit_sale(world)
        world.pay((sale, 600))

        data = world.api.post("/invoices/payment", {"payment_form": "01", "ppd_invoice_id": sale.upper()}).data

        (paid,) = data["payment_complement"]["documents"]
        assert (paid["installment"], paid["previous_balance"], paid["paid_amount"]) == (2, 11_000, 11_000)
        assert balance(world, sale) == (11_600, 0, 2)

    def test_paths_are_those_of_the_short_form(self, world: World) -> None:
        sale = credit_sale(world)
        body = {"payment_form": "01", "ppd_invoice_id": sale}

        assert world.api.post("/invoices/payment", {**body, "paid_amount": 11_600.01}).paths == [
            ("paid_amount", "CRP20244")
        ]
        assert world.api.post("/invoices/payment", {**body, "paid_amount": 1.001}).paths == [
            ("paid_amount", "CRP20242")
        ]
        assert world.api.post("/invoices/payment", {**body, "ppd_invoice_id": ABSENT}).paths == [
            ("ppd_invoice_id", "not_found")
        ]

    def test_both_forms_at_once(self, world: World) -> None:
        sale = credit_sale(world)

        reply = world.pay(sale, ppd_invoice_id=sale)

        assert (reply.error_code, reply.paths) == ("invalid_field_value", [("ppd_invoice_id", "conflict")])


class TestMoney:
    def test_more_than_is_owed_is_left_unapplied(self, world: World) -> None:
        sale = credit_sale(world, 100)

        data = world.pay(sale, amount=200).data

        assert (data["total"], data["payment_complement"]["unapplied"]) == (200, 84)
        assert data["payment_complement"]["totals"]["amount_mxn"] == 200
        assert balance(world, sale) == (116, 0, 1)

    def test_dollars_paid_in_pesos(self, world: World) -> None:
        sale = credit_sale(world, 100, currency="USD", exchange_rate=17)
        entry = {"invoice": sale, "exchange_rate": 20}

        data = world.api.post("/invoices/payment", {"payment_form": "03", "currency": "MXN", "invoices": [entry]}).data

        shown = data["payment_complement"]
        (paid,) = shown["documents"]
        assert (data["currency"], data["exchange_rate"], data["total"]) == ("MXN", 1, 2320)
        assert (paid["currency"], paid["equivalence"], paid["paid_amount"]) == ("USD", Decimal("0.05"), 116)
        assert (shown["totals"]["base_iva16"], shown["totals"]["iva16"]) == (2000, 320)
        assert balance(world, sale) == (116, 0, 1)

    def test_pesos_paid_in_dollars(self, world: World) -> None:
        sale = credit_sale(world, 2_000)

        data = world.pay(sale, currency="USD", exchange_rate=20).data

        shown = data["payment_complement"]
        assert (data["currency"], data["exchange_rate"], data["total"]) == ("USD", 20, 116)
        assert (shown["documents"][0]["equivalence"], shown["totals"]["amount_mxn"]) == (20, 2320)
        assert world.verdict(world.xml(data["uuid"])).valid

    def test_the_currency_is_that_of_the_first_entry(self, world: World) -> None:
        sale = credit_sale(world, 100, currency="USD", exchange_rate=17)

        missing = world.pay(sale)
        data = world.pay(sale, exchange_rate=18.5).data

        assert (missing.error_code, missing.paths) == ("missing_required_field", [("exchange_rate", "required")])
        assert (data["currency"], data["exchange_rate"], data["total"]) == ("USD", Decimal("18.5"), 116)

    def test_every_missing_rate_is_named(self, world: World) -> None:
        euros, yen = (credit_sale(world, 100, currency=c, exchange_rate=20) for c in ("EUR", "JPY"))

        reply = world.pay(euros, yen, currency="USD")

        assert reply.error_code == "missing_required_field"
        assert [path for path, _ in reply.paths] == [
            "exchange_rate", "invoices[0].exchange_rate", "invoices[1].exchange_rate",
        ]  # fmt: skip

    def test_three_instalments_close_to_the_last_millionth(self, world: World) -> None:
        sale = credit_sale(world, 85.27)
        total = Decimal("98.91")

        for amount in (33, 33, None):
            reply = world.pay((sale, amount) if amount else sale)
            assert reply.status == 201, reply.json

        rows = [
            row["payment_complement"]["documents"][0]["taxes"][0]
            for row in world.api.get(f"/invoices/payment?invoice_id={sale}").data
        ]
        assert sum(row["base"] for row in rows) == Decimal("85.27")
        assert sum(row["amount"] for row in rows) == Decimal("13.6432")
        assert balance(world, sale) == (total, 0, 3)

    def test_withheld_taxes(self, world: World) -> None:
        taxes = [
            IVA,
            {"type": "ISR", "rate": 0.1, "factor": "Tasa", "withholding": True},
            {"type": "IVA", "rate": 0.106667, "factor": "Tasa", "withholding": True},
        ]
        items = [{"description": "Honorarios", "unit_price": 10_000, "taxes": taxes}]
        sale = credit_sale(world, items=items)

        shown = world.pay((sale, 5_000)).data["payment_complement"]

        assert [(row["type"], row["withholding"], row["base"], row["amount"]) for row in shown["documents"][0]["taxes"]] == [
            ("ISR", True, Decimal("5244.757079"), Decimal("524.475708")),
            ("IVA", True, Decimal("5244.757079"), Decimal("559.442503")),
            ("IVA", False, Decimal("5244.757079"), Decimal("839.161133")),
        ]  # fmt: skip
        totals = shown["totals"]
        assert (totals["withheld_isr"], totals["withheld_iva"], totals["iva16"]) == (
            Decimal("524.48"), Decimal("559.44"), Decimal("839.16"),
        )  # fmt: skip

    def test_a_credit_note_and_payments_together_settle(self, world: World) -> None:
        sale = credit_sale(world)
        world.pay((sale, 5_000))
        world.credit([sale], 1_000)

        data = world.pay(sale).data

        assert data["payment_complement"]["documents"][0]["previous_balance"] == 5_440
        assert balance(world, sale) == (10_440, 0, 2)


class TestForeignInvoices:
    def pay(self, world: World, **fields: Any) -> Any:
        entry = {"invoice": FOREIGN, "external": external(), **fields}
        client = {"id": world.university()}
        return world.api.post("/invoices/payment", {"payment_form": "03", "client": client, "invoices": [entry]})

    def test_it_is_paid_as_the_request_states_it(self, world: World) -> None:
        reply = self.pay(world, amount=58)

        assert reply.status == 201, reply.json
        (paid,) = reply.data["payment_complement"]["documents"]
        assert (paid["series"], paid["folio"], paid["installment"], paid["remaining_balance"]) == ("X", "9", 2, 0)
        assert paid["taxes"][0]["base"] == 50
        assert reply.data["invoices"] == [FOREIGN]
        assert world.query("select invoice_id, uuid, state from invoice_payments") == [(None, FOREIGN, "live")]

    def test_it_needs_a_client(self, world: World) -> None:
        body = {"payment_form": "03", "invoices": [{"invoice": FOREIGN, "external": external()}]}

        with world.unchanged():
            reply = world.api.post("/invoices/payment", body)

        assert (reply.error_code, reply.paths) == ("missing_required_field", [("client", "required")])

    @pytest.mark.parametrize(
        ("given", "path", "code"),
        [
            ({"currency": None}, "invoices[0].external.currency", "required"),
            ({"total": None}, "invoices[0].external.total", "required"),
            ({"previous_balance": 117}, "invoices[0].external.previous_balance", "max"),
            ({"previous_balance": 57.001}, "invoices[0].external.previous_balance", "format"),
            ({"currency": "JPY", "total": 116.5}, "invoices[0].external.total", "format"),
            ({"installment": 1000}, "invoices[0].external.installment", "max"),
            ({"taxes": [{"type": "IVA", "rate": 0.16}]}, "invoices[0].external.taxes[0].base", "required"),
        ],
    )
    def test_incomplete(self, world: World, given: dict[str, Any], path: str, code: str) -> None:
        with world.unchanged():
            reply = self.pay(world, external=external(**given))

        assert (reply.status, reply.paths) == (400, [(path, code)])

    def test_more_than_its_balance(self, world: World) -> None:
        reply = self.pay(world, amount=58.01)

        assert (reply.error_code, reply.paths) == ("business_rule_violation", [("invoices[0].amount", "CRP20244")])

    def test_a_rate_that_sat_does_not_know(self, world: World) -> None:
        with world.unchanged():
            reply = self.pay(world, external=external(taxes=[{**IVA, "rate": 16, "base": 100}]))

        assert reply.paths == [("invoices[0].external.taxes[0].rate", "CRP20260")]
        assert reply.error["fields"][0]["fix"] == Decimal("0.16")
