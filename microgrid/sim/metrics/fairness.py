"""How evenly something is spread over homes: bills, benefits, energy.

All take one value a home, shape (N,), and cost at most a sort, O(N log N). Measures of inequality are 0 where all are
equal; Jain's index and min/max are 1 there. Where all values are zero, all are equal: that is the documented result,
not a division by zero.

Gini's coefficient needs values that are not negative, yet a market may leave homes worse off. Three readings of that:

* `gini_clipped` counts losers as zero (as CityLearn 3.0.2): 0.25 for benefits 10, 20, 30, 40, but 0.3611 for
  -10, 20, 30, 40 and for 0, 20, 30, 40 alike: how much the loser loses does not show.
* `gini_signed` counts them with their loss, in units of the mean absolute value: the loss shows, and the result stays
  below 1. It is that of Raffinetti et al. times (n - 1)/n, and Gini's where nobody loses.
* `gini_levelled` lifts all by the largest loss (as Zhou et al.): it keeps every difference, but what it is measured by
  grows with the loss, so it may fall when a loser loses more: 1/3 for -10, 20, 30, 40. It is there to compare with.

`share_of_losers` and the worst-off home belong beside any of them.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import MetricError

EPSILON = 1e-6
TOP_FRACTION = 0.2


@dataclass(frozen=True, slots=True)
class Fairness:
    """Who gains how much.

    Attributes:
        mean_benefit: Mean over homes.
        gini_clipped: Losers counted as zero.
        gini_signed: Losers counted with their loss.
        gini_levelled: All lifted by the largest loss.
        jain: Jain's index of the clipped benefits.
        top_share: Share of the clipped benefits that the best-off 20 % of homes have.
        share_of_losers: Homes with a benefit below zero.
        worst_home: Column of the home with the least benefit, the first of several.
        worst_benefit: Its benefit.
    """

    mean_benefit: float
    gini_clipped: float
    gini_signed: float
    gini_levelled: float
    jain: float
    top_share: float
    share_of_losers: float
    worst_home: int
    worst_benefit: float


def fairness(benefits: FloatArray) -> Fairness:
    """Equity of benefits (below zero: losses), say of savings against no market.

    Raises:
        MetricError: no homes, or a value that is no number.
    """
    values = _values(benefits)
    clipped = np.maximum(values, 0.0)
    home = worst_home(values)
    return Fairness(
        float(values.mean()),
        gini(clipped),
        gini_signed(values),
        gini_levelled(values),
        jain(clipped),
        top_share(clipped),
        share_of_losers(values),
        home,
        float(values[home]),
    )


def gini(values: FloatArray) -> float:
    """Gini's coefficient of the population, sum |x_i - x_j| / (2 n^2 mean), 0 … (n - 1)/n; 0 where all are zero.

    Raises:
        MetricError: no homes, a value below zero, or one that is no number.
    """
    return _gini(_non_negative(values))


def gini_unbiased(values: FloatArray) -> float:
    """`gini` times n / (n - 1): 1 where one home has all; 0 for one home alone.

    Raises:
        MetricError: as `gini`.
    """
    homes = len(values)
    return gini(values) * homes / (homes - 1) if homes > 1 else gini(values)


def gini_clipped(values: FloatArray) -> float:
    """`gini` with values below zero counted as zero.

    Raises:
        MetricError: no homes, or a value that is no number.
    """
    return gini(np.maximum(_values(values), 0.0))


def gini_signed(values: FloatArray) -> float:
    """Sum |x_i - x_j| / (2 n sum |x_i|), 0 … (n - 1)/n: `gini` where no value is below zero.

    Source: Raffinetti, Siletti, Vernizzi, Statistical Methods & Applications 24 (2015) 507, whose normalization is this
    times n / (n - 1).

    Raises:
        MetricError: no homes, or a value that is no number.
    """
    return _gini(_values(values))


def gini_levelled(values: FloatArray, epsilon: float = EPSILON) -> float:
    """`gini` of values lifted by |minimum| + epsilon where any is below zero, else of the values.

    Source: Zhou, Wu, Long, Applied Energy 222 (2018) 993, who thus level up the income of homes.

    Raises:
        MetricError: no homes, or a value that is no number.
    """
    given = _values(values)
    least = given.min()
    return _gini(given - least + epsilon if least < 0 else given)


def lorenz_curve(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of homes, poorest first, and share of the total they have: two arrays of shape (N + 1,) from 0 to 1.

    The diagonal where all are zero. Gini's coefficient is one minus twice the area under it.

    Raises:
        MetricError: as `gini`.
    """
    ordered = np.sort(_non_negative(values))
    homes = np.linspace(0.0, 1.0, len(ordered) + 1)
    total = ordered.sum()
    if total == 0:
        return homes, homes.copy()
    return homes, np.concatenate(([0.0], np.cumsum(ordered) / total))


