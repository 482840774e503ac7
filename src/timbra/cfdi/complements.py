"""Complements: implocal and hydrocarbons, which we write, and custom ones, which come as XML."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from lxml import etree

from timbra.cfdi.attributes import put
from timbra.cfdi.cadena import CFDI, TFD
from timbra.cfdi.model import Hydrocarbons, Namespace
from timbra.cfdi.money import text
from timbra.cfdi.parse import XmlRefused, parse
from timbra.cfdi.text import escape, has_forbidden
from timbra.cfdi.totals import Totals

XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
SCHEMA_LOCATION: Final = f"{{{XSI}}}schemaLocation"
XINCLUDE: Final = "http://www.w3.org/2001/XInclude"
CUSTOM_LIMIT: Final = 64 * 1024  # bytes of one custom complement or addenda
MAX_DECLARATIONS: Final = 100

SAT: Final = "http://www.sat.gob.mx"
CORE: Final = Namespace("cfdi", CFDI, f"{SAT}/sitio_internet/cfd/4/cfdv40.xsd")
LOCAL_TAXES: Final = Namespace("implocal", f"{SAT}/implocal", f"{SAT}/sitio_internet/cfd/implocal/implocal.xsd")
HYDROCARBONS: Final = Namespace(
    "hidrocarburospetroliferos",
    f"{SAT}/hidrocarburospetroliferos",
    f"{SAT}/sitio_internet/cfd/hidrocarburospetroliferos.xsd",
)

_DECLARATION: Final = re.compile(r"\A\s*<\?xml\s[^>]*\?>")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*", re.ASCII)
# The deepest place a fragment can have, so that what is let in here is not too deep in the document.
_PLACE: Final = ("cfdi:Comprobante", "cfdi:Conceptos", "cfdi:Concepto", "cfdi:ComplementoConcepto")
_NOT_PLACEABLE: Final = "is not XML that can be placed in a document"


class ComplementRefused(ValueError):
    """A custom complement, an addenda or a namespace that cannot be used; the text says why, in English."""


def local_taxes(totals: Totals) -> tuple[str, list[str]]:
    """XML and cadena values of the complement implocal 1.0: withheld rows first, as in its cadena."""
    withheld = [row for row in totals.local if row.withheld]
    transferred = [row for row in totals.local if not row.withheld]
    xml, cadena = ["<implocal:ImpuestosLocales"], list[str]()
    put(
        xml,
        cadena,
        (
            ("version", "1.0"),
            ("TotaldeRetenciones", text(totals.local_withheld_total, 2)),
            ("TotaldeTraslados", text(totals.local_transferred_total, 2)),
        ),
    )
    xml.append(">")
    for rows, node, name, rate in (
        (withheld, "RetencionesLocales", "ImpLocRetenido", "TasadeRetencion"),
        (transferred, "TrasladosLocales", "ImpLocTrasladado", "TasadeTraslado"),
    ):
        for row in rows:
            xml.append(f"<implocal:{node}")
            percent = text(row.rate * 100, 2)
            put(xml, cadena, ((name, row.name), (rate, percent), ("Importe", text(row.amount, 2))))
            xml.append("/>")
    xml.append("</implocal:ImpuestosLocales>")
    return "".join(xml), cadena


def hydrocarbons(values: Hydrocarbons) -> tuple[str, list[str]]:
    """XML and cadena values of the line complement HidroYPetro 1.0."""
    xml, cadena = ["<hidrocarburospetroliferos:HidroYPetro"], list[str]()
    put(
        xml,
        cadena,
        (
            ("Version", "1.0"),
            ("TipoPermiso", values.permit_type),
            ("NumeroPermiso", values.permit_number),
            ("ClaveHYP", values.fuel_code),
            ("SubProductoHYP", values.fuel_sub_product),
        ),
    )
    xml.append("/>")
    return "".join(xml), cadena


def check_namespaces(namespaces: Sequence[Namespace]) -> None:
    """Raises ComplementRefused when the namespaces of a request cannot be declared on a CFDI."""
    if not namespaces:
        return
    seen = {n.prefix: n.uri for n in (CORE, LOCAL_TAXES, HYDROCARBONS)} | {"xsi": XSI, "tfd": TFD}
    for namespace in namespaces:
        prefix, uri, location = namespace.prefix, namespace.uri, namespace.schema_location or ""
        if not _NAME.fullmatch(prefix) or prefix.lower().startswith("xml"):
            raise ComplementRefused("a namespace prefix is a name that does not begin with xml")
        if not uri or has_forbidden(uri + location):
            raise ComplementRefused(f"the address of the namespace {prefix} is empty or has control characters")
        if seen.setdefault(prefix, uri) != uri:
            raise ComplementRefused(f"the prefix {prefix} stands for another namespace")
    probe = f"<cfdi:Comprobante{declarations(namespaces)}/>".encode()
    try:
        parse(probe, limit=len(probe))
    except XmlRefused as error:
        raise ComplementRefused("a namespace is not an address that XML can declare") from error


def declarations(namespaces: Iterable[Namespace]) -> str:
    """The attributes of the root that declare these namespaces after CFDI's own, with their schemas."""
    declared = {n.prefix: n for n in (CORE, *namespaces) if n.prefix != "xsi"}
    names = "".join(f' xmlns:{n.prefix}="{escape(n.uri)}"' for n in declared.values())
    places = " ".join(_location(n.uri, n.schema_location) for n in declared.values() if n.schema_location)
    return f'{names} xmlns:xsi="{XSI}" xsi:schemaLocation="{escape(places)}"'


