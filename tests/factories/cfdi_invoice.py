"""Invoices of the CFDI model that every rule accepts, to be changed one value at a time."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from timbra.cfdi.model import (
    Factor,
    Invoice,
    Issuer,
    Line,
    LineTax,
    Micro,
    Rate,
    Receiver,
    Tax,
)

ISSUED_AT = datetime(2026, 3, 10, 12, 0, 0)
COMPANY = Issuer("EKU9003173C9", "ESCUELA KEMPER URGATE", "601", "42501")
PERSON = Issuer("CACX7605101P8", "XOCHILT CASAS CHAVEZ", "612", "36257")
CUSTOMER = Receiver("URE180429TM6", "UNIVERSIDAD ROBOTICA ESPAÑOLA", "86991", "601", "G03")
PUBLIC = Receiver("XAXX010101000", "PUBLICO EN GENERAL", "42501", "616", "S01")
FOREIGNER = Receiver("XEXX010101000", "ACME INC", "42501", "616", "S01")
FOREIGN_TRADE = '<cce20:ComercioExterior xmlns:cce20="http://www.sat.gob.mx/ComercioExterior20" Version="2.0"/>'


def micro(amount: str) -> Micro:
    whole, _, part = amount.partition(".")
    return Micro(int(whole) * 1_000_000 + int(part.ljust(6, "0") or 0))


def tax(kind: Tax = Tax.IVA, rate: str = "0.16", factor: Factor = Factor.TASA, *, withheld: bool = False) -> LineTax:
    return LineTax(kind, factor, Rate(micro(rate)), withheld)


IVA16 = tax()


def line(**changes: Any) -> Line:
    """2 x 1,500 of consulting with IVA 16 %."""
    plain = Line("80141503", "E48", "Consultoría", micro("2"), micro("1500"), taxes=(IVA16,))
    return replace(plain, **changes)


def invoice(**changes: Any) -> Invoice:
    """An income invoice of one line, PUE by transfer, between two taxpayers of the test register."""
    plain = Invoice("I", COMPANY, CUSTOMER, (line(),), ISSUED_AT)
    return replace(plain, **changes)
