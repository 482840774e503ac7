from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timbra.platform.addresses import Allowed, HostRefused, is_public, literal

NOT_PUBLIC = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # metadata of Alibaba
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",  # Azure's own services
    "169.254.0.1",
    "169.254.169.254",  # metadata of AWS, Google, Azure
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",  # metadata of Oracle
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:8.8.8.8",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "100::1",
    "2001::1",  # Teredo
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "fc00::1",
    "fd00:ec2::254",  # metadata of AWS
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
]
PUBLIC = [
    "8.8.8.8",
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "128.0.0.1",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.169.0.0",
    "223.255.255.255",
    "2606:4700:4700::1111",
    "2001:200::1",
    "2a00:1450:4003::200e",
]
ODD_SPELLINGS = [
    "2130706433",
    "0x7f000001",
    "017700000001",
    "127.1",
    "127.0.1",
    "0x7f.1",
    "0177.0.0.1",
    "127.0.0.0x1",
    "127.0.0.01",
    "127.0.0.1.",
    "localhost.",
    "fe80::1%eth0",
    "1.2.3.4.5",
    "256.1.1.1",
    "a..b",
    "",
    ".",
    "%6c%6fcalhost",
    "ho st",
    "host\n",
    "-host",
    "[::1]",
    "::ffff:127.1",
    "a" * 64 + ".mx",
    "a." * 126 + "mx" * 2,
]


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_address_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_address_is_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_no_address_is_public_that_python_calls_private(address) -> None:
    if address.is_private or address.is_multicast or address.is_reserved:
        assert not is_public(address)


@pytest.mark.parametrize("host", ODD_SPELLINGS)
def test_odd_spelling_is_refused(host: str) -> None:
    with pytest.raises(HostRefused):
        literal(host)


@pytest.mark.parametrize(
    "host", ["example.com", "hooks", "a-b.example.mx", "xn--and-6ma2c.mx", "_dmarc.example.com", "1.mx"]
)
def test_name_is_no_address(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize("host", ["8.8.8.8", "127.0.0.1", "2606:4700:4700::1111", "::1", "::ffff:127.0.0.1"])
def test_usual_spelling_is_an_address(host: str) -> None:
    assert literal(host) == ip_address(host)


def test_operator_allows_names_addresses_and_networks() -> None:
    allowed = Allowed.of(" ERP.lan , 10.1.0.0/16, 127.0.0.1, [::1], fd00::/8 ")

    assert allowed.has("erp.lan", ip_address("192.168.1.1"))
    assert allowed.has("any", ip_address("10.1.255.255"))
    assert allowed.has("127.0.0.1", ip_address("127.0.0.1"))
    assert allowed.has("any", ip_address("::1"))
    assert allowed.has("any", ip_address("fd12::1"))
    assert not allowed.has("any", ip_address("10.2.0.0"))
    assert not allowed.has("any", ip_address("127.0.0.2"))
    assert not allowed.has("sub.erp.lan", ip_address("192.168.1.1"))


def test_nothing_is_allowed_by_an_empty_setting() -> None:
    assert Allowed.of("  ") == Allowed()


@pytest.mark.parametrize("text", ["10.0.0.1/8", "https://erp.lan", "127.1", "erp.lan, 300.0.0.0/8", "a b"])
def test_entry_that_is_neither_host_nor_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither a host name nor an address nor a network"):
        Allowed.of(text)
