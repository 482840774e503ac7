"""The client inside documents (contract clients.md sections 6 and 7)."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from factories.api import START_MS, Api, caller
from factories.clients import KEMPER as KEMPER_CLIENT
from timbra.catalogs.address import Address
from timbra.catalogs.load import SatData
from timbra.cfdi.model import Receiver
from timbra.clients.model import NO_DEFAULTS, Client, invoiceable_problems
from timbra.clients.reference import ClientReference, receiver, resolve
from timbra.http.body import validate
from timbra.http.errors import ApiError, Conflict, Invalid, NotFound
from timbra.platform.db import Database

KEMPER = {
    "legal_name": "ESCUELA KEMPER URGATE",
    "email": "pagos@kemper.mx",
    "tax_id": "EKU9003173C9",
    "tax_system": "601",
    "address": {"zip": "42501"},
}


class Counted:
    """A database that counts its units of work."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.units: list[str] = []

    async def look(self, unit: Any) -> Any:
        self.units.append("look")
        return await self.database.look(unit)

    async def write(self, unit: Any) -> Any:
        self.units.append("write")
        return await self.database.write(unit)


@pytest.fixture
def counted(database: Database) -> Counted:
    return Counted(database)


@pytest.fixture
def meant(counted: Counted, api: Api, sat_data: SatData) -> Any:
    async def call(**reference: Any) -> Client:
        body = validate(ClientReference, reference, None)
        return await resolve(counted, caller(), body, catalogs=sat_data.catalogs, at_ms=START_MS)  # type: ignore[arg-type]

    return call


@pytest.mark.anyio
class TestResolve:
    async def test_an_id_costs_one_reading_unit(self, api: Api, meant: Any, counted: Counted) -> None:
        known = (await api.call("POST", "/clients", KEMPER)).json()["data"]

        client = await meant(id=known["id"])

        assert client.to_wire() == known
        assert counted.units == ["look"]

    async def test_other_keys_override_the_copy_only(self, api: Api, meant: Any) -> None:
        known = (await api.call("POST", "/clients", KEMPER)).json()["data"]

        client = await meant(id=known["id"], use="S01", address={"zip": "26015"}, search={"on_key": "nonsense"})

        assert (client.use, client.address.zip, client.legal_name) == ("S01", "26015", KEMPER["legal_name"])
        assert (await api.call("GET", f"/clients/{known['id']}")).json()["data"] == known
        assert len(api.events()) == 1

    async def test_a_bad_override_is_named_below_client(self, api: Api, meant: Any) -> None:
        known = (await api.call("POST", "/clients", KEMPER)).json()["data"]

        with pytest.raises(Invalid) as refusal:
            await meant(id=known["id"], tax_id="EKU")

        assert refusal.value.fields[0].path == "client.tax_id"

    async def test_an_unknown_id_is_not_found(self, meant: Any) -> None:
        with pytest.raises(NotFound) as refusal:
            await meant(id="client_x")

        assert refusal.value.details == ["client.id: not found"]

    async def test_new_data_make_a_client(self, api: Api, meant: Any) -> None:
        client = await meant(**KEMPER)

        assert (client.origin, client.status) == ("inline", "valid")
        assert api.events() == [("customer.created", client.id)]
        assert api.actions() == ["client.create"]

    async def test_the_oldest_with_same_rfc_and_mail_is_used_untouched(
        self, api: Api, meant: Any, counted: Counted
    ) -> None:
        first = (await api.call("POST", "/clients", KEMPER)).json()["data"]
        api.clock.advance(1000)
        await api.call("POST", "/clients", KEMPER)

        client = await meant(**{**KEMPER, "email": "PAGOS@kemper.mx", "legal_name": "OTHER"})

        assert client.to_wire() == first
        assert counted.units == ["look"]

    @pytest.mark.parametrize("change", [{"email": None}, {"email": "a@b.mx"}, {"tax_id": "URE180429TM6"}])
    async def test_another_rfc_or_mail_is_another_client(self, api: Api, meant: Any, change: dict[str, Any]) -> None:
        known = (await api.call("POST", "/clients", KEMPER)).json()["data"]

        client = await meant(**{**KEMPER, **change})

        assert client.id != known["id"]

    async def test_data_with_neither_always_make_a_new_client(self, meant: Any) -> None:
        first, second = await meant(name="Ana"), await meant(name="Ana")

        assert first.id != second.id

    async def test_simultaneous_documents_make_one_client(self, api: Api, meant: Any) -> None:
        clients = await asyncio.gather(*(meant(**KEMPER) for _ in range(10)))

        assert len({client.id for client in clients}) == 1
        assert len(api.events()) == 1

    async def test_a_search_uses_updates_or_creates(self, api: Api, meant: Any) -> None:
        made = await meant(**KEMPER, search={"on_key": "tax_id", "auto_create": True})
        used = await meant(phone="55", search={"on_key": "tax_id", "on_value": "EKU9003173C9"})
        changed = await meant(phone="55", search={"on_key": "tax_id", "on_value": "EKU9003173C9", "update": True})

        assert (made.id, used.phone, changed.phone) == (changed.id, None, "55")
        assert [kind for kind, _ in api.events()] == ["customer.created", "customer.updated"]

    async def test_a_search_that_may_not_create_is_not_found(self, meant: Any) -> None:
        with pytest.raises(NotFound) as refusal:
            await meant(**KEMPER, search={"on_key": "email", "auto_create": False})

        assert refusal.value.details == ["client.search.on_value: not found"]

    async def test_several_matches_conflict(self, api: Api, meant: Any) -> None:
        ids = [(await api.call("POST", "/clients", KEMPER)).json()["data"]["id"] for _ in range(2)]

        with pytest.raises(Conflict) as refusal:
            await meant(search={"on_key": "email", "on_value": KEMPER["email"]})

        assert refusal.value.details == [f"client.search.on_value: matches 2 clients: {ids[0]}, {ids[1]}"]

    async def test_other_modes_are_not_matched(self, api: Api, meant: Any) -> None:
        live = (await api.call("POST", "/clients", KEMPER, token="live")).json()["data"]

        client = await meant(**KEMPER)

        assert client.id != live["id"]
        with pytest.raises(NotFound):
            await meant(id=live["id"])


