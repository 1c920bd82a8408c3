"""Results of a run: its arrays, and the figures and tables that are drawn from them when asked for."""

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from microgrid.sim.figures import figures
from microgrid.sim.outcome import Energy, Grid, Money, Outcome, Trades, Trading
from microgrid.sim.tables import Table, all_tables

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Energy", "Grid", "Money", "Results", "Trades", "Trading"]


class Results(Outcome):
    """A whole run of the simulator with its figures and tables."""

    @cached_property
    def metrics(self) -> Mapping[str, Any]:
        """Figures of the run by group and name; see `microgrid.sim.figures`."""
        return figures(self)

    @cached_property
    def columns(self) -> Mapping[str, Table]:
        """The tables of a run folder as columns of integers and text."""
        return all_tables(self)

    @property
    def tables(self) -> "Mapping[str, pd.DataFrame]":
        """The tables of a run folder as DataFrames: energy in kWh, money in currency units, times in UTC."""
        return {name: table.to_frame() for name, table in self.columns.items()}
