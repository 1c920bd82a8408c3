"""`microgrid compare`: what differs between runs."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rich_click as click

MOST_HOMES = 10
KEY_FIGURES = (
    ("totals.bills", "bills"),
    ("totals.bills_without_market", "bills with the grid alone"),
    ("totals.saving", "saving"),
    ("totals.homes_better_off", "homes better off"),
    ("totals.homes_worse_off", "homes worse off"),
    ("totals.traded_kwh", "traded, kWh"),
    ("totals.import_kwh", "import at the meters, kWh"),
    ("totals.export_kwh", "export at the meters, kWh"),
    ("market.mean_price_per_kwh", "mean price per kWh"),
    ("energy.renewable_use", "own renewable energy used, share"),
    ("energy.shared_self_sufficiency", "self-sufficiency, share"),
    ("energy.peak_import_kw", "peak from the grid, kW"),
    ("fairness.gini_clipped", "Gini of the savings"),
    ("emissions.imported_kg", "emissions, kg CO2"),
)


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document, all figures and all homes.")
def command(runs: tuple[Path, ...], *, as_json: bool) -> None:
    """Compare run folders: settings that differ, key figures, and which homes gain or lose against the first run.

    Example: microgrid compare runs/individual runs/central
    """
    from microgrid.report.compare import compare  # noqa: PLC0415 - `--help` needs no report

    compared = compare(runs)
    if as_json:
        click.echo(json.dumps(compared, ensure_ascii=False))
        return
    _print_settings(compared)
    _print_figures(compared)
    _print_homes(compared)


def _print_settings(compared: Mapping[str, Any]) -> None:
    names = _names(compared)
    rows = [(row["key"], *(_shown(value) for value in row["values"])) for row in compared["settings"]]
    _print_table(("settings that differ", *names), rows or [("none", *("" for _ in names))])


def _print_figures(compared: Mapping[str, Any]) -> None:
    known = {row["name"]: row for row in compared["figures"]}
    rows = []
    for name, label in KEY_FIGURES:
        if name in known:
            first, *others = known[name]["values"]
            changes = zip(others, known[name]["differences"][1:], strict=True)
            rows.append((label, f"{first:,.4g}", *(f"{value:,.4g} ({change:+,.4g})" for value, change in changes)))
    _print_table((f"figures, {compared['currency']}", *_names(compared)), rows)


def _print_homes(compared: Mapping[str, Any]) -> None:
    """Of each run against the first: how many homes gain, and those that gain and lose most."""
    for place, name in enumerate(_names(compared)[1:], start=1):
        homes = sorted(compared["homes"], key=lambda home: home["gains"][place], reverse=True)
        gains = [home["gains"][place] for home in homes]
        better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
        title = f"{name}: {better} homes pay less, {worse} more"
        shown = homes if len(homes) <= MOST_HOMES else [*homes[: MOST_HOMES // 2], *homes[-MOST_HOMES // 2 :]]
        rows = [
            (home["home_id"], f"{home['bills'][0]:.3f}", f"{home['bills'][place]:.3f}", f"{home['gains'][place]:+.3f}")
            for home in shown
        ]
        _print_table((title, "bill in the first", "bill", "gain"), rows)
        if len(homes) > len(shown):
            click.echo(f" {len(homes) - len(shown)} homes in between; --json lists them.")
    for entry in compared["only"]:
        if entry["homes"]:
            click.echo(f"Only in {entry['run']}: {len(entry['homes'])} homes.")


def _names(compared: Mapping[str, Any]) -> list[str]:
    """Last parts of the paths where these differ, else the paths."""
    last = [Path(path).name for path in compared["runs"]]
    return last if len(set(last)) == len(last) else list(compared["runs"])


def _shown(value: Any) -> str:
    return "-" if value is None else value if isinstance(value, str) else json.dumps(value)


def _print_table(columns: Sequence[str], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - who asks for JSON needs none
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)
