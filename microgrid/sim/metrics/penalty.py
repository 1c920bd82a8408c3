"""What a seller is paid who delivers something else than it sold.

Source: the flexibility settlement of gridsingularity/gsy-decentralized-exchange, module remuneration. Energies in kWh,
prices in currency per kWh, results in currency; all arguments are numbers or arrays of one shape. No payment is below
zero.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import MetricError

Values = FloatArray | float


@dataclass(frozen=True, slots=True)
class LinearPenalty:
    """Every kWh beyond a tolerance costs its price times a factor.

    pay = min(r, d) p - alpha max(0, r - d - tol r) p + beta max(0, d - r - tol_over r) p, at least 0, with r requested,
    d delivered, p the price.

    Args:
        alpha: Factor on what is missing.
        tolerance: Part of the request that may be missing free of penalty, 0…1.
        beta: Factor on what is too much: above zero a bonus, below a penalty.
        tolerance_over: Part of the request that may be too much without either, at least 0.

    Raises:
        MetricError: a parameter out of range.
    """

    alpha: float
    tolerance: float = 0.0
    beta: float = 0.0
    tolerance_over: float = 0.0

    def __post_init__(self) -> None:
        _check("alpha", self.alpha, np.inf)
        _check("tolerance", self.tolerance, 1.0)
        _check("tolerance_over", self.tolerance_over, np.inf)

    def payment(self, requested_kwh: Values, delivered_kwh: Values, price: Values) -> FloatArray:
        """What the seller gets, at least 0."""
        missing = np.maximum(0.0, requested_kwh - delivered_kwh - self.tolerance * requested_kwh)
        excess = np.maximum(0.0, delivered_kwh - requested_kwh - self.tolerance_over * requested_kwh)
        paid_kwh = np.minimum(requested_kwh, delivered_kwh) - self.alpha * missing + self.beta * excess
        return np.maximum(0.0, paid_kwh * price)


@dataclass(frozen=True, slots=True)
class QuadraticPenalty:
    """What is missing beyond a second tolerance costs its square as well; what is too much counts for nothing.

    pay = min(r, d) p - alpha (max(0, e1 - d) + max(0, e2 - d)^2 / unit) p, at least 0, with e1 = (1 - tolerance) r and
    e2 = (1 - steep_tolerance) r. The source squares bare numbers; `unit_kwh` says of what, so that the result does not
    hang on whether energy was written in Wh or kWh.

    Args:
        alpha: Factor on what is missing.
        tolerance: Part of the request that may be missing free of penalty, 0…1.
        steep_tolerance: Part from which the square is added, tolerance…1.
        unit_kwh: Energy whose square counts as itself, above 0.

    Raises:
        MetricError: a parameter out of range.
    """

    alpha: float
    tolerance: float
    steep_tolerance: float
    unit_kwh: float = 1.0

    def __post_init__(self) -> None:
        _check("alpha", self.alpha, np.inf)
        _check("steep_tolerance", self.steep_tolerance, 1.0)
        _check("tolerance", self.tolerance, self.steep_tolerance)
        if not 0 < self.unit_kwh < np.inf:
            raise MetricError(what="unit_kwh of a penalty", found=self.unit_kwh, right="above 0")

    def payment(self, requested_kwh: Values, delivered_kwh: Values, price: Values) -> FloatArray:
        """What the seller gets, at least 0."""
        missing = np.maximum(0.0, (1 - self.tolerance) * requested_kwh - delivered_kwh)
        steep = np.maximum(0.0, (1 - self.steep_tolerance) * requested_kwh - delivered_kwh)
        paid_kwh = np.minimum(requested_kwh, delivered_kwh) - self.alpha * (missing + steep**2 / self.unit_kwh)
        return np.maximum(0.0, paid_kwh * price)


def _check(what: str, found: float, most: float) -> None:
    if not 0 <= found <= most:
        right = "at least 0" if most == np.inf else f"0 … {most:g}"
        raise MetricError(what=f"{what} of a penalty", found=found, right=right)
