"""Scenario files: a TOML file of the user, or one of the ready ones by name."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from microgrid.domain.errors import DataFileError, ScenarioError, UnknownNameError
from microgrid.sim.scenario import Scenario

FOLDER = resources.files("microgrid.sim") / "scenarios"
SUFFIX = ".toml"


def ready_names() -> tuple[str, ...]:
    """Names of the ready scenarios, sorted."""
    return tuple(sorted(entry.name.removesuffix(SUFFIX) for entry in FOLDER.iterdir() if entry.name.endswith(SUFFIX)))


def read_scenario(name: str) -> Scenario:
    """Read a scenario: a file where there is one of that name or the name ends in .toml, else a ready one.

    Raises:
        DataFileError: the file cannot be read, is no TOML, or has a key or value that no scenario has.
        UnknownNameError: neither a file nor a ready scenario.
    """
    path = Path(name)
    if path.suffix == SUFFIX or path.is_file():
        return _parsed(name, _text(path))
    ready = name.replace("-", "_")
    if ready not in ready_names():
        kind = "scenario"
        raise UnknownNameError(kind, name, ready_names())
    return _parsed(name, (FOLDER / f"{ready}{SUFFIX}").read_text("utf-8"))


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise DataFileError(str(path), "there is no such file") from error
    except UnicodeDecodeError as error:
        raise DataFileError(str(path), "is no text in UTF-8") from error
    except OSError as error:
        raise DataFileError(str(path), f"cannot be read: {error.strerror}") from error


def _parsed(name: str, text: str) -> Scenario:
    try:
        document: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataFileError(name, f"is no TOML: {error}") from error
    if not document:
        raise DataFileError(name, "is empty; `microgrid simulate --keys` lists what it can say")
    try:
        return Scenario.from_mapping(document)
    except (ScenarioError, UnknownNameError) as error:
        raise DataFileError(name, str(error)) from error
