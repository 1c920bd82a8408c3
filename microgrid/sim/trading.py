"""One market step: net positions and limits in, trades in whole Wh and micro per kWh out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.records import PriceBand
from microgrid.domain.units import MICRO_PER_UNIT, WH_PER_KWH, units
from microgrid.market import Book, Clearing
from microgrid.market.comparison import parameters_of
from microgrid.market.invariants import broken
from microgrid.market.quanta import QUANTA_PER_WH, summed

LOCAL_MARKET = "local_market"


@dataclass(frozen=True, eq=False, slots=True)
class Orders:
    """What homes want in one step, shape (N,).

    Attributes:
        net_wh: Above zero to buy, below zero to sell, zero to stay out.
        limit_micro: Limit price, micro per kWh.
    """

    net_wh: IntArray
    limit_micro: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class StepTrades:
    """Trades of one step, shape (trades,).

    Attributes:
        buyer: Index of the home that buys.
        seller: Index of the home that sells.
        energy_wh: Energy.
        buyer_micro: What the buyer pays, micro per kWh.
        seller_micro: What the seller gets, micro per kWh.
        tier: Which market it comes from: an index into `Rule.tiers`.
    """

    buyer: IntArray
    seller: IntArray
    energy_wh: IntArray
    buyer_micro: IntArray
    seller_micro: IntArray
    tier: IntArray

    def bought_wh(self, homes: int) -> IntArray:
        """Energy bought by each home, shape (N,)."""
        return summed(self.buyer, self.energy_wh, homes)

    def sold_wh(self, homes: int) -> IntArray:
        """Energy sold by each home, shape (N,)."""
        return summed(self.seller, self.energy_wh, homes)

    def market_nano(self, homes: int) -> IntArray:
        """What each home gets from its trades less what it pays, nano, shape (N,)."""
        received = summed(self.seller, self.energy_wh * self.seller_micro, homes)
        return received - summed(self.buyer, self.energy_wh * self.buyer_micro, homes)

    def operator_nano(self) -> int:
        """What buyers pay and sellers do not get; below zero the operator adds."""
        return int((self.energy_wh * (self.buyer_micro - self.seller_micro)).sum())

    @property
    def columns(self) -> tuple[IntArray, ...]:
        """All columns, in the order of the attributes."""
        return self.buyer, self.seller, self.energy_wh, self.buyer_micro, self.seller_micro, self.tier

    def of_tier(self, tier: int) -> "StepTrades":
        """The trades of one tier."""
        return StepTrades(*(column[self.tier == tier] for column in self.columns))

    def then(self, others: "StepTrades") -> "StepTrades":
        """These trades and others after them."""
        return StepTrades(*(np.concatenate(pair) for pair in zip(self.columns, others.columns, strict=True)))


class Rule:
    """A clearing rule with its parameters, as the simulator uses it.

    Args:
        mechanism: Name of the rule.
        parameters: Its own parameters; those that name grid prices are set in each step.
        fee_micro: Fee on each kWh bought in any market.
    """

    def __init__(self, mechanism: str, parameters: Mapping[str, float], fee_micro: int = 0) -> None:
        module = plugins.load("mechanism", mechanism)
        self._clear: Any = module.clear_book
        self._known = tuple(parameters_of(mechanism))
        self._parameters, self._fee = dict(parameters), fee_micro
        self.mechanism = mechanism
        self.tiers: tuple[str, ...] = getattr(module, "TIERS", (mechanism,))

    @property
    def known_parameters(self) -> tuple[str, ...]:
        """Names of the rule's parameters."""
        return self._known

    def trade(self, orders: Orders, band: PriceBand) -> tuple[StepTrades, list[str]]:
        """Clear the orders of one step.

        Returns:
            The trades, and the names of the invariants that the clearing breaks.
        """
        buyers, sellers = np.flatnonzero(orders.net_wh > 0), np.flatnonzero(orders.net_wh < 0)
        book = Book(
            orders.limit_micro[buyers] / MICRO_PER_UNIT,
            orders.net_wh[buyers] / WH_PER_KWH,
            orders.limit_micro[sellers] / MICRO_PER_UNIT,
            -orders.net_wh[sellers] / WH_PER_KWH,
        )
        clearing: Clearing = self._clear(book, **self._settings(band))
        return self._whole(clearing, buyers, sellers), broken(clearing)

    def _settings(self, band: PriceBand) -> dict[str, float]:
        grid = {
            "retail": band.retail,
            "feed_in": band.feed_in,
            "floor": band.feed_in,
            "cap": band.retail,
            "reference": band.reference,
        }
        return {name: units(price) for name, price in grid.items() if name in self._known} | self._parameters

    def last_resort_wh(self, trades: StepTrades, homes: int) -> IntArray:
        """Energy that each home bought from the local market, shape (N,)."""
        if LOCAL_MARKET not in self.tiers:
            return np.zeros(homes, dtype=np.int64)
        return trades.of_tier(self.tiers.index(LOCAL_MARKET)).bought_wh(homes)

    def _whole(self, clearing: Clearing, buyers: IntArray, sellers: IntArray) -> StepTrades:
        trades = clearing.trades
        energy_wh = trades.quanta // QUANTA_PER_WH
        return StepTrades(
            buyers[trades.buyer],
            sellers[trades.seller],
            energy_wh,
            _micro(trades.buyer_price) + self._fee,
            _micro(trades.seller_price),
            np.zeros_like(energy_wh) if trades.tier is None else trades.tier.astype(np.int64),
        )


def _micro(price: FloatArray) -> IntArray:
    """Prices between two whole limits stay between them when rounded."""
    whole: IntArray = np.rint(price * MICRO_PER_UNIT).astype(np.int64)
    return whole
