"""Exact sums of a document's lines, and the header values rounded from them (contract M5)."""

from timbra.cfdi.amounts import ComputedLine, Group
from timbra.cfdi.model import Factor, Micro, Rate, Tax
from timbra.cfdi.money import round_to


class Ledger:
    """Sums over the lines added and not removed; groups keep the order in which they first appeared."""

    __slots__ = ("_transferred", "_withheld", "amount", "decimals", "discount")

    def __init__(self, decimals: int) -> None:
        """decimals: of the currency."""
        self.decimals = decimals
        self.amount = 0
        self.discount = 0
        self._transferred: dict[tuple[Tax, Factor, Rate], list[int]] = {}
        # SAT admits one withheld row per tax, whatever the rates (CFDI40208, CFDI40211).
        self._withheld: dict[Tax, list[int]] = {}

    def add(self, row: ComputedLine) -> None:
        """Count the line in."""
        self.amount += row.amount
        self.discount += row.discount
        for tax, factor, rate, withheld, base, amount in row.taxes:
            sums = self._withheld.get(tax) if withheld else self._transferred.get((tax, factor, rate))
            if sums is None:
                sums = [0, 0]
                if withheld:
                    self._withheld[tax] = sums
                else:
                    self._transferred[tax, factor, rate] = sums
            sums[0] += base
            sums[1] += amount

    def remove(self, row: ComputedLine) -> None:
        """Count out a line added before."""
        self.amount -= row.amount
        self.discount -= row.discount
        for tax, factor, rate, withheld, base, amount in row.taxes:
            sums = self._withheld[tax] if withheld else self._transferred[tax, factor, rate]
            sums[0] -= base
            sums[1] -= amount

    def gross(self) -> int:
        """What the document costs before withheld and local taxes, in header values."""
        decimals = self.decimals
        taxes = sum(round_to(amount, decimals) for _, amount in self._transferred.values())
        return round_to(self.amount, decimals) - round_to(self.discount, decimals) + taxes

    def gross_with(self, row: ComputedLine) -> int:
        """``gross`` as it would be with one more line."""
        self.add(row)
        gross = self.gross()
        self.remove(row)
        return gross

    def transferred_groups(self) -> tuple[Group, ...]:
        """One row per tax, factor and rate, base and amount rounded from their exact sums."""
        return tuple(
            Group(tax, factor, None if factor is Factor.EXENTO else rate, *self._rounded(sums))
            for (tax, factor, rate), sums in self._transferred.items()
        )

    def withheld_groups(self) -> tuple[Group, ...]:
        """One row per tax."""
        return tuple(Group(tax, None, None, *self._rounded(sums)) for tax, sums in self._withheld.items())

    def _rounded(self, sums: list[int]) -> tuple[Micro, Micro]:
        base, amount = sums
        return round_to(base, self.decimals), round_to(amount, self.decimals)
