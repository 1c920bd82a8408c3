"""The community simulator: a scenario and a seed in, results out; arrays, no I/O.

`run(Scenario.from_mapping({"homes": {"count": 20}}), seed=0).metrics`
"""

from microgrid.sim.results import Results
from microgrid.sim.run import run
from microgrid.sim.scenario import Scenario

__all__ = ["Results", "Scenario", "run"]
