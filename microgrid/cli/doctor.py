"""`microgrid doctor`: what is there, what answers, what to do about the rest."""

import json
import sys

import rich_click as click
from rich.console import Console
from rich.table import Table

from microgrid.config import load_settings
from microgrid.domain.errors import MicrogridError
from microgrid.wiring.doctor import Finding, State, examine

MARKS = {State.OK: "[green]ok[/]", State.OPTIONAL: "[yellow]not there[/]", State.BROKEN: "[red]broken[/]"}


class UnhealthyError(MicrogridError):
    """Something that is needed does not work."""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(*, as_json: bool) -> None:
    """Say what is installed and reachable, and what to do about what is not.

    Parts that only some commands need are told as such; exit code 1 means that something needed is broken.

    Example: microgrid doctor
    """
    findings = examine(load_settings())
    if as_json:
        click.echo(json.dumps([finding.to_dict() for finding in findings], indent=2))
    else:
        Console(file=sys.stdout).print(_table(findings))
    if broken := [finding.part for finding in findings if finding.state is State.BROKEN]:
        raise UnhealthyError(", ".join(broken) + " must be mended first")


def _table(findings: list[Finding]) -> Table:
    table = Table(title="microgrid doctor")
    for name in ("part", "state", "found", "what to do"):
        table.add_column(name, overflow="fold")
    for finding in findings:
        table.add_row(finding.part, MARKS[finding.state], finding.found, finding.remedy)
    return table
