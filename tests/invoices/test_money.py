"""The money rules through the API: the reply, the XML and the verdict of an independent reading agree."""

from decimal import Decimal
from typing import Any

import pytest

from world import CFDI, IVA, World

IVA_IN = {"type": "IVA", "rate": 0.16, "inclusive": True}
IEPS = {"type": "IEPS", "rate": 0.08}
IEPS_IN = {**IEPS, "inclusive": True}
LINE = {"description": "Cosa", "product_key": "50192100", "unit_key": "H87"}


def line(quantity: float, price: float, *taxes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**LINE, "quantity": quantity, "unit_price": price, "taxes": list(taxes), **more}


WITHHELD = [{"type": "ISR", "rate": 0.10, "withholding": True}, {"type": "IVA", "rate": 0.106667, "withholding": True}]
# name: lines, currency, then subtotal, discount, taxes, withheld, total
VECTORS: dict[str, tuple[list[dict[str, Any]], str, str]] = {
    "inclusive IVA": ([line(1, 99.99, IVA_IN)], "MXN", "86.20 0 13.79 0 99.99"),
    "thirds": ([line(3, 33.333333, IVA)], "MXN", "100.00 0 16.00 0 116.00"),
    "eleven lines": ([line(1.5, 9.99, IVA)] * 11, "MXN", "164.84 0 26.37 0 191.21"),
    "IEPS and IVA": ([line(1, 100, IEPS, IVA)], "MXN", "100.00 0 25.28 0 125.28"),
    "both inclusive": ([line(1, 125.28, IEPS_IN, IVA_IN)], "MXN", "100.00 0 25.28 0 125.28"),
    "inclusive discount": ([line(2, 116, IVA_IN, discount=23.20)], "MXN", "200.00 20.00 28.80 0 208.80"),
    "withheld": ([line(1, 10000, IVA, *WITHHELD)], "MXN", "10000.00 0 1600.00 2066.67 9533.33"),
    "yen": ([line(3, 333.4, IVA)], "JPY", "1000 0 160 0 1160"),
    "shifted price": ([line(1, 0.11, IEPS_IN, IVA_IN)], "MXN", "0.09 0 0.02 0 0.11"),
}


@pytest.mark.parametrize("name", VECTORS)
def test_vector(world: World, name: str) -> None:
    lines, currency, expected = VECTORS[name]
    rate = {"exchange_rate": 0.1234} if currency != "MXN" else {}

    invoice = world.issue(items=lines, currency=currency, **rate)

    shown = [invoice[key] for key in ("subtotal", "discount", "taxes", "withholding_taxes", "total")]
    assert shown == [Decimal(text) for text in expected.split()]
    assert invoice["rounding_difference"] == 0
    subtotal, discount, taxes, withheld, total = expected.split()
    root = world.root(invoice["uuid"])
    assert (root.get("SubTotal"), root.get("Total"), root.get("Moneda")) == (subtotal, total, currency)
    assert root.get("Descuento") == (None if discount == "0" else discount)
    sums = root.find(f"{CFDI}Impuestos")
    assert sums is not None
    assert sums.get("TotalImpuestosTrasladados") == taxes
    assert sums.get("TotalImpuestosRetenidos") == (None if withheld == "0" else withheld)
    assert world.verdict(world.xml(invoice["uuid"])).valid


def test_the_net_price_of_an_inclusive_line_is_what_the_cfdi_says(world: World) -> None:
    invoice = world.issue(items=[line(1, 99.99, IVA_IN)])

    (item,) = invoice["items"]
    assert item["unit_price"] == Decimal("86.198276")
    assert item["taxes"] == [
        {
            "type": "IVA",
            "rate": Decimal("0.16"),
            "factor": "Tasa",
            "withholding": False,
            "inclusive": False,
            "base": Decimal("86.198276"),
            "amount": Decimal("13.791724"),
        }
    ]
    assert (item["subtotal"], item["total"]) == (Decimal("86.198276"), Decimal("99.99"))
    concept = world.root(invoice["uuid"]).find(f".//{CFDI}Concepto")
    assert concept is not None
    assert concept.get("ValorUnitario") == "86.198276"


def test_ieps_by_quantity_is_charged_per_unit_and_iva_on_top(world: World) -> None:
    quota = {"type": "IEPS", "factor": "Cuota", "rate": 1.5086}

    invoice = world.issue(items=[line(10, 20, quota, IVA)])

    ieps, iva = invoice["items"][0]["taxes"]
    assert (ieps["base"], ieps["amount"]) == (10, Decimal("15.086"))
    assert (iva["base"], iva["amount"]) == (Decimal("215.086"), Decimal("34.41376"))
    assert (invoice["taxes"], invoice["total"]) == (Decimal("49.5"), Decimal("249.5"))


