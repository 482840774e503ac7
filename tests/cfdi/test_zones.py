import pytest

from timbra.catalogs.load import SatData
from timbra.cfdi.catalogs import ZipInfo
from timbra.cfdi.zones import local_time, zone_of

NOON_JULY = 1_782_907_200_999  # 2026-07-01 12:00:00.999 UTC
NOON_JANUARY = 1_767_268_800_000  # 2026-01-01 12:00 UTC


@pytest.mark.parametrize(
    ("code", "zone"),
    [
        ("06700", "America/Mexico_City"),
        ("83000", "America/Hermosillo"),
        ("23000", "America/Mazatlan"),
        ("80000", "America/Mazatlan"),
        ("22000", "America/Tijuana"),
        ("77500", "America/Cancun"),
        ("32000", "America/Ciudad_Juarez"),
        ("88000", "America/Matamoros"),
        ("26000", "America/Matamoros"),
    ],
)
def test_zone_of_a_postal_code(code: str, zone: str, sat_data: SatData) -> None:
    place = sat_data.catalogs.zip_info(code)

    assert place is not None
    assert zone_of(place) == zone


def test_every_postal_code_has_a_zone(sat_data: SatData) -> None:
    places = {sat_data.catalogs.zip_info(f"{number:05}") for number in range(100_000)} - {None}

    assert len({zone_of(place) for place in places if place}) == 7


def test_a_zone_name_sat_never_used_is_refused() -> None:
    with pytest.raises(KeyError):
        zone_of(ZipInfo("MEX", None, None, "none", "Tiempo del Norte"))


@pytest.mark.parametrize(
    ("zone", "january", "july"),
    [
        ("America/Mexico_City", 6, 6),
        ("America/Hermosillo", 5, 5),
        ("America/Mazatlan", 5, 5),
        ("America/Tijuana", 4, 5),
        ("America/Cancun", 7, 7),
        ("America/Ciudad_Juarez", 5, 6),
        ("America/Matamoros", 6, 7),
    ],
)
def test_local_time_follows_the_law_since_2022(zone: str, january: int, july: int) -> None:
    assert local_time(NOON_JANUARY, zone).isoformat() == f"2026-01-01T{january:02}:00:00"
    assert local_time(NOON_JULY, zone).isoformat() == f"2026-07-01T{july:02}:00:00"


def test_local_time_is_naive_and_whole_seconds_rounded_down() -> None:
    local = local_time(NOON_JULY, "America/Mexico_City")

    assert local.tzinfo is None
    assert local.microsecond == 0
