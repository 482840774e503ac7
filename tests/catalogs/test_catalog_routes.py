"""The endpoints of contract catalogs.md section 1."""

from typing import Any

import pytest

from factories.api import Api

pytestmark = pytest.mark.anyio

A_USES = ["601", "603", "606", "612", "620", "621", "622", "623", "624", "625", "626"]
COUNTS = {
    "tax_regimes": 23, "payment_forms": 22, "cfdi_uses": 25, "payment_methods": 2, "months": 18, "periodicities": 5,
    "relationships": 9, "product_keys": 52_514, "unit_keys": 2_418, "zip_codes": 95_749, "countries": 250,
    "currencies": 183, "taxes": 3, "tax_objects": 8, "exports": 4, "cancellation_motives": 4,
}  # fmt: skip


async def found(api: Api, path: str) -> dict[str, Any]:
    reply = await api.call("GET", f"/catalogs/{path}")
    assert reply.status_code == 200, reply.text
    return dict(reply.json())


async def codes(api: Api, path: str) -> list[str]:
    return [entry["code"] for entry in (await found(api, path))["data"]]


async def problem(api: Api, path: str) -> tuple[int, str, str, Any]:
    reply = await api.call("GET", f"/catalogs/{path}")
    error = reply.json()["error"]
    row = error["fields"][0] if error["fields"] else {"path": "", "fix": None}
    return reply.status_code, error["code"], row["path"], row["fix"]


class TestList:
    async def test_names_every_catalogue_with_its_version(self, api: Api) -> None:
        reply = (await api.call("GET", "/catalogs")).json()

        assert (reply["message"], reply["next"], reply["has_more"]) == ("Catalogs retrieved successfully", None, False)
        assert {row["name"]: row["count"] for row in reply["data"]} == COUNTS
        assert list(COUNTS) == [row["name"] for row in reply["data"]]
        assert {row["version"] for row in reply["data"]} == {"2026-10-01"}
        uses = next(row for row in reply["data"] if row["name"] == "cfdi_uses")
        assert uses.keys() == {"name", "title", "count", "version", "updated_at"}
        assert uses["title"] == "Uso CFDI"
        assert isinstance(uses["updated_at"], int)

    async def test_any_valid_key_may_read_and_none_may_not(self, api: Api) -> None:
        assert (await api.call("GET", "/catalogs", token="live-viewer")).status_code == 200
        assert (await api.call("GET", "/catalogs/months", token="live-viewer")).status_code == 200
        assert (await api.call("GET", "/catalogs", token="x")).status_code == 401

    async def test_no_call_writes(self, api: Api) -> None:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            for path in ("/catalogs", "/catalogs/months", "/catalogs/months/01"):
                assert (await api.call(method, path, {})).status_code == 405

    async def test_replies_are_not_stored(self, api: Api) -> None:
        assert (await api.call("GET", "/catalogs")).headers["cache-control"] == "no-store"


