"""POST /invoices/payment, its list and its object (contract complements.md)."""

from decimal import Decimal
from typing import Any

import pytest

from world import CFDI, HOUR_MS, IVA, NOON_MS, PUBLIC, SECOND_MS, World

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
