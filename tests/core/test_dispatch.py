"""Dispatch with quadratic costs: reference optima, optimality conditions, what cannot be balanced."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.domain.errors import InfeasibleError, PlanError
from microgrid.planning.dispatch import dispatch

Reference = Callable[[str], dict[str, Any]]


def test_every_reference_optimum_is_reached(reference: Reference) -> None:
    document = reference("p2p_quadratic_optimum")
    assert len(document["cases"]) >= 7
    for case in document["cases"]:
        result = dispatch(**{name: np.array(values) for name, values in case["inputs"].items()})
        expected = case["expected"]
        assert result.cost == pytest.approx(expected["cost"], abs=document["tolerance"]), case["id"]
        assert result.power_kw.tolist() == pytest.approx(expected["power"], abs=document["tolerance"]), case["id"]
        if expected["price"] is None:
            assert result.price is None, case["id"]
        else:
            assert result.price == pytest.approx(expected["price"], abs=document["tolerance"]), case["id"]


def test_without_active_limits_the_price_is_the_weighted_mean() -> None:
    a, b = np.array([1.0, 2.0, 4.0]), np.array([10.0, 20.0, 16.0])
    result = dispatch(a, b, np.full(3, -100.0), np.full(3, 100.0))
    assert result.price == pytest.approx((b / a).sum() / (1 / a).sum())


@given(seed=st.integers(0, 100_000), count=st.integers(2, 30))
def test_no_pair_can_gain_by_moving_power_between_them(seed: int, count: int) -> None:
    draw = np.random.default_rng(seed)
    a, b = draw.uniform(0.1, 3, count), draw.uniform(5, 30, count)
    low = np.where(draw.random(count) < 0.5, -draw.uniform(0, 5, count), 0.0)
    high = np.where(draw.random(count) < 0.5, draw.uniform(0, 5, count), 0.0)
    result = dispatch(a, b, low, high)
    power, marginal = result.power_kw, a * result.power_kw + b
    assert abs(power.sum()) < 1e-9
    assert (power >= low).all()
    assert (power <= high).all()
    can_rise, can_fall = marginal[power < high - 1e-7], marginal[power > low + 1e-7]
    if can_rise.size and can_fall.size:
        assert can_fall.max() <= can_rise.min() + 1e-5


def test_what_cannot_be_balanced_is_said_in_words() -> None:
    one = np.ones(2)
    with pytest.raises(InfeasibleError, match=r"must produce at least 2 kW more than they can use"):
        dispatch(one, one, one, 2 * one)
    with pytest.raises(InfeasibleError, match=r"must use at least 2 kW more than they can produce"):
        dispatch(one, one, -2 * one, -one)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"a": [1.0, 0.0]}, "a of agent 1 is 0; it must be above zero"),
        ({"b": [np.nan, 1.0]}, "b of agent 0 is nan; it must be a number"),
        ({"p_min": [5.0, -1.0]}, "p_min of agent 0 is 5; it must be at most p_max"),
        ({"p_max": [1.0]}, r"p_max is of shape \(1,\)"),
        ({"a": []}, r"a is of shape \(0,\)"),
    ],
)
def test_wrong_values_are_named(change: dict[str, list[float]], message: str) -> None:
    values = {"a": [1.0, 1.0], "b": [1.0, 2.0], "p_min": [-1.0, -1.0], "p_max": [1.0, 1.0]} | change
    with pytest.raises(PlanError, match=message):
        dispatch(**{name: np.array(value) for name, value in values.items()})
