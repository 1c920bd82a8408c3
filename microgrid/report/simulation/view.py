"""A simulated run as report, plots and explanations see it: the summary, and the tables as columns.

It is the same whether it comes from results in memory or from a folder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.sim.tables import BATTERY_NAME, Column, Table


@dataclass(frozen=True, eq=False)
class SimulationView:
    """A run of T intervals and N homes.

    Attributes:
        summary: As in `summary.json`.
        tables: By name of the file.
    """

    summary: Mapping[str, Any]
    tables: Mapping[str, Table]

    @property
    def steps(self) -> int:
        """T."""
        return int(self.summary["period"]["intervals"])

    @property
    def hours(self) -> float:
        """Length of an interval."""
        return float(self.summary["period"]["interval_seconds"]) / 3600

    @property
    def currency(self) -> str:
        """Code to print behind amounts."""
        return str(self.summary["currency"])

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the markets."""
        return tuple(self.summary["tiers"])

    @property
    def settings(self) -> Mapping[str, Any]:
        """The scenario as plain values."""
        settings: Mapping[str, Any] = self.summary["settings"]
        return settings

    @cached_property
    def home_ids(self) -> tuple[str, ...]:
        """Names of the N homes."""
        return tuple(home["home_id"] for home in self.summary["homes"])

    @property
    def homes(self) -> int:
        """N."""
        return len(self.home_ids)

    @cached_property
    def edges(self) -> list[datetime]:
        """Starts of all intervals and the end of the last, UTC."""
        starts = texts(self.column("community_summary", "interval_start"))
        return [datetime.fromisoformat(stamp) for stamp in (*starts, self.summary["period"]["end"])]

    def column(self, table: str, name: str) -> Column:
        """A column.

        Raises:
            KeyError: there is none of that name.
        """
        for column in self.tables[table].columns:
            if column.name == name:
                return column
        raise KeyError(f"{table}.{name}")  # noqa: EM102 - the name is all there is to say

    def whole(self, table: str, name: str) -> IntArray:
        """A column of energy or money by home in whole Wh or micro, shape (T, N)."""
        return self.column(table, name).values.reshape(self.steps, self.homes)

    def values(self, table: str, name: str) -> FloatArray:
        """A column in kWh, currency units or a count, shape (rows,)."""
        column = self.column(table, name)
        scaled: FloatArray = column.values / 10**column.decimals
        return scaled

    def by_home(self, table: str, name: str) -> FloatArray:
        """A column of `prosumer_energy` or `prosumer_trading`, shape (T, N)."""
        return self.values(table, name).reshape(self.steps, self.homes)

    def energy(self, name: str) -> FloatArray:
        """`name`_kwh of each interval and home, shape (T, N)."""
        return self.by_home("prosumer_energy", f"{name}_kwh")

    def series(self, name: str) -> FloatArray:
        """A column of `community_summary`, shape (T,)."""
        return self.values("community_summary", name)

    def bill(self, name: str) -> FloatArray:
        """A column of `bills`, shape (N,)."""
        return self.values("bills", name)

    @cached_property
    def trade_steps(self) -> IntArray:
        """Interval of each trade, shape (trades,)."""
        places = {stamp.isoformat(): step for step, stamp in enumerate(self.edges)}
        return self._places("interval_start", places)

    @cached_property
    def buyers(self) -> IntArray:
        """Buyer of each trade, N for the central battery, shape (trades,)."""
        return self._places("buyer", self._home_places)

    @cached_property
    def sellers(self) -> IntArray:
        """Seller of each trade, N for the central battery, shape (trades,)."""
        return self._places("seller", self._home_places)

    @cached_property
    def trade_tiers(self) -> IntArray:
        """Market of each trade, an index into `tiers`, shape (trades,)."""
        return self._places("kind", {tier: place for place, tier in enumerate(self.tiers)})

    @cached_property
    def _home_places(self) -> Mapping[str, int]:
        return {name: place for place, name in enumerate((*self.home_ids, BATTERY_NAME))}

    def _places(self, name: str, places: Mapping[str, int]) -> IntArray:
        column = self.column("all_trades", name)
        known = np.array([places.get(label, -1) for label in column.labels] or [0], dtype=np.int64)
        result: IntArray = known[column.values]
        return result


def texts(column: Column) -> list[str]:
    """A column of labels as text."""
    return [column.labels[value] for value in column.values.tolist()]
