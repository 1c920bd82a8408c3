"""Markets: how much, at which prices, from which orders."""

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.report.simulation.plots.sketch import (
    BLUE,
    INK,
    ORANGE,
    PAPER,
    QUIET,
    TIER_COLOURS,
    TIER_MARKERS,
    Axes,
    Sketch,
    area,
    heat_map,
    legend_above,
    room_above,
    short,
    stepped,
    thinned,
    time_axis,
    words,
)
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.central import TIER as CENTRAL

TIER_HATCHES = ("", "//", "..", "xx")
MOST_ROWS = 50
FEW_ROWS = 25
BINS = 40


def has_trades(view: SimulationView) -> bool:
    """Whether anything was traded."""
    return view.steps > 0 and view.tables["all_trades"].rows > 0


def bought_by_homes(view: SimulationView) -> FloatArray:
    """Energy that homes bought in each market, kWh, shape (tiers, T); what the central battery bought is not theirs."""
    energy, homes = np.zeros((len(view.tiers), view.steps)), view.buyers < view.homes
    bought = view.values("all_trades", "energy_kwh")[homes]
    np.add.at(energy, (view.trade_tiers[homes], view.trade_steps[homes]), bought)
    return energy


def _origin(axes: Axes, view: SimulationView) -> str:
    traded = bought_by_homes(view)
    grid = np.maximum(view.series("import_kwh") - view.by_home("prosumer_trading", "bought_kwh").sum(axis=1), 0)
    edges, power = thinned(view, np.concatenate([traded, grid[None]]).T / view.hours)
    colours, hatches = (*TIER_COLOURS[: len(traded)], QUIET), (*TIER_HATCHES[: len(traded)], "")
    lower = np.zeros(len(power))
    for place, name in enumerate((*view.tiers, "grid")):
        area(axes, edges, lower, lower + power[:, place], colours[place], words(name), hatch=hatches[place])
        lower = lower + power[:, place]
    axes.set_ylabel("power bought (kW)")
    room_above(axes)
    legend_above(axes, 3)
    time_axis(axes, view)
    told = ", ".join(f"{energy.sum():,.1f} kWh {words(name)}" for name, energy in zip(view.tiers, traded, strict=True))
    return f"Bought by homes: {told}, {grid.sum():,.1f} kWh from the grid."


def _prices(axes: Axes, view: SimulationView) -> str:
    band = np.stack([view.series("feed_in_per_kwh"), view.series("retail_per_kwh")], axis=1)
    edges, limits = thinned(view, band)
    low, high = stepped(limits[:, 0]), stepped(limits[:, 1])
    axes.fill_between(edges, low, high, step="post", color=BLUE, alpha=0.07, linewidth=0)
    axes.step(edges, high, "--", where="post", color=INK, linewidth=1, label="grid retail")
    axes.step(edges, low, ":", where="post", color=INK, linewidth=1, label="grid feed-in")
    for tier, name in enumerate(view.tiers):
        _tier_prices(axes, view, tier, name)
    axes.set_ylabel(f"price ({view.currency} per kWh)")
    room_above(axes, 0.05)
    legend_above(axes, 2)
    time_axis(axes, view)
    price = view.values("all_trades", "price_per_kwh")
    return (
        f"Trades cost buyers {price.min():.4f} to {price.max():.4f} {view.currency} per kWh; "
        "a line shows the mean of a market, the shade around it its cheapest and dearest trade."
    )


