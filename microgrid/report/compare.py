"""What differs between runs: settings, figures, and every home's bill; all are held against the first run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from microgrid.domain.errors import RunFolderError, ValueRefusedError
from microgrid.domain.units import MICRO_PER_UNIT, WH_PER_KWH
from microgrid.report.formats import FORMAT, SIMULATION_FORMAT
from microgrid.report.simulation.reading import read_json

LEAST_RUNS = 2
SCALES = {"_micro": ("", MICRO_PER_UNIT), "_wh": ("_kwh", WH_PER_KWH)}


@dataclass(frozen=True)
class ComparedRun:
    """One run: settings and figures by dotted name, bills in micro by home."""

    path: str
    currency: str
    settings: Mapping[str, Any]
    figures: Mapping[str, float]
    bills_micro: Mapping[str, int]


def compare(folders: Sequence[Path]) -> dict[str, Any]:
    """Compare runs of any format.

    Returns:
        `settings` that differ (a value for each run), `figures` that all have (values and differences to the first
        run), `homes` that all have (bills and what each home gains against the first run), and `only` the homes that
        some runs lack.

    Raises:
        RunFolderError: a folder holds no run.
        ValueRefusedError: fewer than two runs, or runs in different currencies.
    """
    if len(folders) < LEAST_RUNS:
        raise ValueRefusedError(what="number of runs", found=len(folders), right="two or more run folders")
    runs = [_read(folder) for folder in folders]
    currencies = list(dict.fromkeys(run.currency for run in runs))
    if len(currencies) > 1:
        raise ValueRefusedError(what="currency of the runs", found=", ".join(currencies), right="one and the same")
    return {
        "runs": [run.path for run in runs],
        "currency": currencies[0],
        "settings": _settings(runs),
        "figures": _figures(runs),
        "homes": _homes(runs),
        "only": _only(runs),
    }


def _read(folder: Path) -> ComparedRun:
    content = read_json(folder)
    if content.get("format") not in {FORMAT, SIMULATION_FORMAT}:
        raise RunFolderError(str(folder), f"summary.json is of no known format: {content.get('format')!r}")
    try:
        return ComparedRun(
            path=str(folder),
            currency=content["currency"],
            settings={**flattened(content["settings"]), "seed": content["reproduce"]["seed"]},
            figures=_scaled(content["totals"]) | numbers(flattened(content.get("metrics", {}))),
            bills_micro={home["home_id"]: home["bill_micro"] for home in content["homes"]},
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(str(folder), f"summary.json lacks a part: {error}") from error


def flattened(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one with dotted names."""
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat


def numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """Those that are numbers."""
    return {
        name: value for name, value in values.items() if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _scaled(totals: Mapping[str, int]) -> dict[str, float]:
    """Totals in currency units and kWh."""
    scaled: dict[str, float] = {}
    for name, value in numbers(totals).items():
        suffix = next((suffix for suffix in SCALES if name.endswith(suffix)), "")
        ending, scale = SCALES.get(suffix, ("", 1))
        scaled[f"totals.{name.removesuffix(suffix)}{ending}"] = value / scale if scale > 1 else value
    return scaled


def _settings(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for run in runs for name in run.settings)
    rows = [{"key": name, "values": [run.settings.get(name) for run in runs]} for name in names]
    return [row for row in rows if any(value != row["values"][0] for value in row["values"])]


def _figures(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    rows = []
    for name in runs[0].figures:
        if all(name in run.figures for run in runs):
            values = [run.figures[name] for run in runs]
            rows.append({"name": name, "values": values, "differences": [value - values[0] for value in values]})
    return rows


def _homes(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    """Bills in currency units, in the order of the first run; what a home gains is its first bill less the other."""
    rows = []
    for home_id in runs[0].bills_micro:
        if all(home_id in run.bills_micro for run in runs):
            bills = [run.bills_micro[home_id] for run in runs]
            rows.append(
                {
                    "home_id": home_id,
                    "bills": [bill / MICRO_PER_UNIT for bill in bills],
                    "gains": [(bills[0] - bill) / MICRO_PER_UNIT for bill in bills],
                }
            )
    return rows


def _only(runs: Sequence[ComparedRun]) -> list[dict[str, Any]]:
    """Homes that not all runs have, by run."""
    shared = set.intersection(*(set(run.bills_micro) for run in runs))
    return [{"run": run.path, "homes": [home for home in run.bills_micro if home not in shared]} for run in runs]
