"""`microgrid sweep`: many runs of the simulator, one table."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid import __version__
from microgrid.wiring.points import PointStore
from microgrid.wiring.simulate import SimulationRequest, parse_settings
from microgrid.wiring.sweep import Sweep, SweepRequest, plan_sweep, run_sweep
from microgrid.wiring.sweep_values import parse_seeds, parse_vary

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130


@click.command()
@click.argument("scenario")
@click.option("--vary", multiple=True, metavar="KEY=A,B,…", help="Values of a key; several keys give all combinations.")
@click.option("--seeds", metavar="0,1,…", help="Run each combination with each seed. [default: 0]")
@click.option("--repeat", type=click.IntRange(1), help="The same with the seeds 0 to N-1.")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set a key for all runs.")
@click.option("--data", type=click.Path(path_type=Path), help="Profiles of measured homes, CSV or CSV.gz.")
@click.option("--prices", type=click.Path(path_type=Path), help="Grid prices, CSV with a retail_*_per_kwh column.")
@click.option("--retail-column", help="Its column with the retail price. [default: the only one]")
@click.option("--fill", help="How gaps in the data are filled: zero, previous or interpolate. [default: refuse them]")
@click.option("--engine", default="local", show_default=True, help="What runs them: local, processes on this machine.")
@click.option("--scheduler", metavar="URL", help="Address of an engine's scheduler, where it has one.")
@click.option("--workers", type=click.IntRange(1), help="Runs at a time. [default: one for each core]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the sweep. [default: sweeps/SCENARIO]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    context: click.RichContext,
    /,
    *,
    scenario: str,
    vary: tuple[str, ...],
    seeds: str | None,
    repeat: int | None,
    assignments: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    engine: str,
    scheduler: str | None,
    workers: int | None,
    **files: Any,
) -> None:
    """Run SCENARIO with every combination of values and seeds; finished runs are kept, and a later call goes on.

    Example: microgrid sweep community_100 --vary batteries.share=0,0.4,0.8 --vary homes.ev_share=0,0.5 --repeat 3
    """
    base = SimulationRequest(scenario, parse_settings(assignments), **files)
    values, chosen = parse_vary(vary), parse_seeds(seeds, repeat)
    request = SweepRequest(base, values, chosen, engine, workers or os.cpu_count() or 1, scheduler)
    sweep = plan_sweep(request)
    store = PointStore(out or Path("sweeps") / Path(scenario).stem)
    points = _run(sweep, store)
    document = store.write_table(list(request.vary), points, _about(request, sweep))
    click.echo(document if as_json else f"Table: {store.folder / 'sweep.csv'} ({len(points)} runs)", nl=not as_json)
    if _show_failed(sweep, points):
        context.exit(EXIT_FAILED)


def _run(sweep: Sweep, store: PointStore) -> list[dict[str, Any]]:
    finished = 0
    with _progress(len(sweep.points)) as advance:

        def done() -> None:
            nonlocal finished
            finished += 1
            advance()

        try:
            return run_sweep(sweep, store, done)
        except KeyboardInterrupt:
            message = f"Interrupted: {finished} of {len(sweep.points)} runs are kept; the same command goes on."
            click.echo(message, err=True)
            sys.exit(EXIT_INTERRUPTED)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal shows it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415 - as above

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("runs", total=total)
        yield lambda: progress.advance(task)


def _about(request: SweepRequest, sweep: Sweep) -> Mapping[str, Any]:
    """Nothing that depends on where, when and with how many workers a sweep ran."""
    return {
        "scenario": request.base.scenario,
        "keys": list(request.vary),
        "seeds": list(request.seeds),
        "reproduce": {
            "command": _command(request),
            "version": __version__,
            "input_sha256": dict(sweep.hashes),
        },
    }


def _command(request: SweepRequest) -> str:
    """What gives the same table."""
    base, words = request.base, ["microgrid", "sweep", request.base.scenario]
    for key, values in request.vary.items():
        words += ["--vary", f"{key}={','.join(values)}"]
    words += ["--seeds", ",".join(map(str, request.seeds))]
    for key, value in base.settings.items():
        words += ["--set", f"{key}={value}"]
    files = {"--data": base.data, "--prices": base.prices, "--retail-column": base.retail_column, "--fill": base.fill}
    for option, named in files.items():
        words += [option, str(named)] if named is not None else []
    return shlex.join(words)


def _show_failed(sweep: Sweep, points: Sequence[Mapping[str, Any]]) -> bool:
    failed = [
        (point.label, found["error"]) for point, found in zip(sweep.points, points, strict=True) if "error" in found
    ]
    if failed:
        click.echo(f"Failed: {len(failed)} of {len(points)} runs.", err=True)
    for label, error in failed:
        click.echo(f"  {label}: {error}", err=True)
    return bool(failed)
