"""What each kind of plug-in offers: one page, one small protocol each.

A plug-in is a module. Its one function makes what the protocol describes:

    tariff       build(**parameters) -> Tariff                    microgrid/tariffs
    forecaster   build(interval_seconds) -> Forecaster            microgrid/planning/forecasters
    strategy     build(generator) -> Strategy, one for each home  microgrid/planning/strategies
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
from microgrid.domain.records import Order, PriceBand

EnergyArray = npt.NDArray[np.int64]


class Tariff(Protocol):
    """Grid prices over time."""

    def bands(self, intervals: Sequence[Interval]) -> list[PriceBand]:
        """Feed-in and retail price of each interval, micro per kWh."""


class Forecaster(Protocol):
    """Net energy of the next interval from what a home has measured."""

    def forecast(self, history_wh: EnergyArray, actual_wh: int) -> int:
        """Net energy (load minus PV) of the coming interval in Wh.

        Args:
            history_wh: Net energy of all earlier intervals, oldest first, Wh.
            actual_wh: What the interval will bring; only an exact forecaster looks at it.
        """


class Strategy(Protocol):
    """Turns a forecast into an order."""

    def limit_price(self, net_wh: int, band: PriceBand, fee_micro_per_kwh: int) -> int | None:
        """Limit price in micro per kWh for buying (`net_wh` > 0) or selling (`net_wh` < 0).

        None where the home stays out: nothing to trade, or a fee that leaves no rational price.
        """


class OrderSource(Protocol):
    """A home as the market sees it."""

    def order(self, interval: Interval, band: PriceBand) -> Order | None:
        """The home's order for an interval, or None where it stays out."""


class Ledger(Protocol):
    """Where a simulated community writes down what was traded."""

    def record(self, interval: Interval, transactions: Sequence[Transaction]) -> tuple[str, ...]:
        """Write transactions down at the end of an interval, in this order.

        Returns:
            Hashes of the blocks that hold them, oldest first; empty where no block was made.
        """

    def close(self) -> LedgerHistory:
        """All that was recorded so far; it can be asked for again."""
