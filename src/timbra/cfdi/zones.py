"""Time zones of postal codes, and fiscal time: the local time of the place of issue that a CFDI carries."""

from datetime import UTC, datetime
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

from timbra.cfdi.catalogs import ZipInfo

CENTRAL: Final = "America/Mexico_City"

# (SAT's name, state); "" stands for every other state. The strip along Chihuahua's border follows the United States'
# daylight saving: Ciudad Juarez is the earlier clock of that strip, so a document is never dated in the future.
_ZONES: Final = {
    ("Tiempo del Centro", ""): CENTRAL,
    ("Tiempo del Pacífico", "SON"): "America/Hermosillo",
    ("Tiempo del Pacífico", ""): "America/Mazatlan",
    ("Tiempo del Noroeste", ""): "America/Tijuana",
    ("Tiempo del Sureste", ""): "America/Cancun",
    ("Tiempo del Centro en Frontera", "CHH"): "America/Ciudad_Juarez",
    ("Tiempo del Centro en Frontera", ""): "America/Matamoros",
}


def zone_of(place: ZipInfo) -> str:
    """IANA zone of a postal code, from SAT's zone name and the state; KeyError for a name SAT has never used."""
    return _ZONES.get((place.zone, place.state)) or _ZONES[place.zone, ""]


def local_time(ms: int, zone: str) -> datetime:
    """Naive local time of an instant (ms UTC) in whole seconds, rounded down: the form of ``Fecha``.

    zone: one of those ``zone_of`` gives; KeyError otherwise.
    """
    return datetime.fromtimestamp(ms // 1000, UTC).astimezone(_RULES[zone]).replace(tzinfo=None)


def _rules(zone: str) -> ZoneInfo:
    # From the package, not from the system: Mexico dropped daylight saving in October 2022 and old zone files are wrong.
    with files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as data:
        return ZoneInfo.from_file(data, key=zone)


_RULES: Final = {zone: _rules(zone) for zone in set(_ZONES.values())}


def instant_of(local: datetime, zone: str) -> int:
    """Milliseconds UTC of a naive local time of ``zone``; of two equal readings at the end of summer time, the first."""
    return int(local.replace(tzinfo=_RULES[zone]).timestamp()) * 1000
