"""Addresses of clients, teams and users (contract conventions.md section 12)."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

from timbra.catalogs.fields import Country
from timbra.http.body import Command
from timbra.http.errors import FieldError
from timbra.http.fields import ZIP, Text

MEXICO: Final = "MEX"
_ZIP_DIGITS: Final = 5
_Short = Annotated[str | None, Text(max=200)]


@dataclass(frozen=True, slots=True)
class Address:
    """A postal address; ``country`` is alpha-3 and set whenever anything else is."""

    country: str | None = None
    zip: str | None = None
    street: str | None = None
    exterior: str | None = None
    interior: str | None = None
    neighborhood: str | None = None
    municipality: str | None = None
    city: str | None = None
    state: str | None = None

    def merged(self, changes: Mapping[str, Any] | None) -> "Address":
        """The address with some keys changed; None clears all of it."""
        if changes is None:
            return Address()
        merged = replace(self, **changes)
        is_set = any(value is not None for value in merged.to_wire().values())
        return replace(merged, country=MEXICO) if is_set and merged.country is None else merged

    def to_wire(self) -> dict[str, str | None]:
        """All nine keys."""
        return {name: getattr(self, name) for name in ADDRESS_FIELDS}

    def to_short_wire(self) -> dict[str, str | None]:
        """The form of team and user replies: without ``municipality``."""
        return {name: value for name, value in self.to_wire().items() if name != "municipality"}

    def zip_problem(self) -> FieldError | None:
        """What is wrong with the postal code, given the country."""
        if self.zip is None or self.country not in (None, MEXICO):
            return None
        if len(self.zip) == _ZIP_DIGITS and self.zip.isascii() and self.zip.isdigit():
            return None
        return FieldError("address.zip", "format", "must have exactly 5 digits")


ADDRESS_FIELDS: Final = tuple(part.name for part in dataclasses.fields(Address))


class AddressBody(Command):
    """Address; ``zip`` is checked against the country once both are known."""

    country: Annotated[str | None, Country()] = None
    zip: Annotated[str | None, ZIP] = None
    street: _Short = None
    exterior: _Short = None
    interior: _Short = None
    neighborhood: _Short = None
    municipality: _Short = None
    city: _Short = None
    state: _Short = None


assert tuple(AddressBody.model_fields) == ADDRESS_FIELDS
