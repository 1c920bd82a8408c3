"""Draw the report of a run folder anew, whatever kind of run it holds."""

from pathlib import Path

from microgrid.report.formats import SIMULATION_FORMAT
from microgrid.report.html import rebuild_report
from microgrid.report.simulation.page import rebuild_simulation_report
from microgrid.report.simulation.reading import read_json


def rebuild(folder: Path) -> Path:
    """Draw `report.html` and the plots of a run folder from its summary and tables.

    Returns:
        Path of `report.html`.

    Raises:
        RunFolderError: the folder holds no run, or a summary that lacks something.
        DataFileError: one of its tables is damaged.
    """
    simulated = read_json(folder).get("format") == SIMULATION_FORMAT
    return rebuild_simulation_report(folder) if simulated else rebuild_report(folder)
