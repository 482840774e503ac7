"""POST /invoices/income: what a good request becomes."""

from decimal import Decimal
from typing import Any

import pytest

from world import CFDI, HOUR_MS, IVA, MINUTE_MS, NOON, NOON_MS, PUBLIC, World

SAT_URL = "https://verificacfdi.facturaelectronica.sat.gob.mx/default.aspx"


def concept(world: World, uuid: str, name: str = "") -> Any:
    found = world.root(uuid).find(f".//{CFDI}Concepto{name}")
    assert found is not None
    return found


class TestExample:
    """The example of the contract, section 4.4, value by value."""

    def test_every_value(self, world: World) -> None:
        client = world.university()
        body = {
            "client": {"id": client}, "payment_method": "PUE", "payment_form": "03", "use": "G03", "series": "A",
            "idempotency_key": "order-7781", "return_files_urls": True, "metadata": {"order": "7781"},
            "items": [
                {"description": "Consultoría", "quantity": 2, "unit_price": 1500, "discount": 100,
                 "product_key": "80141503", "unit_key": "E48", "taxes": [IVA]},
                {"description": "Hospedaje web", "quantity": 1, "unit_price": 580, "product_key": "81112100",
                 "unit_key": "E48", "taxes": [{**IVA, "inclusive": True}]},
            ],
        }  # fmt: skip

        reply = world.api.post("/invoices/income", body)

        assert (reply.status, reply.message) == (201, "Invoice created successfully")
        data = reply.data
        uuid, stamp, files = data["uuid"], data.pop("stamp"), data.pop("files")
        shown_client, url = data.pop("client"), data.pop("verification_url")
        tax = {"type": "IVA", "rate": Decimal("0.16"), "factor": "Tasa", "withholding": False, "inclusive": False}
        rare = {
            "customs_request": None, "complement": None, "property_tax_account": None, "third_party": None,
            "item_complement": None,
        }  # fmt: skip
        owner = world.query("select owner, billing_account from teams where id = :t", t=world.team_id)[0]
        assert data == {
            "id": uuid, "uuid": uuid, "internal_id": data["internal_id"], "team": world.team_id, "owner": owner[0],
            "billing_account": owner[1], "livemode": False, "from": "api", "status": "valid", "invoice_type": "I",
            "created_at": NOON_MS // 1000, "updated_at": NOON_MS // 1000, "date": NOON_MS, "currency": "MXN",
            "exchange_rate": 1, "subtotal": 3500, "discount": 100, "taxes": 544, "withholding_taxes": 0, "total": 3944,
            "series": "A", "folio_number": 1, "use": "G03", "payment_form": "03", "payment_method": "PUE",
            "payment_conditions": None, "payment_complements": 0, "last_balance": 0, "installments": 0, "credited": 0,
            "exports": "01", "addenda": None, "invoice_pdf_notes": None, "confirmation": None,
            "idempotency_key": "order-7781", "metadata": {"order": "7781"}, "emails": [],
            "items": [
                {"id": None, "description": "Consultoría", "product_key": "80141503", "quantity": 2, "unit_price": 1500,
                 "unit_key": "E48", "unit_name": "Unidad de servicio", "sku": None, "taxability": "02", "discount": 100,
                 **rare, "taxes": [{**tax, "base": 2900, "amount": 464}], "subtotal": 3000, "total": 3364},
                {"id": None, "description": "Hospedaje web", "product_key": "81112100", "quantity": 1, "unit_price": 500,
                 "unit_key": "E48", "unit_name": "Unidad de servicio", "sku": None, "taxability": "02", "discount": 0,
                 **rare, "taxes": [{**tax, "base": 500, "amount": 80}], "subtotal": 500, "total": 580},
            ],
            "client_name": "UNIVERSIDAD ROBOTICA ESPAÑOLA",
            "issuer_info": {"legal_name": "ESCUELA KEMPER URGATE", "tax_id": "EKU9003173C9", "tax_system": "601",
                            "zip": "42501"},
            "global": None, "related_documents": [], "complements": [], "namespaces": [], "local_taxes": [],
            "payments": [], "invoices": [], "receipts": [], "automations": [], "cancellation": None,
            "cancellation_status": None, "cancellation_receipt": None, "error": None, "rounding_difference": 0,
        }  # fmt: skip
        assert data["internal_id"].startswith("inv_")
        assert shown_client == world.api.get(f"/clients/{client}").data
        seal = stamp["sello"][-8:].replace("=", "%3D").replace("+", "%2B").replace("/", "%2F")
        assert url == f"{SAT_URL}?id={uuid}&re=EKU9003173C9&rr=URE180429TM6&tt=3944&fe={seal}"
        assert sorted(files) == ["pdf", "xml"]
        assert all(link.startswith("https://cfdi.example.com/v2/files/") for link in files.values())

    def test_the_stamp_is_that_of_the_xml(self, world: World) -> None:
        invoice = world.issue(100)

        root = world.root(invoice["uuid"])
        timbre = root.find(f"{CFDI}Complemento/*")
        assert timbre is not None
        assert invoice["stamp"] == {
            "sello": root.get("Sello"),
            "stamp_at": NOON_MS // 1000,
            "provider": "sandbox",
            "sat_seal": timbre.get("SelloSAT"),
            "certificate_number": root.get("NoCertificado"),
            "sat_certificate_number": timbre.get("NoCertificadoSAT"),
        }
        assert (timbre.get("UUID"), timbre.get("FechaTimbrado")) == (invoice["uuid"], NOON)
        assert (root.get("Fecha"), root.get("LugarExpedicion")) == (NOON, "42501")


