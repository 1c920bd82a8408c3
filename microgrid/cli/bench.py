"""`microgrid bench`: how fast this is here, each figure beside a yardstick measured in the same run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import rich_click as click

from microgrid.domain import plugins
from microgrid.wiring.measuring import Figure, machine

EXIT_FAILED = 1
PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"))


@click.command()
@click.argument("names", nargs=-1)
@click.option("--quick", is_flag=True, help="Tiny sizes, no bars: only whether everything runs.")
@click.option("--strict", is_flag=True, help="Exit with 1 where a bar is missed.")
@click.option("--list", "as_list", is_flag=True, help="List the benchmarks.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def command(
    context: click.RichContext, /, *, names: tuple[str, ...], quick: bool, strict: bool, as_list: bool, as_json: bool
) -> None:
    """Measure the benchmarks of these NAMES, or all of them.

    Example: microgrid bench clearing mining
    """
    modules = {name: plugins.load("benchmark", name) for name in names or plugins.names("benchmark")}
    summaries = {name: str(module.__doc__).partition("\n")[0] for name, module in modules.items()}
    if as_list:
        _show_list(summaries, as_json=as_json)
        return
    before = machine()
    measured: dict[str, Sequence[Figure]] = {}
    for name, module in modules.items():
        measured[name] = module.run(quick=quick)
        if not as_json:
            _show(name, measured[name])
    if as_json:
        click.echo(json.dumps(_document(measured, summaries, before, quick=quick), indent=1, ensure_ascii=False))
    else:
        _show_machine(before)
    if strict and any(figure.holds is False for figures in measured.values() for figure in figures):
        context.exit(EXIT_FAILED)


def _show_list(summaries: Mapping[str, str], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([{"name": name, "summary": summary} for name, summary in summaries.items()]))
        return
    for name, summary in summaries.items():
        click.echo(f"{name:<16}{summary}")


def _document(
    measured: Mapping[str, Sequence[Figure]], summaries: Mapping[str, str], before: Mapping[str, Any], *, quick: bool
) -> dict[str, Any]:
    return {
        "format": "microgrid-bench/1",
        "quick": quick,
        "machine": {**before, "load_average_after": machine()["load_average"]},
        "benchmarks": [
            {"name": name, "summary": summaries[name], "figures": [figure.to_mapping() for figure in figures]}
            for name, figures in measured.items()
        ],
    }


def _show(name: str, figures: Sequence[Figure]) -> None:
    """A figure is three lines at most, so that nothing is cut off on a narrow terminal."""
    click.echo(name)
    for figure in figures:
        best = f", best of {figure.runs}" if figure.runs > 1 else ""
        bar = {None: "", True: "holds", False: "MISSED"}[figure.holds]
        click.echo(f"  {figure.name}: {shown(figure.value, figure.unit)}{best}")
        click.echo(f"    beside {shown(figure.yardstick_value, figure.unit)}: {figure.yardstick_name}")
        if figure.bar is not None:
            click.echo(f"    bar {shown(figure.bar, figure.unit)}: {bar}")


def _show_machine(before: Mapping[str, Any]) -> None:
    load, after = before["load_average"], machine()["load_average"]
    busy = f"; load average {load[0]:.1f} before, {after[0]:.1f} after" if load and after else ""
    click.echo(f"{before['cores']} cores, Python {before['python']}, numpy {before['numpy']}{busy}")


def shown(value: float, unit: str) -> str:
    """Three digits and a unit: 1.23 ms, 456 MB, 1.05."""
    if unit == "bytes":
        return f"{value / 1e6:,.0f} MB"
    if unit != "s":
        return f"{value:.3g}"
    scale, prefix = next((pair for pair in PREFIXES if value >= pair[0]), PREFIXES[-1])
    return f"{value / scale:.3g} {prefix}s"
