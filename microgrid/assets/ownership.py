"""Who owns what: whole numbers of homes from shares, as near to the shares as whole numbers can be."""

from collections.abc import Sequence

import numpy as np

from microgrid.domain.arrays import BoolArray, FloatArray, IntArray


def whole_numbers(wanted: FloatArray, total: int) -> IntArray:
    """Non-negative whole numbers in proportion to `wanted` that sum to `total`: Hamilton's largest remainders."""
    if not wanted.sum():
        return np.zeros(len(wanted), dtype=np.int64)
    exact = wanted * (total / wanted.sum())
    numbers: IntArray = np.floor(exact + 1e-9).astype(np.int64)
    left = total - int(numbers.sum())
    numbers[np.argsort(numbers - exact, kind="stable")[:left]] += 1
    return numbers


def shares_with_mean(shares: FloatArray, weights: IntArray, mean: float | None) -> FloatArray:
    """Shares per type moved towards 0 or 1 until their weighted mean is `mean`; None leaves them as they are.

    With m the present mean, p becomes p mean / m below m and 1 - (1 - p) (1 - mean) / (1 - m) above, so that the order
    of the types stays, 0 gives none and 1 gives all.
    """
    if mean is None:
        return shares
    present = float(shares @ weights) / int(weights.sum())
    if mean <= present:
        return shares * (mean / present) if present else shares
    return 1.0 - (1.0 - shares) * ((1.0 - mean) / (1.0 - present))


def owners(
    kind: IntArray,
    shares: Sequence[float],
    mean: float | None,
    generator: np.random.Generator,
    first: BoolArray | None = None,
) -> BoolArray:
    """Which homes own a thing, shape (N,): of each type its share, all in all their weighted mean.

    Args:
        kind: Type of each home, an index into `shares`, shape (N,).
        shares: Share of owners of each type.
        mean: Share of owners among all homes, where it shall differ from what the types give.
        generator: Draws who.
        first: Homes that own it before others of their type do, shape (N,).
    """
    homes = np.bincount(kind, minlength=len(shares))
    wanted = shares_with_mean(np.asarray(shares, dtype=np.float64), homes, mean) * homes
    numbers = whole_numbers(wanted, round(float(wanted.sum())))
    later = np.zeros(len(kind), dtype=np.bool_) if first is None else ~first
    order = np.lexsort((generator.random(len(kind)), later, kind))
    begins = np.concatenate([[0], np.cumsum(homes)[:-1]])
    own = np.zeros(len(kind), dtype=np.bool_)
    own[order] = np.arange(len(kind)) - begins[kind[order]] < numbers[kind[order]]
    return own
