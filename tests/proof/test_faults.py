"""The campaign can fail: each of these faults, planted in a copy of the contracts, is found and named."""

import shutil
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]

FAULTS = {
    "a bill pays one micro more": (
        "EnergyTrading.sol",
        "Settlement.toMicro(homeNano + directNano);",
        "Settlement.toMicro(homeNano + directNano) + 1;",
        "a bill is not what the rules say",
    ),
    "a cancellation releases nothing": (
        "trading/OrderCancelling.sol",
        "_unlock(memberId, released);",
        "",
        "a lock comes back whole",
    ),
    "a nonce does not advance": (
        "trading/OrderBook.sol",
        "word.withNonce(uint256(order.nonce) + 1)",
        "word",
        "a signed order counted twice",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(
    prove: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    file, right, wrong, complaint = FAULTS[fault]
    copy = tmp_path / "contracts"
    needless = shutil.ignore_patterns("node_modules", "out", "cache", "unit", "symbolic")
    shutil.copytree(prove.CONTRACTS, copy, ignore=needless)
    (copy / "node_modules").symlink_to(prove.CONTRACTS / "node_modules")
    source = (copy / file).read_text()
    assert source.count(right) == 1
    (copy / file).write_text(source.replace(right, wrong))
    monkeypatch.setattr(prove, "CONTRACTS", copy)
    monkeypatch.setenv("FOUNDRY_PROFILE", "fast")
    result = prove.invariants(runs=prove.QUICK_RUNS)
    assert result.returncode == 1, result.stdout[-4_000:] + result.stderr
    assert complaint in result.stdout
