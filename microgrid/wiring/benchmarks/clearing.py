"""Clearing a book from arrays to arrays, beside numpy's time to sort its prices."""

import numpy as np

from microgrid.market.merit_order import clear_arrays
from microgrid.wiring.measuring import Figure, best_of

SMALL, LARGE, QUICK = 1_000, 100_000, 200
SMALL_BAR_S, LARGE_BAR_TIMES_SORTING = 2e-3, 5.0
SMALL_RUNS, LARGE_RUNS = 200, 20


def run(*, quick: bool) -> list[Figure]:
    """As many bids as asks: a thousand and a hundred thousand of each; quick: 200 of each."""
    if quick:
        return [_figure(QUICK, 1, None, None)]
    return [_figure(SMALL, SMALL_RUNS, SMALL_BAR_S, None), _figure(LARGE, LARGE_RUNS, None, LARGE_BAR_TIMES_SORTING)]


def _figure(orders: int, runs: int, bar_s: float | None, times_sorting: float | None) -> Figure:
    chance = np.random.default_rng(7)
    bid_price, ask_price = chance.uniform(0.10, 0.30, orders), chance.uniform(0.08, 0.28, orders)
    bid_kwh, ask_kwh = chance.uniform(0.1, 2.0, (2, orders))
    sorting = best_of(runs, lambda: (np.sort(bid_price), np.sort(ask_price)))
    return Figure(
        f"{orders:,} bids and {orders:,} asks",
        best_of(runs, lambda: clear_arrays(bid_price, bid_kwh, ask_price, ask_kwh)),
        "s",
        "numpy.sort of both price arrays",
        sorting,
        bar_s if times_sorting is None else times_sorting * sorting,
        runs,
    )
