"""Settings: every key, its limits, its default, and the effects that exist (contract teams.md section 7)."""

from decimal import Decimal
from typing import Any

import pytest

from factories.accounts import actions, branch, untouched
from world import CFDI, World

IVA_8 = {"type": "IVA", "rate": 0.08, "factor": "Tasa"}
SHOWN_8 = {
    "type": "IVA",
    "rate": Decimal("0.08"),
    "factor": "Tasa",
    "base": None,
    "inclusive": False,
    "withholding": False,
}
ISR = {"type": "ISR", "rate": 0.1}
COMPLEMENT = {"type": "custom", "data": '<x:y xmlns:x="urn:x"/>', "description": "d"}


def change(world: World, **values: Any) -> Any:
    return world.api.call("PUT", f"/teams/{world.team_id}/settings", values)


def shown(world: World) -> dict[str, Any]:
    reply = world.api.get(f"/teams/{world.team_id}/settings")
    assert reply.message == "Team settings retrieved successfully"
    assert reply.data["id"] == world.team_id
    return dict(reply.data["settings"])


GOOD = [
    ("default_description", "Servicios\neducativos", ...), ("override_item_description", "Uno", ...),
    ("product_key", 86101700, "86101700"), ("unit_key", "kgm", "KGM"), ("unit_name", "Kilo", ...), ("sku", "S", ...),
    ("use", "g01", "G01"), ("taxes", [IVA_8], [SHOWN_8]), ("taxes", [], []), ("taxes_usd", [IVA_8], [SHOWN_8]),
    ("withholding_taxes", [ISR],
     [{"type": "ISR", "rate": Decimal("0.1"), "factor": "Tasa", "base": None, "inclusive": False, "withholding": True}]),
    ("local_taxes", [{"name": "ISH", "rate": "0.03"}], [{"name": "ISH", "rate": Decimal("0.03"), "withholding": False}]),
    ("complements", [COMPLEMENT], [COMPLEMENT]), ("addenda", "<a/>", ...), ("invoice_pdf_notes", "Gracias", ...),
    ("concepts_catalog", ["a", "b"], ...), ("allowed_product_codes", [{"key": "86101700", "description": "d"}], ...),
    ("uses_on_self_invoice_portal", ["g01", "D01"], ["G01", "D01"]), ("allow_notes_on_self_invoice", True, ...),
    ("allow_product_code_on_self_invoice", True, ...), ("customer_portal_id", "kemper-1", ...),
    ("global_invoice_disabled", True, ...), ("periodicity", "WEEK", "week"), ("global_invoicing_monthly_cuts", 5, ...),
    ("invoice_per_receipt", True, ...), ("eom_ppd_threshold_days", 31, ...), ("use_foreign_public_in_usd", True, ...),
    ("enforce_client_country_taxes", True, ...), ("avoid_automations_on_currencies", ["usd"], ["USD"]),
    ("automate_complement_for_ppd_invoices", False, ...), ("automate_partial_payment_complements", False, ...),
    ("avoid_receipts", True, ...), ("cancel_receipts_on_refunds", False, ...), ("keep_full_legal_name", True, ...),
    ("avoid_legal_name_replacer", True, ...), ("force_series", "Z-1", ...), ("pdf_language", "EN", "en"),
    ("send_invoice_english_pdf", True, ...), ("custom_payment_description", "Pago", ...), ("limit_days_to_pay", 0, ...),
]  # fmt: skip
BAD = [
    ("default_description", "x" * 1001, "max_length"), ("override_item_description", "a|b", "format"),
    ("product_key", "99999999", "not_in_catalog"), ("unit_key", "ZZQ", "not_in_catalog"), ("unit_name", "x" * 101, "max_length"),
    ("sku", "x" * 101, "max_length"), ("use", "Z01", "enum"), ("local_taxes", [{"name": "x", "rate": 1.1}], "max"),
    ("local_taxes", [{"name": "x", "rate": 0.12345}], "format"), ("local_taxes", [{"name": "x", "rate": 0}] * 11, "max_items"),
    ("taxes", [{"type": "IVA", "rate": 16}], "max"), ("taxes", [IVA_8] * 2, "duplicate"), ("taxes", [IVA_8] * 11, "max_items"),
    ("complements", [{"type": "custom", "data": "<a>"}], "format"), ("complements", [{"type": "custom"}], "required"),
    ("addenda", "<a>", "format"), ("addenda", "</cfdi:Addenda><a/>", "format"),
    ("complements", [{"type": "custom", "data": "<a/>"}], "format"), ("addenda", f"<a>{'x' * 65536}</a>", "max_length"), ("invoice_pdf_notes", "x" * 2001, "max_length"),
    ("concepts_catalog", ["x"] * 501, "max_items"), ("concepts_catalog", ["x" * 1001], "max_length"),
    ("allowed_product_codes", [{"key": "86101700"}], "required"), ("allowed_product_codes", [{"key": "1", "description": "d"}], "not_in_catalog"),
    ("uses_on_self_invoice_portal", ["P01"], "enum"), ("allow_notes_on_self_invoice", "yes", "type"),
    ("customer_portal_id", "Kemper", "format"), ("customer_portal_id", "x" * 129, "max_length"), ("periodicity", "year", "enum"),
    ("periodicity", "two_months", "not_allowed"), ("global_invoicing_monthly_cuts", 1, "min"), ("global_invoicing_monthly_cuts", 6, "max"),
    ("eom_ppd_threshold_days", 32, "max"), ("avoid_automations_on_currencies", ["ZZZ"], "enum"), ("force_series", "a b", "format"),
    ("default_series", {"income": {"serie": "a b"}}, "format"), ("pdf_language", "fr", "enum"), ("limit_days_to_pay", 3651, "max"),
    ("custom_payment_description", "x" * 501, "max_length"), ("payment_reminders", {"days": 366}, "max"),
    ("payment_reminders", {"before_subject": "x" * 301}, "max_length"), ("refunds", {"current_month_handler": "keep"}, "enum"),
    ("reinvoice", {"window_days": 366}, "max"), ("reinvoice", {"handler": "keep"}, "enum"), ("emails", {"invoices_bcc": ["x"]}, "format"),
    ("emails", {"invoices_bcc": ["a@b.mx"] * 21}, "max_items"), ("emails", {"invoice_body": "x" * 10001}, "max_length"),
    ("emails", [], "type"), ("email_templates", {"invoices": {"es": {"subject": "x" * 301}}}, "max_length"),
]  # fmt: skip


