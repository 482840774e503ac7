"""A line as documents send it (contract services.md section 3)."""

from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from timbra.catalogs.fields import CustomsRequest, Printed, TaxId, regime_code
from timbra.cfdi.model import Hydrocarbons, ThirdParty
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.text import collapse, name_on_cfdi
from timbra.http.body import Command
from timbra.http.fields import Amount, Code, Flag, Metadata, Text, refuse
from timbra.http.search_fields import METADATA_PREFIX, Scalar, SearchKey, value_of
from timbra.services.schemas import Description, Price, ServiceShape, Sku

SEARCH_KEYS: Final = ("sku", "id", "description")
COMPLEMENT_LIMIT_BYTES: Final = 64 * 1024
LINE_PREFIX: Final = "item_"


class ThirdPartyBody(Command):
    """A cuenta de terceros."""

    legal_name: Annotated[str, Printed(max=300)]
    tax_id: Annotated[str, TaxId(strict=True)]
    tax_system: Annotated[str, regime_code()]
    zip: Annotated[str, Code(max=5, pad=5, pattern=r"[0-9]{5}", explain="must have exactly 5 digits")]

    def third_party(self, *, keep_full_name: bool) -> ThirdParty:
        """As the CFDI prints it. keep_full_name: the team's setting about the régimen de capital."""
        name = name_on_cfdi(self.legal_name, self.tax_id, keep_full_name)
        return ThirdParty(self.tax_id, name, self.tax_system, self.zip)


class HydrocarbonsBody(Command):
    """Complement HidroYPetro."""

    permit_type: Annotated[str, Printed(max=100)]
    permit_number: Annotated[str, Printed(max=100)]
    fuel_code: Annotated[str, Printed(max=100)]
    fuel_sub_product: Annotated[str, Printed(max=100)]

    @property
    def hydrocarbons(self) -> Hydrocarbons:
        """As the CFDI carries it."""
        return Hydrocarbons(self.permit_type, self.permit_number, self.fuel_code, self.fuel_sub_product)


class ItemComplementBody(Command):
    """Complements of a line that have fields of their own."""

    hydrocarbons: HydrocarbonsBody | None = None


class LineSearch(Command):
    """Which service the line refers to."""

    on_key: Annotated[str, SearchKey(SEARCH_KEYS)]
    on_value: Annotated[str | None, Scalar()] = None
    auto_create: Flag = False
    safety_check: Flag = False


class LineBody(ServiceShape):
    """One of ``items``; what it leaves out comes from the service, the team's settings or the server."""

    id: Annotated[str | None, Text(max=160)] = None
    search: LineSearch | None = None
    description: Annotated[str | None, Description] = None
    unit_price: Annotated[Decimal | None, Price] = None
    discount: Annotated[Decimal | None, Amount(min=0)] = None
    third_party: ThirdPartyBody | None = None
    item_complement: ItemComplementBody | None = None
    customs_request: Annotated[str | None, CustomsRequest()] = None
    property_tax_account: Annotated[
        str | None, Text(max=150, pattern=r"[0-9A-Za-z]+", explain="must have letters and digits only")
    ] = None
    complement: Annotated[str | None, Text(max=COMPLEMENT_LIMIT_BYTES, multiline=True)] = None

    @field_validator("id")
    @classmethod
    def _of_a_service(cls, value: str | None) -> str | None:
        """Lines of receipts and payments show an id of their own, which names no service."""
        return None if value is not None and value.startswith(LINE_PREFIX) else value

    @field_validator("complement")
    @classmethod
    def _is_well_formed(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse(value.encode(), limit=COMPLEMENT_LIMIT_BYTES)
            except XmlRefused as error:
                raise refuse("format", f"must be well-formed XML: {error}") from None
        return value

    @model_validator(mode="after")
    def _search_has_a_value(self) -> Self:
        if self.id is None and self.search is not None and self.search_value is None:
            raise refuse("required", f"is required, here or as {self.search.on_key}", path="search.on_value")
        return self

    @model_validator(mode="after")
    def _search_could_create(self) -> Self:
        """What ``auto_create`` would store is checked even where the service exists, so that the reply never depends on it."""
        search, value = self.search, self.search_value
        if self.id is None and search is not None and search.auto_create and value is not None:
            name = search.on_key.removeprefix(METADATA_PREFIX)
            try:
                if search.on_key == "sku":
                    Sku.check(value)
                elif name != search.on_key:
                    Metadata().check({name: value})
            except PydanticCustomError as error:
                context = error.context or {}
                raise refuse(error.type, context["reason"], context.get("fix"), path="search.on_value") from None
        return self

    @property
    def search_value(self) -> str | None:
        """What to look for: ``on_value``, else the line's own field of that name."""
        if self.search is None:
            return None
        value = self.search.on_value or value_of(self.search.on_key, self, self.metadata)
        return collapse(value) if value is not None and self.search.on_key == "sku" else value