class TestFind:
    async def test_answers_the_search_envelope(self, api: Api) -> None:
        reply = await found(api, "cfdi_uses?q=G03")

        assert reply == {
            "success": True,
            "message": "Catalog retrieved successfully",
            "data": [
                {
                    "code": "G03", "name": "Gastos en general.", "valid_from": "2022-01-01", "valid_to": None,
                    "in_force": True, "person": True, "company": True, "cfdi40": True, "tax_systems": A_USES,
                }
            ],
            "found": 1, "page": 1, "per_page": 50, "has_more": False, "next": None, "total_results": 1,
        }  # fmt: skip

    @pytest.mark.parametrize(("name", "count"), COUNTS.items())
    async def test_everything_is_found_with_expired_entries(self, api: Api, name: str, count: int) -> None:
        assert (await found(api, f"{name}?include_expired=true&limit=1"))["found"] == count

    @pytest.mark.parametrize(
        ("alias", "name"), [("cfdi-uses", "cfdi_uses"), ("taxability", "tax_objects"), ("zip-codes", "zip_codes")]
    )
    async def test_names_have_spellings(self, api: Api, alias: str, name: str) -> None:
        assert await codes(api, alias) == await codes(api, name)

    async def test_unknown_catalogue(self, api: Api) -> None:
        assert await problem(api, "colonias") == (404, "resource_not_found", "", None)

    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("cfdi_uses?tax_system=616", ["CP01", "G02", "S01"]),
            ("cfdi_uses?tax_system=605&person_type=PERSON&q=n", ["CN01"]),
            ("cfdi_uses?tax_system=605&person_type=company", ["CP01", "S01"]),
            ("cfdi_uses?tax_system=609", []),
            ("tax_regimes?person_type=company&q=regimen", ["626"]),
            ("tax_regimes?person_type=person&q=6", ["605", "606", "607", "608", "610", "611", "612", "614", "615",
                                                    "616", "621", "625", "626", "629", "630"]),
            ("zip_codes?state=nle&q=64000", ["64000"]),
            ("zip_codes?state=JAL&q=64000", []),
        ],
    )  # fmt: skip
    async def test_filters(self, api: Api, query: str, expected: list[str]) -> None:
        assert await codes(api, query) == expected

    async def test_filters_of_other_catalogues_are_ignored(self, api: Api) -> None:
        assert await codes(api, "payment_methods?tax_system=xyz&person_type=x&state=ZZ") == ["PPD", "PUE"]

    @pytest.mark.parametrize(
        ("query", "path", "fix"),
        [
            ("cfdi_uses?tax_system=999", "tax_system", None),
            ("cfdi_uses?person_type=robot", "person_type", None),
            ("zip_codes?state=ZZZ", "state", None),
            ("months?limit=0", "limit", 1),
            ("months?limit=101", "limit", 100),
            ("months?limit=99999999999999999999999", "limit", 100),
            ("months?limit=ten", "limit", None),
            ("months?page=0", "page", 1),
            ("zip_codes?page=1001&limit=100", "page", 1000),
            ("months?as_of=2026-02-30", "as_of", None),
            ("months?as_of=20260101", "as_of", "2026-01-01"),
            ("months?include_expired=perhaps", "include_expired", None),
            ("months?next=abc", "next", None),
            ("months?q=" + "x" * 201, "q", "x" * 200),
            ("months?q=a%00b", "q", None),
            ("months?q=a%0Ab", "q", None),
        ],
    )
    async def test_a_bad_parameter_is_named(self, api: Api, query: str, path: str, fix: Any) -> None:
        assert await problem(api, query) == (400, "invalid_field_value", path, fix)

    async def test_only_entries_in_force_on_the_day(self, api: Api) -> None:
        assert len(await codes(api, "tax_objects")) == 8
        assert await codes(api, "tax_objects?as_of=2022-10-06") == ["01", "02", "03"]
        every = (await found(api, "tax_objects?as_of=2022-10-06&include_expired=1"))["data"]
        assert [entry["in_force"] for entry in every] == [True] * 3 + [False] * 5
        assert (await found(api, "product_keys?limit=1"))["found"] == 52_513
        assert (await found(api, "product_keys?limit=1&as_of=2020-01-15"))["found"] == 52_508

    async def test_pages_follow_one_another(self, api: Api) -> None:
        first = await found(api, "product_keys?q=software&limit=100")
        second = await found(api, f"product_keys?q=software&limit=100&next={first['next']}")
        by_number = await found(api, "product_keys?q=software&limit=100&page=2")

        assert (first["found"], first["has_more"], second["has_more"], second["next"]) == (190, True, False, None)
        assert (first["page"], second["page"], second["per_page"]) == (1, 2, 100)
        assert second["data"] == by_number["data"]
        shown = [entry["code"] for entry in first["data"] + second["data"]]
        assert len(set(shown)) == 190

    async def test_a_cursor_belongs_to_its_catalogue(self, api: Api) -> None:
        cursor = (await found(api, "product_keys?limit=1"))["next"]

        assert await problem(api, f"unit_keys?next={cursor}") == (400, "invalid_field_value", "next", None)

    async def test_pages_reach_a_hundred_thousand_rows(self, api: Api) -> None:
        last = await found(api, "zip_codes?limit=100&page=958")

        assert (len(last["data"]), last["has_more"], last["next"]) == (49, False, None)
        assert (await found(api, "zip_codes?limit=100&page=1000"))["data"] == []


