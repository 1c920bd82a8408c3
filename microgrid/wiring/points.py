"""The folder of a sweep: one small file for each finished point, written whole or not at all, and one table of all."""

import csv
import io
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from microgrid.domain.errors import RunFolderError

POINT_FORMAT = "microgrid-sweep-point/1"
SWEEP_FORMAT = "microgrid-sweep/1"
POINTS, TABLE, DOCUMENT = "points", "sweep.csv", "sweep.json"


class PointStore:
    """Finished points by id.

    Args:
        folder: Folder of the sweep; made where there is none.

    Raises:
        RunFolderError: a file, a folder of other things, or a place that cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if folder.exists() and not folder.is_dir():
            raise RunFolderError(str(folder), "is a file; name a new or empty folder")
        try:
            if folder.is_dir() and {entry.name for entry in folder.iterdir()} - {POINTS, TABLE, DOCUMENT}:
                raise RunFolderError(str(folder), "holds other things than a sweep; name a new or empty folder")
            (folder / POINTS).mkdir(parents=True, exist_ok=True)
            for name in (TABLE, DOCUMENT):  # an interrupted sweep must not show the table of the one before
                (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from error

    def read(self, id_: str) -> dict[str, Any] | None:
        """A finished point; None where it never ended, failed, or its file is damaged."""
        try:
            document = json.loads(self._path(id_).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(document, dict) or (document.get("format"), document.get("id")) != (POINT_FORMAT, id_):
            return None
        return document if isinstance(document.get("metrics"), dict) else None

    def write(self, id_: str, document: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a point.

        Returns:
            The point as it will be read.
        """
        text = _text({"format": POINT_FORMAT, **document})
        self._replace(self._path(id_), text)
        kept: dict[str, Any] = json.loads(text)
        return kept

    def write_table(self, keys: Sequence[str], points: Sequence[Mapping[str, Any]], about: Mapping[str, Any]) -> str:
        """Write `sweep.csv` and `sweep.json`.

        Args:
            keys: The varied keys, in the order of the columns.
            points: In the order of the rows.
            about: What else the JSON document says.

        Returns:
            The JSON document.
        """
        text = _text({"format": SWEEP_FORMAT, **about, "points": [_without_format(point) for point in points]})
        self._replace(self.folder / TABLE, csv_text(keys, points))
        self._replace(self.folder / DOCUMENT, text)
        return text

    def _path(self, id_: str) -> Path:
        return self.folder / POINTS / f"{id_}.json"

    def _replace(self, path: Path, text: str) -> None:
        scratch = self.folder / POINTS / f".{path.name}.{os.getpid()}"
        try:
            scratch.write_text(text, encoding="utf-8", newline="\n")
            scratch.replace(path)
        except OSError as error:
            scratch.unlink(missing_ok=True)
            raise _unwritable(self.folder, error) from error


def csv_text(keys: Sequence[str], points: Sequence[Mapping[str, Any]]) -> str:
    """The table: varied keys, seed, every metric that any point has, error; empty where a point has none."""
    metrics = [dict(flattened(point.get("metrics", {}))) for point in points]
    columns = list(dict.fromkeys(name for row in metrics for name in row))
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([*keys, "seed", *columns, "error"])
    for point, row in zip(points, metrics, strict=True):
        values = [*(point["values"][key] for key in keys), point["seed"], *map(row.get, columns), point.get("error")]
        writer.writerow([cell(value) for value in values])
    return file.getvalue()


def flattened(metrics: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Metrics by dotted name, such as `market.tiers.bilateral.trades`."""
    for name, value in metrics.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def cell(value: Any) -> str:
    """A value as the table shows it: numbers in full, nothing as an empty cell, lists and truth values as in TOML."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _without_format(point: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in point.items() if name != "format"}


def _unwritable(folder: Path, error: OSError) -> RunFolderError:
    return RunFolderError(str(folder), f"cannot be written: {error.strerror or error}")
