"""SAT's Constancia de Situación Fiscal as text: fields by their labels, never by position.

SAT prints labels in mixed case and values in capitals, two fields a line in the address, and breaks long values over
lines; tables may run over pages, with a page mark in between. Programs that extract text differ in blanks. So a value is
whatever stands between its label and the next label, blanks in labels do not count, and neither do accents.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from timbra.cfdi.codes import REGIMES
from timbra.cfdi.text import collapse, rfc_kind

_LABELS: Final = {
    "rfc": "RFC:",
    "curp": "CURP:",
    "company": "Denominación/Razón Social:",
    "capital": "Régimen Capital:",
    "names": "Nombre (s):",
    "first_surname": "Primer Apellido:",
    "second_surname": "Segundo Apellido:",
    "began": "Fecha inicio de operaciones:",
    "status": "Estatus en el padrón:",
    "changed": "Fecha de último cambio de estado:",
    "trade_name": "Nombre Comercial:",
    "zip": "Código Postal:",
    "kind_of_street": "Tipo de Vialidad:",
    "street": "Nombre de Vialidad:",
    "exterior": "Número Exterior:",
    "interior": "Número Interior:",
    "neighborhood": "Nombre de la Colonia:",
    "city": "Nombre de la Localidad:",
    "municipality": "Nombre del Municipio o Demarcación Territorial:",
    "state": "Nombre de la Entidad Federativa:",
    "between": "Entre Calle:",
    "and": "Y Calle:",
    "email": "Correo Electrónico:",
    "landline": "Tel. Fijo Lada:",
    "mobile": "Tel. Móvil Lada:",
    "number": "Número:",
    "state_of_address": "Estado del domicilio:",
    "state_at_address": "Estado del contribuyente en el domicilio:",
    "id_cif": "idCIF:",
    "regimes": "Regímenes:",
    "seal_text": "Cadena Original Sello:",
    "place_and_date": "Lugar y Fecha de Emisión",
    # what ends a value and has none of interest
    "card": "CÉDULA DE IDENTIFICACIÓN FISCAL",
    "check": "VALIDA TU INFORMACIÓN",
    "identity": "Datos de Identificación del Contribuyente",
    "address": "Datos del domicilio registrado",
    "activities": "Actividades Económicas:",
    "duties": "Obligaciones:",
    "privacy": "Sus datos personales",
    "seal": "Sello Digital:",
}
_ADDRESS: Final = ("zip", "street", "exterior", "interior", "neighborhood", "city", "municipality", "state")
TITLE: Final = "CONSTANCIADESITUACIONFISCAL"  # as some programs extract it: without blanks
MONTHS: Final = (
    "ENERO", "FEBRERO", "MARZO", "ABRIL", "MAYO", "JUNIO",
    "JULIO", "AGOSTO", "SEPTIEMBRE", "OCTUBRE", "NOVIEMBRE", "DICIEMBRE",
)  # fmt: skip
_RFC: Final = re.compile(r"(?<![A-ZÑ&0-9])[A-ZÑ&]{3,4}\d{6}[A-Z0-9]{2}[0-9A](?![A-ZÑ&0-9])", re.ASCII)
_PAGE_MARK: Final = re.compile(r"Pagina\s*\[?\s*\d{1,3}\s*\]?\s*de\s*\[?\s*\d{1,3}\s*\]?")
_TABLE_HEAD: Final = re.compile(r"Regimen\s*Fecha\s*Inicio\s*Fecha\s*Fin")
_DAY: Final = re.compile(r"(\d{2}/\d{2}/\d{4})", re.ASCII)
_LONG_DAY: Final = re.compile(r"\bA\s+(\d{1,2})\s+DE\s+([A-Z]{4,10})\s+DE\s+(\d{4})", re.ASCII)
_SEAL_DAY: Final = re.compile(r"\|\|\s*(\d{4})/(\d{2})/(\d{2})", re.ASCII)
_CARD_NAME: Final = re.compile(
    r"Registro\s*Federal\s*de\s*Contribuyentes(.{1,600}?)Nombre,\s*denominacion\s*o\s*razon\s*social", re.DOTALL
)
_REGIME_NOISE: Final = re.compile(r"^(?:regimen|de|las|los|la|del)\b ?")


class NotACsf(Exception):
    """The text is not that of a Constancia; the message says what is missing or contradicts itself."""


@dataclass(frozen=True, slots=True)
class RegimeSince:
    """A regime in force and its first day."""

    code: str
    since: date

    @property
    def name(self) -> str:
        """SAT's name of it in the catalogue."""
        return REGIMES[self.code].name