def _tier_prices(axes: Axes, view: SimulationView, tier: int, name: str) -> None:
    """Mean by energy, lowest and highest price of one market; NaN where it did not trade."""
    chosen = view.trade_tiers == tier
    if not chosen.any():
        return
    price, energy = view.values("all_trades", "price_per_kwh")[chosen], view.values("all_trades", "energy_kwh")[chosen]
    width = -(-view.steps // 400)
    group = view.trade_steps[chosen] // width
    count = -(-view.steps // width)
    paid, volume = (np.bincount(group, weights=weights, minlength=count) for weights in (price * energy, energy))
    mean = np.divide(paid, volume, out=np.full(count, np.nan), where=volume > 0)
    lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(lowest, group, price)
    np.maximum.at(highest, group, price)
    nothing = volume == 0
    lowest[nothing], highest[nothing] = np.nan, np.nan
    times, colour = view.edges[:-1:width], TIER_COLOURS[tier % len(TIER_COLOURS)]
    axes.fill_between(times, lowest, highest, color=colour, alpha=0.22, linewidth=0)
    marker = TIER_MARKERS[tier % len(TIER_MARKERS)]
    axes.plot(times, mean, marker=marker, markersize=3.5, color=colour, linewidth=1.4, label=words(name))


def _orders(axes: Axes, view: SimulationView) -> str:
    by_order = [tier != CENTRAL for tier in view.tiers]  # the central battery takes and gives without orders
    traded = bought_by_homes(view)[by_order].sum(axis=0)
    series = np.stack([view.series("bid_kwh"), view.series("offered_kwh"), traded], axis=1)
    edges, power = thinned(view, series / view.hours)
    axes.step(edges, stepped(power[:, 0]), where="post", color=BLUE, linewidth=1.8, label="wanted by buyers")
    axes.step(edges, stepped(power[:, 1]), "--", where="post", color=ORANGE, linewidth=1.8, label="offered by sellers")
    axes.fill_between(edges, 0, stepped(power[:, 2]), step="post", color=QUIET, alpha=0.5, linewidth=0, label="traded")
    axes.set_ylabel("order book (kW)")
    room_above(axes)
    legend_above(axes, 3)
    time_axis(axes, view)
    bid, offered, done = series.sum(axis=0)
    return f"{bid:,.0f} kWh were wanted and {offered:,.0f} kWh offered; {done:,.1f} kWh changed hands."


def _limits(axes: Axes, view: SimulationView) -> str:
    """How much energy was wanted and offered at which limit; buyers above zero, sellers below."""
    order, limit = view.values("prosumer_trading", "order_kwh"), view.values("prosumer_trading", "limit_price_per_kwh")
    side = view.column("prosumer_trading", "side")
    means = []
    span = limit[order > 0]
    bins = np.linspace(span.min(), span.max() + 1e-6, BINS + 1)
    for name, colour, sign, hatch in (("buy", BLUE, 1, ""), ("sell", ORANGE, -1, "//")):
        code = side.labels.index(name) if name in side.labels else -1
        chosen = side.values == code
        energy, _ = np.histogram(limit[chosen], bins, weights=order[chosen])
        means.append(float(np.average(limit[chosen], weights=order[chosen])) if order[chosen].sum() else float("nan"))
        label = "buyers: at most this price" if sign > 0 else "sellers: at least this price"
        axes.bar(
            bins[:-1], sign * energy, np.diff(bins), align="edge", color=colour, hatch=hatch or None,
            edgecolor=PAPER, linewidth=0, label=label,
        )  # fmt: skip
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel(f"limit price ({view.currency} per kWh)")
    axes.set_ylabel("energy ordered (kWh)")
    legend_above(axes, 1)
    return f"On average buyers bid up to {means[0]:.4f} and sellers asked for {means[1]:.4f} {view.currency} per kWh."


def _has_orders(view: SimulationView) -> bool:
    return view.steps > 0 and bool(view.values("prosumer_trading", "order_kwh").any())


def _heat_map(axes: Axes, view: SimulationView) -> str:
    """Homes by how much they traded; a long run is folded into the hours of a mean day."""
    traded = view.by_home("prosumer_trading", "bought_kwh") + view.by_home("prosumer_trading", "sold_kwh")
    hour = np.array([edge.hour for edge in view.edges[:-1]])
    days = max(view.steps * view.hours / 24, 1)
    by_hour = np.zeros((24, view.homes))
    np.add.at(by_hour, hour, traded)
    order = np.argsort(by_hour.sum(axis=0), kind="stable")[::-1]
    rows = [group for group in np.array_split(order, min(view.homes, MOST_ROWS)) if len(group)]
    cells = np.stack([by_hour[:, group].mean(axis=1) for group in rows]) / days
    heat_map(axes, cells, "kWh per hour, mean of a day", extent=(0, 24, len(rows), 0))
    axes.set_xticks(range(0, 25, 4))
    axes.set_xlabel("hour of the day (UTC)")
    if view.homes <= FEW_ROWS:
        axes.set_yticks(np.arange(len(rows)) + 0.5, [short(view.home_ids[home]) for home in order], fontsize=7)
    else:
        axes.set_yticks([])
        grouped = f", in {len(rows)} groups" if len(rows) < view.homes else ""
        axes.set_ylabel(f"{view.homes:,} homes{grouped}, busiest on top")
    busiest = int(by_hour.sum(axis=1).argmax())
    return f"Most was traded between {busiest}:00 and {busiest + 1}:00 UTC; bought and sold energy are added up."


SKETCHES = (
    Sketch("import_origin", "Energy bought: neighbours, local market, grid", _origin),
    Sketch("prices", "Prices in the community and of the grid", _prices, has_trades),
    Sketch("order_book", "Depth of the order book", _orders, _has_orders),
    Sketch("limit_prices", "Limit prices of all orders", _limits, _has_orders),
    Sketch("trade_heatmap", "Who traded when", _heat_map, has_trades, (4.3, 3.4)),
)
