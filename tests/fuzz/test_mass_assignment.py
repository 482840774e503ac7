"""What a server decides is not settable: every field of a reply sent back in a body is refused or without effect."""

from typing import Any

import pytest

from factories.refusals import refused
from world import UNIVERSITY, World

CLIENT_INPUT = {
    "name", "company", "email", "phone", "bcc", "legal_name", "tax_id", "tax_system", "use", "address", "metadata",
    "defaults",
}  # fmt: skip
CLIENT_READ_ONLY = {
    "id", "is_valid", "efos", "fiscal_validation", "sat_status", "owner", "from", "created_at", "updated_at", "billing_account",
}  # fmt: skip
SERVICE_INPUT = {
    "description", "unit_price", "quantity", "product_key", "unit_key", "unit_name", "sku", "taxability", "taxes", "metadata",
}  # fmt: skip
SERVICE_READ_ONLY = {"id", "owner", "from", "created_at", "updated_at", "billing_account"}
INVOICE_INPUT = {
    "client", "items", "currency", "exchange_rate", "payment_method", "payment_form", "use", "series", "folio_number", "date",
    "exports", "payment_conditions", "confirmation", "related_documents", "global", "complements", "namespaces",
    "local_taxes", "addenda", "invoice_pdf_notes", "emails", "idempotency_key", "metadata",
}  # fmt: skip
INVOICE_READ_ONLY = {
    "id", "uuid", "internal_id", "owner", "billing_account", "from", "status", "invoice_type", "created_at", "updated_at",
    "subtotal", "discount", "taxes", "withholding_taxes", "total", "payment_complements", "last_balance", "installments",
    "credited", "verification_url", "client_name", "issuer_info", "payments", "invoices", "receipts", "automations",
    "stamp", "cancellation", "cancellation_status", "cancellation_receipt", "files", "error", "rounding_difference",
}  # fmt: skip
TIED = {"team", "livemode"}  # a body that names others is refused
OF_EACH = {"id", "uuid", "internal_id", "folio_number", "stamp", "verification_url"}
COLUMNS = {
    "origin": "inline",
    "created_ms": 1,
    "team_id": "team_forged",
    "deleted_ms": 1,
    "seq": 1,
    "unique_key": "forged",
}
SERVICE = {"description": "Renta", "unit_price": 100}


def forged(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, dict):
        return {"forged": 1}
    if isinstance(value, list):
        return ["forged"]
    return "forged" if value is None or isinstance(value, str) else 987654


def constant(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in OF_EACH}


@pytest.fixture(scope="module")
def shown(shared_world: World) -> dict[str, dict[str, Any]]:
    """A reply of each kind."""
    return {
        "client": shared_world.api.post("/clients", UNIVERSITY).data,
        "service": shared_world.api.post("/services", SERVICE).data,
        "invoice": shared_world.issue(100),
    }


def test_every_field_of_a_reply_is_known_here(shown: dict[str, dict[str, Any]]) -> None:
    assert set(shown["client"]) == (CLIENT_INPUT | CLIENT_READ_ONLY | TIED) - {"billing_account"}
    assert set(shown["service"]) == (SERVICE_INPUT | SERVICE_READ_ONLY | TIED) - {"billing_account"}
    assert set(shown["invoice"]) == INVOICE_INPUT | INVOICE_READ_ONLY | TIED


@pytest.mark.parametrize("name", sorted(CLIENT_READ_ONLY))
def test_client_field_of_the_server_is_not_settable(shared_world: World, shown: dict[str, Any], name: str) -> None:
    plain = shown["client"]
    value = forged(plain.get(name))

    made = shared_world.api.post("/clients", {**UNIVERSITY, name: value})
    changed = shared_world.api.call("PUT", f"/clients/{plain['id']}", {name: value})

    assert (made.status, changed.status) == (201, 200)
    assert constant(made.data) == constant(plain)
    assert changed.data == plain
    assert made.data["id"] != value


@pytest.mark.parametrize("name", sorted(SERVICE_READ_ONLY))
def test_service_field_of_the_server_is_not_settable(shared_world: World, shown: dict[str, Any], name: str) -> None:
    plain = shown["service"]
    value = forged(plain.get(name))

    made = shared_world.api.post("/services", {**SERVICE, name: value})
    changed = shared_world.api.call("PUT", f"/services/{plain['id']}", {name: value})

    assert (made.status, changed.status) == (201, 200)
    assert constant(made.data) == constant(plain)
    assert changed.data == plain
    assert made.data["id"] != value


