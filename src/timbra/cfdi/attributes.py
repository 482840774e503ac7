"""Values on their way into the XML and into the cadena original, which must stay equal."""

import re
from collections.abc import Iterable
from typing import Final

from timbra.cfdi.text import collapse, escape, has_forbidden

# With double and outer blanks, everything that makes a value differ from its written form; most values have none of it.
_UNUSUAL: Final = re.compile('[&<>"|\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]')


def written(value: str) -> tuple[str, str]:
    """The value as XML attribute text and as cadena text: collapsed in both, escaped in the first.

    What SAT's patterns and XML exclude (``|``, control characters) was refused before: it fails an assertion here.
    """
    if _UNUSUAL.search(value) is None and "  " not in value and value.strip(" ") == value:
        return value, value
    assert not has_forbidden(value), "a text that may not enter a CFDI"
    value = collapse(value)
    return escape(value), value


def put(xml: list[str], cadena: list[str], pairs: Iterable[tuple[str, str | None]]) -> None:
    """Append the attributes that have a value, in this order."""
    for name, value in pairs:
        if value:
            escaped, plain = written(value)
            if plain:
                xml.append(f' {name}="{escaped}"')
                cadena.append(plain)
