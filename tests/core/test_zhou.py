"""The six indexes of Zhou, Wu and Long (2018) against their printed tables and independent results."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from microgrid.sim.metrics.zhou import (
    Weights,
    ZhouIndexes,
    energy_balance,
    equality,
    extended_par,
    participation,
    power_flatness,
    self_sufficiency,
    value_tapping,
    zhou_indexes,
)

DOCUMENT = json.loads((Path(__file__).parent.parent / "reference" / "indexes_zhou2018.json").read_text("utf-8"))
NAMES = ZhouIndexes.__slots__


def cases(prefix: str) -> list[Any]:
    found = [pytest.param(case, id=case["id"]) for case in DOCUMENT["cases"] if case["id"].startswith(prefix)]
    assert found
    return found


def test_every_reference_case_is_run() -> None:
    assert len(cases("zhou_")) + len(cases("index_")) == len(DOCUMENT["cases"])


@pytest.mark.parametrize("case", cases("zhou_"))
def test_the_synthesis_is_that_of_the_paper(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], case["expected"]
    indexes = ZhouIndexes(*(inputs[name] for name in NAMES))
    weights = Weights(inputs["weights"]["each_of_three"], inputs["weights"]["economic_technical"])
    assert weights == Weights()
    assert indexes.economic_performance() == pytest.approx(expected["economic_performance"], abs=case["tolerance"])
    assert indexes.technical_performance() == pytest.approx(expected["technical_performance"], abs=case["tolerance"])
    assert indexes.overall_performance(weights) == pytest.approx(expected["overall"], abs=case["tolerance"])


@pytest.mark.parametrize("case", cases("index_"))
def test_every_index_has_the_reference_result(case: dict[str, Any]) -> None:
    inputs, expected = case["inputs"], dict(case["expected"])
    load, pv = np.array(inputs["load_kwh"]).T, np.array(inputs["pv_kwh"]).T
    indexes = zhou_indexes(
        load,
        pv,
        np.array(inputs["bills"]),
        np.array(inputs["reference_bills"]),
        inputs["minimum_community_bill"],
        reference_par=inputs["epari_ref"],
        epsilon=inputs["epsilon"],
    )
    assert extended_par((load - pv).sum(axis=1)) == pytest.approx(expected.pop("extended_par"), abs=case["tolerance"])
    assert set(expected) == set(NAMES)
    for name, value in expected.items():
        assert getattr(indexes, name) == (value if value is None else pytest.approx(value, abs=case["tolerance"])), name


def test_where_an_index_is_unknown_so_is_the_performance() -> None:
    indexes = ZhouIndexes(None, 1.0, 0.5, 0.4, 0.6, 0.8)
    assert indexes.economic_performance() is None
    assert indexes.technical_performance() == pytest.approx(0.33 * 1.8)
    assert indexes.overall_performance() is None


def test_nothing_to_save_nothing_used_and_nobody_there_have_no_index() -> None:
    nothing = np.zeros(4)
    assert value_tapping(5.0, 0.1 + 0.2, 0.3) is None
    assert participation(np.array([]), np.array([])) is None
    assert energy_balance(nothing, nothing, nothing) is None
    assert extended_par(nothing) is None
    assert power_flatness(nothing) is None
    assert self_sufficiency(nothing, nothing) is None


def test_batteries_count_by_the_net_energy() -> None:
    """A community that stores its noon for its night neither draws nor feeds in: best technical indexes."""
    load, pv = np.array([[0.0, 0.0], [1.0, 2.0]]), np.array([[3.0, 0.0], [0.0, 0.0]])
    bills = np.array([-1.0, 2.0])
    stored = zhou_indexes(load, pv, bills, bills + 1, 0.0, net_kwh=np.zeros((2, 2)))
    assert (stored.energy_balance, stored.power_flatness, stored.self_sufficiency) == (1.0, None, 1.0)
    plain = zhou_indexes(load, pv, bills, bills + 1, 0.0)
    assert (plain.energy_balance, plain.power_flatness, plain.self_sufficiency) == (0.0, pytest.approx(0.9), 0.0)
    assert (plain.participation, plain.value_tapping) == (1.0, pytest.approx(2 / 3))


def test_equal_bills_are_equality_itself() -> None:
    assert equality(np.full(5, 12.5)) == pytest.approx(1.0)
    assert equality(np.full(5, -12.5)) == pytest.approx(1.0)