@pytest.fixture(scope="module")
def calm(founded: Any, tmp_path_factory: Any, sat_data: Any, migrated_template: str) -> Any:
    """One server for the refusals: none of them changes anything."""
    import shutil

    from worlds import POSTGRESQL

    if POSTGRESQL is not None:
        pytest.skip("the same rules on both engines: run on SQLite")
    folder = tmp_path_factory.mktemp("calm")
    shutil.copy(founded.template, folder / "calm.sqlite")
    world = World(f"sqlite:///{folder / 'calm.sqlite'}", folder, founded, sat_data)
    yield world
    world.close()


@pytest.mark.parametrize(("key", "value", "seen"), GOOD)
def test_stored_shown_and_cleared(calm: World, key: str, value: Any, seen: Any) -> None:
    default = shown(calm)[key]

    changed = change(calm, **{key: value})

    assert changed.message == "Team settings updated successfully"
    assert changed.data["settings"][key] == (value if seen is ... else seen)
    assert shown(calm)[key] == changed.data["settings"][key]
    assert change(calm, **{key: None}).data["settings"][key] == default


@pytest.mark.parametrize(("key", "value", "code"), BAD)
def test_refused(calm: World, key: str, value: Any, code: str) -> None:
    with untouched(calm):
        reply = change(calm, sku="S", **{key: value}) if key != "sku" else change(calm, sku=value)

    assert reply.status == 400
    path, found = reply.paths[0]
    assert (path.startswith(key), found) == (True, code), reply.json


def test_every_default(world: World) -> None:
    found = shown(world)

    assert len(found) == 45
    assert found["refunds"] == {"automatic_refunds": True, "current_month_handler": "credit_note"}
    assert found["reinvoice"] == {"window_days": 0, "handler": "cancel_resources"}
    assert found["payment_reminders"] == {
        "enabled": False, "days": 3, "before_subject": None, "before_body": None, "after_subject": None, "after_body": None,
    }  # fmt: skip
    assert found["default_series"] == {
        "income": {"serie": "A"}, "complements": {"serie": "P"}, "credit_note": {"serie": "E"},
    }  # fmt: skip
    assert found["uses_on_self_invoice_portal"] == ["G03", "S01"]
    assert len(found["emails"]) == 19
    assert found["email_templates"] == {}


