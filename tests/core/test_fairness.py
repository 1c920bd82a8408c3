"""Measures of equity against reference results, closed forms and sums over all pairs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.domain.errors import MetricError
from microgrid.sim.metrics import fairness as measures
from microgrid.sim.metrics.fairness import (
    fairness,
    gini,
    gini_clipped,
    gini_levelled,
    gini_signed,
    gini_unbiased,
    hoover,
    jain,
    lorenz_curve,
    min_over_max,
    share_of_losers,
    theil_t,
    top_share,
    worst_home,
)

FOLDER = Path(__file__).parent.parent / "reference"
DOCUMENT = json.loads((FOLDER / "gini_equity.json").read_text("utf-8"))
LOSERS = next(c for c in json.loads((FOLDER / "peer_books.json").read_text("utf-8"))["cases"] if "losers" in c["id"])
EVERY_MEASURE: list[Callable[[Any], Any]] = [
    gini,
    gini_unbiased,
    hoover,
    jain,
    lorenz_curve,
    min_over_max,
    theil_t,
    top_share,
]

VALUES = st.lists(st.floats(0, 1e6).map(lambda x: round(x, 3)), min_size=1, max_size=40)
SIGNED = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=1, max_size=40)


def pairs(values: np.ndarray) -> float:
    """Sum |x_i - x_j| over all ordered pairs."""
    return float(np.abs(np.subtract.outer(values, values)).sum())


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in DOCUMENT["cases"]])
def test_every_measure_has_the_reference_result(case: dict[str, Any]) -> None:
    values = np.array(case["inputs"]["values"])
    assert case["expected"]
    for name, expected in case["expected"].items():
        assert getattr(measures, name)(values) == pytest.approx(expected, rel=0, abs=DOCUMENT["tolerance"])


@pytest.mark.parametrize("number", range(3))
def test_clipped_gini_is_that_of_the_peer(number: int) -> None:
    values = np.array(LOSERS["inputs"]["clipped"][number], dtype=float)
    assert gini_clipped(values) == pytest.approx(LOSERS["expected"]["gini"][number], abs=LOSERS["tolerance"])


def test_clipping_hides_how_much_a_loser_loses_the_signed_gini_shows_it_and_the_levelled_one_falls() -> None:
    """Benefits -10, 20, 30, 40: the peer has 0.3611 and 25 % losers, and 0.3611 for 0, 20, 30, 40."""
    flat, hurt, ruined = (np.array([low, 20.0, 30.0, 40.0]) for low in (0.0, -10.0, -90.0))
    assert gini_clipped(hurt) == gini_clipped(flat) == pytest.approx(0.3611, abs=1e-4)
    assert (share_of_losers(flat), share_of_losers(hurt)) == (0, 0.25)
    assert gini_signed(flat) < gini_signed(hurt) < gini_signed(ruined) < 0.75
    assert gini_signed(hurt) == pytest.approx(pairs(hurt) / (2 * 4 * 100))
    assert gini_levelled(hurt) == pytest.approx(1 / 3, abs=1e-6)


@pytest.mark.parametrize("value", [0.1, 1e9 / 3, 7e-7])
def test_equal_homes_have_no_inequality_at_all(value: float) -> None:
    """Exactly none, whatever the sum over a thousand ranks rounds to."""
    assert [gini(np.full(homes, value)) for homes in range(1, 1_000, 37)] == [0.0] * 27


def test_one_home_that_gains_all_and_one_that_pays_for_it_are_as_unequal_as_can_be() -> None:
    """Raffinetti et al.: their coefficient, n/(n - 1) times this one, is 1 there."""
    values = np.array([0.0, 0.0, 70.0, -30.0])
    assert gini_signed(values) * 4 / 3 == pytest.approx(1.0)


@pytest.mark.parametrize("homes", [1, 2, 7, 1_000])
def test_closed_forms(homes: int) -> None:
    ladder, one_holder = np.arange(1.0, homes + 1), np.zeros(homes)
    one_holder[homes // 2] = 5.0
    assert gini(ladder) == pytest.approx((homes - 1) / (3 * homes))
    assert gini(one_holder) == pytest.approx((homes - 1) / homes)
    assert hoover(one_holder) == pytest.approx((homes - 1) / homes)
    assert theil_t(one_holder) == pytest.approx(np.log(homes))
    assert jain(one_holder) == pytest.approx(1 / homes)


@given(VALUES)
def test_gini_is_the_mean_difference_over_all_pairs(values: list[float]) -> None:
    given_values = np.array(values)
    expected = pairs(given_values) / (2 * len(values) * given_values.sum()) if given_values.any() else 0.0
    assert gini(given_values) == pytest.approx(expected, abs=1e-9)
    assert gini_signed(given_values) == gini_clipped(given_values) == gini(given_values)


@given(SIGNED)
def test_the_signed_gini_stays_in_its_bounds(values: list[float]) -> None:
    given_values = np.array(values)
    total = np.abs(given_values).sum()
    expected = pairs(given_values) / (2 * len(values) * total) if total else 0.0
    assert gini_signed(given_values) == pytest.approx(expected, abs=1e-9)
    assert 0 <= gini_signed(given_values) <= (len(values) - 1) / len(values) + 1e-9


@given(SIGNED)
def test_the_levelled_gini_is_that_of_lifted_values(values: list[float]) -> None:
    given_values = np.array(values)
    lifted = given_values - given_values.min() + 1e-6 if given_values.min() < 0 else given_values
    assert gini_levelled(given_values) == pytest.approx(gini(lifted), abs=1e-9)


@given(VALUES, st.floats(0.001, 1_000), st.randoms(use_true_random=False))
def test_neither_order_nor_currency_matters(values: list[float], rate: float, random: Any) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)
    for measure in (gini, hoover, jain, theil_t, min_over_max, top_share):
        assert measure(np.array(shuffled) * rate) == pytest.approx(measure(np.array(values)), abs=1e-9)


@given(st.lists(st.integers(1, 1_000), min_size=2, max_size=30), st.data())
def test_a_gift_from_a_richer_to_a_poorer_home_makes_none_of_them_more_unequal(
    values: list[int], data: st.DataObject
) -> None:
    """Pigou and Dalton: the gift is at most half the difference."""
    before = np.sort(np.array(values, dtype=float))
    gift = data.draw(st.floats(0, 0.5)) * (before[-1] - before[0])
    after = before.copy()
    after[0], after[-1] = after[0] + gift, after[-1] - gift
    for measure in (gini, gini_signed, hoover, theil_t):
        assert measure(after) <= measure(before) + 1e-9
    assert jain(after) >= jain(before) - 1e-9


@given(VALUES)
def test_gini_is_one_less_twice_the_area_under_the_lorenz_curve(values: list[float]) -> None:
    homes, shares = lorenz_curve(np.array(values))
    assert (homes[0], homes[-1], shares[0]) == (0, 1, 0)
    assert shares[-1] == pytest.approx(1)
    assert (np.diff(shares) >= 0).all()
    area = ((shares[1:] + shares[:-1]) / 2 * np.diff(homes)).sum()
    assert 1 - 2 * area == pytest.approx(gini(np.array(values)), abs=1e-9)


def test_the_best_off_fifth_is_rounded_up_to_whole_homes() -> None:
    """The peer gives 0.40 for 10, 20, 30, 40; 7 % of 100 homes are 7, although 0.07 * 100 > 7 in binary."""
    assert top_share(np.array([10.0, 20.0, 30.0, 40.0])) == pytest.approx(0.4)
    assert top_share(np.array([10.0, 1.0, 2.0, 3.0, 4.0])) == pytest.approx(0.5)
    assert top_share(np.ones(10), 0.7) == pytest.approx(0.7)
    assert top_share(np.ones(100), 0.07) == pytest.approx(0.07)
    assert top_share(np.ones(3), 1.0) == 1


def test_where_nobody_has_anything_all_are_equal() -> None:
    zeros = np.zeros(5)
    assert [gini(zeros), gini_unbiased(zeros), gini_signed(zeros), gini_levelled(zeros)] == [0, 0, 0, 0]
    assert [hoover(zeros), theil_t(zeros), jain(zeros), min_over_max(zeros)] == [0, 0, 1, 1]
    assert top_share(zeros) == 0.2
    assert all(np.array_equal(axis, np.linspace(0, 1, 6)) for axis in lorenz_curve(zeros))


def test_the_worst_off_home_is_the_first_of_the_poorest() -> None:
    assert worst_home(np.array([3.0, -2.0, 5.0, -2.0])) == 1


def test_one_call_tells_who_gains_how_much() -> None:
    result = fairness(np.array([-10.0, 20.0, 30.0, 40.0]))
    assert (result.mean_benefit, result.share_of_losers, result.worst_home, result.worst_benefit) == (20, 0.25, 0, -10)
    assert result.gini_clipped == pytest.approx(0.3611, abs=1e-4)
    assert result.top_share == pytest.approx(4 / 9)
    assert result.jain == pytest.approx(90**2 / (4 * 2_900))


@pytest.mark.parametrize("measure", EVERY_MEASURE, ids=lambda measure: measure.__name__)
def test_a_measure_that_cannot_take_losses_names_the_loser(measure: Callable[[Any], Any]) -> None:
    with pytest.raises(MetricError, match=r"value of home 1 is -2.0; it must be at least 0 here"):
        measure(np.array([1.0, -2.0]))


@pytest.mark.parametrize("measure", [*EVERY_MEASURE, gini_clipped, gini_signed, gini_levelled, fairness, worst_home])
def test_a_value_that_is_no_number_and_a_community_without_homes_are_refused(measure: Callable[[Any], Any]) -> None:
    with pytest.raises(MetricError, match=r"value of home 2 is nan; it must be a finite number"):
        measure(np.array([1.0, 2.0, np.nan]))
    with pytest.raises(MetricError, match=r"shape of values of homes is \(0,\)"):
        measure(np.array([]))


@pytest.mark.parametrize("fraction", [0.0, 1.5])
def test_a_fraction_of_homes_is_one(fraction: float) -> None:
    with pytest.raises(MetricError, match=r"fraction of homes is .*; it must be above 0 and at most 1"):
        top_share(np.ones(3), fraction)
