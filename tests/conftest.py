"""Fixtures that any test may use."""

import json
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes depends on the machine and on who else works on it.
settings.register_profile("unhurried", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

pytest.register_assert_rewrite("behaviours", "run_folders", "sunshine")

NO_SKIP = "MICROGRID_TESTS_NO_SKIP"

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


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Where everything is installed a skipped test hides something, so it fails."""
    report = yield
    if report.skipped and os.environ.get(NO_SKIP) and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped although {NO_SKIP} is set: {report.longrepr}"
    return report
