"""What each kind of plug-in offers: one page, one small protocol each.

A plug-in is a module. Its one function makes what the protocol describes:

    tariff       build(**parameters) -> Tariff                    microgrid/tariffs
    forecaster   build(interval_seconds) -> Forecaster            microgrid/planning/forecasters
    strategy     build(generator) -> Strategy, one for each home  microgrid/planning/strategies
                 build_many(count, generator) -> Strategies
    optimiser    solve(problem, **parameters) -> Plan             microgrid/planning/optimisers
    mechanism    clear_book(book, **parameters) -> Clearing       microgrid/market/mechanisms
    ledger       build(generator, **parameters) -> Ledger         microgrid/ledger
    engine       run(work, tasks, workers, died) -> results       microgrid/wiring/engines
    benchmark    run(quick) -> list of figures                    microgrid/wiring/benchmarks
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from microgrid.domain.blocks import LedgerHistory, Transaction
from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand

EnergyArray = npt.NDArray[np.int64]
SeriesArray = npt.NDArray[np.float64]
Prices = int | EnergyArray
"""One price for all homes or one each, micro per kWh."""

OUT = -1
"""Stands for a limit price where a home stays out of the market."""


class Tariff(Protocol):
    """Grid prices over time."""

    def bands(self, intervals: Sequence[Interval]) -> list[PriceBand]:
        """Feed-in and retail price of each interval, micro per kWh."""


class Forecaster(Protocol):
    """What comes next, from what has been measured: one home's next interval, or many series far ahead."""

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:
        """Net energy (load minus PV) of the coming interval in Wh.

        Args:
            history_wh: Net energy of all earlier intervals, oldest first, Wh, shape (H,).
            actual_wh: What the interval will bring; only an exact forecaster looks at it.
        """

    def ahead(self, history: SeriesArray, actual: SeriesArray, *, per_day: int) -> SeriesArray:
        """The coming S intervals of N series (load, generation, a price), shape (S, N), in the unit of the history.

        Args:
            history: All earlier intervals, oldest first, shape (H, N); H may be 0.
            actual: What the coming intervals will bring, shape (S, N); only an exact forecaster looks at its values.
            per_day: Intervals of a day.
        """


class Strategy(Protocol):
    """Turns a forecast into an order."""

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit price in micro per kWh for buying (`net_wh` > 0) or selling (`net_wh` < 0).

        None where the home stays out: nothing to trade, or a fee that leaves no rational price.
        """


class Strategies(Protocol):
    """The strategies of N homes at once; home by home they give what N single ones would."""

    def limit_prices(self, net_wh: EnergyArray, feed_in: Prices, retail: Prices, fee: Prices) -> EnergyArray:
        """Limit price of each home in micro per kWh, shape (N,); `OUT` where the home stays out.

        Args:
            net_wh: What each home wants to buy (above zero) or sell (below zero), Wh, shape (N,).
            feed_in: What the grid pays.
            retail: What the grid asks.
            fee: Fee on bought energy.
        """


class Ledger(Protocol):
    """Where a simulated community writes down what was traded."""

    def record(self, interval: Interval, transactions: Sequence[Transaction]) -> tuple[str, ...]:
        """Write transactions down at the end of an interval, in this order.

        Returns:
            Hashes of the blocks that hold them, oldest first; empty where no block was made.
        """

    def close(self) -> LedgerHistory:
        """All that was recorded so far; it can be asked for again."""
