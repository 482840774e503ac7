"""Bodies of client calls, and of clients inside documents (contract clients.md sections 1, 2 and 7)."""

from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from timbra.catalogs.address import AddressBody
from timbra.catalogs.fields import Printed, TaxId, regime_code, use_code
from timbra.clients.model import COLOMBIAN_FIELDS, DEFAULT_KEYS
from timbra.http.body import Command
from timbra.http.fields import Choice, Email, Flag, Metadata, Text, refuse
from timbra.http.search_fields import Scalar, SearchKey, value_of

SEARCH_KEYS: Final = ("tax_id", "email", "name", "id")
DOCUMENT_TYPES: Final = ("11", "12", "13", "21", "22", "31", "41", "42", "47", "48", "50", "91")

_Short = Annotated[str | None, Text(max=200)]


class DefaultsBody(Command):
    """Rules of this client alone; null: the team's."""

    keep_full_legal_name: Flag | None = None
    issue_automatic_invoices: Flag | None = None
    issue_invoiceable_receipts: Flag | None = None


class Search(Command):
    """Find before create."""

    on_key: Annotated[str, SearchKey(SEARCH_KEYS)]
    on_value: Annotated[str | None, Scalar()] = None
    update: Flag = False
    auto_create: Flag = True


class ClientFields(Command):
    """What a caller may set on a client."""

    name: _Short = None
    company: _Short = None
    email: Annotated[str | None, Email()] = None
    phone: Annotated[str | None, Text(max=40)] = None
    bcc: Annotated[list[Annotated[str, Email()]], Field(max_length=20)] | None = None
    legal_name: Annotated[str | None, Printed(max=300)] = None
    tax_id: Annotated[str | None, TaxId()] = None
    tax_system: Annotated[str | None, regime_code()] = None
    use: Annotated[str | None, use_code()] = None
    address: AddressBody | None = None
    metadata: Annotated[dict[str, Any] | None, Metadata()] = None
    defaults: DefaultsBody | None = None
    document_type: Annotated[str | None, Choice(*DOCUMENT_TYPES)] = None
    organization_type: Annotated[str | None, Choice("1", "2")] = None
    tribute_code: Annotated[str | None, Choice("01", "ZZ")] = None
    fiscal_responsibilities: list[Annotated[str, Choice("O-13", "O-15", "O-23", "O-47", "R-99-PN")]] | None = None
    dv: Annotated[str | None, Choice(*"0123456789")] = None
    municipality_code: Annotated[str | None, Text(max=40)] = None

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, null ones included; of nested objects only the keys that were sent."""
        sent = {name: getattr(self, name) for name in CLIENT_FIELDS if name in self.model_fields_set}
        return {name: _sent(value) if isinstance(value, Command) else value for name, value in sent.items()}


def _sent(nested: Command) -> dict[str, Any]:
    return {name: getattr(nested, name) for name in type(nested).model_fields if name in nested.model_fields_set}


CLIENT_FIELDS: Final = tuple(ClientFields.model_fields)
assert set(CLIENT_FIELDS) >= set(COLOMBIAN_FIELDS)
assert tuple(DefaultsBody.model_fields) == DEFAULT_KEYS


class FoundClientFields(ClientFields):
    """Client fields with the question whether such a client exists already."""

    search: Search | None = None

    @model_validator(mode="after")
    def _search_has_a_value(self) -> "FoundClientFields":
        if self.search is not None and self.search_value is None:
            raise refuse("required", f"is required, here or as {self.search.on_key}", path="search.on_value")
        return self

    @property
    def search_value(self) -> str | None:
        """What to look for: ``on_value``, else the body's own field of that name."""
        if self.search is None:
            return None
        if self.search.on_value is not None:
            return self.search.on_value
        return value_of(self.search.on_key, self, self.metadata)


class CreateClient(FoundClientFields):
    """POST /clients."""

    id: Annotated[str | None, Text(max=160)] = None


class UpdateClient(ClientFields):
    """PUT /clients/{id}: partial."""
