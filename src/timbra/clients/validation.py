"""Who judges a client when somebody asks for it: the port, the embedded provider, and one that asks a PAC.

Creating and changing a client never waits for anybody: there the embedded provider's checks count alone.
"""

from typing import Final, Protocol

from timbra.cfdi.catalogs import Catalogs
from timbra.cfdi.text import rfc_check_digit_ok
from timbra.clients import check
from timbra.clients.check import Found, Registered, Verdict
from timbra.clients.model import Client
from timbra.http.errors import ExternalFailure, Unavailable
from timbra.pac.taxpayers import Claim, Compared, NoSuchRfc, OutOfReach, Refused, TaxpayerPort

RETRY_AFTER_S: Final = 30


class Validator(Protocol):
    """Judges a client's fiscal data."""

    async def verdict(self, client: Client, *, keep_full_legal_name: bool) -> Verdict:
        """The verdict. keep_full_legal_name: the team's setting. Raises Unavailable, ExternalFailure."""
        ...


class Embedded:
    """Works offline: SAT's rules and catalogues and, in test mode, the register of test taxpayers."""

    def __init__(self, catalogs: Catalogs) -> None:
        self._catalogs = catalogs

    async def verdict(self, client: Client, *, keep_full_legal_name: bool) -> Verdict:
        """The same verdict as when the client was stored, by today's catalogues."""
        return check.offline(client, self._catalogs, keep_full_legal_name=keep_full_legal_name)


class Asking:
    """Compares live clients with the register of all taxpayers, at a PAC. Test taxpayers are in no such register."""

    def __init__(self, catalogs: Catalogs, taxpayers: TaxpayerPort) -> None:
        self._catalogs = catalogs
        self._taxpayers = taxpayers

    async def verdict(self, client: Client, *, keep_full_legal_name: bool) -> Verdict:
        """The local checks and the PAC's word; the PAC is not asked about a client that lacks what it compares."""
        name = check.printed_name(client, keep_full_legal_name=keep_full_legal_name)
        claim = _claim(client, name) if client.livemode else None
        if claim is None:
            return check.offline(client, self._catalogs, keep_full_legal_name=keep_full_legal_name)
        match await self._taxpayers.compare(claim):
            case OutOfReach():
                raise Unavailable("The validation service is out of reach", retry_after_s=RETRY_AFTER_S)
            case Refused():
                raise ExternalFailure("The validation service does not serve this server")
            case NoSuchRfc():
                return check.judge(client, self._catalogs, name, None, is_unknown=True)
            case Compared(name=is_name, zip=is_zip, regime=is_regime):
                registered = Registered(Found(is_name), Found(is_zip), Found(is_regime))
                return check.judge(client, self._catalogs, name, registered)


def _claim(client: Client, name: str) -> Claim | None:
    """What to ask about; None when something is missing, or no register has such a taxpayer."""
    rfc, zip_code, regime = client.tax_id, client.address.zip, client.tax_system
    if client.is_foreign or check.is_generic(client) or not (rfc and zip_code and regime and name):
        return None
    return Claim(rfc, name, zip_code, regime) if rfc_check_digit_ok(rfc) else None
