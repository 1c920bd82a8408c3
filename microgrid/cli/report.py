"""`microgrid report`: draw the report of a run folder anew."""

import json
from pathlib import Path

import rich_click as click

from microgrid.report.rebuild import rebuild

PARTS = ("currency", "period", "totals", "invariants", "worse_off")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: paths and the run's totals.")
def command(run: Path, *, as_json: bool) -> None:
    """Rebuild report.html and the plots of the run folder RUN from its summary and tables.

    RUN is what `microgrid demo` or `microgrid simulate` has written.

    Example: microgrid report runs/demo
    """
    path = rebuild(run)
    if not as_json:
        click.echo(path)
        return
    content = json.loads((run / "summary.json").read_text("utf-8"))
    plots = sorted(str(plot) for plot in (run / "plots").glob("*.png"))
    parts = {key: content[key] for key in PARTS}
    click.echo(json.dumps({"report": str(path), "plots": plots, **parts}, indent=2))
