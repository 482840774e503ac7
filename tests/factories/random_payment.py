"""Random but possible lives of PPD invoices: several invoices, currencies, instalments, cancellations, replacements."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from timbra.cfdi.model import Factor, Micro, Rate, Tax
from timbra.cfdi.payments.model import Covered, GroupKey, History, PaidDocument, Payment, Share, TaxGroup

CURRENCIES = (
    ("MXN", 2),
    ("MXN", 2),
    ("MXN", 2),
    ("USD", 2),
    ("USD", 2),
    ("EUR", 2),
    ("JPY", 0),
    ("KWD", 3),
    ("CLF", 4),
)
FORMS = ("01", "02", "03", "03", "04", "28", "17")
PAID_AT = datetime(2026, 3, 9, 12, 0)
TRANSFERRED = (
    (Tax.IVA, Factor.TASA, 160_000), (Tax.IVA, Factor.TASA, 160_000), (Tax.IVA, Factor.TASA, 80_000),
    (Tax.IVA, Factor.TASA, 0), (Tax.IVA, Factor.EXENTO, 0), (Tax.IEPS, Factor.TASA, 80_000),
    (Tax.IEPS, Factor.TASA, 265_000), (Tax.IEPS, Factor.CUOTA, 1_645_100),
)  # fmt: skip
WITHHELD = ((Tax.IVA, 106_667), (Tax.ISR, 100_000), (Tax.ISR, 12_500), (Tax.IEPS, 80_000))


@dataclass
class Bill:
    """An invoice on credit and the instalments that pay it, oldest first: (amount, shares)."""

    uuid: str
    currency: str
    decimals: int
    total: int
    groups: tuple[TaxGroup, ...]
    taxability: str
    credited: int = 0
    instalments: list[tuple[int, tuple[Share, ...]]] = field(default_factory=list)

    @property
    def paid(self) -> int:
        return sum(amount for amount, _ in self.instalments)

    @property
    def balance(self) -> int:
        return max(0, self.total - self.paid - self.credited)

    def entry(self, amount: int, rate: int, position: int) -> PaidDocument:
        """The next instalment."""
        return PaidDocument(
            uuid=self.uuid,
            currency=self.currency,
            decimals=self.decimals,
            rate=Micro(rate),
            total=Micro(self.total),
            balance=Micro(self.balance),
            paid=Micro(amount),
            installment=len(self.instalments) + 1,
            groups=self.groups,
            taxability=self.taxability,
            series="A",
            folio=str(position + 1),
            history=History(Micro(self.paid), self.covered()),
            path=f"invoices[{position}]",
        )

    def covered(self) -> dict[GroupKey, Covered]:
        sums: dict[GroupKey, list[int]] = {}
        for _, shares in self.instalments:
            for share in shares:
                one = sums.setdefault(share.key, [0, 0])
                one[0] += share.base
                one[1] += share.amount
        return {key: Covered(Micro(base), Micro(amount)) for key, (base, amount) in sums.items()}


def bill(random: Random, position: int) -> Bill:
    """A PPD invoice of one to four taxes; in one of eight the taxes are of a part of it only."""
    currency, decimals = random.choice(CURRENCIES)
    unit = 10 ** (6 - decimals)
    groups: dict[GroupKey, TaxGroup] = {}
    for tax, factor, rate in random.sample(TRANSFERRED, random.choice((0, 1, 1, 1, 2, 3))):
        group = TaxGroup(tax, factor, Rate(rate), False, Micro(random.randint(1, 10 ** random.randint(2, 7)) * unit))
        groups[group.key] = group
    for tax, rate in random.sample(WITHHELD, random.choice((0, 0, 0, 1, 2))) if groups else ():
        base = next(iter(groups.values())).base
        group = TaxGroup(tax, Factor.TASA, Rate(rate), True, base)
        groups[group.key] = group
    total = 0
    for one in groups.values():
        charged = (2 * one.base * one.rate + unit * 10**6) // (2 * unit * 10**6) * unit
        total += -charged if one.withheld else one.base + charged
    if total <= 0 or random.random() < 0.12:
        total += random.randint(1, 10**6) * unit
    return Bill(
        uuid=f"{random.getrandbits(32):08x}-{position:04x}-4000-8000-{random.getrandbits(48):012x}",
        currency=currency,
        decimals=decimals,
        total=max(total, unit),
        groups=tuple(groups.values()),
        taxability=random.choice(("01", "03", "04", "02")) if not groups else "02",
    )


def life(random: Random) -> list[Bill]:
    """One to three invoices."""
    return [bill(random, position) for position in range(random.choice((1, 1, 2, 3)))]


def rate_of(random: Random, currency: str) -> int:
    if currency == "MXN":
        return 10**6
    return random.choice((random.randint(10**5, 40 * 10**6), 20 * 10**6, random.randint(1, 40) * 10**6))


def payment(random: Random, bills: list[Bill], *, settles: bool) -> Payment:
    """One payment over some of the open bills; ``settles``: over all of them, whole."""
    chosen = bills if settles else random.sample(bills, random.randint(1, len(bills)))
    currency, decimals = random.choice((*CURRENCIES[:5], (chosen[0].currency, chosen[0].decimals)))
    rates = {one.currency: rate_of(random, one.currency) for one in chosen}
    rates[currency] = rate_of(random, currency)
    entries = []
    for position, one in enumerate(chosen):
        unit = 10 ** (6 - one.decimals)
        whole = settles or one.balance == unit
        amount = one.balance if whole else random.randint(1, max(1, one.balance // unit - 1)) * unit
        entries.append(one.entry(amount, rates[one.currency], position))
    return Payment(
        paid_at=PAID_AT,
        form=random.choice(FORMS),
        currency=currency,
        decimals=decimals,
        documents=tuple(entries),
        exchange_rate=Micro(rates[currency]),
        operation=random.choice((None, "BNX-55120")),
    )


def with_amount(made: Payment, amount: int) -> Payment:
    return replace(made, amount=Micro(amount))
