"""The taxes of an invoice as its own document states them, ready to be shared out over its payments."""

from timbra.cfdi.codes_currencies import currency_decimals
from timbra.cfdi.model import Factor, Micro, Rate
from timbra.cfdi.money import round_to
from timbra.cfdi.payments.model import GroupKey, TaxGroup
from timbra.cfdi.read_values import ReadCfdi, ReadTax
from timbra.cfdi.rules.from_read import amount, line_tax

MIXED = "01"


def tax_groups(invoice: ReadCfdi) -> tuple[TaxGroup, ...]:
    """Transferred groups as in the document's own summary; withheld ones summed over its lines, per tax and rate.

    The summary names no rate for withheld taxes, which the complement needs. Local taxes are left out (contract C4).
    """
    decimals = currency_decimals(invoice.currency)
    assert decimals is not None, "a stamped invoice is in a currency of SAT"
    found = [_group(row, withheld=False) for row in (invoice.taxes.transferred if invoice.taxes else ())]
    sums: dict[GroupKey, int] = {}
    for line in invoice.lines:
        for row in line.withheld:
            group = _group(row, withheld=True)
            sums[group.key] = sums.get(group.key, 0) + group.base
    return (*found, *(TaxGroup(*key, round_to(base, decimals)) for key, base in sums.items()))


def _group(row: ReadTax, *, withheld: bool) -> TaxGroup:
    tax, base = line_tax(row, withheld=withheld), amount(row.base)
    assert tax is not None, "a stamped invoice has readable taxes"
    assert base is not None, "a stamped invoice has readable bases"
    rate = Rate(0) if tax.factor is Factor.EXENTO else tax.rate
    return TaxGroup(tax.tax, tax.factor, rate, withheld, Micro(base))


def common_taxability(invoice: ReadCfdi) -> str:
    """ObjetoImp of the lines when they agree, else 01. Source: contract C5."""
    known = {line.taxability for line in invoice.lines}
    return known.pop() if len(known) == 1 else MIXED
