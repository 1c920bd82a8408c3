"""The unit tests in Solidity notice each small change of the contracts that move money and take readings."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]

SCRIPTS = Path(__file__).parents[2] / "scripts"
# Of these files four mutants each, by a fixed seed; all of all take hours.
SAMPLED = ("EnergyTrading.sol", "registry/ReadingGate.sol", "trading/TradingLedger.sol")


@pytest.fixture(scope="module")
def mutate(prove: ModuleType) -> ModuleType:
    """The script, as a module; it needs what `prove` needs."""
    assert prove
    sys.path.insert(0, str(SCRIPTS))
    try:
        return importlib.import_module("mutate")
    finally:
        sys.path.remove(str(SCRIPTS))


def test_every_surviving_mutant_is_explained_and_the_list_fits_the_sources(mutate: ModuleType) -> None:
    assert mutate.problems() == []


def test_a_sample_of_mutants_is_noticed_or_listed(
    mutate: ModuleType, need: Callable[[str], None], tmp_path: Path
) -> None:
    need("slither")
    results = mutate.Results(tmp_path / "results.json")
    mutate.run(SAMPLED, results, 2, (4, 1), again=False)
    assert len(results.all) == 4 * len(SAMPLED)
    assert mutate.unlisted(results) == []
