"""Rows of attributes: how elements become tuples of texts, quickly."""

from collections.abc import Iterable
from typing import Any, Final

from lxml import etree

from timbra.cfdi.read_values import ReadTax

NOTHING: Final[tuple[tuple[ReadTax, ...], tuple[ReadTax, ...]]] = ((), ())


class Row:
    """Reads named attributes in order: an absent one is "" where SAT requires it, None where it is optional (``?``)."""

    def __init__(self, names: str) -> None:
        self._names = tuple(name.rstrip("?") for name in names.split())
        self._absent = tuple(None if name.endswith("?") else "" for name in names.split())

    def __call__(self, element: etree._Element) -> Iterable[Any]:
        """The texts, one per name."""
        return map(element.get, self._names, self._absent)


def rows(element: etree._Element) -> dict[str, list[etree._Element]]:
    """The children by tag, in document order."""
    children: dict[str, list[etree._Element]] = {}
    for child in element:
        children.setdefault(child.tag, []).append(child)
    return children


def taxes(
    element: etree._Element, withheld: str, transferred: str, row: Row
) -> tuple[tuple[ReadTax, ...], tuple[ReadTax, ...]]:
    """Withheld and transferred rows below an element that holds one list of each, in this order."""
    found: dict[str, tuple[ReadTax, ...]] = {}
    for child in element:
        found[child.tag] = tuple([ReadTax._make(row(tax)) for tax in child])
    return found.get(withheld, ()), found.get(transferred, ())


def customs(elements: Iterable[etree._Element]) -> tuple[str, ...]:
    """NumeroPedimento of each InformacionAduanera."""
    return tuple([element.get("NumeroPedimento", "") for element in elements])
