"""Hostile numbers, texts and shapes in bodies: refused with the field, nothing stored."""

import copy
from decimal import Decimal
from typing import Any

import pytest

from factories.refusals import check_envelope, refused
from timbra.platform import json
from world import IVA, UNIVERSITY, World

MAX = "999999999999.999999"
NOT_JSON = [
    "NaN",
    "Infinity",
    "-Infinity",
    "0x10",
    "01",
    "1.",
    ".5",
    "+5",
    "1e401",
    "1e-9999",
    "1E+99999999999999999999",
]
NOT_NUMBERS = [
    "true",
    "false",
    "[]",
    "{}",
    '"NaN"',
    '"Infinity"',
    '"1,000"',
    '"1 000"',
    '"1e5"',
    '"５"',
    '"0x10"',
    '"½"',
]
TOO_LARGE = ["9223372036854775807", "9223372036854775808", "1e400", "1" * 5_000, "1000000000000", '"' + "1" * 30 + '"']
TOO_FINE = ["0.0000001", "1e-400", "1." + "1" * 5_000]
NEGATIVE = ["-1", "-0.000001", "-9223372036854775809", "-1e400"]
AMOUNTS = ("unit_price", "quantity", "discount")

TEXTS = {
    "NUL": "a\x00b", "SOH": "a\x01b", "escape": "a\x1b[2Jb", "form feed": "a\x0cb", "pipe": "a|b", "DEL": "a\x7fb",
    "NEL": "a\x85b", "U+FFFE": "a\ufffeb", "5,000 characters": "x" * 5_000,
}  # fmt: skip
PRINTED = [
    "items[0].description", "items[0].unit_name", "items[0].sku", "items[0].third_party.legal_name",
    "items[0].item_complement.hydrocarbons.permit_type", "items[0].item_complement.hydrocarbons.permit_number",
    "items[0].item_complement.hydrocarbons.fuel_code", "items[0].item_complement.hydrocarbons.fuel_sub_product",
    "client.legal_name", "payment_conditions", "local_taxes[0].name",
]  # fmt: skip
CODES = [
    "items[0].unit_key", "items[0].product_key", "items[0].taxability", "items[0].property_tax_account",
    "items[0].customs_request", "items[0].third_party.tax_id", "items[0].third_party.tax_system",
    "items[0].third_party.zip", "client.tax_id", "client.tax_system", "client.use", "client.address.country",
    "client.email", "confirmation", "series", "currency", "use", "exports", "payment_form", "payment_method",
    "automation_type", "related_documents[0].relationship", "related_documents[0].documents[0]", "global.periodicity",
    "items[0].taxes[0].type", "items[0].taxes[0].factor", "items[0].search.on_key", "client.search.on_key",
]  # fmt: skip
FREE = [  # texts that no CFDI carries: only U+0000 to U+001F are refused
    "client.name", "client.company", "client.phone", "client.id", "client.address.street", "items[0].id",
    "invoice_pdf_notes", "idempotency_key",
]  # fmt: skip
STORED = [
    "metadata.k",
    "client.metadata.k",
    "items[0].metadata.k",
    "items[0].search.on_value",
    "client.search.on_value",
]


@pytest.fixture(autouse=True, scope="module")
def known_client(shared_world: World) -> None:
    """A client made inline stays when its document is refused; here it is there before."""
    shared_world.client()


def sale_as_text(world: World) -> dict[str, Any]:
    """A body whose every optional part is there."""
    body = world.sale()
    body["client"] = {**UNIVERSITY, "address": {"zip": "86991", "country": "MEX"}, "metadata": {}}
    body["items"][0] |= {
        "quantity": 1, "metadata": {},
        "third_party": {
            "legal_name": "ADRIANA JUAREZ FERNANDEZ", "tax_id": "JUFA7608212V6", "tax_system": "605", "zip": "29133",
        },
        "item_complement": {
            "hydrocarbons": {
                "permit_type": "PER06", "permit_number": "PL/1234/EXP/ES/2015", "fuel_code": "15101514",
                "fuel_sub_product": "SP16",
            }
        },
    }  # fmt: skip
    body |= {
        "local_taxes": [{"name": "ISH", "rate": 0.03, "withholding": False}],
        "related_documents": [{"relationship": "04", "documents": ["6f1c3a52-9d04-4f6e-8b1a-2c7d5e9f0a11"]}],
        "metadata": {},
    }
    return body


