"""Search for the price shift that makes a document meet the prices its customer was told (contract M8)."""

from collections.abc import Callable
from typing import Final

from timbra.cfdi.model import MICRO

MAX_SHIFT: Final = MICRO // 100


def smallest_shift(gross: Callable[[int], int], target: int, *, lowest: int) -> int | None:
    """The shift nearest to 0 with ``gross(shift) == target``, None when there is none within +-0.01.

    gross: amount of the document by the shift of one net price (micro); it never falls while the shift grows.
    lowest: the least shift that leaves the line a price and a base.
    """
    if gross(0) < target:
        shift = _first(lambda s: gross(s) >= target, MAX_SHIFT)
    else:
        steps = _first(lambda s: gross(-s) <= target, min(MAX_SHIFT, -lowest))
        shift = None if steps is None else -steps
    return shift if shift is not None and gross(shift) == target else None


def _first(holds: Callable[[int], bool], last: int) -> int | None:
    """The least number of 0..last for which ``holds`` is true, knowing that it stays true from there on."""
    if last < 0 or not holds(last):
        return None
    low, high = 0, last
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def lowest_shift(quantity: int, price: int, discount: int) -> int:
    """The least shift of a net price that keeps the price above 0 and the line's amount above its discount; micro."""
    # amount = half_up(quantity * price, MICRO) > discount, solved for the price.
    needed = -(-MICRO * (2 * discount + 1) // (2 * quantity))
    return max(needed, 1) - price
