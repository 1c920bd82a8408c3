"""Where the community's energy comes from and goes."""

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.report.simulation.plots.sketch import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    QUIET,
    RED,
    SKY,
    Axes,
    Sketch,
    area,
    bands,
    legend_above,
    room_above,
    stepped,
    thinned,
    time_axis,
)
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.central import TIER as CENTRAL

NET_LINES = (
    ("load", "used", INK, "-"),
    ("generated", "generated", ORANGE, "-"),
    ("net", "from the grid, net", BLUE, "--"),
)


def central(view: SimulationView, name: str) -> FloatArray:
    """Energy of the community's own battery, kWh, shape (T,)."""
    return view.series(f"central_{name}_kwh") if CENTRAL in view.tiers else np.zeros(view.steps)


def net_kwh(view: SimulationView) -> FloatArray:
    """What the community as a whole takes from the grid, kWh, shape (T,)."""
    return view.series("import_kwh") - view.series("export_kwh") + central(view, "charge") - central(view, "discharge")


def _sources(axes: Axes, view: SimulationView) -> str:
    load, pv, discharge = (view.energy(name) for name in ("load", "pv", "discharge"))
    direct = np.minimum(load, pv)
    battery = np.minimum(load - direct, discharge)
    rest = load - direct - battery
    neighbours = np.minimum(rest, view.by_home("prosumer_trading", "bought_kwh"))
    parts = [part.sum(axis=1) for part in (direct, battery, neighbours, rest - neighbours)]
    labels = ("own panels", "own battery", "traded in the community", "grid")
    _stack(axes, view, parts, labels, (ORANGE, GREEN, BLUE, QUIET), ("", "//", "..", ""))
    axes.set_ylabel("power used (kW)")
    shares = [float(part.sum()) / max(float(load.sum()), 1e-12) for part in parts]
    told = ", ".join(f"{share:.0%} {label}" for share, label in zip(shares, labels, strict=True))
    return f"Of {load.sum():,.0f} kWh used: {told}."


def _generation(axes: Axes, view: SimulationView) -> str:
    pv, load, charge, exported = (view.energy(name) for name in ("pv", "load", "charge", "export"))
    direct = np.minimum(pv, load)
    stored = np.minimum(pv - direct, charge)
    rest = pv - direct - stored
    traded = np.minimum(rest, np.minimum(view.by_home("prosumer_trading", "sold_kwh"), exported))
    parts = [part.sum(axis=1) for part in (direct, stored, traded, rest - traded)]
    labels = ("used at once", "into own battery", "traded in the community", "to the grid")
    _stack(axes, view, parts, labels, (ORANGE, GREEN, BLUE, QUIET), ("", "//", "..", ""))
    axes.set_ylabel("power generated (kW)")
    kept = 1 - float(parts[-1].sum()) / max(float(pv.sum()), 1e-12)
    return f"{kept:.0%} of {pv.sum():,.0f} kWh generated stayed with the homes; the rest was fed into the grid."


def _stack(
    axes: Axes,
    view: SimulationView,
    parts: list[FloatArray],
    labels: tuple[str, ...],
    colours: tuple[str, ...],
    hatches: tuple[str, ...],
) -> None:
    edges, power = thinned(view, np.stack(parts, axis=1) / view.hours)
    lower = np.zeros(len(power))
    for place, (label, colour, hatch) in enumerate(zip(labels, colours, hatches, strict=True)):
        area(axes, edges, lower, lower + power[:, place], colour, label, hatch=hatch)
        lower = lower + power[:, place]
    axes.step(edges, stepped(lower), where="post", color=INK, linewidth=1)
    room_above(axes)
    legend_above(axes)
    time_axis(axes, view)


def _net(axes: Axes, view: SimulationView) -> str:
    series = np.stack([view.series("load_kwh"), view.series("pv_kwh"), net_kwh(view)], axis=1)
    edges, power = thinned(view, series / view.hours)
    for place, (_, label, colour, style) in enumerate(NET_LINES):
        axes.step(edges, stepped(power[:, place]), style, where="post", color=colour, linewidth=1.6, label=label)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel("power (kW); below zero: to the grid")
    legend_above(axes, 3)
    time_axis(axes, view)
    net = series[:, 2] / view.hours
    taken, given = max(net.max(), 0), max(-net.min(), 0)
    return f"The community takes at most {taken:,.1f} kW from the grid and gives at most {given:,.1f} kW."


def has_batteries(view: SimulationView) -> bool:
    """Whether anybody, or the community, has a battery."""
    return view.steps > 0 and bool((view.series("soc_kwh") > 0).any() or view.series("charge_kwh").any())


def _batteries(axes: Axes, view: SimulationView) -> str:
    charge = view.series("charge_kwh") + central(view, "charge")
    discharge = view.series("discharge_kwh") + central(view, "discharge")
    edges, power = thinned(view, np.stack([charge, -discharge], axis=1) / view.hours)
    area(axes, edges, 0, power[:, 0], GREEN, "charging")
    area(axes, edges, 0, power[:, 1], RED, "discharging", hatch="//")
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_ylabel("power (kW)")
    level = axes.twinx()
    times, stored = thinned(view, view.series("soc_kwh"))
    level.plot(times[1:], stored, color=INK, linewidth=1.8, label="stored (right)")
    level.set_ylim(0, max(stored.max(), 1e-6) * 1.15)
    level.set_ylabel("energy stored (kWh)")
    level.spines["right"].set_visible(True)
    handles = [*axes.get_legend_handles_labels()[0], *level.get_legend_handles_labels()[0]]
    legend_above(axes, 3, handles)
    time_axis(axes, view)
    return f"Batteries took in {charge.sum():,.0f} kWh and gave back {discharge.sum():,.0f} kWh."


