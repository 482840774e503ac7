"""Lines of documents resolved: the line itself, its service, the team's settings, the server's defaults, in this order.

What SAT says about a resolved line (keys in force, taxability, discount, third party) is asked of the whole document by
``cfdi.rules``, so that one reply tells everything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from timbra.catalogs.taxes import LineTaxes, to_wire
from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.model import Line, Micro, ThirdParty
from timbra.cfdi.money import micro, to_decimal
from timbra.http.caller import Caller
from timbra.http.errors import FieldError, Invalid
from timbra.platform.db import Database
from timbra.services.line_body import LineBody
from timbra.services.line_services import services_of
from timbra.services.model import ONE, Service, taxability_of, unit_name_of
from timbra.services.taxes import country_taxes, withholdings_for
from timbra.teams.settings import TeamSettings
from timbra.teams.store import Team

__all__ = ["LineBody", "LineDefaults", "ResolvedLine", "resolve"]

UNIT_NAME_ON_CFDI: Final = 20  # Anexo 20, Unidad
NO_DISCOUNT: Final = Micro(0)


@dataclass(frozen=True, slots=True)
class LineDefaults:
    """What stands in for the team's settings in documents of a special kind."""

    product_key: str
    unit_key: str
    description: str


@dataclass(frozen=True, slots=True)
class ResolvedLine:
    """A complete line. ``description`` is its own text; ``line`` carries the one the team prints instead, if any."""

    service_id: str | None
    line: Line
    metadata: Mapping[str, Any]
    description: str
    unit_name: str | None

    def stored(self) -> dict[str, Any]:
        """The line as documents keep it that are stamped later: prices as sent, later changes of the service don't matter."""
        line = self.line
        return {
            "id": self.service_id,
            "description": self.description,
            "product_key": line.product_key,
            "quantity": to_decimal(line.quantity),
            "unit_price": to_decimal(line.unit_price),
            "unit_key": line.unit_key,
            "unit_name": self.unit_name,
            "sku": line.sku,
            "taxability": line.taxability,
            "discount": to_decimal(line.discount),
            "customs_request": line.customs_request,
            "complement": line.complement,
            "property_tax_account": line.property_tax_account,
            "third_party": _third_party_wire(line.third_party),
            "item_complement": {"hydrocarbons": asdict(line.hydrocarbons)} if line.hydrocarbons else None,
            "taxes": [to_wire(tax) for tax in line.taxes],
            "metadata": dict(self.metadata),
        }


@dataclass(frozen=True, slots=True)
class _Context:
    """What every line of a document falls back to."""

    product_key: str
    unit_key: str
    description: str | None
    override: str | None
    sku: str | None
    country_taxes: LineTaxes
    default_taxes: LineTaxes
    enforces_country: bool
    keeps_full_names: bool
    settings: TeamSettings
    catalogs: Catalogs


async def resolve(
    database: Database,
    caller: Caller,
    lines: Sequence[LineBody],
    *,
    team: Team,
    receiver_is_foreign: bool,
    receiver_rfc: str,
    at_ms: int,
    catalogs: Catalogs,
    defaults: LineDefaults | None = None,
) -> list[ResolvedLine]:
    """The complete lines of a document, in order.

    Without a reference to a service no database is touched. Raises Invalid (what a line lacks), NotFound
    (``items[0].id: not found``), Conflict (several services match, or ``safety_check`` fails).
    """
    settings = team.settings
    services = await services_of(database, caller, lines, settings, catalogs, at_ms)
    context = _context(settings, catalogs, defaults, receiver_is_foreign=receiver_is_foreign, receiver_rfc=receiver_rfc)
    problems = [row for at, line in enumerate(lines) for row in _lacking(at, line, services.get(at), context)]
    if problems:
        raise Invalid(problems)
    return [_resolved(line, services.get(at), context) for at, line in enumerate(lines)]