class TestEffects:
    def test_the_event_comes_with_the_stamp_and_shows_the_invoice(self, world: World) -> None:
        invoice = world.issue(100)

        assert world.events() == [("invoice.created", invoice["uuid"])]
        assert world.event_bodies("invoice.created") == [invoice]
        assert world.actions() == ["invoice.create", "invoice.stamp"]

    def test_get_shows_the_same_with_links(self, world: World) -> None:
        invoice = world.issue(100)

        reply = world.api.get(f"/invoices/income/{invoice['uuid'].upper()}")

        assert (reply.status, reply.message) == (200, "Invoice retrieved successfully")
        assert {**reply.data, "files": None} == {**invoice, "files": None}
        assert invoice["files"] == {"pdf": None, "xml": None}
        assert world.api.get(f"/invoices/income/{invoice['internal_id']}").data["id"] == invoice["uuid"]

    def test_folios_run_by_series(self, world: World) -> None:
        folios = [
            (one["series"], one["folio_number"]) for one in (world.issue(), world.issue(series="B"), world.issue())
        ]

        assert folios == [("A", 1), ("B", 1), ("A", 2)]

    def test_an_inline_client_is_made_once(self, world: World) -> None:
        client = {"legal_name": "Kernel Industia Juguetera SA de CV", "tax_id": "KIJ0906199R1", "tax_system": "601",
                  "address": {"zip": "62661"}}  # fmt: skip

        first = world.api.post("/invoices/income", {**world.sale(), "client": client}).data
        second = world.api.post("/invoices/income", {**world.sale(), "client": client}).data

        assert first["client"]["id"] == second["client"]["id"]
        assert first["client"]["from"] == "inline"
        assert first["client_name"] == "KERNEL INDUSTIA JUGUETERA"
        assert [type_ for type_, _ in world.events(of="customer.")].count("customer.created") == 3

    def test_keys_beside_the_id_change_this_document_only(self, world: World) -> None:
        body = world.sale() | {"client": {"id": world.university(), "address": {"zip": "65000"}}}

        invoice = world.api.post("/invoices/income", body).data

        assert invoice["client"]["address"]["zip"] == "65000"
        assert world.api.get(f"/clients/{world.university()}").data["address"]["zip"] == "86991"

    def test_lines_come_from_services(self, world: World) -> None:
        items = [{"search": {"on_key": "sku", "on_value": "CONS-01"}}, {"sku": "HOST-01", "search": {"on_key": "sku"}}]

        invoice = world.issue(items=items)

        assert [item["description"] for item in invoice["items"]] == ["Consultoría mensual", "Hospedaje web"]
        assert (invoice["subtotal"], invoice["total"]) == (2000, 2320)
        assert all(item["id"].startswith("service_") for item in invoice["items"])


