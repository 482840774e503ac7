"""Real providers put together for ``wiring``: which ones there are, and whose timbres are believed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from timbra.credentials.trust import Environment, TrustedAuthority
from timbra.pac.breaker import Gate
from timbra.pac.certificates import PacCertificates
from timbra.pac.port import PacPort
from timbra.pac.providers import PROVIDERS
from timbra.pac.remote import RemotePac
from timbra.platform.egress import Egress


class RemotePacs:
    """Makes a PAC of a team's account. Breaker and bulkhead of a provider are shared by all teams of a mode."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._gates = {(name, livemode): Gate() for name in PROVIDERS for livemode in (True, False)}

    def build(self, name: str, credentials: Mapping[str, str], livemode: bool) -> PacPort:
        """The provider's production system in live mode, its own sandbox in test mode."""
        provider = PROVIDERS[name]
        adapter = provider.adapter(credentials, provider.host(livemode=livemode))
        return RemotePac(adapter, self._egress, self._gates[name, livemode])

    @property
    def resting(self) -> list[str]:
        """Providers whose production system is not called now."""
        return [name for (name, livemode), gate in self._gates.items() if livemode and gate.breaker.is_open]


def pac_certificates(folder: Path, authorities: Sequence[TrustedAuthority], egress: Egress) -> PacCertificates:
    """Whose timbres are believed in live mode: SAT's production authorities vouch for every one that is fetched."""
    production = [one for one in authorities if one.environment is Environment.PRODUCTION]
    return PacCertificates(folder, production, egress)
