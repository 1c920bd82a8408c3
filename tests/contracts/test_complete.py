"""Nothing of the contracts' own interface is without a test: functions, typed errors and events, by name.

What comes from OpenZeppelin is tested there; ours is what a file of the contracts folder declares.
"""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "microgrid" / "chain" / "artifacts"
FOLDERS = (".", "governance", "grid", "interfaces", "libraries", "registry", "rewards", "tokens", "trading")
SOURCES = [file for folder in FOLDERS for file in (ROOT / "contracts" / folder).glob("*.sol")]
DECLARED = re.compile(r"\b(?:function|event|error)\s+(\w+)|\bpublic\s+(?:constant|immutable)?\s*(\w+)\s*[=;]")
TESTS = [file for folder in (".", "contracts", "model") for file in (ROOT / "tests" / folder).glob("*.py")]
TESTED = {word for file in TESTS for word in re.findall(r"\w+", file.read_text(encoding="utf-8"))}


def own_names() -> set[str]:
    """What our Solidity declares, interfaces included."""
    found = (DECLARED.findall(file.read_text(encoding="utf-8")) for file in SOURCES)
    return {name for pairs in found for pair in pairs for name in pair if name}


def interface_of(artifact: Path) -> dict[str, set[str]]:
    """Names of one contract's ABI by kind."""
    kinds: dict[str, set[str]] = {"function": set(), "error": set(), "event": set()}
    for entry in json.loads(artifact.read_text(encoding="utf-8"))["abi"]:
        if entry["type"] in kinds:
            kinds[entry["type"]].add(entry["name"])
    return kinds


@pytest.mark.parametrize("kind", ["function", "error", "event"])
@pytest.mark.parametrize(
    "artifact",
    [file for file in sorted(ARTIFACTS.glob("*.json")) if file.stem != "manifest"],
    ids=lambda file: file.stem,
)
def test_every_function_error_and_event_of_ours_is_named_in_a_test(artifact: Path, kind: str) -> None:
    untested = (interface_of(artifact)[kind] & own_names()) - TESTED
    assert untested == set()


def test_ours_are_found_in_the_sources() -> None:
    """The reading of the sources finds what is known to be there, so that the check above can fail."""
    assert {"createOrder", "HomesSettled", "BackstopUnfunded", "MAX_FEE", "directTrading"} <= own_names()
    assert "supportsInterface" not in own_names()
