"""What a simulated run leaves behind: exact CSV files, a summary, plots and one HTML report."""

from microgrid.report.simulation.folder import write_simulation_folder

__all__ = ["write_simulation_folder"]
