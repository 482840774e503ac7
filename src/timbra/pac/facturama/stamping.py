"""Facturama, API Multiemisor (REST). What it is said to do is in docs/pacs/facturama.md.

Facturama takes no sealed document: it is told the values, prints them and seals with its own copy of the issuer's CSD.
RSA with PKCS #1 v1.5 gives equal seals to equal text, so what comes back is our document exactly when it prints every
value as we do; the stamping path compares the two and believes nothing else. It knows no repeats: a document is looked
for by series and folio, and never sent twice.

Source: https://apisandbox.facturama.mx/guias/api-multi and its SDKs.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote, urlencode

from lxml import etree

from timbra.cfdi.parse import XmlRefused, parse
from timbra.pac.codes import refuses, split
from timbra.pac.port import (
    Abilities,
    Ability,
    Busy,
    CancelAccepted,
    CancelOutcome,
    CancelRequest,
    Dedup,
    FindOutcome,
    NotThere,
    Rejected,
    Stamped,
    StampOutcome,
    Unknown,
)
from timbra.pac.talk import Talk, Unreadable, basic, decoded, json_of, object_of, text_at
from timbra.platform import json
from timbra.platform.egress import Answer
from timbra.platform.json import Raw

CFDI: Final = "{http://www.sat.gob.mx/cfd/4}"
OURS_MAX: Final = 16 * 1024 * 1024
KINDS: Final = {"I": "1", "E": "2"}  # NameId of Facturama's catalogue: factura, nota de crédito
TAXES: Final = {"001": "ISR", "002": "IVA", "003": "IEPS"}
LISTED_MAX: Final = 50  # a longer list may be one page of several: it proves nothing
REFUSED_LOGIN: Final = (401, 403)
CANCELED: Final = ("canceled", "accepted", "acepted", "expired")
ASKED: Final = ("pending", "requested", "active")
VISIBLE_AFTER_S: Final = 60.0  # no more than a lease: a process that died in a call is known to have made it before
OWN_CODE: Final = "FACTURAMA"  # a refusal in its own words, without a code of SAT


class NotCarried(Exception):
    """The API has no field for a part of the document; the text names it."""


class Facturama:
    """``credentials``: username and password. The issuer's CSD is uploaded at Facturama beforehand."""

    name = "facturama"
    abilities = Abilities(
        Dedup.NONE,
        frozenset({Ability.RECOVER, Ability.CANCEL}),
        visible_after_s=VISIBLE_AFTER_S,
        seals_itself=True,
    )

    def __init__(self, credentials: Mapping[str, str], base_url: str) -> None:
        self._password = credentials["password"]
        self._authorization = basic(credentials["username"], self._password)
        self._base_url = base_url

    @property
    def secrets(self) -> Sequence[str]:
        """Never kept."""
        return (self._password, self._authorization.removeprefix("Basic "))

    async def stamp(self, talk: Talk, xml: bytes, reference: str) -> StampOutcome:
        """Creates the document from its values, then fetches it."""
        try:
            body = values_of(parse(xml, limit=OURS_MAX))
        except NotCarried as missing:
            return Busy(f"Facturama has no field for {missing}")
        answer = await self._send(talk, "POST", "/api-lite/3/cfdis", json.dumps(body))
        if answer.status in REFUSED_LOGIN:
            return Busy(f"credentials refused ({answer.status})")
        if answer.status == 400:
            return _refused(object_of(answer.body))
        if answer.status not in (200, 201):
            return Unknown(f"HTTP {answer.status}")
        document_id = text_at(object_of(answer.body), "Id")
        if not document_id:
            raise Unreadable("the created document has no Id")
        return Stamped(await self._fetched(talk, document_id))

    async def find(self, talk: Talk, xml: bytes, reference: str) -> FindOutcome:
        """Looks through the issuer's documents of the same series and folio."""
        ours = parse(xml, limit=OURS_MAX)
        folio = ours.get("Folio", "")
        listed = await self._listed(
            talk, rfcIssuer=_issuer(ours).get("Rfc", ""), serie=ours.get("Serie", ""), folioStart=folio, folioEnd=folio
        )
        for row in listed:
            if (_told(row, "Serie"), _told(row, "Folio")) != (ours.get("Serie", ""), folio):
                continue
            document = await self._fetched(talk, _told(row, "Id"))
            if _is_same(document, ours):
                return Stamped(document)
        if len(listed) >= LISTED_MAX:
            return Unknown("the list of documents is too long to prove anything")
        return NotThere()

    async def cancel(self, talk: Talk, request: CancelRequest) -> CancelOutcome:
        """Facturama signs the request itself, with its copy of the CSD."""
        listed = await self._listed(talk, keyword=request.uuid.upper())
        known = next((row for row in listed if _told(row, "Uuid").lower() == request.uuid.lower()), None)
        if known is None:
            return Rejected("205", "Facturama no conoce el UUID")
        query = {"motive": request.motive}
        if request.substitution_uuid:
            query["uuidReplacement"] = request.substitution_uuid
        path = f"/api-lite/cfdis/{quote(_told(known, 'Id'), safe='')}?{urlencode(query)}"
        answer = await self._send(talk, "DELETE", path)
        if answer.status in REFUSED_LOGIN:
            return Busy(f"credentials refused ({answer.status})")
        if answer.status == 400:
            return _refused(object_of(answer.body))
        if answer.status != 200:
            return Unknown(f"HTTP {answer.status}")
        return _cancelled(object_of(answer.body))

    async def _fetched(self, talk: Talk, document_id: str) -> bytes:
        """The stamped document with an Id of Facturama's. Raises Unreadable."""
        answer = await self._send(talk, "GET", f"/cfdi/xml/issuedLite/{quote(document_id, safe='')}")
        if answer.status != 200:
            raise Unreadable(f"created as {document_id}, but not given (HTTP {answer.status})")
        return decoded(text_at(object_of(answer.body), "Content"))

    async def _listed(self, talk: Talk, **query: str) -> list[Any]:
        """Raises Unreadable."""
        path = f"/api-lite/cfdis?{urlencode({'type': 'issuedLite', 'status': 'all', **query})}"
        answer = await self._send(talk, "GET", path)
        found = json_of(answer.body) if answer.status == 200 else None
        if not isinstance(found, list):
            raise Unreadable(f"no list of documents (HTTP {answer.status})")
        return found

    async def _send(self, talk: Talk, method: str, path: str, body: bytes = b"") -> Answer:
        headers = {"Authorization": self._authorization, "Accept": "application/json"}
        if body:
            headers["Content-Type"] = "application/json"
        return await talk.send(method, f"{self._base_url}{path}", headers=headers, body=body)


