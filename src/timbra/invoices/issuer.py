"""What every document needs of its issuer and receiver before it can be made, whatever its type."""

from typing import Any

from timbra.cfdi import matrix
from timbra.cfdi.model import Issuer
from timbra.cfdi.rules import Finding
from timbra.cfdi.text import name_on_cfdi
from timbra.clients.model import Client, invoiceable_problems
from timbra.credentials.csd import CsdSigner
from timbra.http.caller import Caller
from timbra.http.errors import BusinessRule, FieldError, Invalid
from timbra.invoices.parts import InvoiceParts
from timbra.teams.store import Team


async def signer_of(parts: InvoiceParts, caller: Caller, now_ms: int) -> CsdSigner:
    """The team's CSD in force. Raises BusinessRule."""
    signer = await parts.signers.signer_for(caller.scope)
    if signer is None:
        raise BusinessRule("The team has no CSD in this mode: upload one at POST /v2/teams/{id}/sat-connection")
    facts = signer.certificate
    if not facts.not_before_ms <= now_ms <= facts.not_after_ms:
        raise BusinessRule(f"The team's CSD {facts.number} is not valid today: upload a current one")
    return signer


async def first_pac(parts: InvoiceParts, caller: Caller) -> str:
    """The PAC that is asked first now. Raises BusinessRule when the team has none in this mode."""
    side = await parts.side_of(caller.scope)
    if not side.pacs:
        raise BusinessRule("No PAC is configured for live mode")
    return side.pacs[0].name


def issuer_of(parts: InvoiceParts, team: Team, signer: CsdSigner) -> Issuer:
    """The team as it is printed. Raises BusinessRule for data that are missing or not its CSD's."""
    rfc = signer.certificate.rfc
    absent = [field for field, value in (("tax_system", team.tax_system), ("address.zip", team.zip)) if value is None]
    if absent or (team.tax_id is not None and team.tax_id != rfc):
        problem = f"its {' and '.join(absent)} missing" if absent else "an RFC other than its CSD's"
        raise BusinessRule(f"The team cannot issue: {problem}. Complete it at PUT /v2/teams/{team.id}")
    assert team.tax_system is not None
    assert team.zip is not None
    if not parts.sat.catalogs.zip_exists(team.zip):
        raise BusinessRule(f"The team's postal code {team.zip} is not in SAT's catalogue (CFDI40126)")
    name = name_on_cfdi(team.legal_name or signer.certificate.name, rfc, bool(team.settings["keep_full_legal_name"]))
    return Issuer(rfc, name, team.tax_system, team.zip)


def check_invoiceable(client: Client) -> None:
    """A document can be made for the client. Raises Invalid."""
    problems = invoiceable_problems(client)
    if problems:
        raise invalid(problems)


def keeps_full_name(client: Client, team: Team) -> bool:
    """Whether the régimen de capital stays in the client's name: its own wish, else the team's."""
    own = client.defaults.get("keep_full_legal_name")
    return bool(team.settings["keep_full_legal_name"] if own is None else own)


def invalid(problems: list[FieldError]) -> Invalid:
    """The refusal, which explains the first rule of SAT's matrix among the problems."""
    rules_of_sat = [problem.code for problem in problems if matrix.lookup(problem.code) is not None]
    return Invalid(problems, extra={"cfdi": cfdi_error(rules_of_sat[0], None)} if rules_of_sat else None)


def field_of(finding: Finding) -> FieldError:
    """A broken rule as a problem of the request."""
    return FieldError(finding.path, finding.code, finding.message, finding.fix)


def cfdi_error(code: str, text: str | None) -> dict[str, Any]:
    """``error.cfdi``: SAT's code and text, and what the matrix knows about it."""
    row = matrix.lookup(code)
    return {
        "code": code,
        "message": text or (row.description if row else None),
        "explanation": row.explanation if row else None,
        "solution": row.solution if row else None,
    }