class TestDefaults:
    def test_a_line_takes_the_teams_keys_and_taxes(self, world: World) -> None:
        invoice = world.issue(items=[{"description": "Algo", "unit_price": 10}])

        (item,) = invoice["items"]
        assert (item["product_key"], item["unit_key"], item["quantity"], item["taxability"]) == (
            "01010101",
            "E48",
            1,
            "02",
        )
        assert invoice["taxes"] == Decimal("1.6")

    def test_use_comes_from_the_body_then_the_client_then_the_settings(self, world: World) -> None:
        named = world.client(
            use="G01", tax_id="KIJ0906199R1", legal_name="KERNEL INDUSTIA JUGUETERA", address={"zip": "62661"}
        )
        bare = world.client(tax_id="IVD920810GU2", legal_name="INNOVACION VALOR Y DESARROLLO", address={"zip": "63901"})
        world.settings(use="I04")

        uses = [
            world.api.post("/invoices/income", {**world.sale(), "client": {"id": id_}, **more}).data["use"]
            for id_, more in ((named, {"use": "i01"}), (named, {}), (named, {"use": "P01"}), (bare, {}))
        ]

        assert uses == ["I01", "G01", "G01", "I04"]

    def test_a_regime_that_excludes_g03_gets_s01(self, world: World) -> None:
        client = world.client(
            legal_name="CECILIA MIRANDA SANCHEZ", tax_id="MISC491214B86", tax_system="605", address={"zip": "01010"}
        )

        reply = world.api.post("/invoices/income", {**world.sale(), "client": {"id": client}})

        assert (reply.status, reply.data["use"]) == (201, "S01")

    def test_force_series_wins(self, world: World) -> None:
        world.settings(force_series="Z")

        assert world.issue(series="B")["series"] == "Z"

    def test_the_default_series_of_the_team(self, world: World) -> None:
        world.settings(default_series={"income": {"serie": "VENTA"}})

        assert world.issue()["series"] == "VENTA"

    def test_settings_add_notes_addenda_local_taxes_and_a_common_description(self, world: World) -> None:
        world.settings(
            invoice_pdf_notes="Gracias", addenda="<x/>", local_taxes=[{"name": "ISH", "rate": 0.03}],
            override_item_description="Servicios",
        )  # fmt: skip

        invoice = world.issue(100)

        assert (invoice["invoice_pdf_notes"], invoice["addenda"], invoice["taxes"]) == ("Gracias", "<x/>", 19)
        assert invoice["items"][0]["description"] == "Servicios"

    def test_withholdings_of_the_team_apply_to_companies(self, world: World) -> None:
        world.settings(withholding_taxes=[{"type": "ISR", "rate": "0.0125"}])
        person = world.client(
            legal_name="XOCHILT CASAS CHAVEZ", tax_id="CACX7605101P8", tax_system="612", address={"zip": "36257"}
        )
        items = [{"description": "Algo", "unit_price": 1000}]

        company = world.issue(items=items)
        to_person = world.api.post("/invoices/income", {"client": {"id": person}, "items": items}).data

        assert (company["withholding_taxes"], to_person["withholding_taxes"]) == (Decimal("12.5"), 0)

    def test_ppd_is_always_99(self, world: World) -> None:
        invoice = world.issue(payment_method="PPD", payment_form="03")

        assert (invoice["payment_method"], invoice["payment_form"], invoice["last_balance"]) == ("PPD", "99", 116)


