"""Which network addresses and host names outgoing calls may use.

Python's ``ipaddress.is_global`` calls addresses public that reach private ones (``64:ff9b::a9fe:a9fe``, ``2002:7f00:1::``,
``::127.0.0.1``), so the table is our own: IANA's special-purpose registries, and what clouds use for themselves.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HOST_MAX: Final = 253
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")  # the last label of a host that resolvers read as an address

_NOT_PUBLIC: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' own; Alibaba's metadata
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's own services, on a public address
            "169.254.0.0/16",  # link-local; metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
        ),
    )
)
# Only 2000::/3 is in public use. What lies outside holds loopback, link-local, unique local, multicast and every form
# that embeds an IPv4 address but these:
_UNICAST: Final = IPv6Network("2000::/3")
_NOT_UNICAST: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)


class HostRefused(ValueError):
    """A spelling of a host that no caller needs and that parsers read in different ways."""


def is_public(address: Address) -> bool:
    """Whether the address is one of the public internet, and cannot lead anywhere else."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC)
    return address.scope_id is None and address in _UNICAST and not any(address in net for net in _NOT_UNICAST)


def literal(host: str) -> Address | None:
    """The address that ``host`` is, None for a name. Raises HostRefused for every spelling but the usual ones.

    host: lower case ASCII, without brackets. Refused are numbers, octal and hexadecimal parts, missing parts, zone ids,
    trailing dots and characters that no host name has.
    """
    if ":" in host:
        try:
            address = ip_address(host)
        except ValueError:
            raise HostRefused("is not an address") from None
        if "%" in host:
            raise HostRefused("has a zone id")
        return address
    labels = host.split(".")
    if len(host) > HOST_MAX or not all(_LABEL.fullmatch(label) for label in labels):
        raise HostRefused("is not a host name")
    if not _NUMBER.fullmatch(labels[-1]):
        return None
    try:
        return IPv4Address(host)
    except ValueError:
        raise HostRefused("is an unusual spelling of an address") from None


@dataclass(frozen=True, slots=True)
class Allowed:
    """Hosts and networks that are no part of the internet and may be called all the same."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, text: str) -> "Allowed":
        """From ``erp.lan, 10.1.0.0/16, 127.0.0.1``. Raises ValueError, naming the entry."""
        names, networks = set(), []
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            host, slash, _ = entry.partition("/")
            try:
                if slash or literal(host.strip("[]")) is not None:
                    networks.append(ip_network(entry.replace("[", "").replace("]", "")))
                else:
                    names.add(entry)
            except ValueError:
                raise ValueError(f"{entry} is neither a host name nor an address nor a network") from None
        return cls(frozenset(names), tuple(networks))

    def has(self, host: str, address: Address) -> bool:
        """Whether the operator has named the host, or a network that holds the address."""
        return host in self.names or any(address in network for network in self.networks)
