"""Write the folder of a simulated run, whole or not at all."""

import json
from collections.abc import Mapping
from pathlib import Path

from microgrid.domain.run import Reproduce
from microgrid.ledger import chain_to_json
from microgrid.report.columns import write_table
from microgrid.report.folder import check_target, replacing
from microgrid.report.simulation.page import write_report
from microgrid.report.simulation.summary import summary
from microgrid.report.simulation.view import SimulationView
from microgrid.report.summary import scenario_toml
from microgrid.sim.results import Results


def write_simulation_folder(
    results: Results,
    target: Path,
    *,
    command: str,
    version: str,
    inputs_hashes: Mapping[str, str],
    plots: bool = True,
    timings: Mapping[str, float] | None = None,
) -> Path:
    """Write `target` beside itself and then rename it into place; an earlier run there is replaced.

    Args:
        results: The run.
        target: The folder to make.
        command: What was typed to run it.
        version: Version of the program.
        inputs_hashes: SHA-256 of each input file by name.
        plots: Whether plots and report are drawn; `microgrid report` draws them later.
        timings: Seconds by stage; the one part that differs between two runs of one seed.

    Raises:
        RunFolderError: the target is a file or a folder with other things in it, or cannot be written.
    """
    check_target(target)
    reproduce = Reproduce(command, version, results.seed, inputs_hashes)
    content = summary(results, reproduce, timings or {})
    tables = {
        name: table for name, table in results.columns.items() if name != "credit_transfers" or content["credits"]
    }
    with replacing(target) as folder:
        _write(folder / "summary.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        for name, table in tables.items():
            write_table(folder / f"{name}.csv", table)
        _write(folder / "scenario.toml", scenario_toml(results.scenario.to_mapping()))
        if results.ledger is not None and results.ledger.chain is not None:
            _write(folder / "blocks.json", chain_to_json(results.ledger.chain) + "\n")
        if plots:
            write_report(folder, SimulationView(content, tables))
    return target


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