def test_groups_merge_leaf_by_leaf_and_reset(world: World) -> None:
    change(world, emails={"invoices_bcc": ["a@b.mx"], "avoid_test_invoice_emails": False})
    change(world, emails={"invoice_subject": "Factura"}, default_series={"income": {"serie": "F"}})
    change(world, email_templates={"invoices": {"es": {"subject": "Hola"}}})
    change(world, email_templates={"invoices": {"es": {"body": "Va"}}}, emails={})

    found = shown(world)
    assert (found["emails"]["invoices_bcc"], found["emails"]["avoid_test_invoice_emails"]) == (["a@b.mx"], False)
    assert found["emails"]["invoice_subject"] == "Factura"
    assert found["default_series"]["income"] == {"serie": "F"}
    assert found["default_series"]["credit_note"] == {"serie": "E"}
    assert found["email_templates"] == {"invoices": {"es": {"subject": "Hola", "body": "Va"}}}

    change(world, emails={"invoice_subject": ""}, default_series=None)
    assert shown(world)["emails"]["invoice_subject"] is None
    assert shown(world)["emails"]["invoices_bcc"] == ["a@b.mx"]
    assert shown(world)["default_series"]["income"] == {"serie": "A"}
    assert change(world, emails=None).data["settings"]["emails"]["avoid_test_invoice_emails"] is True


def test_one_switch_under_two_names(world: World) -> None:
    assert change(world, avoid_legal_name_replacer=True).data["settings"]["keep_full_legal_name"] is True
    assert change(world, keep_full_legal_name=False).data["settings"]["avoid_legal_name_replacer"] is False
    reply = change(world, keep_full_legal_name=True, avoid_legal_name_replacer=False)
    assert reply.paths == [("avoid_legal_name_replacer", "conflict")]


def test_a_portal_name_belongs_to_one_team(world: World) -> None:
    norte = branch(world)
    change(world, customer_portal_id="kemper")

    with untouched(world):
        taken = world.api.call("PUT", f"/teams/{norte}/settings", {"customer_portal_id": "kemper"})
    assert (taken.status, taken.error_code) == (409, "resource_already_exists")
    assert change(world, customer_portal_id="kemper").status == 200
    change(world, customer_portal_id=None)
    assert world.api.call("PUT", f"/teams/{norte}/settings", {"customer_portal_id": "kemper"}).status == 200


def test_no_change_leaves_no_trace(world: World) -> None:
    change(world, use="G01")
    assert actions(world, "team.settings") == [("team.settings", world.team_id)]

    with untouched(world):
        assert change(world, use="G01", unknown=1).status == 200


def test_two_months_is_for_regime_621(world: World) -> None:
    person = branch(world, name="Ana", tax_id="MISC491214B86", tax_system="621")

    assert world.api.call("PUT", f"/teams/{person}/settings", {"periodicity": "two_months"}).status == 200


def test_effects_on_invoices(world: World) -> None:
    change(
        world,
        override_item_description="Servicios varios",
        force_series="F",
        use="G01",
        taxes=[{"type": "IVA", "rate": 0}],
        local_taxes=[{"name": "ISH", "rate": 0.02}],
        addenda="<nota/>",
        unit_name="Hora",
        product_key="86101700",
    )
    body = world.sale(100)
    del body["items"][0]["taxes"]

    made = world.api.post("/invoices/income", body)

    assert made.status == 201, made.json
    root = world.root(made.data["uuid"])
    line = root.find(f".//{CFDI}Concepto")
    assert line is not None
    assert root.get("Serie") == "F"
    assert (line.get("Descripcion"), line.get("ClaveProdServ"), line.get("Unidad")) == (
        "Servicios varios",
        "86101700",
        "Hora",
    )
    assert root.find(f".//{CFDI}Impuestos/{CFDI}Traslados/{CFDI}Traslado").get("TasaOCuota") == "0.000000"  # type: ignore[union-attr]
    assert root.get("Total") == "102.00"
    assert root.find(f"{CFDI}Addenda") is not None


def test_full_names_are_kept_when_asked(world: World) -> None:
    world.api.call("PUT", f"/teams/{world.team_id}", {"legal_name": "ESCUELA KEMPER URGATE SA DE CV"})
    short = world.root(world.issue()["uuid"]).find(f"{CFDI}Emisor")
    change(world, avoid_legal_name_replacer=True)
    team = world.api.get(f"/teams/{world.team_id}").data

    assert short is not None
    assert short.get("Nombre") == "ESCUELA KEMPER URGATE"
    assert team["settings"]["keep_full_legal_name"] is True
