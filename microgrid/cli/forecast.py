"""`microgrid forecast`: score every forecaster on a community."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid.cli._tables import print_table
from microgrid.domain import plugins
from microgrid.wiring.forecasts import score_community
from microgrid.wiring.simulate import SimulationRequest, parse_settings


@click.command()
@click.argument("scenario")
@click.option("--set", "assignments", multiple=True, metavar="KEY=VALUE", help="Set a key, such as homes.count=20.")
@click.option("--data", type=click.Path(path_type=Path), help="Profiles of measured homes, CSV or CSV.gz.")
@click.option("--prices", type=click.Path(path_type=Path), help="Grid prices, CSV with a retail_*_per_kwh column.")
@click.option("--retail-column", help="Its column with the retail price. [default: the only one]")
@click.option("--fill", help="How gaps in the data are filled: zero, previous or interpolate. [default: refuse them]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Draws made-up homes.")
@click.option("--horizon-hours", type=click.IntRange(1), default=24, show_default=True, help="How far each one goes.")
@click.option("--every-hours", type=click.IntRange(1), default=24, show_default=True, help="From one to the next.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(
    scenario: str,
    *,
    assignments: tuple[str, ...],
    horizon_hours: int,
    every_hours: int,
    as_json: bool,
    **files: Any,
) -> None:
    """Score every forecaster on the homes and prices of SCENARIO, by rolling origin against yesterday.

    The first half of what is known, with the days before the run, is only learned from. Skill is 1 less the ratio to
    the error of "as yesterday": above zero is better than that.

    Example: microgrid forecast summer_week --data homes.csv.gz --prices prices.csv
    """
    request = SimulationRequest(scenario, parse_settings(assignments), **files)
    scores = score_community(request, horizon_hours=horizon_hours, every_hours=every_hours)
    if as_json:
        document = {series: {name: asdict(score) for name, score in found.items()} for series, found in scores.items()}
        click.echo(json.dumps(document).replace("NaN", "null"))
        return
    rows = [
        (series, name, f"{score.mae:.4f}", f"{score.rmse:.4f}", _shown(score.mase), _shown(score.skill))
        for series, found in scores.items()
        for name, score in found.items()
    ]
    for name in set(plugins.names("forecaster")) - set(next(iter(scores.values()))):
        click.echo(f"{name} is left out: it needs a package that is not installed", err=True)
    print_table(("series", "forecaster", "MAE", "RMSE", "MASE", "skill"), rows)


def _shown(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"  # noqa: PLR0124 - NaN is not itself
