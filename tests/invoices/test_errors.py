"""Every refusal of a stamping call, by the tables of the contract: status, code, path, and nothing is left behind."""

from typing import Any

import pytest

from world import HOUR_MS, IVA, NOON_MS, PUBLIC, Reply, World

OTHER = "11111111-2222-4333-8444-555555555555"
LINE = {"description": "Algo", "unit_price": 10, "taxes": [IVA]}
LEYENDAS = "http://www.sat.gob.mx/leyendasFiscales"


def refused(world: World, body: dict[str, Any], kind: str = "income") -> Reply:
    """The refusal of a request, after which nothing is different."""
    with world.unchanged():
        reply = world.api.post(f"/invoices/{kind}", body)
    assert reply.json["success"] is False
    assert reply.message == reply.error["message"]
    assert reply.json["request_id"] == reply.header("x-request-id")
    assert (
        reply.details == [f"{field['path']}: {field['message']}" for field in reply.error["fields"]] or not reply.paths
    )
    return reply


def only(reply: Reply) -> tuple[str, str, str]:
    """Code of the error, path and code of its only field."""
    ((path, code),) = reply.paths
    return reply.error_code, path, code


class TestAbsent:
    @pytest.mark.parametrize(
        ("fields", "paths"),
        [
            ({"client": None, "items": None}, ["client", "items"]),
            ({"client": None}, ["client"]),
            ({"client": {}}, ["client"]),
            ({"items": None}, ["items"]),
            ({"items": [{}]}, ["items[0].description", "items[0].unit_price"]),
            ({"items": [LINE, {"description": "x"}]}, ["items[1].unit_price"]),
            ({"items": [{**LINE, "taxes": [{"rate": 0.16}]}]}, ["items[0].taxes[0].type"]),
            ({"items": [{**LINE, "taxes": [{"type": "IVA"}]}]}, ["items[0].taxes[0].rate"]),
            (
                {"items": [{**LINE, "third_party": {"legal_name": "A"}}]},
                [f"items[0].third_party.{name}" for name in ("tax_id", "tax_system", "zip")],
            ),
            (
                {"items": [{**LINE, "item_complement": {"hydrocarbons": {"permit_type": "A", "fuel_code": "B"}}}]},
                [f"items[0].item_complement.hydrocarbons.{name}" for name in ("permit_number", "fuel_sub_product")],
            ),
            ({"currency": "USD"}, ["exchange_rate"]),
            ({"related_documents": [{"relationship": "04"}]}, ["related_documents[0].documents"]),
            ({"client": PUBLIC, "global": {}}, ["global.periodicity", "global.months", "global.year"]),
            ({"local_taxes": [{}]}, ["local_taxes[0].name", "local_taxes[0].rate"]),
            ({"namespaces": [{}]}, ["namespaces[0].prefix", "namespaces[0].uri"]),
            ({"complements": [{}]}, ["complements[0].type", "complements[0].data"]),
        ],
    )
    def test_fields(self, shared_world: World, fields: dict[str, Any], paths: list[str]) -> None:
        reply = refused(shared_world, shared_world.sale() | fields)

        assert (reply.status, reply.error_code) == (400, "missing_required_field")
        assert reply.paths == [(path, "required") for path in paths]

    def test_an_empty_body(self, shared_world: World) -> None:
        reply = refused(shared_world, {})

        assert reply.details == ["client: is required", "items: is required"]
        assert reply.message == "The request has 2 invalid fields"

    def test_a_client_that_cannot_be_invoiced(self, world: World) -> None:
        bare = world.client(legal_name="A", tax_id=None, tax_system=None, address=None)

        reply = refused(world, world.sale() | {"client": {"id": bare}})

        assert (reply.status, reply.error_code) == (400, "missing_required_field")
        assert reply.paths == [(f"client.{name}", "required") for name in ("tax_id", "tax_system", "address.zip")]


