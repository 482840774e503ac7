"""The table of lines as words: columns of figures with their widths, and the small print of each line."""

from typing import Any

from timbra.cfdi.pdf.figures import figure, negative, printable
from timbra.cfdi.pdf.wording import Wording
from timbra.cfdi.read_values import ReadLine

_DIGIT, _MARK = 5.2, 2.4  # points of a tabular digit and of a comma at the table's size
_UNIT = 30  # characters of a unit that fit its column in two lines; longer ones are printed in full below
_BREAKABLE = 1500  # a line of more characters than this may be split between pages
SEPARATOR = "  ·  "


def table(lines: tuple[ReadLine, ...], wording: Wording) -> dict[str, Any]:
    """Heads, column widths in points and rows. The discount column exists only where a line has a discount."""
    labels = wording.labels
    has_discount = any(_has(line.discount) for line in lines)
    rows = [_row(line, wording, has_discount=has_discount) for line in lines]
    if rows:
        rows[-1]["last"] = True
    heads = [labels["unit_price"], *([labels["discount"]] if has_discount else []), labels["amount"]]
    return {"money": heads, "widths": row_widths(rows, len(heads)), "rows": rows}


def row_widths(rows: list[dict[str, Any]], money: int) -> list[float]:
    """Points that the column of quantities and the ``money`` columns of figures need."""
    columns = [[row["quantity"] for row in rows], *([row["money"][i] for row in rows] for i in range(money))]
    return [_width(cells) for cells in columns]


def _row(line: ReadLine, wording: Wording, *, has_discount: bool) -> dict[str, Any]:
    unit = wording.coded("c_ClaveUnidad", line.unit_key, line.unit_name or "")
    description = printable(line.description)
    details = "\n".join(_details(line, unit, wording))
    discount = [negative(line.discount) if line.discount and _has(line.discount) else "–"] if has_discount else []
    return {
        "quantity": figure(line.quantity, 0),
        "unit": unit if len(unit) <= _UNIT else f"{unit[: _UNIT - 1]}…",
        "description": description,
        "details": details,
        "money": [figure(line.unit_price), *discount, figure(line.amount)],
        "breakable": len(description) + len(details) > _BREAKABLE,
        "last": False,
    }


def _details(line: ReadLine, unit: str, wording: Wording) -> list[str]:
    """One string a row: keys, taxes, then what only some lines have."""
    labels = wording.labels
    keys = [f"{labels['product_key']} {line.product_key}"]
    if line.sku:
        keys.append(f"{labels['sku']} {printable(line.sku)}")
    has_taxes = bool(line.transferred or line.withheld)
    taxability = line.taxability if has_taxes else wording.coded("c_ObjetoImp", line.taxability)
    keys.append(f"{labels['taxability']} {taxability}")
    taxes = [wording.line_tax(tax, withheld=False) for tax in line.transferred]
    taxes += [wording.line_tax(tax, withheld=True) for tax in line.withheld]
    rows = [SEPARATOR.join(keys)]
    if taxes:
        rows.append(SEPARATOR.join(taxes))
    if len(unit) > _UNIT:
        rows.append(f"{labels['unit']} {unit}")
    return rows + _rare(line, wording)


def _rare(line: ReadLine, wording: Wording) -> list[str]:
    """Customs requests, property tax accounts, fuel permit, third party and parts."""
    labels = wording.labels
    rows = [f"{labels['customs']} {number}" for number in line.customs_requests]
    rows += [f"{labels['property_account']} {printable(number)}" for number in line.property_tax_accounts]
    if line.hydrocarbons:
        fuel = line.hydrocarbons
        permit = printable(f"{fuel.permit_type} {fuel.permit_number}")
        rows.append(f"{labels['fuel']} {fuel.fuel_code} {fuel.fuel_sub_product}, {labels['permit']} {permit}")
    if line.third_party:
        third = line.third_party
        regime = wording.coded("c_RegimenFiscal", third.regime)
        who = f"{third.rfc} {printable(third.name)}"
        rows.append(f"{labels['third_party']}: {who}, {regime}, {labels['zip']} {third.zip}")
    for part in line.parts:
        customs = "".join(f", {labels['customs']} {number}" for number in part.customs_requests)
        what = f"{part.product_key} {figure(part.quantity, 0)} × {printable(part.description)}"
        rows.append(f"{labels['part']} {what}{customs}")
    return rows


def _has(discount: str | None) -> bool:
    return bool(discount and discount.strip("0."))


def _width(cells: list[str]) -> float:
    """Points the widest figure of a column needs: counted here, because measuring in the layout is slow."""
    return max((sum(_MARK if c in ",." else _DIGIT for c in cell) for cell in cells), default=0.0)
