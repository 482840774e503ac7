import time
from datetime import date

import pytest

from timbra.catalogs.load import SatData
from timbra.cfdi.catalogs import Catalogs, Validity, ZipInfo

DAY = date(2026, 3, 10)


@pytest.fixture
def small() -> Catalogs:
    place = ZipInfo("HID", "048", None, "none", "Tiempo del Centro")
    return Catalogs(
        products=[1010101, 84111500, 84111505, 84111506],
        product_validity={
            84111500: Validity(None, date(2020, 1, 15)),
            84111505: Validity(date(2026, 3, 10), date(2026, 3, 11)),
        },
        units={"E48": "Unidad de servicio", "H87": "Pieza", "XUN": "Unidad", "MTR": "Metro"},
        zips={1000: place},
    )


@pytest.mark.parametrize(
    ("key", "day", "in_force"),
    [
        ("84111506", DAY, True),
        ("01010101", DAY, True),
        ("84111500", date(2020, 1, 15), True),
        ("84111500", date(2020, 1, 16), False),
        ("84111505", date(2026, 3, 9), False),
        ("84111505", date(2026, 3, 10), True),
        ("84111505", date(2026, 3, 11), True),
        ("84111505", date(2026, 3, 12), False),
        ("84111507", DAY, False),
        ("1010101", DAY, False),
        ("001010101", DAY, False),
        (" 1010101", DAY, False),
        ("+1010101", DAY, False),
        ("٠١٠١٠١٠١", DAY, False),
        ("", DAY, False),
    ],
)
def test_product_in_force(small: Catalogs, key: str, day: date, in_force: bool) -> None:
    assert small.product_in_force(key, day) is in_force


def test_a_product_key_exists_also_out_of_force(small: Catalogs) -> None:
    assert small.product_exists("84111500")
    assert not small.product_exists("84111507")


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("84111599", "84111506"),
        ("8411150", "84111506"),
        (" 8411 ", "84111506"),
        ("84119999", "84111506"),
        ("01010102", "01010101"),
        ("84129999", None),
        ("841", None),
        ("", None),
        ("servicios", None),
    ],
)
def test_nearest_product_shares_the_longest_prefix_and_is_live(small: Catalogs, text: str, nearest: str | None) -> None:
    assert small.nearest_product(text) == nearest


@pytest.mark.parametrize(
    ("text", "unit"), [("e48", "E48"), ("PIEZA", "H87"), (" unidad  de Servicio ", "E48"), ("kilo", None), ("", None)]
)
def test_nearest_unit_reads_code_or_name(small: Catalogs, text: str, unit: str | None) -> None:
    assert small.nearest_unit(text) == unit


def test_units(small: Catalogs) -> None:
    assert small.unit_in_force("H87", DAY)
    assert small.unit_name("H87") == "Pieza"
    assert not small.unit_in_force("h87", DAY)
    assert small.unit_name("h87") is None


def test_postal_codes(small: Catalogs) -> None:
    assert small.zip_exists("01000")
    assert small.zip_info("01000") == ZipInfo("HID", "048", None, "none", "Tiempo del Centro")
    for code in ("1000", "01001", "", "0100 ", "٠١٠٠٠"):
        assert not small.zip_exists(code)
        assert small.zip_info(code) is None


def test_currency_decimals(small: Catalogs) -> None:
    assert [small.currency_decimals(code) for code in ("MXN", "JPY", "KWD", "CLF", "ABC")] == [2, 0, 3, 4, None]


@pytest.mark.parametrize("key", ["01010101", "84111506", "81112100", "86101700", "11131601", "46111500"])
def test_sat_lists_these_products(key: str, sat_data: SatData) -> None:
    assert sat_data.catalogs.product_in_force(key, DAY)


@pytest.mark.parametrize(
    "unit", ["E48", "ACT", "H87", "KGM", "LTR", "MTR", "MTK", "DAY", "HUR", "MON", "XBX", "XPK", "XUN"]
)
def test_sat_lists_these_units(unit: str, sat_data: SatData) -> None:
    assert sat_data.catalogs.unit_in_force(unit, DAY)


def test_a_unit_outside_sats_schema_is_not_in_force(sat_data: SatData) -> None:
    assert not sat_data.catalogs.unit_in_force("Dx", DAY)


@pytest.mark.parametrize(
    ("code", "state", "border"), [("22000", "BCN", "north"), ("77000", "ROO", "south"), ("64000", "NLE", "none")]
)
def test_border_stimulus_of_a_postal_code(code: str, state: str, border: str, sat_data: SatData) -> None:
    place = sat_data.catalogs.zip_info(code)

    assert place is not None
    assert (place.state, place.border_stimulus) == (state, border)


def test_a_look_up_costs_about_a_microsecond(sat_data: SatData) -> None:
    catalogs = sat_data.catalogs
    started = time.process_time()
    for _ in range(20_000):
        catalogs.zip_exists("64000")

    # Far above the 0.3 us it takes, far below the 10 us of a query: a busy machine does not fail the test.
    assert (time.process_time() - started) / 20_000 < 5e-6
