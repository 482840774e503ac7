"""The model of a document that others wrote, so that the rules over the model hold for it too.

Whatever the model cannot hold (a number that is none, a tax that does not exist) is left out: the rules over the
written values name it.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Final

from timbra.cfdi.model import (
    MICRO,
    Factor,
    GlobalInfo,
    Invoice,
    Issuer,
    Line,
    LineTax,
    Micro,
    Rate,
    Receiver,
    Relation,
    Tax,
    ThirdParty,
)
from timbra.cfdi.money import DECIMALS, INTEGER_DIGITS, micro
from timbra.cfdi.read_values import ReadCfdi, ReadLine, ReadTax

_DATE: Final = re.compile(r"20[1-9][0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}")
_UNREADABLE: Final = datetime(1, 1, 1)  # noqa: DTZ001 (local time has no zone)
_TAXES: Final = {tax.value: tax for tax in Tax}
_FACTORS: Final = {factor.value: factor for factor in Factor}


@lru_cache(maxsize=4096)  # a document is asked for the same few texts by many rules
def amount(written: str | None) -> Micro | None:
    """The number as written, in micro; None when it is absent or no amount."""
    if written is None:
        return None
    whole, point, part = written.partition(".")
    digits = whole + part
    if (
        bool(part) == bool(point)
        and digits.isdigit()
        and digits.isascii()
        and len(whole) <= INTEGER_DIGITS
        and whole
        and len(part) <= DECIMALS
    ):
        return Micro(int(digits) * 10 ** (DECIMALS - len(part)))  # the usual form
    try:
        return micro(written)
    except ValueError:
        return None


def moment(written: str) -> datetime | None:
    """Fecha as naive local time, None when it does not have SAT's form (CFDI40101) or names no moment."""
    if _DATE.fullmatch(written) is None:
        return None
    try:
        return datetime.fromisoformat(written)
    except ValueError:
        return None


def line_tax(row: ReadTax, *, withheld: bool) -> LineTax | None:
    """The tax of a line; None when tax, factor or rate are not readable."""
    tax, factor = _TAXES.get(row.tax), _FACTORS.get(row.factor or "")
    rate = Micro(0) if factor is Factor.EXENTO else amount(row.rate)
    return None if tax is None or factor is None or rate is None else LineTax(tax, factor, Rate(rate), withheld)


def _line(line: ReadLine) -> Line:
    party = line.third_party
    taxes = [
        *(line_tax(row, withheld=False) for row in line.transferred),
        *(line_tax(row, withheld=True) for row in line.withheld),
    ]
    return Line(
        product_key=line.product_key,
        unit_key=line.unit_key,
        description=line.description,
        quantity=amount(line.quantity) or Micro(0),
        unit_price=amount(line.unit_price) or Micro(0),
        discount=amount(line.discount) or Micro(0),
        # Without its unreadable taxes the line would be blamed for its taxability.
        taxability=None if None in taxes else line.taxability,
        taxes=tuple(tax for tax in taxes if tax is not None),
        third_party=None if party is None else ThirdParty(*party),
    )


def invoice_of(document: ReadCfdi) -> Invoice:
    """The document's own values, without its amounts."""
    receiver, node = document.receiver, document.global_info
    rate = amount(document.exchange_rate) if document.exchange_rate is not None else Micro(MICRO)
    return Invoice(
        kind=document.kind,
        issuer=Issuer(document.issuer.rfc, document.issuer.name, document.issuer.regime, document.zip),
        receiver=Receiver(
            receiver.rfc,
            receiver.name,
            receiver.zip,
            receiver.regime,
            receiver.use,
            receiver.residence,
            receiver.foreign_id,
        ),
        lines=tuple(map(_line, document.lines)),
        issued_at=moment(document.issued_at) or _UNREADABLE,
        currency=document.currency,
        exchange_rate=Micro(0) if rate is None else rate,
        payment_method=document.payment_method,
        payment_form=document.payment_form,
        exports=document.exports,
        confirmation=document.confirmation,
        global_info=None if node is None else GlobalInfo(node.periodicity, node.months, _year(node.year)),
        relations=tuple(Relation(row.relationship, row.uuids) for row in document.relations),
        # The rules only ask whether Comercio Exterior is there: its empty element stands for it.
        complements=tuple(f"<{tag.rpartition('}')[2]}/>" for tag in document.complements),
    )


def _year(written: str) -> int:
    return int(written) if len(written) == 4 and written.isascii() and written.isdigit() else 0