@dataclass(frozen=True, slots=True)
class Constancia:
    """What the text says. Absent things are None; ``regimes``: those in force, the oldest first."""

    tax_id: str
    person_type: str
    legal_name: str | None
    id_cif: str | None
    issued: date | None
    status: str | None
    regimes: tuple[RegimeSince, ...]
    address: dict[str, str | None]
    oddities: tuple[str, ...] = field(default=())


def read(texts: tuple[str, ...]) -> Constancia:
    """The Constancia whose pages have these texts. Raises NotACsf."""
    text = _cleaned("\n".join(texts))
    flat = _without_accents(text)
    if TITLE not in re.sub(r"\s", "", flat).upper():
        raise NotACsf("it has not the title of a Constancia de Situación Fiscal")
    values = _values(text, flat)
    tax_id = _tax_id(text, flat, values)
    person_type = rfc_kind(tax_id)
    assert person_type in ("company", "person"), "generic RFCs are refused above"
    regimes, oddities = _regimes(values.get("regimes", ""))
    return Constancia(
        tax_id=tax_id,
        person_type=person_type,
        legal_name=_name(text, flat, values, person_type),
        id_cif=_digits(values.get("id_cif", "")),
        issued=_issued(values),
        status=values.get("status", "").upper() or None,
        regimes=regimes,
        address={name: values.get(name) or None for name in _ADDRESS} | {"zip": _digits(values.get("zip", ""), 5)},
        oddities=tuple(oddities),
    )


def _cleaned(text: str) -> str:
    """NFC, one kind of blank and line end, without page marks. PDFium writes a hyphen at a line's end as U+0002."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = re.sub("[\x02\ufffe]\n?", "-", text)
    text = re.sub("[\u00a0\u2000-\u200a\u202f\t]", " ", text)
    text = re.sub("[\x00-\x09\x0b-\x1f\u200b\ufeff]", "", text)
    text = re.sub(r"[ \n]*\n[ \n]*", "\n", re.sub(" +", " ", text))  # no run of blanks is left for patterns to try
    flat, kept, at = _without_accents(text), [], 0
    for mark in _PAGE_MARK.finditer(flat):
        kept.append(text[at : mark.start()])
        at = mark.end()
    return "".join([*kept, text[at:]])


def _without_accents(text: str) -> str:
    """The same number of characters, each its base letter: places found in it are places of the text."""
    return "".join(unicodedata.normalize("NFD", letter)[0] for letter in text)


def _pattern(label: str) -> str:
    """Matches the label with any blanks, or none, between its words."""
    words = re.findall(r"\w+|[():/.,]", _without_accents(label))
    return r"\s*".join(re.escape(word) for word in words)


_LONGEST_FIRST: Final = sorted(_LABELS.items(), key=lambda row: -len(row[1]))
_ANY_LABEL: Final = re.compile(
    f"(?<![A-Za-z])(?:{'|'.join(f'(?P<{name}>{_pattern(label)})' for name, label in _LONGEST_FIRST)})"
)


def _values(text: str, flat: str) -> dict[str, str]:
    """Each label's first value that is not empty, blanks collapsed."""
    found: dict[str, str] = {}
    marks = list(_ANY_LABEL.finditer(flat))
    for mark, following in zip(marks, [*marks[1:], None], strict=False):
        name = mark.lastgroup
        assert name is not None, "every alternative is named"
        value = collapse(text[mark.end() : following.start() if following else len(text)])
        if value and name not in found:
            found[name] = value
    return found


