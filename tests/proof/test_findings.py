"""What static analysis finds is what was accepted, each with a written reason."""

from collections.abc import Callable
from types import ModuleType

import pytest

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.mark.parametrize("tool", ["lint", "solhint", "slither"])
def test_a_tool_finds_nothing_that_is_not_accepted(prove: ModuleType, need: Callable[[str], None], tool: str) -> None:
    if tool == "slither":
        need(tool)
    assert prove.differences(tool) == []