@pytest.mark.parametrize("body", [{}, {"phone": "55"}, {"id": ""}])
def test_nothing_usable_is_a_missing_field(body: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as refusal:
        validate(ClientReference, body, None)

    assert refusal.value.code == "missing_required_field"


class TestInvoiceable:
    def test_a_complete_client_is(self) -> None:
        assert invoiceable_problems(KEMPER_CLIENT) == []

    def test_every_absent_field_has_its_row(self) -> None:
        bare = replace(KEMPER_CLIENT, legal_name=None, tax_id=None, tax_system=None, address=Address())

        assert [(row.path, row.code) for row in invoiceable_problems(bare)] == [
            ("client.legal_name", "required"),
            ("client.tax_id", "required"),
            ("client.tax_system", "required"),
            ("client.address.zip", "required"),
        ]

    @pytest.mark.parametrize(("regime", "code"), [("605", "CFDI40158"), ("609", "CFDI40157")])
    def test_a_regime_that_does_not_fit_is_a_bad_value(self, regime: str, code: str) -> None:
        rows = invoiceable_problems(replace(KEMPER_CLIENT, tax_system=regime))

        assert [(row.path, row.code) for row in rows] == [("client.tax_system", code)]

    def test_a_wrong_check_digit_does_not_matter(self) -> None:
        assert invoiceable_problems(replace(KEMPER_CLIENT, tax_id="EKU9003173C8")) == []

    def test_abroad_the_name_is_enough(self) -> None:
        abroad = replace(KEMPER_CLIENT, tax_id=None, tax_system=None, address=Address("USA"))

        assert invoiceable_problems(abroad) == []
        assert [row.path for row in invoiceable_problems(replace(abroad, legal_name=None))] == ["client.legal_name"]

    def test_the_public_needs_nothing(self) -> None:
        public = replace(KEMPER_CLIENT, tax_id="XAXX010101000", legal_name=None, tax_system=None, address=Address())

        assert invoiceable_problems(public) == []


class TestReceiver:
    def printed(self, client: Client, *, keep_full: bool = False) -> Receiver:
        return receiver(client, issuer_zip="06000", keep_full_legal_name=keep_full, use="G03")

    def test_a_company_loses_its_capital_regime(self) -> None:
        assert self.printed(KEMPER_CLIENT) == Receiver("EKU9003173C9", "ESCUELA KEMPER URGATE", "42501", "601", "G03")

    def test_the_clients_own_wish_wins_over_the_teams(self) -> None:
        keeps = replace(KEMPER_CLIENT, defaults={**NO_DEFAULTS, "keep_full_legal_name": True})
        drops = replace(KEMPER_CLIENT, defaults={**NO_DEFAULTS, "keep_full_legal_name": False})

        assert self.printed(keeps).name == "ESCUELA KEMPER URGATE SA DE CV"
        assert self.printed(drops, keep_full=True).name == "ESCUELA KEMPER URGATE"

    def test_the_public_without_a_name(self) -> None:
        public = replace(KEMPER_CLIENT, tax_id="XAXX010101000", legal_name=None)

        assert self.printed(public) == Receiver("XAXX010101000", "PUBLICO EN GENERAL", "06000", "616", "S01")

    @pytest.mark.parametrize(
        "change", [{"tax_id": "XEXX010101000"}, {"tax_id": "123456789", "address": Address("USA", "90210")}]
    )
    def test_foreigners(self, change: dict[str, Any]) -> None:
        foreigner = replace(KEMPER_CLIENT, legal_name="Acme Inc", **change)

        assert self.printed(foreigner) == Receiver("XEXX010101000", "ACME INC", "06000", "616", "S01")
