"""Random but possible invoices: every kind of tax, price, quantity, discount and currency, from one seed."""

from dataclasses import replace
from random import Random

from factories.cfdi_invoice import CUSTOMER, invoice
from timbra.cfdi.model import (
    Factor,
    GlobalInfo,
    Hydrocarbons,
    Invoice,
    Line,
    LineTax,
    LocalTax,
    Micro,
    Rate,
    Relation,
    Tax,
    ThirdParty,
)

IVA_RATES = (160_000, 160_000, 160_000, 80_000, 0)
IEPS_RATES = (30_000, 60_000, 70_000, 80_000, 90_000, 250_000, 265_000, 300_000, 304_000, 500_000, 530_000, 1_600_000)
WITHHELD_IVA = (106_667, 106_666, 40_000, 160_000, 60_000)
WITHHELD_ISR = (100_000, 12_500, 350_000)
CURRENCIES = (("MXN", 2), ("MXN", 2), ("MXN", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4))
HOSTILE = (
    'Café & <té> "solo"',
    "  dos  blancos\t\n",
    "a\u00a0 b",
    "'",
    "Ñandú ü €",
    "emoji \U0001f600",
    "a;b=c&amp;",
    "]]>",
)


def lines(random: Random) -> tuple[Line, ...]:
    """1 to 12 lines; in 2 of 5 documents every transferred tax is inclusive."""
    mode = random.choice(("gross", "gross", "net", "net", "mixed"))
    return tuple(_line(random, mode) for _ in range(random.choice((1, 1, 2, 3, 3, 5, 12))))


def local_taxes(random: Random) -> tuple[LocalTax, ...]:
    if random.random() < 0.8:
        return ()
    rows = (
        LocalTax("ISH", Rate(random.randrange(100, 60_000, 100))),
        LocalTax("Cinco al millar", Rate(5_000), withheld=True),
    )
    return rows[: random.randint(1, 2)]


def document(random: Random) -> tuple[Invoice, int]:
    """A whole invoice of type I or E, and the decimals of its currency."""
    currency, decimals = random.choice(CURRENCIES)
    made = invoice(
        kind=random.choice("IIE"),
        folio=random.randint(1, 10**9),
        lines=tuple(_with_texts(random, line) for line in lines(random)),
        currency=currency,
        exchange_rate=Micro(1_000_000 if currency == "MXN" else random.randint(1, 99_999_999)),
        local_taxes=local_taxes(random),
    )
    if random.random() < 0.2:
        uuids = tuple(f"{random.getrandbits(32):08x}-0000-4000-8000-{random.getrandbits(48):012x}" for _ in range(3))
        made = replace(made, relations=(Relation("01", uuids[:1]), Relation("04", uuids[1:])))
    if random.random() < 0.2:
        made = replace(
            made, global_info=GlobalInfo("04", "03", 2026), conditions=" 30  días & más ", confirmation="aB3d5"
        )
    if random.random() < 0.2:
        made = replace(made, receiver=replace(CUSTOMER, residence="USA", foreign_id="123 456789"))
    return made, decimals


def _line(random: Random, mode: str) -> Line:
    quantity = random.choice(
        (10**6, random.randint(1, 20) * 10**6, random.randint(1, 99_999) * 10**4, random.randint(1, 10**8))
    )
    price = random.choice(
        (random.randint(1, 500_000) * 10**4, random.randint(1, 5_000) * 10**4, random.randint(1, 10**10))
    )
    gross = (quantity * price + 500_000) // 1_000_000
    discount = random.choice((0, 0, 0, gross, random.randint(0, gross), random.randint(0, gross) // 10**4 * 10**4))
    key = random.choice(("80141503", "80141503", "80141503", "15101514"))
    hydrocarbons = Hydrocarbons("PER01", "PL/1/EXP/ES/2020", "15101514", "SP16") if random.random() < 0.05 else None
    return Line(
        key,
        "E48",
        "Servicio",
        Micro(quantity),
        Micro(price),
        Micro(discount),
        taxes=_taxes(random, mode),
        hydrocarbons=hydrocarbons,
    )


def _taxes(random: Random, mode: str) -> tuple[LineTax, ...]:
    inclusive = {"gross": True, "net": False, "mixed": random.random() < 0.5}[mode]
    taxes = []
    draw = random.random()
    if draw < 0.85:
        taxes.append(LineTax(Tax.IVA, Factor.TASA, Rate(random.choice(IVA_RATES)), inclusive=inclusive))
    elif draw < 0.9:
        taxes.append(LineTax(Tax.IVA, Factor.EXENTO, inclusive=inclusive))
    if random.random() < 0.3:
        taxes.append(LineTax(Tax.IEPS, Factor.TASA, Rate(random.choice(IEPS_RATES)), inclusive=inclusive))
    if random.random() < 0.1:
        taxes.append(LineTax(Tax.IEPS, Factor.CUOTA, Rate(random.randint(1, 9_000_000)), inclusive=inclusive))
    if random.random() < 0.15:
        taxes.append(LineTax(Tax.IVA, Factor.TASA, Rate(random.choice(WITHHELD_IVA)), withheld=True))
    if random.random() < 0.15:
        taxes.append(LineTax(Tax.ISR, Factor.TASA, Rate(random.choice(WITHHELD_ISR)), withheld=True, inclusive=True))
    random.shuffle(taxes)
    return tuple(taxes)


def _with_texts(random: Random, line: Line) -> Line:
    draw = random.random()
    return replace(
        line,
        description=random.choice(HOSTILE),
        sku=random.choice((None, "SKU-1", " & ")),
        unit_name=random.choice((None, "Pieza", "m<2>")),
        third_party=ThirdParty("CACX7605101P8", "XOCHILT CASAS CHAVEZ", "612", "36257") if draw < 0.1 else None,
        customs_request="15  48  3009  0001234" if 0.05 < draw < 0.2 else None,
        property_tax_account="15956011002" if 0.15 < draw < 0.3 else None,
    )
