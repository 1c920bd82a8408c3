"""The house holds: import rules, lint and types, checked with the tools themselves."""

import subprocess
import sys
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