class TestEntry:
    @pytest.mark.parametrize(
        ("path", "entry"),
        [
            (
                "taxes/iva",
                {
                    "code": "IVA", "name": "IVA", "valid_from": "2022-01-01", "valid_to": None, "in_force": True,
                    "sat_code": "002", "transferred": True, "withheld": True,
                    "rates": [
                        {"kind": "transferred", "factor": "Tasa", "rates": [0, 0.08, 0.16], "minimum": None,
                         "maximum": None},
                        {"kind": "transferred", "factor": "Exento", "rates": [0], "minimum": None, "maximum": None},
                        {"kind": "withheld", "factor": "Tasa", "rates": [], "minimum": 0, "maximum": 0.16},
                    ],
                },
            ),
            (
                "product_keys/84111506",
                {
                    "code": "84111506", "name": "Servicios de facturación", "valid_from": "2019-01-07",
                    "valid_to": None, "in_force": True, "border_stimulus": True, "synonyms": [],
                },
            ),
            (
                "product_keys/1010101",
                {
                    "code": "01010101", "name": "No existe en el catálogo", "valid_from": "2019-01-07",
                    "valid_to": None, "in_force": True, "border_stimulus": False,
                    "synonyms": ["Público en general"],
                },
            ),
            (
                "product_keys/11131601",
                {
                    "code": "11131601", "name": None, "valid_from": None, "valid_to": None, "in_force": True,
                    "border_stimulus": False, "synonyms": [],
                },
            ),
            (
                "unit_keys/e48",
                {
                    "code": "E48", "name": "Unidad de servicio", "valid_from": None, "valid_to": None,
                    "in_force": True, "description": None, "symbol": None,
                },
            ),
            (
                "zip_codes/22000",
                {
                    "code": "22000", "name": "22000", "valid_from": None, "valid_to": None, "in_force": True,
                    "state": "BCN", "municipality": "004", "locality": "04", "state_name": "Baja California",
                    "border_stimulus": "north", "time_zone": "America/Tijuana",
                },
            ),
            (
                "countries/usa",
                {
                    "code": "USA", "name": "Estados Unidos (los)", "valid_from": None, "valid_to": None,
                    "in_force": True, "alpha2": "US", "zip_pattern": "[0-9]{5}(-[0-9]{4})?",
                    "tax_id_pattern": "[0-9]{9}", "group": "TLCAN",
                },
            ),
            (
                "currencies/clf",
                {
                    "code": "CLF", "name": "Unidad de Fomento", "valid_from": "2022-01-01",
                    "valid_to": None, "in_force": True, "decimals": 4, "max_variation": 5,
                },
            ),
            (
                "payment_forms/3",
                {
                    "code": "03", "name": "Transferencia electrónica de fondos", "valid_from": "2022-01-01",
                    "valid_to": None, "in_force": True, "banked": True,
                },
            ),
            (
                "months/13",
                {
                    "code": "13", "name": "Enero-Febrero", "valid_from": "2022-01-01", "valid_to": None,
                    "in_force": True, "months": [1, 2],
                },
            ),
            (
                "periodicities/05",
                {
                    "code": "05", "name": "Bimestral", "valid_from": "2022-01-01", "valid_to": None, "in_force": True,
                    "receipt_periodicity": "two_months",
                },
            ),
            (
                "relationships/8",
                {
                    "code": "08", "name": "Factura generada por pagos en parcialidades", "valid_from": None,
                    "valid_to": None, "in_force": True, "cfdi40": False,
                },
            ),
            (
                "cancellation-motives/1",
                {
                    "code": "01", "name": "Comprobante emitido con errores con relación", "valid_from": "2022-01-01",
                    "valid_to": None, "in_force": True, "requires_substitution": True,
                },
            ),
            (
                "tax_regimes/616",
                {
                    "code": "616", "name": "Sin obligaciones fiscales", "valid_from": "2022-01-01", "valid_to": None,
                    "in_force": True, "person": True, "company": False, "cfdi40": True, "uses": ["G02", "S01", "CP01"],
                },
            ),
        ],
    )  # fmt: skip
    async def test_one_entry(self, api: Api, path: str, entry: dict[str, Any]) -> None:
        reply = (await api.call("GET", f"/catalogs/{path}")).json()

        assert reply["message"] == "Catalog entry retrieved successfully"
        assert reply["data"] == entry

    async def test_an_ended_entry_is_shown(self, api: Api) -> None:
        ended = next(
            entry
            for entry in (await found(api, "product_keys?q=10&include_expired=true&limit=100"))["data"]
            if entry["code"].startswith("10")
        )
        assert ended["in_force"] is True
        before = (await api.call("GET", "/catalogs/tax_objects/08?as_of=2024-12-12")).json()["data"]
        assert (before["valid_from"], before["in_force"]) == ("2024-12-13", False)

    @pytest.mark.parametrize(
        "path",
        ["cfdi_uses/G99", "colonias/01", "product_keys/99999999", "product_keys/84111506x", "zip_codes/00001",
         "zip_codes/%27", "months/19", "months/000001", "unit_keys/%00", "unit_keys/e48%20or%201"],
    )  # fmt: skip
    async def test_an_unknown_code(self, api: Api, path: str) -> None:
        assert (await problem(api, path))[:2] == (404, "resource_not_found")

    async def test_a_bad_day(self, api: Api) -> None:
        assert await problem(api, "months/01?as_of=soon") == (400, "invalid_field_value", "as_of", None)
