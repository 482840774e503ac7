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
    add_xml, add_cadena = xml.append, cadena.append
    add_xml("<cfdi:Conceptos>")
    for line, price, amount, discount, taxability, taxes in lines:
        product, unit, quantity, price_text = line.product_key, line.unit_key, text(line.quantity), text(price)
        description, plain_description = written(line.description)
        sku, plain_sku = _optional("NoIdentificacion", line.sku)
        name, plain_name = _optional("Unidad", line.unit_name)
        paid, plain_paid = _paid(amount, discount, decimals)
        add_xml(
            f'<cfdi:Concepto ClaveProdServ="{product}"{sku} Cantidad="{quantity}" ClaveUnidad="{unit}"{name}'
            f' Descripcion="{description}" ValorUnitario="{price_text}" Importe="{paid}" ObjetoImp="{taxability}"'
        )
        add_cadena(
            f"{product}{plain_sku}|{quantity}|{unit}{plain_name}|{plain_description}|{price_text}|{plain_paid}"
            f"|{taxability}"
        )
        mark = len(xml)
        if taxes:
            _add_taxes(taxes, decimals, tax_texts, xml, cadena)
        _add_nodes(line, xml, cadena)
        if len(xml) == mark:
            add_xml("/>")
        else:
            xml[mark] = ">" + xml[mark]
            add_xml("</cfdi:Concepto>")
    add_xml("</cfdi:Conceptos>")


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


def _add_taxes(
    taxes: tuple[ComputedTax, ...], decimals: int, tax_texts: TaxTexts, xml: list[str], cadena: list[str]
) -> None:
    transferred, withheld = "", ""
    plain_withheld = []
    for tax, factor, rate, is_withheld, base, amount in taxes:
        key = (tax, factor, rate)
        known = tax_texts.get(key)
        if known is None:
            known = tax_texts[key] = tax_text(tax, factor, rate)
        kind, plain_kind = known
        base_text = text(base, decimals)
        values, plain = f'Base="{base_text}" {kind}', f"{base_text}|{plain_kind}"
        if factor is not Factor.EXENTO:
            amount_text = text(amount, decimals)
            values, plain = f'{values} Importe="{amount_text}"', f"{plain}|{amount_text}"
        if is_withheld:
            withheld += f"<cfdi:Retencion {values}/>"
            plain_withheld.append(plain)
        else:
            transferred += f"<cfdi:Traslado {values}/>"
            cadena.append(plain)
    cadena += plain_withheld
    if transferred:
        transferred = f"<cfdi:Traslados>{transferred}</cfdi:Traslados>"
    if withheld:
        withheld = f"<cfdi:Retenciones>{withheld}</cfdi:Retenciones>"
    xml.append(f"<cfdi:Impuestos>{transferred}{withheld}</cfdi:Impuestos>")


def _add_nodes(line: Line, xml: list[str], cadena: list[str]) -> None:
    """What few lines have: ACuentaTerceros, InformacionAduanera, CuentaPredial, ComplementoConcepto, in SAT's order."""
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
