"""Documents with complements of others: built as text first, then completed as a tree."""

from collections.abc import Callable, Iterable
from typing import Final

from lxml import etree

from timbra.cfdi.cadena import CFDI
from timbra.cfdi.complements import SCHEMA_LOCATION, ComplementRefused, parse_custom
from timbra.cfdi.model import Invoice
from timbra.cfdi.parse import XmlRefused, parse

DOCUMENT_LIMIT: Final = 16 * 1024 * 1024  # bytes
_SEAL: Final = ' Sello=""'


def with_custom(
    invoice: Invoice, head: str, tail: str, cadena_of: Callable[[etree._Element], str]
) -> tuple[str, str, str]:
    """Head, tail and cadena of the document with its custom complements, namespaces declared on the root.

    head, tail: the document without them, around the place of its seal. Raises ComplementRefused.
    """
    declaration, _, _ = head.partition("\n")
    root = parse((head + tail).encode(), limit=DOCUMENT_LIMIT)
    added = []
    concepts = root.iter(f"{{{CFDI}}}Concepto")
    for line, concept in zip(invoice.lines, concepts, strict=True):
        if line.complement:
            added.append(parse_custom(line.complement, invoice.namespaces))
            _child(concept, "ComplementoConcepto").append(added[-1])
    for complement in invoice.complements:
        added.append(parse_custom(complement, invoice.namespaces))
        _child(root, "Complemento").append(added[-1])
    _declare(root, added, [namespace.prefix for namespace in invoice.namespaces])
    xml = etree.tostring(root, encoding="unicode")
    try:
        checked = parse(xml.encode(), limit=DOCUMENT_LIMIT)
    except XmlRefused as error:
        raise ComplementRefused("makes the document too large") from error
    opening, _, rest = xml.partition(_SEAL)
    return f'{declaration}\n{opening} Sello="', f'"{rest}', cadena_of(checked)


def _child(parent: etree._Element, name: str) -> etree._Element:
    """The last child of that name, made when there is none: both complement nodes are last where they stand."""
    tag = f"{{{CFDI}}}{name}"
    last = parent[-1] if len(parent) else None
    return last if last is not None and last.tag == tag else etree.SubElement(parent, tag)


def _declare(root: etree._Element, added: list[etree._Element], kept: list[str]) -> None:
    """Move the namespaces of the added elements and the places of their schemas to the root (Anexo 20)."""
    places = (root.get(SCHEMA_LOCATION) or "").split()
    names = {prefix: uri for prefix, uri in root.nsmap.items() if prefix is not None}
    for top in added:
        for element in top.iter():
            for prefix, uri in _used_names(element):
                names.setdefault(prefix, uri)
            pairs = (element.get(SCHEMA_LOCATION) or "").split()
            element.attrib.pop(SCHEMA_LOCATION, "")
            for uri, place in zip(pairs[::2], pairs[1::2], strict=False):
                if uri not in places[::2]:
                    places += [uri, place]
    root.set(SCHEMA_LOCATION, " ".join(places))
    etree.cleanup_namespaces(root, top_nsmap=names, keep_ns_prefixes=kept)


def _used_names(element: etree._Element) -> Iterable[tuple[str, str]]:
    """(prefix, namespace) of the element's own name, and of all in scope when attributes have prefixes.

    ``nsmap`` is built anew for each element: asking it everywhere takes seconds for a hostile fragment.
    """
    if any(str(name).startswith("{") for name in element.attrib):
        return [(prefix, uri) for prefix, uri in element.nsmap.items() if prefix is not None]
    return [] if element.prefix is None else [(element.prefix, element.tag[1:].partition("}")[0])]