def _told(row: Any, name: str) -> str:
    """A member of a listed document as text; folios come as numbers or texts."""
    value = row.get(name) if isinstance(row, dict) else None
    return str(value).strip() if isinstance(value, str | int) else ""


def _is_same(document: bytes, ours: etree._Element) -> bool:
    try:
        theirs = parse(document, limit=OURS_MAX)
    except XmlRefused as refused:
        raise Unreadable(str(refused)) from refused
    same = all(theirs.get(name) == ours.get(name) for name in ("Serie", "Folio", "Fecha", "TipoDeComprobante"))
    issuer = theirs.find(f"{CFDI}Emisor")
    return same and issuer is not None and issuer.get("Rfc") == _issuer(ours).get("Rfc")


def _refused(body: dict[str, Any]) -> Rejected:
    """400: the values were refused, nothing was stamped. ``ModelState`` lists texts by field, some with SAT's code."""
    state = body.get("ModelState")
    texts = (
        [text for found in state.values() if isinstance(found, list) for text in found]
        if isinstance(state, dict)
        else []
    )
    for text in filter(lambda one: isinstance(one, str), texts):
        code, rest = split(text)
        if refuses(code):
            return Rejected(code, rest)
    told = "; ".join(text for text in texts if isinstance(text, str))
    return Rejected(OWN_CODE, (told or text_at(body, "Message") or "rechazado")[:2_000])


def _cancelled(body: dict[str, Any]) -> CancelOutcome:
    status, acuse = text_at(body, "Status").lower(), text_at(body, "AcuseXmlBase64")
    if status in CANCELED or status in ASKED:
        return CancelAccepted("201", decoded(acuse) if acuse else b"")
    if status == "rejected":
        return Rejected("REJECTED", text_at(body, "Message"))
    return Unknown(f"status {status or 'missing'}: {text_at(body, 'Message')}")


# --- our document as the values that the API takes -----------------------------------------------------------------


