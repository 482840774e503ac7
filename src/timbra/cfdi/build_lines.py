"""Conceptos: the XML and the cadena of every line in one walk. The inner loop of building a document."""

import re
from typing import Final

from timbra.cfdi.amounts import ComputedLine, ComputedTax
from timbra.cfdi.attributes import put, written
from timbra.cfdi.complements import hydrocarbons
from timbra.cfdi.model import Factor, Line, Rate, Tax
from timbra.cfdi.money import decimals_of, text

_PEDIMENTO: Final = re.compile(r"[0-9]{2}  [0-9]{2}  [0-9]{4}  [0-9]{7}", re.ASCII)

TaxTexts = dict[tuple[Tax, Factor, Rate], tuple[str, str]]


def add_lines(lines: tuple[ComputedLine, ...], decimals: int, xml: list[str], cadena: list[str]) -> None:
    """Append Conceptos. decimals: of the currency, the least that amounts are written with."""
    tax_texts: TaxTexts = {}
    quantities: dict[int, str] = {}
    units: dict[str | None, tuple[str, str]] = {}
    xml.append("<cfdi:Conceptos>")
    for line, price, amount, discount, taxability, taxes in lines:
        product, unit, quantity, name = line.product_key, line.unit_key, line.quantity, line.unit_name
        # Orders repeat few quantities and units, and an undiscounted base is its amount: such texts are made once.
        q = quantities.get(quantity) or quantities.setdefault(quantity, text(quantity))
        u = units.get(name) or units.setdefault(name, _optional("Unidad", name))
        sku, plain_sku = _optional("NoIdentificacion", line.sku)
        description, plain_description = written(line.description)
        price_text = text(price)
        paid, plain_paid = _paid(amount, discount, decimals)
        node, plain_node = "", ""
        if taxes:
            known_base = (amount, paid) if not discount else (-1, "")
            node, plain_node = _taxes(taxes, decimals, tax_texts, known_base)
        if line.third_party or line.customs_request or line.property_tax_account or line.hydrocarbons:
            more, plain_more = _nodes(line)
            node, plain_node = node + more, plain_node + plain_more
        xml.append(
            f'<cfdi:Concepto ClaveProdServ="{product}"{sku} Cantidad="{q}" ClaveUnidad="{unit}"{u[0]}'
            f' Descripcion="{description}" ValorUnitario="{price_text}" Importe="{paid}" ObjetoImp="{taxability}"'
            f"{f'>{node}</cfdi:Concepto>' if node else '/>'}"
        )
        cadena.append(
            f"{product}{plain_sku}|{q}|{unit}{u[1]}|{plain_description}|{price_text}|{plain_paid}|{taxability}{plain_node}"
        )
    xml.append("</cfdi:Conceptos>")


def _optional(name: str, value: str | None) -> tuple[str, str]:
    """The attribute and its place in the cadena, both empty when there is no value."""
    if not value:
        return "", ""
    escaped, plain = written(value)
    return (f' {name}="{escaped}"', f"|{plain}") if plain else ("", "")


def _paid(amount: int, discount: int, decimals: int) -> tuple[str, str]:
    """Importe and, when there is one, Descuento. Source: CFDI40168, Descuento has no more decimals than Importe."""
    if not discount:
        written_amount = text(amount, decimals)
        return written_amount, written_amount
    off = text(discount, decimals)
    written_amount = text(amount, decimals_of(off))
    return f'{written_amount}" Descuento="{off}', f"{written_amount}|{off}"


def tax_text(tax: Tax, factor: Factor, rate: Rate | None) -> tuple[str, str]:
    """Impuesto, TipoFactor and TasaOCuota with its 6 decimals; Exento has no rate (CFDI40177)."""
    if rate is None or factor is Factor.EXENTO:
        return f'Impuesto="{tax}" TipoFactor="{factor}"', f"{tax}|{factor}"
    fraction = text(rate, 6)
    return f'Impuesto="{tax}" TipoFactor="{factor}" TasaOCuota="{fraction}"', f"{tax}|{factor}|{fraction}"


def _taxes(
    taxes: tuple[ComputedTax, ...], decimals: int, tax_texts: TaxTexts, known_base: tuple[int, str]
) -> tuple[str, str]:
    """Impuestos of a line and its place in the cadena; known_base: an amount whose text is at hand."""
    transferred = withheld = plain_transferred = plain_withheld = ""
    amount_at_hand, text_at_hand = known_base
    for tax, factor, rate, is_withheld, base, amount in taxes:
        known = tax_texts.get((tax, factor, rate))
        if known is None:
            known = tax_texts[tax, factor, rate] = tax_text(tax, factor, rate)
        kind, plain_kind = known
        base_text = text_at_hand if base == amount_at_hand else text(base, decimals)
        if factor is Factor.EXENTO:
            values, plain = f'Base="{base_text}" {kind}/>', f"|{base_text}|{plain_kind}"
        else:
            amount_text = text(amount, decimals)
            values = f'Base="{base_text}" {kind} Importe="{amount_text}"/>'
            plain = f"|{base_text}|{plain_kind}|{amount_text}"
        if is_withheld:
            withheld += "<cfdi:Retencion " + values
            plain_withheld += plain
        else:
            transferred += "<cfdi:Traslado " + values
            plain_transferred += plain
    if not withheld:
        return f"<cfdi:Impuestos><cfdi:Traslados>{transferred}</cfdi:Traslados></cfdi:Impuestos>", plain_transferred
    if transferred:
        transferred = f"<cfdi:Traslados>{transferred}</cfdi:Traslados>"
    rows = f"{transferred}<cfdi:Retenciones>{withheld}</cfdi:Retenciones>"
    return f"<cfdi:Impuestos>{rows}</cfdi:Impuestos>", plain_transferred + plain_withheld


def _nodes(line: Line) -> tuple[str, str]:
    """What few lines have: ACuentaTerceros, InformacionAduanera, CuentaPredial, ComplementoConcepto, in SAT's order."""
    xml: list[str] = []
    cadena: list[str] = []
    party, customs, account = line.third_party, line.customs_request, line.property_tax_account
    if party is not None:
        xml.append("<cfdi:ACuentaTerceros")
        pairs = (
            ("RfcACuentaTerceros", party.rfc),
            ("NombreACuentaTerceros", party.name),
            ("RegimenFiscalACuentaTerceros", party.regime),
            ("DomicilioFiscalACuentaTerceros", party.zip),
        )
        put(xml, cadena, pairs)
        xml.append("/>")
    if customs:
        # The only value whose double blanks stay in the XML; the cadena collapses them like all others.
        assert _PEDIMENTO.fullmatch(customs), "NumeroPedimento has 21 characters"
        xml.append(f'<cfdi:InformacionAduanera NumeroPedimento="{customs}"/>')
        cadena.append(customs.replace("  ", " "))
    if account:
        xml.append("<cfdi:CuentaPredial")
        put(xml, cadena, (("Numero", account),))
        xml.append("/>")
    if line.hydrocarbons is not None:
        node, values = hydrocarbons(line.hydrocarbons)
        xml.append(f"<cfdi:ComplementoConcepto>{node}</cfdi:ComplementoConcepto>")
        cadena += values
    return "".join(xml), "".join(f"|{value}" for value in cadena)