def test_fuel_leaves_ieps_out_of_the_base_of_iva(world: World) -> None:
    quota = {"type": "IEPS", "factor": "Cuota", "rate": 0.5}

    invoice = world.issue(items=[line(10, 20, quota, IVA, product_key="15101514", unit_key="LTR")])

    iva = invoice["items"][0]["taxes"][1]
    assert (iva["base"], iva["amount"]) == (200, 32)
    assert invoice["total"] == 237


def test_a_line_given_away_has_no_taxes_and_is_not_subject(world: World) -> None:
    invoice = world.issue(items=[line(1, 100, IVA), line(1, 50, IVA, discount=50)])

    gift = invoice["items"][1]
    assert (gift["taxability"], gift["taxes"], gift["total"]) == ("01", [], 0)
    assert (invoice["subtotal"], invoice["discount"], invoice["taxes"], invoice["total"]) == (150, 50, 16, 116)


def test_exempt_and_zero_rate_are_told_apart(world: World) -> None:
    exempt, zero = {"type": "IVA", "factor": "Exento"}, {"type": "IVA", "rate": 0}

    invoice = world.issue(items=[line(1, 100, exempt), line(1, 50, zero)])

    taxes = [item["taxes"][0] for item in invoice["items"]]
    assert [(tax["factor"], tax["rate"], tax["base"], tax["amount"]) for tax in taxes] == [
        ("Exento", 0, 100, 0),
        ("Tasa", 0, 50, 0),
    ]
    rows = world.root(invoice["uuid"]).findall(f"{CFDI}Impuestos/{CFDI}Traslados/{CFDI}Traslado")
    assert {(row.get("TipoFactor"), row.get("TasaOCuota"), row.get("Base")) for row in rows} == {
        ("Exento", None, "100.00"),
        ("Tasa", "0.000000", "50.00"),
    }
    assert world.verdict(world.xml(invoice["uuid"])).valid


def test_totals_in_a_body_are_ignored(world: World) -> None:
    invoice = world.issue(100, subtotal=1, total=2, taxes=3, discount=4)

    assert (invoice["subtotal"], invoice["discount"], invoice["taxes"], invoice["total"]) == (100, 0, 16, 116)


def test_local_taxes_become_a_complement_and_count_in_the_sums(world: World) -> None:
    local = [{"name": "ISH", "rate": 0.035}, {"name": "Cedular", "rate": 0.01, "withholding": True}]

    invoice = world.issue(1000, local_taxes=local)

    assert invoice["local_taxes"] == [
        {"name": "ISH", "rate": Decimal("0.035"), "withholding": False, "amount": 35},
        {"name": "Cedular", "rate": Decimal("0.01"), "withholding": True, "amount": 10},
    ]
    assert (invoice["taxes"], invoice["withholding_taxes"], invoice["total"]) == (195, 10, 1185)
    node = world.root(invoice["uuid"]).find(f"{CFDI}Complemento/{{http://www.sat.gob.mx/implocal}}ImpuestosLocales")
    assert node is not None
    assert (node.get("TotaldeTraslados"), node.get("TotaldeRetenciones")) == ("35.00", "10.00")
    assert world.verdict(world.xml(invoice["uuid"])).valid


def test_dollars_carry_their_rate(world: World) -> None:
    invoice = world.issue(100, currency="usd", exchange_rate="17.1234")

    assert (invoice["currency"], invoice["exchange_rate"], invoice["total"]) == ("USD", Decimal("17.1234"), 116)
    root = world.root(invoice["uuid"])
    assert (root.get("Moneda"), root.get("TipoCambio")) == ("USD", "17.1234")
    assert world.verdict(world.xml(invoice["uuid"])).valid


def test_the_rate_of_pesos_is_one_whatever_was_sent(world: World) -> None:
    invoice = world.issue(100, currency="MXN", exchange_rate=17)

    assert invoice["exchange_rate"] == 1


def test_yen_have_no_decimals_anywhere_in_the_header(world: World) -> None:
    invoice = world.issue(items=[line(1, 99.5, IVA, discount=0.25)], currency="JPY", exchange_rate=0.12)

    assert (invoice["subtotal"], invoice["discount"], invoice["taxes"], invoice["total"]) == (100, 0, 16, 116)
    root = world.root(invoice["uuid"])
    assert (root.get("SubTotal"), root.get("Descuento"), root.get("Total")) == ("100", "0", "116")
    assert world.verdict(world.xml(invoice["uuid"])).valid
