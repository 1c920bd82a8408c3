"""`microgrid explain`: why a home paid what it paid."""

import json
from pathlib import Path

import rich_click as click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--home", required=True, help="The home, as bills.csv names it.")
@click.option(
    "--step",
    "when",
    help="One interval: its number from 0, or an ISO time within it (UTC where it names no zone). "
    "[default: the whole bill]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(run: Path, home: str, when: str | None, *, as_json: bool) -> None:
    """Explain the bill of a home in the run folder RUN: its parts, its trades and why they had their prices.

    Example: microgrid explain runs/community_100 --home h001 --step 12
    """
    from microgrid.report.explain import explain  # noqa: PLC0415 - `--help` needs no report
    from microgrid.report.telling import bill_lines, step_lines  # noqa: PLC0415 - as above

    told = explain(run, home, when)
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for line in bill_lines(told) if when is None else step_lines(told):
        click.echo(line)
