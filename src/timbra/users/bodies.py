"""Bodies of user calls (contract users.md)."""

from typing import Annotated, Any, Final

from pydantic import AliasChoices, Field

from timbra.catalogs.address import AddressBody
from timbra.http.body import Command
from timbra.http.fields import Choice, Email, Flag, Text
from timbra.teams.bodies import ASSIGNABLE

_Name = Text(max=100)
_Phone = Text(min=7, max=20, pattern=r"[0-9+ ()-]+", explain="must have digits, +, blanks, - and ( ) only")


class UserFields(Command):
    """What create and update have in common."""

    first_name: Annotated[str | None, _Name, Field(validation_alias=AliasChoices("first_name", "firstName"))] = None
    last_name: Annotated[str | None, _Name, Field(validation_alias=AliasChoices("last_name", "lastName"))] = None
    phone: Annotated[str | None, _Phone] = None
    company_role: Annotated[str | None, _Name] = None
    address: AddressBody | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, null ones included; of the address only the keys that were sent."""
        sent = {name: getattr(self, name) for name in USER_FIELDS if name in self.model_fields_set}
        address = sent.get("address")
        if address is not None:
            sent["address"] = {name: getattr(address, name) for name in address.model_fields_set}
        return sent


USER_FIELDS: Final = tuple(UserFields.model_fields)


class CreateUser(UserFields):
    """POST /users."""

    email: Annotated[str, Email()]
    auto_join: Flag = False
    role: Annotated[str, Choice(*ASSIGNABLE)] = "viewer"


class UpdateUser(UserFields):
    """PUT /users/{id}: partial. The address cannot change."""

    email: Annotated[str | None, Text(max=1_000)] = None


class ResetPassword(Command):
    """POST /users/reset-password."""

    email: Annotated[str, Email()]


class LoginLink(Command):
    """POST /users/login-link."""

    user_id: Annotated[str, Text(max=160)]
