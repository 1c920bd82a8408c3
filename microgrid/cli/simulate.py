"""`microgrid simulate`: one run of the community simulator."""

import json
import shlex
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import rich_click as click

from microgrid import __version__
from microgrid.cli._tables import print_table
from microgrid.data.scenarios import read_scenario, ready_names
from microgrid.sim.results import Results
from microgrid.sim.scenario import Scenario, key_rows
from microgrid.wiring.simulate import SimulationRequest, on_contracts, parse_settings, prepare


@click.command()
@click.argument("scenario", required=False)
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set a key, such as homes.count=20.")
@click.option("--data", type=click.Path(path_type=Path), help="Profiles of measured homes, CSV or CSV.gz.")
@click.option("--prices", type=click.Path(path_type=Path), help="Grid prices, CSV with a retail_*_per_kwh column.")
@click.option("--retail-column", help="Its column with the retail price. [default: the only one]")
@click.option("--fill", help="How gaps in the data are filled: zero, previous or interpolate. [default: refuse them]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/NAME]")
@click.option("--no-plots", is_flag=True, help="Leave out plots and report, which take longer than the run.")
@click.option("--list", "as_list", is_flag=True, help="List the ready scenarios.")
@click.option("--keys", "as_keys", is_flag=True, help="List every key of a scenario file with unit and default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    scenario: str | None,
    *,
    assignments: tuple[str, ...],
    out: Path | None,
    no_plots: bool,
    as_list: bool,
    as_keys: bool,
    as_json: bool,
    **files: Any,
) -> None:
    """Simulate a community: SCENARIO is a TOML file or the name of a ready one.

    Example: microgrid simulate community_100

    Example: microgrid simulate summer_week --data homes.csv.gz --prices prices.csv --set market.mechanism=three_tier
    """
    if as_list:
        _show_list(as_json=as_json)
    elif as_keys:
        _show_keys(as_json=as_json)
    elif scenario is None:
        message = "name a scenario: a TOML file or one of " + ", ".join(ready_names())
        raise click.UsageError(message)
    else:
        request = SimulationRequest(scenario, parse_settings(assignments), **files)
        _simulate(request, out, plots=not no_plots, as_json=as_json)


def _simulate(request: SimulationRequest, out: Path | None, *, plots: bool, as_json: bool) -> None:
    from microgrid.report.folder import check_target  # noqa: PLC0415 - `--list` and `--help` need no report
    from microgrid.report.simulation import write_simulation_folder  # noqa: PLC0415 - as above
    from microgrid.sim.run import run  # noqa: PLC0415 - as above

    began = perf_counter()
    prepared = prepare(request)
    target = out or Path("runs") / prepared.scenario.name
    check_target(target)
    read = perf_counter()
    results = run(prepared.scenario, request.seed, prepared.inputs)
    timings = {"read": read - began, "run": perf_counter() - read}
    if on_contracts(prepared.scenario):
        from microgrid.wiring.evm_ledger import settle_on_contracts  # noqa: PLC0415 - web3 takes a second to import

        settling = perf_counter()
        results = settle_on_contracts(results)
        timings["contracts"] = perf_counter() - settling
    folder = write_simulation_folder(
        results,
        target,
        command=shlex.join(["microgrid", *sys.argv[1:]]),
        version=__version__,
        inputs_hashes=prepared.hashes,
        plots=plots,
        timings=timings,
    )
    if as_json:
        click.echo((folder / "summary.json").read_text("utf-8"), nl=False)
    else:
        _show(results, folder)


def _show_list(*, as_json: bool) -> None:
    rows = {name: read_scenario(name).description for name in ready_names()}
    if as_json:
        click.echo(json.dumps(rows))
        return
    print_table(("scenario", "what it is"), list(rows.items()))


def _show_keys(*, as_json: bool) -> None:
    rows = list(key_rows(Scenario))
    if as_json:
        click.echo(json.dumps([{"key": r.name, "default": r.default, "unit": r.unit, "help": r.help} for r in rows]))
        return
    print_table(("key", "default", "unit", "what it sets"), [(r.name, _shown(r.default), r.unit, r.help) for r in rows])


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _show(results: Results, folder: Path) -> None:
    """The figures that answer whether the community gained."""
    bills, energy, market = (results.metrics[group] for group in ("bills", "energy", "market"))
    currency = results.scenario.prices.currency
    rows = [
        ("bills without market, battery and shifted loads", f"{bills['baseline']:.2f} {currency}"),
        ("bills with the grid alone", f"{bills['without_market']:.2f} {currency}"),
        ("bills", f"{bills['bill']:.2f} {currency}"),
        ("homes better off, worse off by trading", f"{bills['homes_better_off']}, {bills['homes_worse_off']}"),
        ("generated, consumed", f"{energy['pv_kwh']:.1f} kWh, {energy['load_kwh']:.1f} kWh"),
        ("renewable energy used in the community", _percent(energy["renewable_use"])),
        *(
            (f"traded: {name}", f"{tier['traded_kwh']:.1f} kWh in {tier['trades']} trades")
            for name, tier in market["tiers"].items()
        ),
        ("bans, blocks", f"{results.metrics['regulator']['bans']}, {results.metrics['ledger']['blocks']}"),
    ]
    print_table((results.scenario.name, f"{results.homes} homes, {results.steps} steps"), rows)
    broken = [invariant for invariant in results.invariants if invariant.error]
    click.echo(f"Invariants: {len(results.invariants) - len(broken)} of {len(results.invariants)} exact.")
    if results.filled:
        click.echo(f"Filled: {results.filled} values of the data that were missing or wrong.")
    report = folder / "report.html"
    click.echo(f"Report: {report}" if report.is_file() else f"Run folder: {folder}")


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
