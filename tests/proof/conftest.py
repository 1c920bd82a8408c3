"""The tools of the proof, as a contributor runs them."""

import importlib.util
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "prove.py"


@pytest.fixture(scope="session")
def prove() -> ModuleType:
    """The script, as a module; Forge comes with the packages of contracts/package.json."""
    spec = importlib.util.spec_from_file_location("prove", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    if not (module.FORGE / "forge").is_file():
        pytest.skip("Forge is not installed: npm ci --prefix contracts")
    return module


@pytest.fixture(scope="session")
def need() -> Callable[[str], None]:
    """Skips where a command is not on the path."""

    def check(command: str) -> None:
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed: see docs/proof.md")

    return check