def with_value(body: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The body with ``value`` at ``path``; objects on the way are made when absent."""
    changed = copy.deepcopy(body)
    here: Any = changed
    *steps, last = path.replace("[", ".[").split(".")
    for step in steps:
        here = here[int(step[1:-1])] if step[0] == "[" else here.setdefault(step, {})
    here[int(last[1:-1]) if last[0] == "[" else last] = value
    return changed


def with_number(world: World, name: str, text: str) -> bytes:
    body = world.sale()
    body["items"][0][name] = json.Raw(text)
    return json.dumps(body)


@pytest.mark.parametrize("text", NOT_JSON)
def test_number_that_is_not_json_is_refused(shared_world: World, text: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", _spliced(shared_world, "unit_price", text))

    refused(shared_world, reply, code="invalid_request_body")


def _spliced(world: World, name: str, text: str) -> bytes:
    return with_number(world, name, '"@"').replace(b'"@"', text.encode())


@pytest.mark.parametrize("name", AMOUNTS)
@pytest.mark.parametrize(
    ("text", "code"),
    [
        *((text, "type") for text in NOT_NUMBERS), *((text, "max") for text in TOO_LARGE),
        *((text, "format") for text in TOO_FINE), *((text, "min") for text in NEGATIVE),
    ],
    ids=lambda text: text[:24],
)  # fmt: skip
def test_amount_out_of_its_range_is_refused(shared_world: World, name: str, text: str, code: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", _spliced(shared_world, name, text))

    refused(shared_world, reply, (f"items[0].{name}", code))


@pytest.mark.parametrize(("name", "text"), [("quantity", "-0"), ("quantity", "-0.0"), ("quantity", "0e-5")])
def test_nothing_is_no_quantity(shared_world: World, name: str, text: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", _spliced(shared_world, name, text))

    refused(shared_world, reply, (f"items[0].{name}", "min"))


@pytest.mark.parametrize("text", ["0", "-0", "-0.0"])
def test_a_free_line_breaks_one_rule_once(shared_world: World, text: str) -> None:
    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", _spliced(shared_world, "unit_price", text))

    refused(shared_world, reply, ("items[0].unit_price", "CFDI40166"))


def test_amounts_that_overflow_together_are_refused(shared_world: World) -> None:
    for quantity in ("1", "2", MAX):
        body = shared_world.sale()
        body["items"][0] |= {"unit_price": Decimal(MAX), "quantity": Decimal(quantity)}

        with shared_world.unchanged():
            reply = shared_world.api.post("/invoices/income", body)

        refused(shared_world, reply, ("items[0].quantity", "max"))


def test_lines_that_overflow_together_are_refused(shared_world: World) -> None:
    body = shared_world.sale(*[499_999_999_999] * 5)

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    assert reply.status == 400
    check_envelope(reply)


@pytest.mark.parametrize("path", PRINTED)
@pytest.mark.parametrize("name", TEXTS)
def test_text_of_a_cfdi_refuses_what_it_cannot_hold(shared_world: World, path: str, name: str) -> None:
    body = with_value(sale_as_text(shared_world), path, TEXTS[name])

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    assert reply.status == 400
    check_envelope(reply)
    assert path in dict(reply.paths)


@pytest.mark.parametrize("path", CODES)
@pytest.mark.parametrize("name", TEXTS)
def test_code_refuses_what_is_no_code(shared_world: World, path: str, name: str) -> None:
    body = with_value(sale_as_text(shared_world), path, TEXTS[name])

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    assert reply.status == 400
    check_envelope(reply)
    assert path in dict(reply.paths)


@pytest.mark.parametrize("path", FREE)
@pytest.mark.parametrize("name", ["NUL", "SOH", "escape", "form feed", "5,000 characters"])
def test_free_text_refuses_controls_and_excess(shared_world: World, path: str, name: str) -> None:
    body = with_value(sale_as_text(shared_world), path, TEXTS[name])

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    wanted = "max_length" if name == "5,000 characters" else "format"
    refused(shared_world, reply, (path, wanted))


@pytest.mark.parametrize("path", STORED)
def test_stored_text_refuses_nul(shared_world: World, path: str) -> None:
    body = sale_as_text(shared_world)
    if "search" in path:
        body = with_value(body, path.replace("on_value", "on_key"), "name" if "client" in path else "sku")

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", with_value(body, path, "a\x00b"))

    refused(shared_world, reply, (path.removesuffix(".k"), "format"))


@pytest.mark.parametrize("path", [*PRINTED, *CODES, *FREE, *STORED])
def test_lone_surrogate_anywhere_is_refused(shared_world: World, path: str) -> None:
    body = json.dumps(with_value(sale_as_text(shared_world), path, "@@")).replace(b'"@@"', b'"a\\ud800b"')

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    refused(shared_world, reply, code="invalid_request_body")


def test_pipe_comes_with_a_text_that_would_do(shared_world: World) -> None:
    body = with_value(shared_world.sale(), "items[0].description", "Alta|Baja")

    reply = shared_world.api.post("/invoices/income", body)

    assert reply.error["fields"] == [
        {
            "path": "items[0].description", "code": "format", "message": 'must not contain "|"', "fix": "Alta/Baja",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("count", [5_001, 6_000])
def test_more_than_5000_lines_are_too_many(shared_world: World, count: int) -> None:
    body = shared_world.sale()
    body["items"] = [{"description": "Renta", "unit_price": 1, "taxes": [IVA]}] * count

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    refused(shared_world, reply, ("items", "max_items"))


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("items", [], "min_items"), ("items", {}, "type"), ("items", "x", "type"), ("items", [None], "type"),
        ("items", [[]], "type"), ("items", ["x"], "type"), ("client", [], "type"), ("client", "x", "type"),
        ("items[0].taxes", {}, "type"), ("items[0].taxes", [None], "type"), ("items[0].description", 5, "type"),
        ("items[0].description", {"a": 1}, "type"), ("metadata", [], "type"), ("metadata", "x", "type"),
        ("emails", "x", "type"), ("emails", [None], "type"), ("emails", ["a@b.mx"] * 21, "max_items"),
        ("async", "true", "type"), ("async", 1, "type"), ("send_email", 0, "type"), ("folio_number", 1.5, "type"),
        ("folio_number", -1, "min"), ("folio_number", 10**9, "max"), ("folio_number", json.Raw("1" * 30), "max"),
        ("folio_number", True, "type"), ("date", True, "type"), ("date", json.Raw("1" * 30), "format"), ("date", -1, "format"),
        ("date", "2026-13-45T00:00:00", "format"), ("date", "0000-00-00", "format"), ("exchange_rate", 0, "min"),
        ("related_documents", "x", "type"), ("related_documents[0].documents", ["x"] * 5_001, "max_items"),
        ("complements", "x", "type"), ("complements", [{"type": "custom", "data": "x"}] * 51, "max_items"),
        ("namespaces", [{"prefix": "q", "uri": "urn:q"}] * 51, "max_items"), ("addenda", 5, "type"),
        ("local_taxes", [{"name": "x", "rate": 1.5}], "max"), ("global.year", 1999, "min"),
    ],
    ids=lambda value: str(value)[:16],
)  # fmt: skip
def test_wrong_shape_is_refused(shared_world: World, path: str, value: Any, code: str) -> None:
    body = with_value(sale_as_text(shared_world), path, value)

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    assert reply.status == 400
    check_envelope(reply)
    assert code in {given for place, given in reply.paths if place.startswith(path)}


def test_at_most_50_problems_are_told(shared_world: World) -> None:
    body = shared_world.sale()
    body["items"] = [{"description": 5, "unit_price": "x", "taxes": "x"}] * 5_000

    with shared_world.unchanged():
        reply = shared_world.api.post("/invoices/income", body)

    assert reply.status == 400
    check_envelope(reply)
    assert len(reply.error["fields"]) == len(reply.details) == 50
