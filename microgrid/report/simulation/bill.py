"""What a home's bill is made of, in parts that add up to it exactly."""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import IntArray
from microgrid.domain.units import NANO_PER_MICRO
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.central import TIER as CENTRAL


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bill, micro: above zero the home pays, below zero it receives; with the energy behind it, if any."""

    name: str
    amount_micro: int
    energy_wh: int | None = None


def bill_parts(view: SimulationView, home: int, steps: slice | None = None) -> list[Part]:
    """Parts of a home's bill, those of nothing left out; each is rounded down, what that leaves is the part `rounding`.

    Args:
        view: The run; it needs all tables of energy, trading, trades and the community.
        home: Index of the home.
        steps: Intervals to look at; all where absent.
    """
    chosen = steps or slice(0, view.steps)
    parts = [*_traded(view, home, chosen), *_grid(view, home, chosen), *_dividend(view, chosen)]
    for name, sign in (("penalty", 1), ("bonus", -1)):
        parts.append(Part(NAMES[name], sign * int(_money(view, name, home, chosen).sum())))
    bill = int(_money(view, "bill", home, chosen).sum())
    parts.append(Part("rounding", bill - sum(part.amount_micro for part in parts)))
    return [part for part in parts if part.amount_micro or part.energy_wh]


NAMES = {"penalty": "penalties of the regulator", "bonus": "bonuses of the regulator"}


def _money(view: SimulationView, name: str, home: int, steps: slice) -> IntArray:
    return view.whole("prosumer_trading", name)[steps, home]


def _traded(view: SimulationView, home: int, steps: slice) -> list[Part]:
    """What was bought and sold, by market."""
    energy = view.column("all_trades", "energy_kwh").values
    within = (view.trade_steps >= steps.start) & (view.trade_steps < steps.stop)
    parts = []
    sides = (
        ("bought", view.buyers, "price_per_kwh", 1),
        ("sold", view.sellers, "seller_price_per_kwh", -1),
    )
    for word, homes, price, sign in sides:
        for tier, name in enumerate(view.tiers):
            mine = within & (homes == home) & (view.trade_tiers == tier)
            nano = int((energy[mine] * view.column("all_trades", price).values[mine]).sum())
            label = f"{word}: {name.replace('_', ' ')}"
            parts.append(Part(label, sign * nano // NANO_PER_MICRO, int(energy[mine].sum())))
    return parts


def _grid(view: SimulationView, home: int, steps: slice) -> list[Part]:
    """What the grid supplied and took, and what was promised and not kept."""
    bought, sold = (view.whole("prosumer_trading", f"{name}_kwh")[steps, home] for name in ("bought", "sold"))
    imported, exported = (view.whole("prosumer_energy", f"{name}_kwh")[steps, home] for name in ("import", "export"))
    retail, feed_in = (
        view.column("community_summary", f"{name}_per_kwh").values[steps] for name in ("retail", "feed_in")
    )
    shares = (
        ("from the grid", np.maximum(imported - bought, 0), retail, 1),
        ("sold but not delivered, made up by the grid", np.maximum(sold - exported, 0), retail, 1),
        ("to the grid", np.maximum(exported - sold, 0), feed_in, -1),
        ("bought but not used, given to the grid", np.maximum(bought - imported, 0), feed_in, -1),
    )
    return [
        Part(name, sign * int((energy * price).sum()) // NANO_PER_MICRO, int(energy.sum()))
        for name, energy, price, sign in shares
    ]


def _dividend(view: SimulationView, steps: slice) -> list[Part]:
    """The home's equal part of what the central battery earned; the equation stands at `microgrid.sim.central`."""
    if CENTRAL not in view.tiers:
        return []
    energy, step = view.column("all_trades", "energy_kwh").values, view.trade_steps
    into, out = view.sellers == view.homes, view.buyers == view.homes
    value = energy * view.column("all_trades", "price_per_kwh").values
    earned, spent, given, taken = (
        np.bincount(step[side], weights=weights[side], minlength=view.steps).astype(np.int64)
        for side, weights in ((into, value), (out, value), (into, energy), (out, energy))
    )
    charge, discharge, retail, feed_in = (
        view.column("community_summary", name).values
        for name in ("central_charge_kwh", "central_discharge_kwh", "retail_per_kwh", "feed_in_per_kwh")
    )
    grid = (charge - taken) * retail - (discharge - given) * feed_in
    dividend = (earned - spent - grid) // view.homes
    return [Part("share of what the central battery earned or cost", -int(dividend[steps].sum()) // NANO_PER_MICRO)]