def _context(
    settings: TeamSettings,
    catalogs: Catalogs,
    defaults: LineDefaults | None,
    *,
    receiver_is_foreign: bool,
    receiver_rfc: str,
) -> _Context:
    taxes = country_taxes(settings, receiver_is_foreign=receiver_is_foreign)
    return _Context(
        product_key=defaults.product_key if defaults else settings["product_key"],
        unit_key=defaults.unit_key if defaults else settings["unit_key"],
        description=defaults.description if defaults else settings["default_description"],
        override=settings["override_item_description"],
        sku=settings["sku"],
        country_taxes=taxes,
        default_taxes=taxes + withholdings_for(settings, receiver_rfc),
        enforces_country=bool(settings["enforce_client_country_taxes"]),
        keeps_full_names=bool(settings["keep_full_legal_name"]),
        settings=settings,
        catalogs=catalogs,
    )


def _lacking(at: int, line: LineBody, service: Service | None, context: _Context) -> list[FieldError]:
    if service is not None or (line.description is not None and line.unit_price is not None):
        return []
    problems = []
    if line.description is None and context.description is None:
        problems.append(FieldError(f"items[{at}].description", "required", "is required"))
    if line.unit_price is None:
        problems.append(FieldError(f"items[{at}].unit_price", "required", "is required"))
    return problems


def _resolved(body: LineBody, service: Service | None, context: _Context) -> ResolvedLine:
    taxes = _taxes(body, service, context)
    unit_key = body.unit_key or (service.unit_key if service else context.unit_key)
    unit_name = _unit_name(body, service, unit_key, context)
    description = body.description or (service.description if service else None) or context.description
    assert description is not None, "checked before"
    line = Line(
        product_key=body.product_key or (service.product_key if service else context.product_key),
        unit_key=unit_key,
        description=context.override or description,
        quantity=_quantity(body, service),
        unit_price=_unit_price(body, service),
        discount=micro(body.discount) if body.discount else NO_DISCOUNT,
        taxability=_taxability(body, service, taxes),
        taxes=taxes,
        unit_name=unit_name[:UNIT_NAME_ON_CFDI].strip() if unit_name else None,
        sku=body.sku or (service.sku if service else None) or context.sku,
    )
    if _has_rare_parts(body):
        line = _with_rare_parts(line, body, context)
    metadata = body.metadata or {}
    return ResolvedLine(service.id if service else None, line, metadata, description, unit_name)


def _taxes(body: LineBody, service: Service | None, context: _Context) -> LineTaxes:
    if body.taxes is not None:
        return tuple([tax.line_tax for tax in body.taxes])
    if service is None:
        return context.default_taxes
    return context.country_taxes if context.enforces_country else service.taxes


def _taxability(body: LineBody, service: Service | None, taxes: LineTaxes) -> str:
    """The line's code, else that of the service as long as the line's own taxes leave it true."""
    if body.taxability is not None:
        return body.taxability
    own = service.taxability if service else None
    if own is not None and service is not None and taxes == service.taxes:
        return own
    return taxability_of(taxes)


def _unit_name(body: LineBody, service: Service | None, unit_key: str, context: _Context) -> str | None:
    if body.unit_name is not None:
        return body.unit_name
    if service is not None and unit_key == service.unit_key:
        return service.unit_name
    return unit_name_of(unit_key, context.settings, context.catalogs)


def _quantity(body: LineBody, service: Service | None) -> Micro:
    if body.quantity is not None:
        return micro(body.quantity)
    return service.quantity if service else ONE


def _unit_price(body: LineBody, service: Service | None) -> Micro:
    if body.unit_price is not None:
        return micro(body.unit_price)
    assert service is not None, "checked before"
    return service.unit_price


def _has_rare_parts(body: LineBody) -> bool:
    return bool(
        body.third_party or body.item_complement or body.customs_request or body.property_tax_account or body.complement
    )


def _with_rare_parts(line: Line, body: LineBody, context: _Context) -> Line:
    party, complement = body.third_party, body.item_complement
    fuel = complement.hydrocarbons if complement else None
    return replace(
        line,
        third_party=party.third_party(keep_full_name=context.keeps_full_names) if party else None,
        hydrocarbons=fuel.hydrocarbons if fuel else None,
        customs_request=body.customs_request,
        property_tax_account=body.property_tax_account,
        complement=body.complement,
    )


def _third_party_wire(party: ThirdParty | None) -> dict[str, str] | None:
    if party is None:
        return None
    return {"legal_name": party.name, "tax_id": party.rfc, "tax_system": party.regime, "zip": party.zip}