# fields of the body, path, field code, proposed value
WRONG: list[tuple[dict[str, Any], str, str, Any]] = [
    ({"items": []}, "items", "min_items", None),
    ({"items": [LINE] * 5001}, "items", "max_items", None),
    ({"items": [{**LINE, "unit_price": -1}]}, "items[0].unit_price", "min", 0),
    ({"items": [{**LINE, "unit_price": 10**12}]}, "items[0].unit_price", "max", "999999999999.999999"),
    ({"items": [{**LINE, "unit_price": "1,000"}]}, "items[0].unit_price", "type", None),
    ({"items": [{**LINE, "unit_price": 1.1234567}]}, "items[0].unit_price", "format", "1.123457"),
    ({"items": [{**LINE, "quantity": 0}]}, "items[0].quantity", "min", None),
    ({"items": [{**LINE, "unit_price": 999999999999, "quantity": 1000}]}, "items[0].quantity", "max", None),
    ({"items": [{**LINE, "description": "a|b"}]}, "items[0].description", "format", "a/b"),
    ({"items": [{**LINE, "description": "a\u0001"}]}, "items[0].description", "format", None),
    ({"items": [{**LINE, "description": "x" * 1001}]}, "items[0].description", "max_length", "x" * 1000),
    ({"items": [{**LINE, "sku": "a|b"}]}, "items[0].sku", "format", "a/b"),
    ({"items": [{**LINE, "unit_name": "a|b"}]}, "items[0].unit_name", "format", "a/b"),
    ({"items": [{**LINE, "taxability": "09"}]}, "items[0].taxability", "enum", None),
    ({"items": [{**LINE, "taxes": [{"type": "IVA", "rate": 16}]}]}, "items[0].taxes[0].rate", "max", "0.16"),
    ({"items": [{**LINE, "taxes": [{"type": "IVA", "rate": 0.15}]}]}, "items[0].taxes[0].rate", "enum", "0.16"),
    ({"items": [{**LINE, "taxes": [{"type": "IVA", "rate": 1, "factor": "Cuota"}]}]}, "items[0].taxes[0].factor",
     "not_allowed", "Tasa"),
    ({"items": [{**LINE, "taxes": [IVA, IVA]}]}, "items[0].taxes[1]", "duplicate", None),
    ({"items": [{**LINE, "taxes": [{"type": "IEPS", "rate": 0.08}, {**IVA, "inclusive": True}]}]},
     "items[0].taxes[0].inclusive", "conflict", True),
    ({"items": [{**LINE, "customs_request": "15 48 3009 0001234"}]}, "items[0].customs_request", "format",
     "15  48  3009  0001234"),
    ({"items": [{**LINE, "property_tax_account": "a b"}]}, "items[0].property_tax_account", "format", None),
    ({"items": [{**LINE, "complement": "<a"}]}, "items[0].complement", "format", None),
    ({"currency": "XXX"}, "currency", "not_in_catalog", "MXN"),
    ({"currency": "ZZZ"}, "currency", "not_in_catalog", "MXN"),
    ({"currency": "USD", "exchange_rate": 0}, "exchange_rate", "min", None),
    ({"currency": "USD", "exchange_rate": 1.1234567}, "exchange_rate", "format", "1.123457"),
    ({"payment_method": "CASH"}, "payment_method", "enum", None),
    ({"payment_form": "77"}, "payment_form", "not_in_catalog", None),
    ({"use": "G09"}, "use", "not_in_catalog", None),
    ({"series": "A B"}, "series", "format", None),
    ({"series": "x" * 26}, "series", "max_length", "x" * 25),
    ({"folio_number": -1}, "folio_number", "min", 0),
    ({"folio_number": 1.5}, "folio_number", "type", None),
    ({"date": NOON_MS + 1_000}, "date", "max", NOON_MS // 1000),
    ({"date": NOON_MS - 71 * HOUR_MS - 1_000}, "date", "min", NOON_MS // 1000),
    ({"date": "ayer"}, "date", "format", None),
    ({"exports": "05"}, "exports", "not_in_catalog", None),
    ({"automation_type": "receipt"}, "automation_type", "enum", "none"),
    ({"payment_conditions": "a|b"}, "payment_conditions", "format", "a/b"),
    ({"confirmation": "ab"}, "confirmation", "format", None),
    ({"related_documents": [{"relationship": "08", "documents": [OTHER]}]}, "related_documents[0].relationship", "enum",
     "01"),
    ({"related_documents": [{"relationship": "10", "documents": [OTHER]}]}, "related_documents[0].relationship", "enum",
     None),
    ({"related_documents": [{"documents": []}]}, "related_documents[0].documents", "min_items", None),
    ({"related_documents": [{"documents": [OTHER, "x"]}]}, "related_documents[0].documents[1]", "format", None),
    ({"complements": [{"type": "iedu", "data": "<a/>"}]}, "complements[0].type", "enum", None),
    ({"complements": [{"type": "custom", "data": "<a"}]}, "complements[0].data", "format", None),
    ({"complements": [{"type": "custom", "data": "<a/>"}]}, "complements[0].data", "format", None),
    ({"complements": [{"type": "custom", "data": '<t:T xmlns:t="http://www.sat.gob.mx/TimbreFiscalDigital"/>'}]},
     "complements[0].data", "format", None),
    ({"complements": [{"type": "custom", "data": '<c:C xmlns:c="http://www.sat.gob.mx/cfd/4"/>'}]},
     "complements[0].data", "format", None),
    ({"complements": [{"type": "custom", "data": f'<l:LeyendasFiscales xmlns:l="{LEYENDAS}" version="9"/>'}]},
     "complements[0].data", "format", None),
    ({"namespaces": [{"prefix": "1a", "uri": "https://a.example"}]}, "namespaces[0].prefix", "format", None),
    ({"namespaces": [{"prefix": "cfdi", "uri": "https://a.example"}]}, "namespaces", "format", None),
    ({"local_taxes": [{"name": "ISH", "rate": 0.12345}]}, "local_taxes[0].rate", "format", "0.1235"),
    ({"local_taxes": [{"name": "a|b", "rate": 0.1}]}, "local_taxes[0].name", "format", "a/b"),
    ({"addenda": "<a"}, "addenda", "format", None),
    ({"addenda": "<x:a/>"}, "addenda", "format", None),
    ({"addenda": f"<a>{'x' * 65_536}</a>"}, "addenda", "max_length", None),
    ({"invoice_pdf_notes": "x" * 2001}, "invoice_pdf_notes", "max_length", None),
    ({"emails": ["x"]}, "emails[0]", "format", None),
    ({"emails": ["a@b.mx"] * 21}, "emails", "max_items", None),
    ({"send_email": "yes"}, "send_email", "type", None),
    ({"return_files_urls": 1}, "return_files_urls", "type", None),
    ({"async": "yes"}, "async", "type", None),
    ({"idempotency_key": "x" * 256}, "idempotency_key", "max_length", "x" * 255),
    ({"idempotency_key": "ñ"}, "idempotency_key", "format", None),
    ({"metadata": []}, "metadata", "type", None),
    ({"metadata": {"a": "x" * 501}}, "metadata", "max_length", None),
    ({"metadata": {str(n): n for n in range(51)}}, "metadata", "max_items", None),
    ({"livemode": True}, "livemode", "conflict", False),
    ({"client": {"tax_id": "X"}}, "client.tax_id", "format", None),
    ({"client": PUBLIC, "global": {"periodicity": "04", "months": "19", "year": 2026}}, "global.months", "format", None),
    ({"client": PUBLIC, "global": {"periodicity": "x", "months": "10", "year": 2026}}, "global.periodicity", "enum",
     None),
]  # fmt: skip


def named(row: tuple[Any, ...]) -> str:
    return f"{row[1]}-{row[2]}"


class TestWrong:
    @pytest.mark.parametrize(("fields", "path", "code", "fix"), WRONG, ids=map(named, WRONG))
    def test_value(self, shared_world: World, fields: dict[str, Any], path: str, code: str, fix: Any) -> None:
        reply = refused(shared_world, shared_world.sale() | fields)

        assert (reply.status, *only(reply)) == (400, "invalid_field_value", path, code)
        proposed = reply.error["fields"][0]["fix"]
        assert (proposed if isinstance(proposed, bool) or proposed is None else str(proposed)) == (
            fix if isinstance(fix, bool) or fix is None else str(fix)
        )
        assert "cfdi" not in reply.error

    def test_both_kinds_at_once(self, shared_world: World) -> None:
        reply = refused(shared_world, {"items": [{**LINE, "quantity": 0, "unit_price": -1}], "series": "?"})

        assert (reply.status, reply.error_code) == (400, "validation_failed")
        assert {path for path, _ in reply.paths} == {"client", "items[0].quantity", "items[0].unit_price", "series"}

    def test_another_teams_id_in_the_body(self, shared_world: World) -> None:
        reply = refused(shared_world, shared_world.sale(team=shared_world.founded.rival_id))

        assert only(reply) == ("invalid_field_value", "team", "conflict")

    @pytest.mark.parametrize("kind", ["payment", "payment_and_complement", "pue_invoice"])
    def test_automations_that_need_payments(self, shared_world: World, kind: str) -> None:
        reply = refused(shared_world, shared_world.sale(automation_type=kind))

        assert only(reply) == ("invalid_field_value", "automation_type", "not_allowed")

    def test_at_most_fifty_problems_are_told(self, shared_world: World) -> None:
        reply = refused(shared_world, shared_world.sale(items=[{**LINE, "quantity": 0}] * 60))

        assert (len(reply.paths), reply.message) == (50, "The request has 60 invalid fields")


KEMPER = {"legal_name": "ESCUELA KEMPER URGATE", "tax_id": "EKU9003173C9", "tax_system": "601", "zip": "42501"}
URE = {"legal_name": "UNIVERSIDAD ROBOTICA", "tax_id": "URE180429TM6", "tax_system": "601", "zip": "86991"}
IEPS = {"type": "IEPS", "rate": 0.08}
# fields of the body, path, SAT's code, proposed value
MATRIX: list[tuple[dict[str, Any], str, str, Any]] = [
    ({"items": [{**LINE, "unit_price": 0}]}, "items[0].unit_price", "CFDI40166", None),
    ({"items": [{**LINE, "discount": 11}]}, "items[0].discount", "CFDI40169", 10),
    ({"items": [{**LINE, "discount": 10, "taxability": "02"}]}, "items[0].taxability", "CFDI40174", "01"),
    ({"items": [{**LINE, "product_key": "99999999"}]}, "items[0].product_key", "CFDI40162", None),
    ({"items": [{**LINE, "unit_key": "ZZ9"}]}, "items[0].unit_key", "CFDI40165", None),
    ({"items": [{**LINE, "taxability": "02", "taxes": []}]}, "items[0].taxability", "CFDI40171", "01"),
    *[({"items": [{**LINE, "taxability": code}]}, "items[0].taxability", "CFDI40172", "02")
      for code in ("01", "03", "04", "05")],
    ({"items": [{**LINE, "taxability": "06"}]}, "items[0].taxability", "CFDI140226", "02"),
    ({"items": [{**LINE, "taxability": "07", "taxes": [IVA, IEPS]}]}, "items[0].taxability", "CFDI140227", "02"),
    ({"items": [{**LINE, "third_party": KEMPER}]}, "items[0].third_party.tax_id", "CFDI40188", None),
    ({"items": [{**LINE, "third_party": URE}]}, "items[0].third_party.tax_id", "CFDI40188", None),
    ({"use": "D01"}, "use", "CFDI40161", "G03"),
    ({"exports": "02"}, "exports", "CFDI40122", "01"),
    ({"client": PUBLIC, "global": {"periodicity": "05", "months": "13", "year": 2026}}, "global", "CFDI40132", "node"),
    ({"client": PUBLIC, "global": {"periodicity": "04", "months": "13", "year": 2026}}, "global.months", "CFDI40134",
     "10"),
    ({"client": PUBLIC, "global": {"periodicity": "04", "months": "10", "year": 2020}}, "global.year", "CFDI40136",
     2026),
]  # fmt: skip


class TestMatrix:
    @pytest.mark.parametrize(("fields", "path", "code", "fix"), MATRIX, ids=map(named, MATRIX))
    def test_rule(self, shared_world: World, fields: dict[str, Any], path: str, code: str, fix: Any) -> None:
        if "client" in fields:
            sql = "select id from clients where tax_id = 'XAXX010101000'"
            known = shared_world.query(sql) or [(shared_world.client(**PUBLIC),)]
            fields = {**fields, "client": {"id": known[0][0]}}

        reply = refused(shared_world, shared_world.sale() | fields)

        assert (reply.status, *only(reply)) == (400, "invalid_field_value", path, code)
        proposed = reply.error["fields"][0]["fix"]
        assert proposed == ({"periodicity": "04", "months": "10", "year": 2026} if fix == "node" else fix)
        cfdi = reply.error["cfdi"]
        assert cfdi["code"] == code
        assert all(cfdi[name] for name in ("message", "explanation", "solution"))

    @pytest.mark.parametrize(("regime", "code"), [("605", "CFDI40158"), ("609", "CFDI40157")])
    def test_the_regime_of_the_receiver(self, shared_world: World, regime: str, code: str) -> None:
        client = {"id": shared_world.university(), "tax_system": regime}

        reply = refused(shared_world, shared_world.sale() | {"client": client})

        assert (reply.status, *only(reply)) == (400, "invalid_field_value", "client.tax_system", code)
        assert reply.error["cfdi"]["code"] == code

    def test_several_rules_are_told_at_once(self, shared_world: World) -> None:
        items = [{**LINE, "taxability": "01"}, {**LINE, "product_key": "99999999"}, {**LINE, "discount": 11}]

        reply = refused(shared_world, shared_world.sale(items=items, use="D01"))

        assert {code for _, code in reply.paths} >= {"CFDI40172", "CFDI40162", "CFDI40161", "CFDI40169"}
        assert reply.message == f"The request has {len(reply.paths)} invalid fields"


class TestRules:
    """400 business_rule_violation."""

    def broken(self, world: World, fields: dict[str, Any]) -> Reply:
        reply = refused(world, world.sale() | fields)
        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        return reply

    def test_pue_with_99(self, shared_world: World) -> None:
        reply = self.broken(shared_world, {"payment_form": "99"})

        assert (reply.paths, reply.error["fields"][0]["fix"]) == ([("payment_form", "conflict")], "03")

    def test_a_global_node_for_somebody(self, shared_world: World) -> None:
        reply = self.broken(shared_world, {"global": {"periodicity": "04", "months": "10", "year": 2026}})

        assert reply.message == "global: goes with the receiver XAXX010101000 named PUBLICO EN GENERAL only"

    @pytest.mark.parametrize("node", [{}, {"global": {"periodicity": "04", "months": "10", "year": 2026}}])
    def test_ppd_for_the_general_public(self, world: World, node: dict[str, Any]) -> None:
        public = world.client(**PUBLIC)

        reply = self.broken(world, {"client": {"id": public}, "payment_method": "PPD", **node})

        assert reply.paths == [("payment_method", "conflict")]

    def test_a_related_document_that_is_not_valid(self, world: World) -> None:
        canceled = world.issue()["uuid"]
        world.api.delete(f"/invoices/{canceled}", {"motive": "02"})

        reply = self.broken(world, {"related_documents": [{"relationship": "07", "documents": [OTHER, canceled]}]})

        assert reply.paths == [("related_documents[0].documents[1]", "conflict")]

    def test_no_certificate(self, world: World) -> None:
        before = world.state()
        client = world.client(world.rival)
        state = {**world.state()}

        reply = world.rival.post("/invoices/income", {"client": {"id": client}, "items": [LINE]})

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert "CSD" in reply.message
        assert world.state() == state != before

    def test_an_expired_certificate(self, world: World) -> None:
        world.clock.advance(4 * 366 * 24 * HOUR_MS)

        assert "CSD" in self.broken(world, {}).message

    def test_no_pac_in_live_mode(self, world: World) -> None:
        client = world.client(world.live)
        with world.unchanged():
            reply = world.live.post("/invoices/income", {"client": {"id": client}, "items": [LINE]})

        assert (reply.status, reply.error_code) == (400, "business_rule_violation")
        assert reply.message == "No PAC is configured for live mode"

    def test_sandbox_cases_mean_nothing_in_live_mode(self, world: World) -> None:
        client = world.client(world.live)
        body = {"client": {"id": client}, "items": [LINE], "metadata": {"sandbox": "pac_down"}}

        assert world.live.post("/invoices/income", body).error_code == "business_rule_violation"

    def test_a_team_without_a_postal_code(self, world: World) -> None:
        sql = f"update teams set address = '{{}}' where id = '{world.team_id}'"
        world.database.write_sync(lambda tx: tx.connection.exec_driver_sql(sql))

        assert "address.zip" in self.broken(world, {}).message


class TestNotFound:
    @pytest.mark.parametrize(
        ("fields", "path"),
        [
            ({"client": {"id": "client_01K9ZE2M4Q6S8V0X1Z3B5D7F9H"}}, "client.id"),
            ({"client": {"tax_id": "KIJ0906199R1", "search": {"on_key": "tax_id", "auto_create": False}}},
             "client.search.on_value"),
            ({"items": [LINE, {"id": "service_01K9ZH4P6R8T0W2Y4A6C8E0G2J"}]}, "items[1].id"),
            ({"items": [{"search": {"on_key": "sku", "on_value": "none"}}]}, "items[0].search.on_value"),
        ],
    )  # fmt: skip
    def test_objects_of_the_body(self, shared_world: World, fields: dict[str, Any], path: str) -> None:
        reply = refused(shared_world, shared_world.sale() | fields)

        assert (reply.status, *only(reply)) == (404, "resource_not_found", path, "not_found")
        assert reply.details == [f"{path}: not found"]

    def test_a_client_of_the_other_mode_or_team(self, world: World) -> None:
        for api in (world.live, world.rival):
            reply = refused_with(world, world.sale() | {"client": {"id": world.client(api)}})
            assert (reply.status, *only(reply)) == (404, "resource_not_found", "client.id", "not_found")


def refused_with(world: World, body: dict[str, Any]) -> Reply:
    return refused(world, body)


class TestConflicts:
    def test_several_clients_match(self, world: World) -> None:
        ids = [world.client(email="same@b.mx") for _ in range(2)]

        reply = refused(world, world.sale() | {"client": {"search": {"on_key": "email", "on_value": "same@b.mx"}}})

        assert (reply.status, reply.error_code) == (409, "resource_conflict")
        assert all(id_ in reply.details[0] for id_ in ids)

    def test_several_services_match(self, world: World) -> None:
        for _ in range(2):
            world.api.post("/services", {"description": "Doble", "unit_price": 1, "sku": "DOBLE"})

        reply = refused(world, world.sale(items=[{"search": {"on_key": "sku", "on_value": "DOBLE"}}]))

        assert (reply.status, *only(reply)) == (409, "resource_conflict", "items[0].search.on_value", "conflict")

    def test_safety_check(self, shared_world: World) -> None:
        search = {"on_key": "sku", "on_value": "CONS-01", "safety_check": True}

        reply = refused(shared_world, shared_world.sale(items=[{"search": search, "unit_price": 3}]))

        assert (reply.status, *only(reply)) == (409, "resource_conflict", "items[0].unit_price", "conflict")

    def test_a_folio_in_use(self, world: World) -> None:
        world.issue(folio_number=7)

        reply = refused(world, world.sale(folio_number=7))

        assert (reply.status, reply.error_code) == (409, "resource_already_exists")
        assert reply.message == "folio_number: 7 is already used in series A"

    def test_a_folio_that_waits_for_its_stamp(self, world: World) -> None:
        world.api.post("/invoices/income", world.sale(folio_number=7, **{"async": True}))

        assert refused(world, world.sale(folio_number=7)).error_code == "resource_already_exists"

    def test_the_same_folio_of_another_series_is_free(self, world: World) -> None:
        world.issue(folio_number=7)

        assert world.issue(folio_number=7, series="B")["folio_number"] == 7


class TestTransport:
    def test_no_key_and_a_bad_key(self, shared_world: World) -> None:
        with shared_world.unchanged():
            none = shared_world.api.post("/invoices/income", {}, authorization="")
            bad = shared_world.api.post("/invoices/income", {}, authorization="Bearer x")

        assert [(reply.status, reply.error_code) for reply in (none, bad)] == [
            (401, "unauthorized"), (401, "invalid_token"),
        ]  # fmt: skip

    @pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b'{"a": NaN}', b"[" * 40 + b"]" * 40])
    def test_a_body_that_is_no_object(self, shared_world: World, content: bytes) -> None:
        with shared_world.unchanged():
            reply = shared_world.api.post("/invoices/income", content)

        assert (reply.status, reply.error_code) == (400, "invalid_request_body")

    def test_a_form(self, shared_world: World) -> None:
        reply = shared_world.api.post("/invoices/income", b"a=1", content_type="application/x-www-form-urlencoded")

        assert (reply.status, reply.error_code) == (400, "invalid_request_body")

    def test_four_mebibytes_fit_and_no_more(self, shared_world: World) -> None:
        with shared_world.unchanged():
            fits = shared_world.api.post("/invoices/income", b" " * (4 * 1024 * 1024))
            more = shared_world.api.post("/invoices/income", b" " * (4 * 1024 * 1024 + 1))

        assert (fits.status, fits.error_code) == (400, "missing_required_field")
        assert (more.status, more.error_code) == (413, "invalid_request_body")

    @pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
    def test_other_methods(self, shared_world: World, method: str) -> None:
        reply = shared_world.api.call(method, "/invoices/income", {})

        assert (reply.status, reply.error_code) == (405, "operation_not_allowed")
        assert set((reply.header("allow") or "").replace(" ", "").split(",")) >= {"GET", "POST"}


def test_a_complement_that_no_schema_declares_is_left_to_the_pac(world: World) -> None:
    data = '<n:Nota xmlns:n="https://nota.example/1"/>'

    reply = world.api.post("/invoices/income", world.sale(complements=[{"type": "custom", "data": data}]))

    assert (reply.status, reply.error["cfdi"]["code"]) == (422, "301")


def test_an_inline_client_stays_when_the_document_fails(world: World) -> None:
    client = {"legal_name": "KERNEL INDUSTIA JUGUETERA", "tax_id": "KIJ0906199R1", "tax_system": "601",
              "address": {"zip": "62661"}}  # fmt: skip
    documents = {name: world.rows(name) for name in ("invoices", "series", "released_folios", "idempotency_records")}

    reply = world.api.post("/invoices/income", {"client": client, "items": [{**LINE, "taxability": "01"}]})

    assert (reply.status, reply.error_code) == (400, "invalid_field_value")
    assert {name: world.rows(name) for name in documents} == documents
    assert world.events() == []
    assert world.api.get("/clients?tax_id=KIJ0906199R1").json["total_results"] == 1
