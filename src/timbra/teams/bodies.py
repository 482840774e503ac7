"""Bodies of team calls (contract teams.md sections 4 to 8)."""

from typing import Annotated, Any, Final

from pydantic import AliasChoices, Field, model_validator

from timbra.catalogs.address import AddressBody
from timbra.catalogs.fields import Printed, TaxId, regime_code
from timbra.http.body import Command
from timbra.http.fields import Choice, Email, Flag, Metadata, Text, Url, Whole, refuse
from timbra.teams.settings_body import SeriesName
from timbra.teams.store_series import FOLIO_MAX

NAMING_FIELDS: Final = ("brand", "tax_id", "legal_name", "name")
ASSIGNABLE: Final = ("admin", "editor", "viewer")
MEMBERS_MAX: Final = 500

MemberRole = Choice(*ASSIGNABLE)
_Color = Text(max=7, pattern=r"#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})", explain="must be #RGB or #RRGGBB")
_Counter = Whole(max=FOLIO_MAX)
_PlainId = Text(max=160)


class BrandBody(Command):
    """How the team shows itself."""

    alias: Annotated[str | None, Text(max=200)] = None
    primary_color: Annotated[str | None, _Color] = None
    secondary_color: Annotated[str | None, _Color] = None
    logo: Annotated[str | None, Url()] = None


class NewBrandBody(BrandBody):
    """The brand of a new team."""

    alias: Annotated[str, Text(max=200)]


class NewAddressBody(AddressBody):
    """The address of a new team."""

    @model_validator(mode="after")
    def _has_a_country(self) -> "NewAddressBody":
        if self.country is None:
            raise refuse("required", "is required", path="country")
        return self


class TeamFields(Command):
    """What create and update have in common."""

    name: Annotated[str | None, Text(max=200)] = None
    legal_name: Annotated[str | None, Printed(max=300)] = None
    tax_id: Annotated[str | None, TaxId(strict=True)] = None
    tax_system: Annotated[str | None, regime_code()] = None
    support_email: Annotated[str | None, Email()] = None
    support_phone: Annotated[str | None, Text(max=40)] = None
    metadata: Annotated[dict[str, Any] | None, Metadata()] = None


class NewMember(Command):
    """A member from the start."""

    id: Annotated[str, _PlainId]
    role: Annotated[str, MemberRole]


class CreateTeam(TeamFields):
    """POST /teams."""

    brand: NewBrandBody | None = None
    address: NewAddressBody | None = None
    generate_onboarding_url: Flag = False
    add_members: Annotated[list[NewMember], Field(max_length=MEMBERS_MAX, default_factory=list)]
    add_master_team_members: Flag = False

    @model_validator(mode="after")
    def _has_a_name(self) -> "CreateTeam":
        if all(getattr(self, field) is None for field in NAMING_FIELDS):
            raise refuse("required", "is required: a team needs a name, brand, legal_name or tax_id", path="name")
        return self

    def changes(self) -> dict[str, Any]:
        """What the new team is, in the form of an update."""
        return _changes(self)


class UpdateTeam(TeamFields):
    """PUT /teams/{id}: partial; null clears, ``brand`` and ``address`` merge."""

    brand: BrandBody | None = None
    address: AddressBody | None = None
    connect_enabled: Flag | None = None

    def changes(self) -> dict[str, Any]:
        """The fields that were sent, null ones included; of nested objects only the keys that were sent."""
        changes = _changes(self)
        if self.connect_enabled is not None:
            changes["connect_enabled"] = self.connect_enabled
        return changes


TEAM_FIELDS: Final = (*TeamFields.model_fields, "brand", "address")


def _changes(body: Command) -> dict[str, Any]:
    sent = {name: getattr(body, name) for name in TEAM_FIELDS if name in body.model_fields_set}
    return {name: _sent(value) if isinstance(value, Command) else value for name, value in sent.items()}


def _sent(nested: Command) -> dict[str, Any]:
    return {name: getattr(nested, name) for name in type(nested).model_fields if name in nested.model_fields_set}


class CreateSeries(Command):
    """POST /teams/{id}/series."""

    series: Annotated[str, SeriesName]
    live: Annotated[int, _Counter] = 0
    test: Annotated[int, _Counter] = 0


class UpdateSeries(Command):
    """PUT /teams/{id}/series/{seriesId}."""

    live: Annotated[int | None, _Counter] = None
    test: Annotated[int | None, _Counter] = None

    @model_validator(mode="after")
    def _has_a_counter(self) -> "UpdateSeries":
        if self.live is None and self.test is None:
            raise refuse("required", "is required: a counter for live, test or both", path="live")
        return self


class RemoveMember(Command):
    """POST /teams/{id}/remove-member."""

    id: Annotated[str, _PlainId, Field(validation_alias=AliasChoices("id", "user_id"))]


class AddMember(RemoveMember):
    """POST /teams/{id}/add-member."""

    role: Annotated[str, MemberRole] = "viewer"
