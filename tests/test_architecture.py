"""The house holds: import rules, lint and types, checked with the tools themselves."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LINES = 400


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_import_rules_hold() -> None:
    lint = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([lint], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "command", [("ruff", "check", "."), ("ruff", "format", "--check", ".")], ids=["lint", "format"]
)
def test_the_code_is_clean(command: tuple[str, ...]) -> None:
    result = run(*command)
    assert result.returncode == 0, result.stdout + result.stderr


def test_types_are_strict() -> None:
    result = run("mypy")
    assert result.returncode == 0, result.stdout + result.stderr


def test_no_source_file_is_longer_than_a_few_screens() -> None:
    folders = {"microgrid": "*.py", "iot_sim": "*.py", "contracts": "*.sol"}
    made = {"node_modules", "out", "cache"}
    sources = [p for folder, kind in folders.items() for p in (ROOT / folder).rglob(kind) if not made & {*p.parts}]
    assert len(sources) > 50
    assert not {str(p): n for p in sources if (n := len(p.read_text().splitlines())) > MOST_LINES}


def test_every_package_that_is_imported_is_declared() -> None:
    """What arrives only because another package needs it today may be gone tomorrow."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for name, lines in project["optional-dependencies"].items() if name != "dev" for line in lines]
    declared = {re.split(r"[\[<>=]", line)[0] for line in (*project["dependencies"], *extras)}
    homes = packages_distributions()
    packages = imported("microgrid", "iot_sim") - {"microgrid", "iot_sim"} - sys.stdlib_module_names
    assert len(packages) > 20
    assert {
        name for name in packages if not declared & {home.lower().replace("_", "-") for home in homes[name]}
    } == set()


def imported(*folders: str) -> set[str]:
    """Packages that source files name in an import."""
    trees = [ast.parse(path.read_text("utf-8")) for folder in folders for path in (ROOT / folder).rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in names}