def values_of(root: etree._Element) -> dict[str, Any]:
    """The request body for a document of type I or E. Raises NotCarried."""
    kind = root.get("TipoDeComprobante", "")
    if kind not in KINDS:
        raise NotCarried(f"type {kind}")
    if root.find(f"{CFDI}Complemento") is not None:
        raise NotCarried("complements")
    body: dict[str, Any] = {
        "NameId": KINDS[kind],
        "CfdiType": kind,
        "Date": root.get("Fecha"),
        "ExpeditionPlace": root.get("LugarExpedicion"),
        "Issuer": _named(_issuer(root), Rfc="Rfc", Name="Nombre", FiscalRegime="RegimenFiscal"),
        "Receiver": _named(
            _child(root, "Receptor"),
            Rfc="Rfc",
            Name="Nombre",
            CfdiUse="UsoCFDI",
            FiscalRegime="RegimenFiscalReceptor",
            TaxZipCode="DomicilioFiscalReceptor",
            TaxResidence="ResidenciaFiscal",
            TaxRegistrationNumber="NumRegIdTrib",
        ),
        "Items": [_item(line) for line in _child(root, "Conceptos")],
        **_named(
            root,
            Serie="Serie",
            Folio="Folio",
            PaymentForm="FormaPago",
            PaymentMethod="MetodoPago",
            PaymentConditions="CondicionesDePago",
            Currency="Moneda",
            Exportation="Exportacion",
            Confirmation="Confirmacion",
        ),
    }
    if root.get("TipoCambio") is not None:
        body["CurrencyExchangeRate"] = _number(root, "TipoCambio")
    body.update(_relations(root))
    period = root.find(f"{CFDI}InformacionGlobal")
    if period is not None:
        body["GlobalInformation"] = _named(period, Periodicity="Periodicidad", Months="Meses", Year="Año")
    return body


def _relations(root: etree._Element) -> dict[str, Any]:
    groups = root.findall(f"{CFDI}CfdiRelacionados")
    if len(groups) > 1:
        raise NotCarried("several kinds of relations")
    if not groups:
        return {}
    cfdis = [{"Uuid": one.get("UUID")} for one in groups[0]]
    return {"Relations": {"Type": groups[0].get("TipoRelacion"), "Cfdis": cfdis}}


def _item(line: etree._Element) -> dict[str, Any]:
    for child in line:
        if child.tag != f"{CFDI}Impuestos":
            raise NotCarried(etree.QName(child).localname)
    taxes = list(_taxes(line))
    signed = (-tax["_amount"] if tax["IsRetention"] else tax["_amount"] for tax in taxes)
    total = Decimal(line.get("Importe", "0")) - Decimal(line.get("Descuento", "0")) + sum(signed, Decimal())
    item = {
        **_named(
            line,
            ProductCode="ClaveProdServ",
            IdentificationNumber="NoIdentificacion",
            Description="Descripcion",
            Unit="Unidad",
            UnitCode="ClaveUnidad",
            TaxObject="ObjetoImp",
        ),
        "Quantity": _number(line, "Cantidad"),
        "UnitPrice": _number(line, "ValorUnitario"),
        "Subtotal": _number(line, "Importe"),
        "Taxes": [{name: value for name, value in tax.items() if name != "_amount"} for tax in taxes],
        "Total": total,
    }
    if line.get("Descuento") is not None:
        item["Discount"] = _number(line, "Descuento")
    return item


def _taxes(line: etree._Element) -> Iterator[dict[str, Any]]:
    for node in line.iterdescendants(f"{CFDI}Traslado", f"{CFDI}Retencion"):
        is_exempt = node.get("TipoFactor") == "Exento"
        name = TAXES[node.get("Impuesto", "")]
        yield {
            "Name": f"{name} EXENTO" if is_exempt else name,
            "Base": _number(node, "Base"),
            "Rate": 0 if is_exempt else _number(node, "TasaOCuota"),
            "Total": 0 if is_exempt else _number(node, "Importe"),
            "IsRetention": node.tag == f"{CFDI}Retencion",
            "IsQuota": node.get("TipoFactor") == "Cuota",
            "_amount": Decimal(node.get("Importe", "0")),
        }


def _issuer(root: etree._Element) -> etree._Element:
    return _child(root, "Emisor")


def _child(root: etree._Element, name: str) -> etree._Element:
    found = root.find(f"{CFDI}{name}")
    assert found is not None, "sealed documents follow the schema"
    return found


def _named(element: etree._Element, **names: str) -> dict[str, Any]:
    """Attributes under the API's names; absent ones are left out."""
    return {theirs: element.get(ours) for theirs, ours in names.items() if element.get(ours) is not None}


def _number(element: etree._Element, name: str) -> Raw:
    """An amount with the very digits of the document: 100.00 stays 100.00."""
    return Raw(element.get(name, "0"))
