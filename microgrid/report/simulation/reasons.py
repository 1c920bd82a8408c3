"""Why a trade had its price: one sentence with the figures, for each family of market rules.

A formula is told only where it gives the price that was paid; otherwise the sentence keeps to the limits.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.arrays import IntArray
from microgrid.domain.units import MICRO_PER_UNIT, micro
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.central import TIER as CENTRAL

TOLERANCE_MICRO = 2
"""Prices and limits are rounded to a micro each."""


@dataclass(frozen=True, slots=True)
class PricedTrade:
    """A trade with all that its price may come from; prices in micro per kWh.

    Attributes:
        market: Name of the market it took place in.
        paid: What the buyer paid, without the fee on all trades.
        received: What the seller got.
        bid: The buyer's limit.
        ask: The seller's limit.
        served_bids: Limits of all buyers who traded in that market and interval.
        served_asks: Limits of all sellers, likewise.
        feed_in: What the grid pays.
        retail: What the grid asks.
        wanted_wh: All energy that buyers ordered.
        offered_wh: All energy that sellers ordered.
        k: Parameter of the rule that splits a gain; None where it has none.
    """

    market: str
    paid: int
    received: int
    bid: int
    ask: int
    served_bids: IntArray
    served_asks: IntArray
    feed_in: int
    retail: int
    wanted_wh: int
    offered_wh: int
    k: float | None


def priced_trade(view: SimulationView, trade: int) -> PricedTrade:
    """Gather what belongs to a trade, given by its row in `all_trades`."""
    step, tier = int(view.trade_steps[trade]), int(view.trade_tiers[trade])
    buyer, seller = int(view.buyers[trade]), int(view.sellers[trade])
    limit = np.append(view.whole("prosumer_trading", "limit_price_per_kwh")[step], 0)
    order, side = view.whole("prosumer_trading", "order_kwh")[step], view.column("prosumer_trading", "side")
    sides = np.array(side.labels)[side.values.reshape(view.steps, view.homes)[step]]
    alike = (view.trade_steps == step) & (view.trade_tiers == tier)
    fee = micro(view.settings["market"]["trading_fee"]) if view.tiers[tier] != CENTRAL else 0
    return PricedTrade(
        market=view.tiers[tier],
        paid=int(view.column("all_trades", "price_per_kwh").values[trade]) - fee,
        received=int(view.column("all_trades", "seller_price_per_kwh").values[trade]),
        bid=int(limit[buyer]),
        ask=int(limit[seller]),
        served_bids=limit[view.buyers[alike]],
        served_asks=limit[view.sellers[alike]],
        feed_in=int(view.column("community_summary", "feed_in_per_kwh").values[step]),
        retail=int(view.column("community_summary", "retail_per_kwh").values[step]),
        wanted_wh=int(order[sides == "buy"].sum()),
        offered_wh=int(order[sides == "sell"].sum()),
        k=_parameter(view, "k"),
    )


def _parameter(view: SimulationView, name: str) -> float | None:
    """A parameter of the run's rule: as set, else the rule's default; None where it has none."""
    market = view.settings["market"]
    if name in market["parameters"]:
        return float(market["parameters"][name])
    known = inspect.signature(plugins.load("mechanism", market["mechanism"]).clear_book).parameters
    return float(known[name].default) if name in known else None


def why(trade: PricedTrade) -> str:
    """The sentence."""
    told = FAMILIES.get(trade.market, _plain)(trade)
    return told or _plain(trade)


def price(micro_per_kwh: float) -> str:
    """A price in currency units, four to six decimals."""
    text = f"{micro_per_kwh / MICRO_PER_UNIT:.6f}"
    return text.removesuffix("00")


def _close(*pairs: tuple[float, float]) -> bool:
    return all(abs(found - told) <= TOLERANCE_MICRO for found, told in pairs)


def _plain(trade: PricedTrade) -> str:
    limits = f"the buyer would pay up to {price(trade.bid)}, the seller asked at least {price(trade.ask)}"
    return f"the rule {trade.market.replace('_', ' ')} set it: {limits}"


def _pair(trade: PricedTrade) -> str:
    """`bilateral`, `pay_as_bid`: ask + k (bid - ask)."""
    k = 0.0 if trade.k is None else trade.k
    if trade.k is None or not _close((trade.paid, trade.ask + k * (trade.bid - trade.ask))):
        return ""
    return (
        "this pair has its own price between the limits of seller and buyer, "
        f"{price(trade.ask)} + {k:g} x ({price(trade.bid)} - {price(trade.ask)}) = {price(trade.paid)}"
    )


def _uniform(trade: PricedTrade) -> str:
    """`uniform_price`, `local_market`, `tick_auction`: one price at the margin of the book."""
    low, high = int(trade.served_asks.max()), int(trade.served_bids.min())
    fee = trade.paid - trade.received
    if not low - TOLERANCE_MICRO <= trade.received <= high - fee + TOLERANCE_MICRO:
        return ""
    with_fee = f", on top of which buyers pay the market's fee of {price(fee)}" if fee else ""
    return (
        f"everybody in this market had the one price {price(trade.received)}{with_fee}: it lies between the dearest "
        f"seller who was served (limit {price(low)}) and the cheapest buyer who was served (limit {price(high)})"
    )


def _last_pair(trade: PricedTrade) -> str:
    low, high = int(trade.served_asks.max()), int(trade.served_bids.min())
    k = 0.0 if trade.k is None else trade.k
    if not _close((trade.paid, (1 - k) * low + k * high)):
        return ""
    return (
        f"everybody had one price, from the last pair that traded: its seller asked {price(low)}, its buyer bid "
        f"{price(high)}, and (1 - {k:g}) x {price(low)} + {k:g} x {price(high)} = {price(trade.paid)}"
    )


def _continuous(trade: PricedTrade) -> str:
    if trade.paid == trade.ask:
        return f"the seller was there first and waited: the price is its limit {price(trade.ask)}"
    if trade.paid == trade.bid:
        return f"the buyer was there first and waited: the price is its limit {price(trade.bid)}"
    return ""


def _truthful(trade: PricedTrade) -> str:
    """`mcafee`, `huang`: prices set by orders that do not trade."""
    if trade.market == "mcafee" and trade.paid == trade.received:
        return f"everybody had the one price {price(trade.paid)}, the middle of the first pair that was left out"
    return (
        f"the last pair that could trade was left out and set the prices: buyers pay its bid {price(trade.paid)}, "
        f"sellers get its ask {price(trade.received)}, the operator keeps the difference"
    )


def _pivot(trade: PricedTrade) -> str:
    return (
        f"each pays what its presence costs the others: without this buyer (limit {price(trade.bid)}) its energy would "
        f"have been worth {price(trade.paid)} to others; without this seller (limit {price(trade.ask)}) replacing its "
        f"energy would have cost {price(trade.received)}; the operator covers the difference"
    )


def _middle(trade: PricedTrade) -> str:
    middle = (trade.retail + trade.feed_in) / 2
    if not _close((trade.paid, middle)):
        return ""
    return (
        f"the middle of the grid's prices: ({price(trade.retail)} + {price(trade.feed_in)}) / 2 = {price(trade.paid)}"
    )


def _ratio(trade: PricedTrade) -> str:
    if trade.offered_wh >= trade.wanted_wh:
        told = "at least as much was offered as wanted, so the price is the grid's feed-in price"
        right = float(trade.feed_in)
    else:
        ratio = trade.offered_wh / trade.wanted_wh
        right = trade.feed_in * trade.retail / max((trade.retail - trade.feed_in) * ratio + trade.feed_in, 1)
        told = f"{ratio:.1%} of the energy wanted was offered, which lies that far from retail {price(trade.retail)} "
        told += f"to feed-in {price(trade.feed_in)} on the rule's curve"
    return f"{told}: {price(trade.paid)}" if _close((trade.paid, right)) else ""


def _shared(trade: PricedTrade) -> str:
    return "" if trade.paid else "neighbours give each other energy for nothing and share the community's bill"


FAMILIES: dict[str, Callable[[PricedTrade], str]] = {
    "bilateral": _pair,
    "pay_as_bid": _pair,
    "uniform_price": _uniform,
    "local_market": _uniform,
    "tick_auction": _uniform,
    "last_pair": _last_pair,
    "continuous": _continuous,
    "mcafee": _truthful,
    "huang": _truthful,
    "vcg": _pivot,
    "mid_market_rate": _middle,
    "supply_demand_ratio": _ratio,
    "bill_sharing": _shared,
    CENTRAL: _middle,
}
