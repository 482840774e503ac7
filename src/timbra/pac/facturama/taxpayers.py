"""Facturama's ``POST /customers/validate``: docs/pacs/facturama.md tells what was learnt of it."""

import base64
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import structlog

from timbra.pac.taxpayers import Claim, Compared, Comparison, NoSuchRfc, OutOfReach, Refused
from timbra.platform import json
from timbra.platform.egress import Answer, Egress, EgressFailed, Limits

LIMITS: Final = Limits(connect_s=3.0, read_s=8.0, total_s=10.0, answer_bytes=64 * 1024)
SCHEME: Final = "facturama"
PATH: Final = "/customers/validate"
TOO_MANY: Final = 429

_log = structlog.get_logger(__name__)


class FacturamaTaxpayers:
    """Asks one account of Facturama. Each question costs one of its folios."""

    name = "facturama"

    def __init__(self, egress: Egress, origin: str, user: str, password: str) -> None:
        self._egress = egress
        self._url = origin + PATH
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {token}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }

    @classmethod
    def from_url(cls, url: str, egress: Egress) -> "FacturamaTaxpayers":
        """url: ``facturama://user:password@api.facturama.mx``, percent-encoded where needed. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme != SCHEME or not (parts.hostname and parts.username and parts.password):
            raise ValueError("fiscal_validator: facturama://user:password@api.facturama.mx")
        host = parts.netloc.rpartition("@")[2]
        return cls(egress, f"https://{host}", unquote(parts.username), unquote(parts.password))

    async def compare(self, claim: Claim) -> Comparison:
        """What Facturama says of the claim, within 10 s."""
        asked = {"Rfc": claim.rfc, "Name": claim.name, "ZipCode": claim.zip, "FiscalRegime": claim.regime}
        try:
            answer = await self._egress.request(
                "POST", self._url, headers=self._headers, body=json.dumps(asked), limits=LIMITS
            )
        except EgressFailed as error:
            _log.warning("taxpayers.out_of_reach", provider=self.name, reason=error.reason.value)
            return OutOfReach(error.reason.value)
        outcome = _read(answer)
        if isinstance(outcome, OutOfReach | Refused):
            _log.warning("taxpayers.failed", provider=self.name, reason=outcome.reason)
        return outcome


def _read(answer: Answer) -> Comparison:
    status = answer.status
    if status in (401, 402, 403):
        return Refused(f"HTTP {status}: the account is not served")
    if status == TOO_MANY or status >= 500:
        return OutOfReach(f"HTTP {status}")
    if status != 200:
        return Refused(f"HTTP {status}")
    try:
        found = json.loads(answer.body)
    except json.JsonRefused:
        return Refused("the answer is not JSON")
    return _compared(found) if isinstance(found, dict) else Refused("the answer is no object")


def _compared(found: Mapping[str, Any]) -> Comparison:
    flags = [found.get(name) for name in ("ExistRfc", "MatchName", "MatchZipCode", "MatchFiscalRegime")]
    if flags[0] is False:
        return NoSuchRfc()
    if not all(isinstance(flag, bool) for flag in flags):
        return Refused("the answer lacks its flags")
    _, name, zip_code, regime = (bool(flag) for flag in flags)
    return Compared(name, zip_code, regime)
