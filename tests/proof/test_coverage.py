"""Tests in Solidity reach every line and branch of the contracts, but for those waived with a reason."""

import json
from types import ModuleType

import pytest

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


def test_every_line_and_branch_is_reached_or_waived(prove: ModuleType) -> None:
    assert prove.uncovered(prove.coverage()) == []


def test_every_waiver_has_a_reason(prove: ModuleType) -> None:
    waivers = json.loads(prove.WAIVERS.read_text())
    assert all(len(each["reason"]) >= prove.LEAST_REASON for file in waivers.values() for each in file)


def test_fuzz_tests_hold_over_a_thousand_inputs(prove: ModuleType) -> None:
    result = prove.units()
    assert result.returncode == 0, result.stdout[-4_000:] + result.stderr
