"""Write a run folder, whole or not at all."""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from microgrid.domain.errors import RunFolderError
from microgrid.domain.run import RunResult
from microgrid.report.formats import FORMAT, SIMULATION_FORMAT
from microgrid.report.html import rebuild_report
from microgrid.report.journal import JOURNAL_FILE, journal_lines
from microgrid.report.summary import scenario_toml, summary
from microgrid.report.tables import COLUMNS, Row, all_tables


def write_run_folder(result: RunResult, target: Path, move_in: Mapping[str, Path] | None = None) -> Path:
    """Write `target` beside itself and then rename it into place; an earlier run there is replaced.

    Args:
        result: The run.
        target: The folder to make.
        move_in: Further files of the run, closed, such as its database, by their name in the folder; they are moved.

    Raises:
        RunFolderError: the target is a file or a folder with other things in it, or cannot be written.
    """
    check_target(target)
    with replacing(target) as folder:
        _write(folder / "summary.json", json.dumps(summary(result), indent=2, ensure_ascii=False, default=str) + "\n")
        for name, rows in all_tables(result).items():
            _write_csv(folder / f"{name}.csv", COLUMNS[name], rows)
        _write(folder / "scenario.toml", scenario_toml(result.settings))
        if result.journal:
            _write(folder / JOURNAL_FILE, "".join(journal_lines(result.journal)))
        rebuild_report(folder)
        for name, path in (move_in or {}).items():
            shutil.move(path, folder / name)
    return target


def check_target(target: Path) -> None:
    """Refuse a place that no run may be written to; to be asked before a long run begins.

    Raises:
        RunFolderError: the target is a file, or a folder of other things than an earlier run, or cannot be made.
    """
    if not target.exists():
        _check_parent(target)
        return
    if not target.is_dir():
        raise RunFolderError(str(target), "is a file; name a new or empty folder")
    if any(target.iterdir()) and not _holds_run(target):
        raise RunFolderError(str(target), "holds other things than an earlier run; name a new or empty folder")


def _check_parent(target: Path) -> None:
    nearest = next(parent for parent in target.absolute().parents if parent.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise RunFolderError(str(target), f"cannot be made: {nearest} is no folder that may be written to")


def _holds_run(folder: Path) -> bool:
    try:
        content = json.loads((folder / "summary.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("format") in {FORMAT, SIMULATION_FORMAT}


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A fresh folder that takes the target's place once the block is through, and vanishes when it fails.

    Raises:
        RunFolderError: it cannot be written.
    """
    place = target.absolute()
    fresh, old = (place.with_name(f".{place.name}.{os.getpid()}.{part}") for part in ("new", "old"))
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        yield fresh
        if place.exists():
            place.rename(old)
        fresh.rename(place)
    except OSError as error:
        raise RunFolderError(str(target), f"cannot be written: {error.strerror or error}") from error
    finally:
        if old.exists() and not place.exists():
            old.rename(place)
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
