"""What a seller is paid that delivers something else than it sold."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid.domain.errors import MetricError
from microgrid.sim.metrics.penalty import LinearPenalty, QuadraticPenalty

BOOKS = json.loads((Path(__file__).parent.parent / "reference" / "peer_books.json").read_text("utf-8"))
KWH, FACTOR, SHARE = st.floats(0, 500), st.floats(0, 3), st.floats(0, 1)


def test_the_linear_penalty_pays_what_the_peer_pays() -> None:
    case = next(case for case in BOOKS["cases"] if case["id"] == "delivery_penalty_linear")
    i = case["inputs"]
    rule = LinearPenalty(i["alpha"], i["tolerance"])
    paid = rule.payment(i["requested"], i["delivered"], i["price"])
    assert float(paid) == pytest.approx(case["expected"]["payment"])


def test_the_piecewise_penalty_pays_what_the_peer_pays() -> None:
    """100 sold, 70 delivered at 10, alpha 1, tolerances 0.2 and 0.4: 10 kWh too few beyond the first."""
    assert float(QuadraticPenalty(1.0, 0.2, 0.4).payment(100.0, 70.0, 10.0)) == pytest.approx(600)


def test_the_piecewise_penalty_has_three_pieces() -> None:
    """Limits at 80 and 60: nothing at 80; 15 missing at 65; at 57, 23 and a square of 3; at 45, all."""
    delivered = np.array([120.0, 100.0, 80.0, 65.0, 57.0, 45.0])
    paid = QuadraticPenalty(1.0, 0.2, 0.4).payment(100.0, delivered, 10.0)
    assert paid.tolist() == pytest.approx([1_000, 1_000, 800, 500, (57 - 23 - 9) * 10, 0])


def test_a_square_does_not_depend_on_the_unit_energy_is_written_in() -> None:
    in_kwh = QuadraticPenalty(0.5, 0.1, 0.3, unit_kwh=2.0).payment(10.0, 5.0, 0.3)
    in_wh = QuadraticPenalty(0.5, 0.1, 0.3, unit_kwh=2_000.0).payment(10_000.0, 5_000.0, 0.3 / 1_000)
    assert 0 < float(in_kwh) < 1.5
    assert float(in_kwh) == pytest.approx(float(in_wh))


@pytest.mark.parametrize(("beta", "paid"), [(0.0, 1_000), (0.5, 1_050), (-0.5, 950), (-20.0, 0)])
def test_too_much_brings_a_bonus_or_a_penalty_beyond_its_tolerance(beta: float, paid: float) -> None:
    rule = LinearPenalty(1.0, beta=beta, tolerance_over=0.1)
    assert float(rule.payment(100.0, 120.0, 10.0)) == pytest.approx(paid)


@given(sold=KWH, one=KWH, other=KWH, alpha=FACTOR, tolerances=st.tuples(SHARE, SHARE).map(sorted))
def test_nobody_earns_by_delivering_less(
    sold: float, one: float, other: float, alpha: float, tolerances: list[float]
) -> None:
    for rule in (LinearPenalty(alpha, tolerances[0]), QuadraticPenalty(alpha, *tolerances)):
        less, more = (float(rule.payment(sold, delivered, 0.2)) for delivered in sorted((one, other)))
        assert 0 <= less <= more + 1e-9
        assert more <= sold * 0.2 + 1e-9
        assert float(rule.payment(sold, sold, 0.2)) == pytest.approx(sold * 0.2)


@given(sold=KWH, delivered=KWH, alpha=FACTOR, tolerance=SHARE)
def test_within_the_tolerance_what_was_delivered_is_paid(
    sold: float, delivered: float, alpha: float, tolerance: float
) -> None:
    paid = float(LinearPenalty(alpha, tolerance).payment(sold, delivered, 0.2))
    if delivered >= (1 - tolerance) * sold:
        assert paid == pytest.approx(min(sold, delivered) * 0.2, abs=1e-6)
    else:
        assert paid <= delivered * 0.2 + 1e-9


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LinearPenalty(-0.1), "alpha of a penalty is -0.1; it must be at least 0"),
        (lambda: LinearPenalty(1.0, 1.1), r"tolerance of a penalty is 1.1; it must be 0 … 1"),
        (lambda: LinearPenalty(1.0, tolerance_over=-1.0), "tolerance_over of a penalty is -1.0"),
        (lambda: QuadraticPenalty(float("nan"), 0.1, 0.2), "alpha of a penalty is nan"),
        (lambda: QuadraticPenalty(1.0, 0.3, 0.2), r"tolerance of a penalty is 0.3; it must be 0 … 0.2"),
        (lambda: QuadraticPenalty(1.0, 0.1, 1.2), r"steep_tolerance of a penalty is 1.2; it must be 0 … 1"),
        (lambda: QuadraticPenalty(1.0, 0.1, 0.2, 0.0), "unit_kwh of a penalty is 0.0; it must be above 0"),
    ],
)
def test_a_penalty_that_cannot_be_is_refused(make: object, words: str) -> None:
    with pytest.raises(MetricError, match=words):
        make()  # type: ignore[operator]
