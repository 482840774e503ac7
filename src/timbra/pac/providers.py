"""The providers that this server speaks to: what each needs to be used, and where it lives in each mode."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from timbra.pac.facturama.stamping import Facturama
from timbra.pac.finkok import Finkok
from timbra.pac.port import Abilities
from timbra.pac.prodigia import Prodigia
from timbra.pac.remote import Adapter
from timbra.pac.sw import Sw


@dataclass(frozen=True, slots=True)
class Provider:
    """``needs``: the sets of credentials it can be used with, each complete by itself. Hosts: origins of both modes."""

    name: str
    title: str
    needs: tuple[frozenset[str], ...]
    live_host: str
    test_host: str
    abilities: Abilities
    adapter: Callable[[Mapping[str, str], str], Adapter]

    def host(self, *, livemode: bool) -> str:
        """The production system in live mode, the provider's own sandbox in test mode."""
        return self.live_host if livemode else self.test_host

    def missing(self, given: Mapping[str, str]) -> str | None:
        """What is wrong with the credentials given, in words; None when they are complete."""
        if any(frozenset(given) == one for one in self.needs):
            return None
        return f"{self.title} needs " + ", or ".join(" and ".join(sorted(one)) for one in self.needs)


PROVIDERS: Final[Mapping[str, Provider]] = {
    one.name: one
    for one in (
        Provider(
            "finkok",
            "Finkok",
            (frozenset({"username", "password"}),),
            "https://facturacion.finkok.com",
            "https://demo-facturacion.finkok.com",
            Finkok.abilities,
            Finkok,
        ),
        Provider(
            "sw",
            "SW sapien",
            (frozenset({"token"}), frozenset({"user", "password"})),
            "https://services.sw.com.mx",
            "https://services.test.sw.com.mx",
            Sw.abilities,
            Sw,
        ),
        Provider(
            "facturama",
            "Facturama",
            (frozenset({"username", "password"}),),
            "https://api.facturama.mx",
            "https://apisandbox.facturama.mx",
            Facturama.abilities,
            Facturama,
        ),
        Provider(
            "prodigia",
            "Prodigia",
            (frozenset({"contract", "username", "password"}),),
            "https://timbrado.pade.mx",
            "https://pruebas.pade.mx",
            Prodigia.abilities,
            Prodigia,
        ),
    )
}
