"""Fixtures that any test may use."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("behaviours")

TESTS = Path(__file__).parent
SHARED_DATA = TESTS.parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the measured community data, which is not part of this repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the measured data are not beside this repository (../shared/data)")
    return SHARED_DATA


@pytest.fixture(scope="session")
def reference() -> Callable[[str], dict[str, Any]]:
    """Reads a file of reference results by name."""

    def read(name: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((TESTS / "reference" / f"{name}.json").read_text("utf-8"))
        return document

    return read