class TestDate:
    @pytest.mark.parametrize(
        "sent",
        [NOON_MS - 70 * HOUR_MS, (NOON_MS - 70 * HOUR_MS) // 1000, "2026-10-06T14:00:00", "2026-10-06T20:00:00Z"],
    )
    def test_a_date_of_the_last_71_hours(self, world: World, sent: Any) -> None:
        invoice = world.issue(date=sent)

        assert invoice["date"] == NOON_MS - 70 * HOUR_MS
        assert world.root(invoice["uuid"]).get("Fecha") == "2026-10-06T14:00:00"

    def test_fecha_is_local_time_of_the_issuers_postal_code(self, world: World) -> None:
        """Tijuana is two hours behind Mexico City in October (it keeps summer time)."""
        sql = """update teams set address = '{"zip": "22000"}' where id = '""" + world.team_id + "'"
        world.database.write_sync(lambda tx: tx.connection.exec_driver_sql(sql))

        invoice = world.issue()

        assert world.root(invoice["uuid"]).get("Fecha") == "2026-10-09T11:00:00"
        assert (invoice["date"], invoice["stamp"]["stamp_at"]) == (NOON_MS, NOON_MS // 1000)


class TestFolio:
    def test_an_explicit_folio_moves_the_counter_and_skips_numbers(self, world: World) -> None:
        explicit = world.issue(folio_number=5)

        assert explicit["folio_number"] == 5
        assert world.issue()["folio_number"] == 6
        assert world.issue(folio_number=3)["folio_number"] == 3
        assert world.folios() == (6, [3, 5, 6])

    def test_zero_means_the_next(self, world: World) -> None:
        assert world.issue(folio_number=0)["folio_number"] == 1

    def test_automatic_folios_step_over_a_reserved_one(self, world: World) -> None:
        waiting = world.api.post("/invoices/income", world.sale(folio_number=1, **{"async": True}))

        assert world.issue()["folio_number"] == 2
        assert waiting.data["folio_number"] == 1


class TestPublic:
    def test_the_general_public_brings_a_global_node(self, world: World) -> None:
        body = world.sale(1000) | {"client": {"legal_name": "Publico en general", "tax_id": "XAXX010101000"}}

        reply = world.api.post("/invoices/income", body)

        assert reply.status == 201, reply.json
        assert reply.data["global"] == {"periodicity": "04", "months": "10", "year": 2026}
        assert (reply.data["use"], reply.data["client_name"]) == ("S01", "PUBLICO EN GENERAL")
        receiver = world.root(reply.data["uuid"]).find(f"{CFDI}Receptor")
        assert receiver is not None
        assert dict(receiver.attrib) == {
            "Rfc": "XAXX010101000", "Nombre": "PUBLICO EN GENERAL", "DomicilioFiscalReceptor": "42501",
            "RegimenFiscalReceptor": "616", "UsoCFDI": "S01",
        }  # fmt: skip
        assert world.verdict(world.xml(reply.data["uuid"])).valid

    @pytest.mark.parametrize(("word", "code"), [("day", "01"), ("week", "02"), ("two_weeks", "03"), ("04", "04")])
    def test_a_given_node_defaults_the_lines(self, world: World, word: str, code: str) -> None:
        node = {"periodicity": word, "months": 10, "year": 2026}
        body = {"client": PUBLIC, "items": [{"unit_price": 100, "sku": "T-1"}], "global": node}

        reply = world.api.post("/invoices/income", body)

        assert reply.status == 201, reply.json
        assert reply.data["global"] == {"periodicity": code, "months": "10", "year": 2026}
        (item,) = reply.data["items"]
        assert (item["product_key"], item["unit_key"], item["description"]) == ("01010101", "ACT", "Venta")
        node_ = world.root(reply.data["uuid"]).find(f"{CFDI}InformacionGlobal")
        assert node_ is not None
        assert dict(node_.attrib) == {"Periodicidad": code, "Meses": "10", "Año": "2026"}

    def test_the_teams_periodicity(self, world: World) -> None:
        world.settings(periodicity="week")

        reply = world.api.post("/invoices/income", world.sale() | {"client": PUBLIC})

        assert reply.data["global"] == {"periodicity": "02", "months": "10", "year": 2026}

    def test_the_node_tells_the_month_of_the_documents_date(self, world: World) -> None:
        world.clock.advance(-(8 * 24 + 11) * HOUR_MS)  # 1 October, 01:00

        reply = world.api.post("/invoices/income", world.sale(date="2026-09-30T20:00:00") | {"client": PUBLIC})

        assert reply.data["global"] == {"periodicity": "04", "months": "09", "year": 2026}

    def test_a_generic_receiver_with_a_name_of_its_own_has_no_node(self, world: World) -> None:
        client = {"legal_name": "JUAN PEREZ", "tax_id": "XAXX010101000"}

        reply = world.api.post("/invoices/income", world.sale() | {"client": client})

        assert reply.status == 201, reply.json
        assert (reply.data["global"], reply.data["client_name"]) == (None, "JUAN PEREZ")


class TestRareParts:
    def test_a_foreign_client_is_printed_with_the_generic_rfc(self, world: World) -> None:
        client = {"legal_name": "Acme Inc", "tax_id": "DE811234567", "address": {"country": "US", "zip": "10001"}}

        reply = world.api.post("/invoices/income", world.sale() | {"client": client})

        assert reply.status == 201, reply.json
        receiver = world.root(reply.data["uuid"]).find(f"{CFDI}Receptor")
        assert receiver is not None
        shown = [
            receiver.get(n) for n in ("Rfc", "Nombre", "DomicilioFiscalReceptor", "RegimenFiscalReceptor", "UsoCFDI")
        ]
        assert shown == ["XEXX010101000", "ACME INC", "42501", "616", "S01"]
        assert reply.data["client"]["tax_id"] == "DE811234567"
        assert "rr=XEXX010101000" in reply.data["verification_url"]
        assert world.verdict(world.xml(reply.data["uuid"])).valid

    def test_foreign_taxes_of_the_team(self, world: World) -> None:
        world.settings(taxes_usd=[{"type": "IVA", "rate": "0"}])
        client = {"legal_name": "Acme Inc", "address": {"country": "US"}}

        reply = world.api.post(
            "/invoices/income", {"client": client, "items": [{"description": "Código", "unit_price": 100}]}
        )

        assert (reply.data["taxes"], reply.data["total"]) == (0, 100)

    def test_third_party(self, world: World) -> None:
        party = {"legal_name": "Kernel Industia Juguetera SA de CV", "tax_id": "KIJ0906199R1", "tax_system": "601",
                 "zip": "62661"}  # fmt: skip

        invoice = world.issue(
            items=[{"description": "Boleto", "unit_price": 100, "taxes": [IVA], "third_party": party}]
        )

        printed = {**party, "legal_name": "KERNEL INDUSTIA JUGUETERA"}
        assert invoice["items"][0]["third_party"] == printed
        node = concept(world, invoice["uuid"], f"/{CFDI}ACuentaTerceros")
        assert node.get("NombreACuentaTerceros") == "KERNEL INDUSTIA JUGUETERA"
        assert world.verdict(world.xml(invoice["uuid"])).valid

    def test_customs_property_tax_and_unit_name(self, world: World) -> None:
        items = [
            {"description": "Importado", "unit_price": 100, "taxes": [IVA], "customs_request": "15  48  3009  0001234"},
            {
                "description": "Renta",
                "unit_price": 50,
                "taxes": [IVA],
                "property_tax_account": "A123",
                "unit_name": "mes",
            },
        ]

        invoice = world.issue(items=items)

        assert invoice["items"][0]["customs_request"] == "15  48  3009  0001234"
        assert (invoice["items"][1]["property_tax_account"], invoice["items"][1]["unit_name"]) == ("A123", "mes")
        customs = concept(world, invoice["uuid"], f"/{CFDI}InformacionAduanera")
        assert customs.get("NumeroPedimento") == "15  48  3009  0001234"
        assert concept(world, invoice["uuid"], f"/{CFDI}CuentaPredial").get("Numero") == "A123"
        assert world.verdict(world.xml(invoice["uuid"])).valid

    def test_hydrocarbons(self, world: World) -> None:
        fuel = {"permit_type": "PER06", "permit_number": "PL/1234/EXP/ES/2015", "fuel_code": "15101514",
                "fuel_sub_product": "SP16"}  # fmt: skip
        line = {"description": "Gasolina", "quantity": 40, "unit_price": 22, "product_key": "15101514", "unit_key": "LTR",
                "taxes": [IVA], "item_complement": {"hydrocarbons": fuel}}  # fmt: skip

        invoice = world.issue(items=[line])

        assert invoice["items"][0]["item_complement"] == {"hydrocarbons": fuel}
        node = concept(world, invoice["uuid"], f"/{CFDI}ComplementoConcepto/*")
        assert (node.get("TipoPermiso"), node.get("SubProductoHYP")) == ("PER06", "SP16")
        assert world.verdict(world.xml(invoice["uuid"])).schema == ()

    def test_a_complement_with_its_namespace(self, world: World) -> None:
        uri = "http://www.sat.gob.mx/leyendasFiscales"
        xml = f'<leyendasFisc:LeyendasFiscales xmlns:leyendasFisc="{uri}" version="1.0"><leyendasFisc:Leyenda '
        xml += 'disposicionFiscal="LISR" norma="Art 1" textoLeyenda="Una leyenda"/></leyendasFisc:LeyendasFiscales>'
        place = "http://www.sat.gob.mx/sitio_internet/cfd/leyendasFiscales/leyendasFisc.xsd"
        namespace = {"prefix": "leyendasFisc", "uri": uri, "schema_location": place}

        invoice = world.issue(complements=[{"type": "custom", "data": xml}], namespaces=[namespace])

        assert invoice["complements"] == [{"type": "custom", "data": xml}]
        assert invoice["namespaces"] == [namespace]
        root = world.root(invoice["uuid"])
        node = root.find(f"{CFDI}Complemento/{{{uri}}}LeyendasFiscales/*")
        assert node is not None
        assert node.get("textoLeyenda") == "Una leyenda"
        where = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
        assert f"{uri} {place}" in (root.get(where) or "")
        assert world.verdict(world.xml(invoice["uuid"])).valid

    def test_a_complement_of_a_line(self, world: World) -> None:
        uri = "http://www.sat.gob.mx/iedu"
        xml = f'<iedu:instEducativas xmlns:iedu="{uri}" version="1.0" nombreAlumno="Ana" CURP="RUHA800101MDFZRN09" '
        xml += 'nivelEducativo="Primaria" autRVOE="123"/>'

        invoice = world.issue(items=[{"description": "Colegiatura", "unit_price": 10, "taxes": [], "complement": xml}])

        assert invoice["items"][0]["complement"] == xml
        assert concept(world, invoice["uuid"], f"/{CFDI}ComplementoConcepto/*").get("nombreAlumno") == "Ana"
        assert world.verdict(world.xml(invoice["uuid"])).valid

    def test_an_addenda_is_outside_the_seal(self, world: World) -> None:
        addenda = '<pedido numero="77"><nota>ñandú &amp; co</nota></pedido>'

        invoice = world.issue(addenda=addenda)

        root = world.root(invoice["uuid"])
        node = root.find(f"{CFDI}Addenda/pedido")
        assert node is not None
        assert (node.get("numero"), node.findtext("nota")) == ("77", "ñandú & co")
        verdict = world.verdict(world.xml(invoice["uuid"]))
        assert (verdict.seal.value, verdict.timbre.value) == ("valid", "valid")

    def test_conditions_notes_mails_and_confirmation(self, world: World) -> None:
        more = {"payment_conditions": "30 días", "invoice_pdf_notes": "Línea 1\nLínea 2", "emails": ["a@b.mx"]}

        invoice = world.issue(**more)

        assert {key: invoice[key] for key in more} == more
        assert world.root(invoice["uuid"]).get("CondicionesDePago") == "30 días"

    def test_texts_are_escaped_in_the_xml_and_kept_in_the_reply(self, world: World) -> None:
        text = 'Café "doble" <b> & más  espacio'

        invoice = world.issue(items=[{"description": text, "unit_price": 10, "taxes": [IVA]}])

        assert invoice["items"][0]["description"] == text
        assert world.verdict(world.xml(invoice["uuid"])).valid

    def test_relations_are_printed_in_order(self, world: World) -> None:
        own = world.issue()["uuid"]
        foreign = "11111111-2222-4333-8444-555555555555"
        related = {"relationship": "07", "documents": [own.upper(), foreign]}

        invoice = world.issue(related_documents=related)

        assert invoice["related_documents"] == [{"relationship": "07", "documents": [own, foreign]}]
        assert invoice["invoices"] == [own]
        assert world.show(own)["invoices"] == [invoice["uuid"]]
        node = world.root(invoice["uuid"]).find(f"{CFDI}CfdiRelacionados")
        assert node is not None
        assert node.get("TipoRelacion") == "07"
        assert [child.get("UUID") for child in node] == [own, foreign]


class TestAsync:
    @pytest.mark.parametrize(("body", "headers"), [({"async": True}, {}), ({}, {"prefer": "respond-async"})])
    def test_the_answer_comes_before_the_stamp(
        self, world: World, body: dict[str, Any], headers: dict[str, str]
    ) -> None:
        reply = world.api.post("/invoices/income", world.sale(**body), **headers)

        assert (reply.status, reply.message) == (202, "Invoice accepted for stamping")
        data = reply.data
        assert reply.header("location") == f"/v2/invoices/income/{data['internal_id']}"
        assert (data["id"], data["uuid"], data["status"], data["stamp"]) == (data["internal_id"], None, "pending", None)
        assert (data["folio_number"], data["verification_url"]) == (1, None)
        assert world.events() == []

        world.sweep()

        stamped = world.show(data["internal_id"])
        assert (stamped["status"], stamped["folio_number"]) == ("valid", 1)
        assert world.events() == [("invoice.created", stamped["uuid"])]
        assert world.actions() == ["invoice.create", "invoice.stamp"]

    def test_the_job_is_queued_with_the_document(self, world: World) -> None:
        world.api.post("/invoices/income", world.sale(**{"async": True}))

        assert world.attempts() == []
        world.run(world.house._settle(world.team_id, "test", world.query("select id from invoices")[0][0]))
        assert world.attempts() == [("sandbox", "stamp", "stamped")]


def test_a_document_of_five_hundred_lines(world: World) -> None:
    invoice = world.issue(*[10.01] * 500)

    assert (len(invoice["items"]), invoice["subtotal"], invoice["total"]) == (500, 5005, Decimal("5805.8"))
    assert world.clock.now_ms() < NOON_MS + MINUTE_MS