@pytest.mark.parametrize("name", sorted(INVOICE_READ_ONLY))
def test_invoice_field_of_the_server_is_not_settable(shared_world: World, shown: dict[str, Any], name: str) -> None:
    value = forged(shown["invoice"][name])

    made = shared_world.api.post("/invoices/income", shared_world.sale(100, **{name: value}))

    assert made.status == 201
    assert constant(made.data) == constant(shown["invoice"])
    assert all(made.data[key] != value for key in OF_EACH)
    assert shared_world.verdict(shared_world.xml(made.data["uuid"])).valid


@pytest.mark.parametrize("name", sorted(COLUMNS))
@pytest.mark.parametrize("kind", ["client", "service", "invoice"])
def test_names_of_columns_mean_nothing(shared_world: World, shown: dict[str, Any], kind: str, name: str) -> None:
    body = {"client": UNIVERSITY, "service": SERVICE, "invoice": shared_world.sale(100)}[kind]
    path = {"client": "/clients", "service": "/services", "invoice": "/invoices/income"}[kind]

    made = shared_world.api.post(path, {**body, name: COLUMNS[name]})

    assert made.status == 201
    assert constant(made.data) == constant(shown[kind])


@pytest.mark.parametrize("name", ["team", "livemode", "expected_livemode"])
@pytest.mark.parametrize("kind", ["client", "service", "invoice"])
def test_body_of_another_team_or_mode_is_refused(
    shared_world: World, shown: dict[str, Any], kind: str, name: str
) -> None:
    body = {"client": UNIVERSITY, "service": SERVICE, "invoice": shared_world.sale(100)}[kind]
    path = {"client": "/clients", "service": "/services", "invoice": "/invoices/income"}[kind]
    others = [shared_world.founded.rival_id, "x", 5, [], {}] if name == "team" else [True, "true", "false", 0, 1, "x"]

    for other in others:
        with shared_world.unchanged():
            replies = [shared_world.api.post(path, {**body, name: other})]
            if kind != "invoice":
                replies.append(shared_world.api.call("PUT", f"{path}/{shown[kind]['id']}", {name: other}))
        for reply in replies:
            refused(shared_world, reply, (name, "conflict"), code="invalid_field_value")


def test_own_team_and_mode_may_be_said(shared_world: World) -> None:
    said = {"team": shared_world.team_id, "livemode": False, "expected_livemode": False}

    assert shared_world.api.post("/services", {**SERVICE, **said}).status == 201


def test_a_whole_reply_sent_back_changes_nothing(shared_world: World, shown: dict[str, Any]) -> None:
    for kind, path in (("client", "/clients"), ("service", "/services")):
        reply = shared_world.api.call("PUT", f"{path}/{shown[kind]['id']}", shown[kind])

        assert (reply.status, reply.data) == (200, shown[kind])


def test_computed_parts_of_a_line_are_computed_again(shared_world: World, shown: dict[str, Any]) -> None:
    body = shared_world.sale(100)
    body["items"][0] |= {"subtotal": 1, "total": 1, "amount": 1, "base": 1}
    body["items"][0]["taxes"] = [{**body["items"][0]["taxes"][0], "base": 1, "amount": 1}]

    made = shared_world.api.post("/invoices/income", body)

    assert constant(made.data) == constant(shown["invoice"])


def test_an_overriding_client_overrides_no_field_of_the_server(shared_world: World, shown: dict[str, Any]) -> None:
    body = shared_world.sale(100)
    body["client"] |= {name: forged(shown["client"].get(name)) for name in CLIENT_READ_ONLY - {"id"}}

    with_forged = shared_world.api.post("/invoices/income", body)

    assert with_forged.data["client"] == shown["invoice"]["client"]


def test_a_cancellation_takes_its_motive_alone(world: World) -> None:
    uuid = world.issue(100)["uuid"]
    forged_ = {
        "status": "valid",
        "cancellation_status": "none",
        "code": "999",
        "requested_by": "x",
        "uuid": world.issue()["uuid"],
    }

    reply = world.api.delete(f"/invoices/{uuid}", {"motive": "02", **forged_})

    assert (reply.status, reply.data["uuid"], reply.data["status"]) == (200, uuid, "canceled")
    assert reply.data["cancellation"]["requested_by"] != "x"