def _tax_id(text: str, flat: str, values: dict[str, str]) -> str:
    """The RFC in all its places: its field, the card at the top, the text under the seal. Raises NotACsf."""
    places = [values.get("rfc", ""), values.get("seal_text", ""), _card_rfc(text, flat)]
    found = {match.group() for place in places for match in _RFC.finditer(place)}
    if len(found) > 1:
        raise NotACsf(f"it names several RFCs: {', '.join(sorted(found))}")
    if not found or rfc_kind(min(found)) not in ("company", "person"):
        raise NotACsf("no RFC was found")
    return min(found)


def _card_rfc(text: str, flat: str) -> str:
    place = re.search(r"Registro\s*Federal\s*de\s*Contribuyentes", flat)
    return text[max(0, place.start() - 40) : place.start()] if place else ""


def _name(text: str, flat: str, values: dict[str, str], person_type: str) -> str | None:
    """A company's denomination, a person's names and surnames; from the card at the top when the fields are empty."""
    parts = ("company",) if person_type == "company" else ("names", "first_surname", "second_surname")
    name = collapse(" ".join(values.get(part, "") for part in parts))
    if not name:
        card = _CARD_NAME.search(flat)
        name = collapse(text[card.start(1) : card.end(1)]) if card else ""
    return name.replace("|", "/") or None


def _digits(text: str, length: int | None = None) -> str | None:
    found = re.match(r"\d{5,20}", text.replace(" ", ""), re.ASCII)
    return found.group() if found and length in (None, len(found.group())) else None


def _issued(values: dict[str, str]) -> date | None:
    long = _LONG_DAY.search(_without_accents(values.get("place_and_date", "").upper()))
    if long and long[2] in MONTHS:
        return _date(int(long[3]), MONTHS.index(long[2]) + 1, int(long[1]))
    sealed = _SEAL_DAY.search(values.get("seal_text", ""))
    return _date(int(sealed[1]), int(sealed[2]), int(sealed[3])) if sealed else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _regimes(table: str) -> tuple[tuple[RegimeSince, ...], list[str]]:
    """The regimes in force and what is odd about the others. Raises NotACsf when no regime is recognised."""
    in_force: list[RegimeSince] = []
    oddities: list[str] = []
    known = 0
    for name, since, until in _rows(_TABLE_HEAD.sub(" ", _without_accents(table))):
        code = _code(name)
        if code is None:
            oddities.append(f"A regime was not recognised: {name[:120]}")
            continue
        known += 1
        if until is None and code not in [row.code for row in in_force]:
            in_force.append(RegimeSince(code, since))
    if not known:
        raise NotACsf("no regime was found")
    if not in_force:
        oddities.append("No regime is in force")
    return tuple(sorted(in_force, key=lambda row: row.since)), oddities


def _rows(table: str) -> Iterator[tuple[str, date, date | None]]:
    """(name, first day, last day) of each row: a name is followed by one date, or by two when the regime has ended."""
    pieces = _DAY.split(table)
    row: tuple[str, date, date | None] | None = None
    for before, day in zip(pieces[::2], pieces[1::2], strict=False):
        name = collapse(before)
        at = _date(int(day[6:]), int(day[3:5]), int(day[:2]))
        if at is None:
            continue
        if name:
            if row is not None:
                yield row
            row = (name, at, None)
        elif row is not None:
            row = (row[0], row[1], at)
    if row is not None:
        yield row


def _normal(name: str) -> str:
    """A regime's name without accents, punctuation and the words SAT puts before it."""
    plain = collapse(re.sub(r"[^a-z ]", " ", _without_accents(name).lower()))
    while (shorter := _REGIME_NOISE.sub("", plain)) != plain:
        plain = shorter
    return plain.removesuffix(" pm").removesuffix(" pf")


_CODES: Final = {_normal(row.name): row.code for row in REGIMES.values()}


def _code(name: str) -> str | None:
    """The code of the regime; a name with something else around it counts when only one regime can be meant."""
    normal = _normal(name)
    if normal in _CODES:
        return _CODES[normal]
    inside = [known for known in _CODES if len(known) >= 20 and known in normal]
    return _CODES[inside[0]] if len(inside) == 1 else None
