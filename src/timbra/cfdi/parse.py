"""The only place that parses XML. What it lets through is UTF-8, small, shallow, and free of DTDs and inclusions."""

from typing import Final

from lxml import etree

MAX_DEPTH: Final = 64

# One parser for the process: lxml guards it with a lock of its own.
_PARSER: Final = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    recover=False,
    remove_comments=True,
    remove_pis=True,
)
_TOO_DEEP: Final = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")
_FORBIDDEN: Final = (
    (b"<!DOCTYPE", "the XML has a document type declaration"),
    (b"http://www.w3.org/2001/XInclude", "the XML includes other files"),
    (b"\x00", "the XML is not UTF-8"),
)
_UTF8_NAMES: Final = frozenset({"UTF-8", "UTF8", "US-ASCII", "ASCII"})


class XmlRefused(Exception):
    """The bytes are not XML that we read; the text says why, in English, without quoting the document."""


def parse(xml: bytes, *, limit: int) -> etree._Element:
    """Root element of the document, without comments and processing instructions.

    limit: bytes. Raises XmlRefused for anything larger, deeper than 64 elements, not well-formed, not UTF-8, with a
    document type declaration or an inclusion. Nothing outside the bytes is ever read.
    """
    if len(xml) > limit:
        raise XmlRefused(f"the XML is larger than {limit} bytes")
    for mark, reason in _FORBIDDEN:
        if mark in xml:
            raise XmlRefused(reason)
    try:
        xml.decode()
        root = etree.fromstring(xml, _PARSER)
    except UnicodeDecodeError as error:
        raise XmlRefused("the XML is not UTF-8") from error
    except etree.XMLSyntaxError as error:
        raise XmlRefused(f"the XML is not well-formed: {_place(error)}") from error
    if (root.getroottree().docinfo.encoding or "UTF-8").upper() not in _UTF8_NAMES:
        raise XmlRefused("the XML is not UTF-8")
    if _TOO_DEEP(root):
        raise XmlRefused(f"the XML is nested deeper than {MAX_DEPTH} elements")
    return root


def _place(error: etree.XMLSyntaxError) -> str:
    # libxml2's own sentence quotes the document; its position is enough to find the fault.
    line, column = error.position
    return f"line {line}, column {column}"
