"""What `summary.json` calls the content of a run folder."""

FORMAT = "microgrid-run/1"
SIMULATION_FORMAT = "microgrid-simulation/1"
