"""What is written down is true: settings, commands, README."""

import json
import re
from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner

from microgrid.cli import root
from microgrid.config import Settings
from microgrid.sim.scenario import Scenario, key_rows

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every command below a group, as the words a person types."""
    found = []
    with click.Context(group) as context:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            found.append((*path, name))
            if isinstance(command, click.Group):
                found += commands(command, (*path, name))
    return found


COMMANDS = commands(root)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(root, [*words, "--help"])
    assert result.exit_code == 0
    assert f"microgrid {' '.join(words)}" in re.sub(r"[\s│]+", " ", result.output.split("Usage:")[1].split("\n", 1)[1])


def test_the_list_of_commands_shows_the_names_to_type() -> None:
    shown = CliRunner().invoke(root, ["--help"]).output.split("Commands")[1]
    listed = re.findall(r"^│ ([a-z-]+)  ", shown, re.MULTILINE)
    assert listed == [words[0] for words in COMMANDS if len(words) == 1]


@pytest.mark.parametrize("words", [c for c in COMMANDS if len(c) == 1], ids=" ".join)
def test_every_command_is_in_the_readme(words: tuple[str, ...]) -> None:
    assert f"microgrid {words[0]}" in README


def test_env_example_mirrors_the_settings_with_their_defaults() -> None:
    text = (ROOT / ".env.example").read_text()
    lines = re.findall(r"^# (.+)\n(?:# )?MICROGRID_([A-Z_]+)=(.*)$", text, re.MULTILINE)
    expected = [
        (field.description, name.upper(), "" if field.default is None else str(field.default))
        for name, field in Settings.model_fields.items()
    ]
    assert lines == expected


def test_the_changelog_knows_this_version() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text()


def test_the_contracts_page_names_what_exists() -> None:
    """Functions, errors and states in the page are those of the contracts."""
    page = (ROOT / "docs" / "contracts.md").read_text()
    sources = "\n".join(path.read_text() for path in (ROOT / "contracts" / "interfaces").glob("*.sol"))
    table = "".join(re.findall(r"^\| [a-z]+ \|.*$", page, re.MULTILINE))
    named = set(re.findall(r"`([a-z][A-Za-z]+)`", table)) | {"BackstopUnfunded", "DeviceKeyRotated"}
    assert {name for name in named if not re.search(rf"\b{name}\b", sources)} <= {"withdraw"}


def test_the_gas_of_the_contracts_page_is_the_budget() -> None:
    """Every figure of the table is the row of that name; the deployment is the sum of its rows."""
    budget = json.loads((ROOT / "contracts" / "gas-budget.json").read_text())
    deployment = sum(gas for name, gas in budget.items() if name.startswith("deploy"))
    section = (ROOT / "docs" / "contracts.md").read_text().split("\n## Gas\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([\d,]+) \|", section, re.MULTILINE)
    assert len(rows) == len(re.findall(r"^\| ", section, re.MULTILINE)) - 1  # all but the head
    written = {name: int(gas.replace(",", "")) for name, gas in rows}
    assert written == {name: budget.get(name, deployment) for name in written}
    assert set(written) - set(budget) == {"deploy, all together"}


def test_the_diagrams_of_the_contracts_page_begin_as_such() -> None:
    page = (ROOT / "docs" / "contracts.md").read_text()
    diagrams = re.findall(r"^```mermaid\n(.+)$", page, re.MULTILINE)
    assert set(diagrams) == {"stateDiagram-v2", "flowchart TB"}
    assert page.count("```") == 2 * len(diagrams)


def test_the_page_of_the_simulator_lists_every_key_of_a_scenario() -> None:
    page = (ROOT / "docs" / "simulator.md").read_text()
    written = re.findall(r"^\| `([a-z_.0-9]+)` \| (?:`(.*?)`)? ?\| (.*?) ?\| (.+) \|$", page, re.MULTILINE)
    rows = [
        (row.name, "" if row.default is None else json.dumps(row.default), row.unit, row.help)
        for row in key_rows(Scenario)
    ]
    assert written == rows
