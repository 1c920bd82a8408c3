"""What static analysis finds is what was accepted, each with a written reason."""

import importlib.util
import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("prove", ROOT / "scripts" / "prove.py")
assert SPEC is not None
assert SPEC.loader is not None
prove = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(prove)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.mark.parametrize("tool", prove.TOOLS)
def test_a_tool_finds_nothing_that_is_not_accepted(tool: str) -> None:
    assert prove.differences(tool) == []


def test_every_accepted_finding_has_a_reason() -> None:
    accepted = json.loads(prove.ACCEPTED.read_text())
    assert all(len(each["reason"]) > 20 for tool in accepted.values() for each in tool.values())
