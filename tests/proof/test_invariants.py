"""The invariants hold over the full campaign."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("prove", ROOT / "scripts" / "prove.py")
assert SPEC is not None
assert SPEC.loader is not None
prove = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(prove)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(1_200)]


def test_money_and_energy_invariants_hold_after_any_moves() -> None:
    result = prove.run("forge", "test", "--match-contract", "Invariants")
    assert result.returncode == 0, result.stdout[-4_000:] + result.stderr
    assert "invariant_I1_to_I6() (runs: 256, calls: 32768, reverts: 0)" in result.stdout
