"""`microgrid demo`: the main job in one process."""

import shlex
import sys
from pathlib import Path

import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from microgrid.config import load_settings
from microgrid.domain.addresses import without_password
from microgrid.domain.run import IntervalOutcome, RunResult
from microgrid.domain.units import kwh, units
from microgrid.report import worse_off_reason
from microgrid.wiring.demo import DemoRun, check, open_demo
from microgrid.wiring.inputs import DemoRequest


@click.command()
@click.option("--homes", type=click.IntRange(1, 200), default=10, show_default=True, help="Number of synthetic homes.")
@click.option("--hours", type=click.IntRange(1, 24 * 31), default=24, show_default=True, help="Length of the run.")
@click.option("--data", type=click.Path(path_type=Path), help="Profiles of measured homes, CSV or CSV.gz.")
@click.option("--prices", type=click.Path(path_type=Path), help="Grid prices, CSV with a retail_*_per_kwh column.")
@click.option("--retail-column", help="Its column with the retail price. [default: the only one]")
@click.option("--start", help="First interval, ISO time on the --timezone's clock. [default: first of the data]")
@click.option("--timezone", default="UTC", show_default=True, help="Zone of times in the files that have none.")
@click.option("--fill", help="How gaps in the data are filled: zero, previous or interpolate. [default: refuse them]")
@click.option(
    "--feed-in", type=float, default=0.05, show_default=True, help="Feed-in price per kWh where files have none."
)
@click.option("--fee", type=float, default=0.002, show_default=True, help="Trading fee per bought kWh.")
@click.option("--forecaster", default="cautious", show_default=True, help="How homes forecast.")
@click.option("--strategy", default="adaptive", show_default=True, help="How homes choose limit prices.")
@click.option("--currency", help="Currency in reports. [default: as the prices file's column says, else EUR]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Same seed, same bytes.")
@click.option("--backend", help="Chain backend: eth-tester, anvil or rpc. [default: eth-tester]")
@click.option("--rpc", "rpc_url", help="JSON-RPC address for --backend rpc.")
@click.option("--broker", "broker_url", help="MQTT broker URL. [default: an embedded broker on a free port]")
@click.option("--store", "store_url", help="Database URL. [default: SQLite in the run folder]")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/demo]")
@click.option("--serve", is_flag=True, help="Show the run on a live page as it goes; stays up until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port of the live page.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
def command(
    *,
    backend: str | None,
    rpc_url: str | None,
    broker_url: str | None,
    store_url: str | None,
    out: Path | None,
    serve: bool,
    port: int,
    as_json: bool,
    **request: object,
) -> None:
    """Meters, broker, oracle, contracts and bills in one process.

    Homes forecast, sign and place orders, the contract clears the auction, meters publish signed registers over MQTT,
    the oracle hands them in, the contract settles, and a report is written.

    Example: microgrid demo --homes 10 --hours 24

    Example: microgrid demo --data homes.csv.gz --prices prices.csv --start 2016-08-01
    """
    settings = load_settings(backend=backend, rpc_url=rpc_url, broker_url=broker_url, store_url=store_url, out=out)
    page_port = port if serve else None
    with open_demo(settings, DemoRequest(**request), page_port=page_port, command=_command_line()) as run:  # type: ignore[arg-type]
        if run.page_url and not as_json:
            click.echo(f"Live page: {run.page_url}", err=True)
        result = _watch(run, quiet=as_json)
        folder = run.write(result)
        if as_json:
            click.echo((folder / "summary.json").read_text(), nl=False)
        else:
            _show(result, folder)
            if run.filled:
                click.echo(f"Filled: {run.filled} values of the data that were missing or wrong.")
        check(result)
        if run.page_url:
            run.wait_for_interrupt()


def _command_line() -> str:
    """What was typed; it goes into the run folder, which people pass on, so passwords in addresses are left out."""
    return shlex.join(["microgrid", *map(without_password, sys.argv[1:])])


def _watch(run: DemoRun, *, quiet: bool) -> RunResult:
    """Run all intervals under a live display (only where stderr is a terminal)."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[news]}"),
    )
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as progress:
        task = progress.add_task("intervals", total=run.interval_count, news="deploying contracts")
        for outcome in run.outcomes():
            progress.update(task, advance=1, news=_news(outcome))
        progress.update(task, news="")
    return run.result()


def _news(outcome: IntervalOutcome) -> str:
    auction, money = outcome.auction, outcome.settlement.money
    return (
        f"{outcome.interval.start_utc:%d %b %H:%M}  {kwh(auction.volume_wh):.2f} kWh "
        f"at {units(auction.price_micro_per_kwh):.4f}  sum {money.error_micro}"
    )


def _show(result: RunResult, folder: Path) -> None:
    """Bills beside the bills without a market, the invariants, and where the report is."""
    console = Console(markup=False)  # names of homes come from files
    console.print(_bill_table(result))
    for total in result.worse_off:
        console.print(
            f"{total.home.home_id} pays more than without the market: {worse_off_reason(total, result.currency)}"
        )
    readings = result.readings
    refused = sum(readings.refused.values())
    console.print(
        f"Readings: {readings.sent} sent, {readings.stored} stored, {readings.on_chain} on chain, {refused} refused."
    )
    broken = [invariant for invariant in result.invariants if invariant.error]
    console.print(f"Invariants: {len(result.invariants) - len(broken)} of {len(result.invariants)} exact.")
    console.print(f"Report: {folder / 'report.html'}", soft_wrap=True)


def _bill_table(result: RunResult) -> Table:
    table = Table(title=f"Bills, {result.currency}", caption="below zero: the home is paid")
    table.add_column("home")
    for name in ("bought kWh", "sold kWh", "without market", "with market", "saving"):
        table.add_column(name, justify="right")
    for total in result.totals:
        table.add_row(
            total.home.home_id,
            f"{kwh(total.energy_wh('bought_wh')):.3f}",
            f"{kwh(total.energy_wh('sold_wh')):.3f}",
            *(f"{units(m):.4f}" for m in (total.without_market_micro, total.bill_micro, total.saving_micro)),
        )
    sums = [sum(getattr(t, n) for t in result.totals) for n in ("without_market_micro", "bill_micro", "saving_micro")]
    table.add_section()
    traded = kwh(sum(outcome.auction.volume_wh for outcome in result.intervals))
    table.add_row("all", f"{traded:.3f}", f"{traded:.3f}", *(f"{units(m):.4f}" for m in sums))
    return table
