"""Dispatch of agents with quadratic costs that trade among themselves, exactly and without a solver.

    minimise  sum (a p^2 / 2 + b p)   subject to   sum p = 0,   p_min <= p <= p_max

(the form of Sousa et al., Renewable and Sustainable Energy Reviews 104 (2019) 367, and of Baroche et al., IEEE
Transactions on Power Systems 34 (2019) 2553). At the price x each agent wants p(x) = clip((x - b) / a, p_min, p_max).
The sum of these is piecewise linear and never falls in x; its kinks are b + a p_min and b + a p_max. The kinks are
sorted, the one between which the sum crosses zero is found by bisection, and the price there follows by interpolation.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import BoolArray, FloatArray, frozen_floats
from microgrid.domain.errors import InfeasibleError, PlanError

INSIDE_KW = 1e-9


@dataclass(frozen=True, eq=False, slots=True)
class Dispatch:
    """Who produces and who uses what.

    Attributes:
        power_kw: Power of each agent, above zero where it produces, shape (N,).
        cost: Sum of the agents' costs, currency per hour.
        price: Currency per kWh at which nobody wants to change; None where no agent is strictly inside its limits, as
            then many prices are.
    """

    power_kw: FloatArray
    cost: float
    price: float | None


def dispatch(a: FloatArray, b: FloatArray, p_min: FloatArray, p_max: FloatArray) -> Dispatch:
    """The cheapest way to balance the agents.

    Args:
        a: Slope of each agent's marginal cost, above zero, shape (N,).
        b: Marginal cost at zero power, shape (N,).
        p_min: Lowest power, kW, below zero for who uses energy, shape (N,).
        p_max: Highest power, kW, shape (N,).

    Raises:
        PlanError: arrays of different lengths, a value that is no number, a not above zero, p_min above p_max.
        InfeasibleError: the agents must produce more than they can use, or the other way round.
    """
    a, b, p_min, p_max = (frozen_floats(values) for values in (a, b, p_min, p_max))
    _check(a, b, p_min, p_max)
    price = _price(a, b, p_min, p_max)
    power = np.clip((price - b) / a, p_min, p_max)
    inside = (power > p_min + INSIDE_KW) & (power < p_max - INSIDE_KW)
    power = _balanced(power, inside, p_min, p_max)
    cost = float((0.5 * a * power**2 + b * power).sum())
    return Dispatch(power, cost, price if inside.any() else None)


def _price(a: FloatArray, b: FloatArray, p_min: FloatArray, p_max: FloatArray) -> float:
    """The lowest price at which the agents want to produce as much as they want to use."""
    kinks = np.unique(np.concatenate([b + a * p_min, b + a * p_max]))

    def surplus(price: float) -> float:
        return float(np.clip((price - b) / a, p_min, p_max).sum())

    low, high = 0, len(kinks) - 1
    if surplus(kinks[low]) >= 0:
        return float(kinks[low])
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if surplus(kinks[middle]) < 0 else (low, middle)
    below, above = surplus(kinks[low]), surplus(kinks[high])
    if above <= 0:
        return float(kinks[high])
    return float(kinks[low] - below * (kinks[high] - kinks[low]) / (above - below))


def _balanced(power: FloatArray, inside: BoolArray, low: FloatArray, high: FloatArray) -> FloatArray:
    """Powers whose sum is zero to the last bits: what rounding left over goes to agents with room."""
    rest = -power.sum()
    if inside.any():
        power = power + np.where(inside, rest / inside.sum(), 0.0)
    return np.clip(power, low, high)


def _check(a: FloatArray, b: FloatArray, p_min: FloatArray, p_max: FloatArray) -> None:
    if not a.ndim == 1 <= len(a):
        raise PlanError(what="a", found=f"of shape {a.shape}", right="an array of one number for each agent")
    for name, values in (("a", a), ("b", b), ("p_min", p_min), ("p_max", p_max)):
        if values.shape != a.shape:
            raise PlanError(
                what=name, found=f"of shape {values.shape}", right=f"of shape {a.shape}, one for each agent"
            )
        _check_agents(name, values, valid=np.isfinite(values), right="a number")
    _check_agents("a", a, valid=a > 0, right="above zero")
    _check_agents("p_min", p_min, valid=p_min <= p_max, right="at most p_max")
    if p_min.sum() > INSIDE_KW:
        sentence = f"the agents must produce at least {p_min.sum():g} kW more than they can use"
        raise InfeasibleError([sentence + " (the sum of p_min is above zero)"])
    if p_max.sum() < -INSIDE_KW:
        sentence = f"the agents must use at least {-p_max.sum():g} kW more than they can produce"
        raise InfeasibleError([sentence + " (the sum of p_max is below zero)"])


def _check_agents(name: str, values: FloatArray, *, valid: BoolArray, right: str) -> None:
    wrong = np.flatnonzero(~valid)
    if wrong.size:
        raise PlanError(what=f"{name} of agent {wrong[0]}", found=f"{values[wrong[0]]:g}", right=right)
