"""Real providers put together for ``wiring``: which ones there are, and whose timbres are believed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from timbra.credentials.trust import Environment, TrustedAuthority
from timbra.pac.breaker import Gate
from timbra.pac.certificates import PacCertificates
from timbra.pac.port import PacPort
from timbra.pac.providers import PROVIDERS
from timbra.pac.remote import RemotePac
from timbra.pac.skew import ClockSkew
from timbra.platform.clock import Clock
from timbra.platform.egress import Egress


class RemotePacs:
    """Makes a PAC of a team's account. Breaker and bulkhead of a provider are shared by all teams of a mode."""

    def __init__(self, egress: Egress, clock: Clock) -> None:
        self._egress = egress
        self.skew = ClockSkew(clock)
        self._gates = {(name, livemode): Gate() for name in PROVIDERS for livemode in (True, False)}

    def build(self, name: str, credentials: Mapping[str, str], livemode: bool) -> PacPort:
        """The provider's production system in live mode, its own sandbox in test mode."""
        provider = PROVIDERS[name]
        adapter = provider.adapter(credentials, provider.host(livemode=livemode))
        return RemotePac(adapter, self._egress, self._gates[name, livemode], hear_date=self.skew.hear)

    @property
    def is_troubled(self) -> bool:
        """A provider's production system is not called now, or this machine's clock is wrong."""
        is_resting = any(gate.breaker.is_open for (_, livemode), gate in self._gates.items() if livemode)
        return is_resting or self.skew.is_too_large


def pac_certificates(folder: Path, authorities: Sequence[TrustedAuthority], egress: Egress) -> PacCertificates:
    """Whose timbres are believed in live mode: SAT's production authorities vouch for every one that is fetched."""
    production = [one for one in authorities if one.environment is Environment.PRODUCTION]
    return PacCertificates(folder, production, egress)
