"""SOAP 1.1 as far as PACs use it: one operation with text parameters, one result."""

from collections.abc import Iterable
from typing import Final

from lxml import etree

from timbra.cfdi.text import escape
from timbra.pac.talk import Unreadable, xml_of

ENVELOPE: Final = "http://schemas.xmlsoap.org/soap/envelope/"


class Fault(Unreadable):
    """The service answered with a fault; what was asked may have happened all the same."""


def envelope(namespace: str, operation: str, parameters: Iterable[tuple[str, str]], *, qualified: bool) -> bytes:
    """The request. ``qualified``: parameters are in the namespace as well (document style of the two kinds in use)."""
    prefix = "s:" if qualified else ""
    inner = "".join(f"<{prefix}{name}>{escape(value)}</{prefix}{name}>" for name, value in parameters)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{ENVELOPE}" xmlns:s="{namespace}">'
        f"<soapenv:Header/><soapenv:Body><s:{operation}>{inner}</s:{operation}></soapenv:Body></soapenv:Envelope>"
    ).encode()


def result(body: bytes) -> etree._Element:
    """The element inside Body. Raises Unreadable, Fault."""
    root = xml_of(body)
    inside = root.find(f"{{{ENVELOPE}}}Body")
    if inside is None or len(inside) != 1:
        raise Unreadable("not a SOAP answer")
    first = inside[0]
    if first.tag == f"{{{ENVELOPE}}}Fault":
        raise Fault(f"SOAP fault: {text(first, 'faultstring')[:300]}")
    return first


def text(element: etree._Element, name: str) -> str:
    """The text of the first descendant called ``name``, in whatever namespace; "" when there is none."""
    found = next(element.iter(f"{{*}}{name}"), None)
    return (found.text or "").strip() if found is not None else ""