def _location(uri: str, location: str) -> str:
    # Some callers send the pair, others the address of the schema alone.
    parts = location.split()
    return " ".join(parts) if len(parts) > 1 else f"{uri} {location.strip()}"


def parse_custom(xml: str, namespaces: Sequence[Namespace]) -> etree._Element:
    """The element of a custom complement (document or line), free to be placed in a CFDI.

    namespaces: declared around it. Raises ComplementRefused unless it is one well-formed element of a namespace of its
    own, at most 64 KiB, without anything of CFDI or TimbreFiscalDigital and without characters that SAT excludes.
    """
    holder = parse_inside(xml, namespaces)
    element = next(iter(holder), None)
    if element is None or len(holder) > 1 or not _is_blank(holder.text, element.tail):
        raise ComplementRefused("must be one XML element")
    element.tail = None
    if not element.tag.startswith("{"):
        raise ComplementRefused("must have a namespace of its own")
    _check_names(element)
    if has_forbidden(etree.tostring(element, encoding="unicode")):
        raise ComplementRefused('must not contain "|" or control characters')
    return element


def check_addenda(xml: str, namespaces: Sequence[Namespace]) -> None:
    """Raises ComplementRefused unless the text is XML elements that can be the content of Addenda, at most 64 KiB.

    Nothing of CFDI or TimbreFiscalDigital is let in. namespaces: declared on the root of the document.
    """
    holder = parse_inside(xml, namespaces)
    if not len(holder) or not _is_blank(holder.text, *(element.tail for element in holder)):
        raise ComplementRefused("must be XML elements")
    for element in holder:
        _check_names(element)


def _check_names(element: etree._Element) -> None:
    """Nothing in a fragment may pass for a node of the document or its timbre, or bring other files in."""
    for each in element.iter():
        if each.tag.startswith((f"{{{CFDI}}}", f"{{{TFD}}}")):
            raise ComplementRefused("must not have elements of CFDI or TimbreFiscalDigital")
    if XINCLUDE in etree.tostring(element, encoding="unicode"):  # character references hide it from the parser
        raise ComplementRefused("must not include other files")


def parse_inside(xml: str, namespaces: Iterable[Namespace]) -> etree._Element:
    """A holder with the parsed fragment as its content; what cannot be a fragment raises ComplementRefused."""
    fragment = without_declaration(xml)
    if fragment.count("xmlns") > MAX_DECLARATIONS:
        raise ComplementRefused(f"declares more than {MAX_DECLARATIONS} namespaces")
    opening = "".join(f"<{name}>" for name in _PLACE).replace(">", f"{declarations(namespaces)}>", 1)
    closing = "".join(f"</{name}>" for name in reversed(_PLACE))
    try:
        raw = f"{opening}{fragment}{closing}".encode()
        if len(raw) - len(opening) - len(closing) > CUSTOM_LIMIT:
            raise ComplementRefused(f"is larger than {CUSTOM_LIMIT} bytes")
        root = parse(raw, limit=len(raw))
    except UnicodeEncodeError as error:
        raise ComplementRefused(_NOT_PLACEABLE) from error
    except XmlRefused as error:
        reason = str(error).partition(": line")[0]  # a position in our holder would mislead
        raise ComplementRefused(f"{_NOT_PLACEABLE}: {reason}") from error
    holder = root
    for _ in _PLACE[1:]:
        # A fragment that closes its holder and opens another is well-formed here, but does not stay in its place.
        if len(holder) != 1 or not _is_blank(holder.text, holder[0].tail):
            raise ComplementRefused(_NOT_PLACEABLE)
        holder = holder[0]
    return holder


def without_declaration(xml: str) -> str:
    """The text without the XML declaration that whole documents begin with."""
    return _DECLARATION.sub("", xml, count=1)


def _is_blank(*texts: str | None) -> bool:
    return not any(text and text.strip() for text in texts)
