"""A strict reader of the few DER shapes in certificates and key files.

SAT writes Latin-1 bytes into strings declared as PrintableString or UTF8String; libraries refuse such names, this
reader decodes them. Anything malformed raises ``DerBroken``; reading is linear in the size of the input.
"""

from dataclasses import dataclass

INTEGER, OCTET_STRING, OID, BMP_STRING, SEQUENCE, SET = 0x02, 0x04, 0x06, 0x1E, 0x30, 0x31
LONG_TAG = 0x1F


class DerBroken(ValueError):
    """The bytes are not the DER that was expected."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element: its tag byte and its content."""

    tag: int
    content: bytes

    def children(self, tag: int = SEQUENCE) -> list["Node"]:
        """The elements inside; raises DerBroken when this element has another tag."""
        if self.tag != tag:
            raise DerBroken(f"tag {self.tag:#x} where {tag:#x} was expected")
        return read_all(self.content)

    def value(self, tag: int) -> bytes:
        """The content of an element of exactly this tag."""
        if self.tag != tag:
            raise DerBroken(f"tag {self.tag:#x} where {tag:#x} was expected")
        return self.content


def read_all(data: bytes) -> list[Node]:
    """Every element of ``data``, which must be filled by them without a rest."""
    nodes = []
    at = 0
    while at < len(data):
        node, at = _read_at(data, at)
        nodes.append(node)
    return nodes


def read_one(data: bytes) -> Node:
    """The single element that ``data`` is."""
    node, end = _read_at(data, 0)
    if end != len(data):
        raise DerBroken("bytes after the end")
    return node


def _read_at(data: bytes, at: int) -> tuple[Node, int]:
    if at + 2 > len(data) or data[at] & LONG_TAG == LONG_TAG:
        raise DerBroken("no element here")
    tag, length = data[at], data[at + 1]
    at += 2
    if length >= 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or at + size > len(data):
            raise DerBroken("length is not definite")
        length = int.from_bytes(data[at : at + size])
        at += size
    end = at + length
    if end > len(data):
        raise DerBroken("element longer than its container")
    return Node(tag, data[at:end]), end


def dotted(oid: bytes) -> str:
    """The object identifier in dotted form."""
    arcs = []
    arc = 0
    for byte in oid:
        arc = arc << 7 | byte & 0x7F
        if arc > 1 << 64:
            raise DerBroken("object identifier too large")
        if byte < 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs or oid[-1] >= 0x80:
        raise DerBroken("object identifier cut short")
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, [first, arcs[0] - 40 * first, *arcs[1:]]))


def text(node: Node) -> str:
    """The text of a string element: UTF-8 where it is, else Latin-1, whatever type the element declares."""
    if node.tag == BMP_STRING:
        return node.content.decode("utf-16-be", "replace")
    try:
        return node.content.decode("utf-8")
    except UnicodeDecodeError:
        return node.content.decode("latin-1")


def name_parts(name: Node) -> list[tuple[str, str]]:
    """The (object identifier, text) pairs of a distinguished name, in the order of the certificate."""
    parts = []
    for relative in name.children():
        for attribute in relative.children(SET):
            oid, value = _pair(attribute.children())
            parts.append((dotted(oid.value(OID)), text(value)))
    return parts


def _pair(nodes: list[Node]) -> tuple[Node, Node]:
    if len(nodes) != 2:
        raise DerBroken(f"{len(nodes)} elements where 2 were expected")
    return nodes[0], nodes[1]