def _owners(view: SimulationView) -> FloatArray:
    """Capacity of each home's battery, kWh, shape (N,)."""
    return np.array([home["battery_kwh"] for home in view.summary["homes"]], dtype=np.float64)


def _several_owners(view: SimulationView) -> bool:
    return view.steps > 0 and int((_owners(view) > 0).sum()) > 1


def _charge_states(axes: Axes, view: SimulationView) -> str:
    capacity = _owners(view)
    owners = capacity > 0
    share = 100 * view.energy("soc")[:, owners] / capacity[owners]
    edges, levels = thinned(view, share)
    bands(axes, edges[1:], levels, GREEN)
    axes.set_ylim(0, 100)
    axes.set_ylabel("state of charge (% of capacity)")
    legend_above(axes, 3)
    time_axis(axes, view)
    end = np.median(share[-1])
    return f"{int(owners.sum()):,} homes with a battery; the middle one ends at {end:.0f} %."


def _duration(axes: Axes, view: SimulationView) -> str:
    """Highest first, of three ways to look at the same connection."""
    uncontrolled = np.array(view.summary["series"]["uncontrolled_load_wh"]) / 1000 - view.series("pv_kwh")
    curves = (
        (net_kwh(view), "as run", BLUE, "-"),
        (uncontrolled, "without batteries and shifted loads", RED, "--"),
        (np.array(view.summary["series"]["uncontrolled_load_wh"]) / 1000, "without panels too", QUIET, ":"),
    )
    percent = 100 * (np.arange(view.steps) + 0.5) / view.steps
    for energy, label, colour, style in curves:
        power = np.sort(energy / view.hours)[::-1]
        axes.plot(percent, power, style, color=colour, linewidth=1.8, label=label)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.set_xlabel("share of the time (%)")
    axes.set_ylabel("power from the grid (kW)")
    axes.set_xlim(0, 100)
    legend_above(axes, 2)
    peak, plain = (max(curves[place][0].max(), 0) / view.hours for place in (0, 1))
    return f"At most {peak:,.1f} kW came from the grid; without batteries and shifted loads {plain:,.1f} kW would have."


def _has_flexible(view: SimulationView) -> bool:
    return view.steps > 0 and bool(view.series("flexible_kwh").any())


def _flexible(axes: Axes, view: SimulationView) -> str:
    fixed = view.series("load_kwh") - view.series("flexible_kwh")
    plain = np.array(view.summary["series"]["uncontrolled_load_wh"]) / 1000 - fixed
    edges, power = thinned(view, np.stack([view.series("flexible_kwh"), plain], axis=1) / view.hours)
    area(axes, edges, 0, power[:, 0], SKY, "as run", alpha=0.6)
    axes.step(edges, stepped(power[:, 1]), "--", where="post", color=PURPLE, linewidth=1.8, label="if it ran at once")
    axes.set_ylabel("cars and heat pumps (kW)")
    room_above(axes)
    legend_above(axes)
    time_axis(axes, view)
    moved = np.abs(view.series("flexible_kwh") - plain).sum() / 2
    total = view.series("flexible_kwh").sum()
    return f"{total:,.0f} kWh of cars and heat pumps, of which about {moved:,.0f} kWh ran at another time."


def _emissions(axes: Axes, view: SimulationView) -> str:
    carbon = np.array(view.summary["series"]["carbon_kg_per_kwh"])
    net = np.maximum(net_kwh(view), 0)
    curves = (
        (view.series("load_kwh") * carbon, "all from the grid", QUIET, ":"),
        (view.series("import_kwh") * carbon, "each home for itself", RED, "--"),
        (net * carbon, "as a community", GREEN, "-"),
    )
    for kilograms, label, colour, style in curves:
        axes.plot(
            view.edges, np.concatenate([[0], np.cumsum(kilograms)]), style, color=colour, linewidth=1.8, label=label
        )
    room_above(axes)
    axes.set_ylabel("emissions so far (kg CO₂)")
    legend_above(axes, 2)
    time_axis(axes, view)
    everything, own = float(curves[0][0].sum()), float(curves[2][0].sum())
    return f"Grid energy caused {own:,.0f} kg CO₂ instead of {everything:,.0f} kg if all energy came from the grid."


def _has_emissions(view: SimulationView) -> bool:
    return view.steps > 0 and any(view.summary["series"]["carbon_kg_per_kwh"])


SKETCHES = (
    Sketch("energy_sources", "Where the energy used came from", _sources),
    Sketch(
        "generation_use", "Where the solar energy went", _generation, lambda view: bool(view.series("pv_kwh").any())
    ),
    Sketch("load_pv_net", "Use, generation and exchange with the grid", _net),
    Sketch("battery_flows", "Batteries of the community: power and energy stored", _batteries, has_batteries),
    Sketch("state_of_charge", "State of charge of the homes' batteries", _charge_states, _several_owners),
    Sketch("load_duration", "Load duration curve of the community", _duration),
    Sketch("flexible_load", "Cars and heat pumps: as run and if uncontrolled", _flexible, _has_flexible),
    Sketch("emissions", "Emissions of the grid energy used", _emissions, _has_emissions),
)