def jain(values: FloatArray) -> float:
    """Jain's fairness index (sum x)^2 / (n sum x^2), 1/n … 1; 1 where all are zero.

    Source: Jain, Chiu, Hawe, DEC Research Report TR-301 (1984).

    Raises:
        MetricError: as `gini`.
    """
    scaled = _scaled(_non_negative(values))
    squares = float(np.square(scaled).sum())
    return float(scaled.sum()) ** 2 / (len(scaled) * squares) if squares else 1.0


def hoover(values: FloatArray) -> float:
    """Share of the total that would have to change hands for all to be equal: sum |x - mean| / (2 sum x).

    Raises:
        MetricError: as `gini`.
    """
    given = _non_negative(values)
    total = float(given.sum())
    return float(np.abs(given - given.mean()).sum()) / (2 * total) if total else 0.0


def theil_t(values: FloatArray) -> float:
    """Theil's T, mean of x/mean ln(x/mean), 0 … ln n, where 0 ln 0 = 0.

    Raises:
        MetricError: as `gini`.
    """
    given = _non_negative(values)
    mean = float(given.mean())
    if mean == 0:
        return 0.0
    ratio = given / mean
    logarithm = np.log(ratio, out=np.zeros_like(ratio), where=ratio > 0)
    return float((ratio * logarithm).mean())


def min_over_max(values: FloatArray) -> float:
    """Smallest over largest value; 1 where all are zero.

    Raises:
        MetricError: as `gini`.
    """
    given = _non_negative(values)
    largest = float(given.max())
    return float(given.min()) / largest if largest else 1.0


def top_share(values: FloatArray, fraction: float = TOP_FRACTION) -> float:
    """Share of the total that the best-off `fraction` of homes have, at least one home, rounded up to whole homes.

    Where all are zero, the homes' share of the number of homes.

    Raises:
        MetricError: as `gini`, or a fraction outside 0…1.
    """
    given = _non_negative(values)
    if not 0 < fraction <= 1:
        raise MetricError(what="fraction of homes", found=fraction, right="above 0 and at most 1")
    homes = max(1, int(np.ceil(round(fraction * len(given), 9))))
    total = float(given.sum())
    if total == 0:
        return homes / len(given)
    return float(np.partition(given, len(given) - homes)[len(given) - homes :].sum()) / total


def share_of_losers(benefits: FloatArray) -> float:
    """Share of homes whose benefit is below zero.

    Raises:
        MetricError: no homes, or a value that is no number.
    """
    return float((_values(benefits) < 0).mean())


def worst_home(benefits: FloatArray) -> int:
    """Column of the home with the least benefit, the first of several.

    Raises:
        MetricError: no homes, or a value that is no number.
    """
    return int(_values(benefits).argmin())


def _gini(values: FloatArray) -> float:
    """By ranks: sum |x_i - x_j| = 2 sum (2 i - n - 1) x_(i), about the median so that large equal parts cancel."""
    homes = len(values)
    total = float(np.abs(values).sum())
    if total == 0:
        return 0.0
    ordered = np.sort(values)
    ranks = 2.0 * np.arange(1, homes + 1) - homes - 1
    return max(0.0, float(ranks @ (ordered - ordered[homes // 2])) / (homes * total))


def _scaled(values: FloatArray) -> FloatArray:
    """Divided by the largest, so that squares neither vanish nor overflow."""
    largest = values.max()
    return values / largest if largest else values


def _values(values: FloatArray) -> FloatArray:
    given = np.asarray(values, dtype=np.float64)
    if given.ndim != 1 or not given.size:
        raise MetricError(what="shape of values of homes", found=given.shape, right="(N,) with at least one home")
    if not np.isfinite(given).all():
        home = int(np.flatnonzero(~np.isfinite(given))[0])
        raise MetricError(what=f"value of home {home}", found=given[home], right="a finite number")
    return given


def _non_negative(values: FloatArray) -> FloatArray:
    given = _values(values)
    if given.min() < 0:
        home = int(given.argmin())
        right = "at least 0 here; for losses there are gini_clipped, gini_signed and gini_levelled"
        raise MetricError(what=f"value of home {home}", found=given[home], right=right)
    return given
