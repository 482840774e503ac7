"""Bodies of service calls (contract services.md sections 1 and 2)."""

from decimal import Decimal
from typing import Annotated, Any, Final, Self

from pydantic import field_validator, model_validator

from timbra.catalogs.fields import Listed, Printed, UnitKey
from timbra.catalogs.taxes import TaxList, repeated
from timbra.cfdi.codes import TAX_OBJECTS
from timbra.http.body import Command
from timbra.http.fields import Amount, Code, Metadata, refuse
from timbra.services.model import UNIT_NAME_MAX

PRODUCT_DIGITS: Final = 8

Description = Printed(max=1_000, one_line=False)
Price = Amount(min=0)
Quantity = Amount(above=0)
ProductKey = Code(max=PRODUCT_DIGITS, pad=PRODUCT_DIGITS)
Sku = Printed(max=100)
Taxability = Listed(tuple(TAX_OBJECTS), pad=2)


class ServiceShape(Command):
    """The optional fields that services and document lines have in common."""

    product_key: Annotated[str | None, ProductKey] = None
    unit_key: Annotated[str | None, UnitKey()] = None
    unit_name: Annotated[str | None, Printed(max=UNIT_NAME_MAX)] = None
    sku: Annotated[str | None, Sku] = None
    quantity: Annotated[Decimal | None, Quantity] = None
    taxability: Annotated[str | None, Taxability] = None
    taxes: TaxList | None = None
    metadata: Annotated[dict[str, Any] | None, Metadata()] = None

    @model_validator(mode="after")
    def _no_tax_twice(self) -> Self:
        position = repeated(self.taxes) if self.taxes else None
        if position is not None:
            raise refuse("duplicate", "is in the list already", path=f"taxes[{position}]")
        return self


class CreateService(ServiceShape):
    """POST /services."""

    description: Annotated[str, Description]
    unit_price: Annotated[Decimal, Price]


class UpdateService(ServiceShape):
    """PUT /services/{id}: partial; null clears or restores the default."""

    description: Annotated[str | None, Description] = None
    unit_price: Annotated[Decimal | None, Price] = None

    @field_validator("description", "unit_price")
    @classmethod
    def _stays(cls, value: Any) -> Any:
        if value is None:
            raise refuse("required", "is required")
        return value

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, null ones included."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}
