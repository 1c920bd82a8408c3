"""No kind of transaction became dearer, or cheaper, without the committed budget saying so."""

import json

import pytest
from gas_budget import BUDGET, measure

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]
TOLERANCE = 0.02


def test_gas_is_within_two_per_cent_of_the_budget() -> None:
    budget, measured = json.loads(BUDGET.read_text()), measure()
    assert measured.keys() == budget.keys()
    assert not {
        name: (gas, budget[name])
        for name, gas in measured.items()
        if abs(gas - budget[name]) > TOLERANCE * budget[name]
    }
