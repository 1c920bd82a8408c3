"""The invariants hold over the full campaign."""

from types import ModuleType

import pytest

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1_200)]


def test_money_and_energy_invariants_hold_after_any_moves(prove: ModuleType) -> None:
    result = prove.invariants()
    assert result.returncode == 0, result.stdout[-4_000:] + result.stderr
    assert "invariant_I1_to_I6() (runs: 256, calls: 32768, reverts: 0)" in result.stdout
