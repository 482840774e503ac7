"""A client as the rest of the server knows it, and what must be true of its fields together.

The rules of single fields are in ``schemas``; here are those that need the whole client: the form of the RFC and of the
postal code depend on the country, and what makes a client invoiceable (contract clients.md sections 1 and 6).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from timbra.catalogs.address import MEXICO, Address
from timbra.catalogs.fields import RFC_FORM
from timbra.cfdi import codes
from timbra.cfdi.text import FOREIGN_RFC, rfc_kind
from timbra.http.errors import FieldError

NAMING_FIELDS: Final = ("name", "legal_name", "company", "email", "tax_id")
DEFAULT_KEYS: Final = ("keep_full_legal_name", "issue_automatic_invoices", "issue_invoiceable_receipts")
COLOMBIAN_FIELDS: Final = (
    "document_type",
    "organization_type",
    "tribute_code",
    "fiscal_responsibilities",
    "dv",
    "municipality_code",
)
_PLAIN_FIELDS: Final = ("name", "company", "email", "phone", "legal_name", "tax_id", "tax_system", "use")


NO_DEFAULTS: Final[Mapping[str, bool | None]] = dict.fromkeys(DEFAULT_KEYS)


@dataclass(frozen=True, slots=True)
class Client:
    """One client of a team in one mode. ``name`` is what was typed, ``display_name`` what is shown."""

    id: str
    team_id: str
    livemode: bool
    owner: str
    origin: str
    created_ms: int
    updated_ms: int
    name: str | None = None
    company: str | None = None
    email: str | None = None
    phone: str | None = None
    bcc: tuple[str, ...] = ()
    legal_name: str | None = None
    tax_id: str | None = None
    tax_system: str | None = None
    use: str | None = None
    address: Address = field(default_factory=Address)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, bool | None] = field(default_factory=lambda: NO_DEFAULTS)
    colombian: Mapping[str, Any] = field(default_factory=dict)
    status: str = "unverified"
    status_message: str = ""
    sat_status: Mapping[str, Any] | None = None  # as screening.py gave it; None: no list was asked

    @property
    def display_name(self) -> str:
        """Never empty: a client without any naming field is refused."""
        return self.name or self.legal_name or self.company or self.email or self.tax_id or ""

    @property
    def is_foreign(self) -> bool:
        """True for a client of another country or with the generic RFC of foreigners."""
        return self.address.country not in (None, MEXICO) or self.tax_id == FOREIGN_RFC

    @property
    def is_valid(self) -> bool | None:
        """None: nobody could tell."""
        return {"valid": True, "invalid": False}.get(self.status)

    def changed(self, changes: Mapping[str, Any]) -> "Client":
        """The client after an update: absent keys stay, ``address`` and ``defaults`` merge, None clears."""
        values: dict[str, Any] = {name: changes[name] for name in _PLAIN_FIELDS if name in changes}
        if "bcc" in changes:
            values["bcc"] = tuple(changes["bcc"] or ())
        if "metadata" in changes:
            values["metadata"] = changes["metadata"] or {}
        if "address" in changes:
            values["address"] = self.address.merged(changes["address"])
        if "defaults" in changes:
            given = changes["defaults"]
            values["defaults"] = NO_DEFAULTS if given is None else {**self.defaults, **given}
        colombian = {name: changes[name] for name in COLOMBIAN_FIELDS if name in changes}
        if colombian:
            merged = {**self.colombian, **colombian}
            values["colombian"] = {name: value for name, value in merged.items() if value not in (None, [])}
        return replace(self, **values)

    def problems(self) -> list[FieldError]:
        """What is wrong with the fields taken together."""
        return list(self._problems())

    def _problems(self) -> Iterator[FieldError]:
        if not self.display_name:
            yield FieldError(
                "name", "required", "is required: a client needs a name, legal_name, company, email or tax_id"
            )
        if self.address.country not in (None, MEXICO):
            return
        if self.tax_id is not None and rfc_kind(self.tax_id) is None:
            yield FieldError("tax_id", "format", RFC_FORM)
        problem = self.address.zip_problem()
        if problem is not None:
            yield problem

    def to_wire(self) -> dict[str, Any]:
        """The object of the API."""
        return {
            "id": self.id,
            "name": self.display_name,
            "company": self.company,
            "email": self.email,
            "phone": self.phone,
            "bcc": list(self.bcc),
            "legal_name": self.legal_name,
            "tax_id": self.tax_id,
            "tax_system": self.tax_system,
            "use": self.use,
            "address": self.address.to_wire(),
            "metadata": dict(self.metadata),
            "defaults": dict(self.defaults),
            "is_valid": self.is_valid,
            "efos": None if self.sat_status is None else self.sat_status["efos"],
            "fiscal_validation": {"status": self.status, "message": self.status_message},
            "sat_status": self.sat_status,
            **self.colombian,
            "livemode": self.livemode,
            "team": self.team_id,
            "owner": self.owner,
            "from": self.origin,
            "created_at": self.created_ms // 1000,
            "updated_at": self.updated_ms // 1000,
        }


def invoiceable_problems(client: Client, path: str = "client") -> list[FieldError]:
    """What a document needs of its receiver and the client lacks, one row per field; [] for an invoiceable client.

    A client of another country needs a legal name only; XAXX010101000 brings its own name, regime and postal code.
    Source: contract clients.md section 6; CFDI40157, CFDI40158.
    """
    return list(_lacking(client, path))


def _lacking(client: Client, path: str) -> Iterator[FieldError]:
    kind = rfc_kind(client.tax_id) if client.tax_id else None
    if kind == "generic":
        return
    if client.legal_name is None:
        yield FieldError(f"{path}.legal_name", "required", "is required to invoice the client")
    if client.is_foreign:
        return
    for name, value in (
        ("tax_id", client.tax_id),
        ("tax_system", client.tax_system),
        ("address.zip", client.address.zip),
    ):
        if value is None:
            yield FieldError(f"{path}.{name}", "required", "is required to invoice the client")
    if client.tax_system is not None and (problem := regime_problem(client.tax_system, kind)):
        code, message = problem
        yield FieldError(f"{path}.tax_system", code, message)


def regime_problem(regime: str, person_type: str | None) -> tuple[str, str] | None:
    """Why a taxpayer of this type (None: unknown) cannot have the regime in a CFDI 4.0: SAT's code and a sentence."""
    if not codes.REGIMES[regime].cfdi40:
        return "CFDI40157", f"{regime} is no longer in force in CFDI 4.0"
    if not codes.regime_allowed(regime, person_type or ""):
        return "CFDI40158", f"{regime} is not a regime of a {person_type}"
    return None
