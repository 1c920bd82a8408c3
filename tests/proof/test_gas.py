"""No kind of transaction became dearer, or cheaper, without the committed budget saying so."""

import pytest
from gas_budget import differences, measure

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


def test_gas_is_within_two_per_cent_of_the_budget() -> None:
    assert differences(measure()) == []
