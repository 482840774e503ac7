"""SAT's XSDs made fast, and the validator over them.

libxml2 checks an enumeration by linear search, so SAT's code lists cost milliseconds per document. A thin schema has the
long lists replaced by a pattern of the same form; whether such a code exists is asked of ``timbra.cfdi.catalogs``.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from lxml import etree

XS: Final = "http://www.w3.org/2001/XMLSchema"
LONG_LIST: Final = 600  # longer enumerations become a pattern
MAX_FINDINGS: Final = 50
_UNDECLARED: Final = "No matching global declaration available for the validation root"

_RESTRICTION: Final = f"{{{XS}}}restriction"
_ENUMERATION: Final = f"{{{XS}}}enumeration"
_ESCAPED: Final = frozenset("\\|.?*+(){}-[]^")


@dataclass(frozen=True, slots=True)
class Thinned:
    """A thin XSD, and the codes of every list taken out of it, by the name of the simple type."""

    xsd: bytes
    codes: Mapping[str, tuple[str, ...]]


def thin(xsd: bytes) -> Thinned:
    """The same schema without its long code lists, and with a lax wildcard for Addenda.

    Addenda holds what trading partners agree on: SAT does not check it, its strict wildcard would refuse all of it.
    """
    root = etree.fromstring(xsd, _parser())
    taken: dict[str, tuple[str, ...]] = {}
    for restriction in root.iter(_RESTRICTION):
        listed = restriction.findall(_ENUMERATION)
        if len(listed) > LONG_LIST:
            codes = tuple(item.get("value", "") for item in listed)
            taken[_type_name(restriction)] = codes
            _replace(restriction, codes)
    for wildcard in root.iterfind(f".//{{{XS}}}element[@name='Addenda']//{{{XS}}}any"):
        wildcard.set("processContents", "skip")
    return Thinned(etree.tostring(root, encoding="UTF-8", xml_declaration=True), taken)


def target_namespace(xsd: bytes) -> str | None:
    """The namespace a schema declares, None for a schema without one."""
    return etree.fromstring(xsd, _parser()).get("targetNamespace")


def wrapper(locations: Mapping[str, str]) -> bytes:
    """One schema that imports every namespace from its location, so that Complemento's strict wildcard finds them."""
    root = etree.Element(f"{{{XS}}}schema", nsmap={"xs": XS})
    for namespace, location in sorted(locations.items()):
        etree.SubElement(root, f"{{{XS}}}import", namespace=namespace, schemaLocation=location)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True
    )


def _type_name(restriction: etree._Element) -> str:
    parent = restriction.getparent()
    name = None if parent is None else parent.get("name")
    assert name is not None, "a long code list without a type name"
    return name


def _replace(restriction: etree._Element, codes: tuple[str, ...]) -> None:
    # Removing 95,000 children one by one is slow; what is not an enumeration is put back.
    kept = [child for child in restriction if child.tag != _ENUMERATION]
    base = restriction.get("base", "xs:string")
    restriction.clear()
    restriction.set("base", base)
    restriction.extend(kept)
    etree.SubElement(restriction, f"{{{XS}}}pattern", value=code_pattern(codes))


def code_pattern(codes: tuple[str, ...]) -> str:
    """A regular expression of XML Schema that every code matches: their alphabet, and their range of lengths."""
    alphabet = sorted(set("".join(codes)))
    lengths = [len(code) for code in codes]
    return f"[{''.join(_runs(alphabet))}]{{{min(lengths)},{max(lengths)}}}"


def _runs(alphabet: list[str]) -> list[str]:
    # Only letters and digits form ranges: libxml2 does not read an escaped character as the end of one.
    numbered = enumerate(alphabet)
    runs = [[char for _, char in run] for _, run in groupby(numbered, key=_run_key)]
    return [f"{run[0]}-{run[-1]}" if len(run) > 1 else _escape(run[0]) for run in runs]


def _run_key(numbered: tuple[int, str]) -> tuple[int, str]:
    place, char = numbered
    return ord(char) - place, "" if char.isascii() and char.isalnum() else char


def _escape(char: str) -> str:
    return f"\\{char}" if char in _ESCAPED else char


class Schemas:
    """The compiled thin schemas of CFDI 4.0, Retenciones and every complement. Safe to share between threads."""

    def __init__(self, schema: etree.XMLSchema) -> None:
        """schema: compiled from a ``wrapper`` over thinned files."""
        self._schema = schema
        self._lock = threading.Lock()  # lxml keeps one error log per schema

    def validate_part(self, element: etree._Element) -> list[str]:
        """The same for one complement; [] for an element that no schema at hand declares."""
        found = self.validate(element)
        return [] if any(_UNDECLARED in sentence for sentence in found) else found

    def validate(self, root: etree._Element) -> list[str]:
        """What SAT's schemas find wrong, at most 50 sentences; [] when the document is valid."""
        with self._lock:
            if self._schema.validate(root):
                return []
            log: Any = self._schema.error_log  # iterable; the stubs do not say so
            return [entry.message for entry in log][:MAX_FINDINGS]
