"""The chain and its miners."""

from datetime import UTC, datetime

import numpy as np

from microgrid.report.simulation.plots.sketch import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    QUIET,
    Axes,
    Sketch,
    legend_above,
    room_above,
    time_axis,
)
from microgrid.report.simulation.view import SimulationView

MOST_MINERS = 30
FEW_BLOCKS = 120
DAY_S = 86_400
HEX = 16


def _has_blocks(view: SimulationView) -> bool:
    return view.steps > 0 and bool(view.summary["ledger"] and view.summary["ledger"]["blocks"])


def _miners(axes: Axes, view: SimulationView) -> str:
    """Blocks won, against what the share of computing power lets expect."""
    ledger = view.summary["ledger"]
    miners = sorted(ledger["miners"], key=lambda miner: -miner["blocks"])[:MOST_MINERS]
    power, blocks = sum(miner["power"] for miner in ledger["miners"]), len(ledger["blocks"])
    places = np.arange(len(miners))
    axes.bar(places, [miner["blocks"] for miner in miners], 0.8, color=BLUE, label="blocks won")
    expected = [blocks * miner["power"] / power for miner in miners]
    axes.plot(places, expected, "D", color=ORANGE, markersize=5, label="expected by hashing power")
    axes.set_xticks(places, [miner["name"].removeprefix("miner-") for miner in miners], fontsize=8)
    axes.set_xlabel("miner")
    axes.set_ylabel("blocks")
    axes.yaxis.get_major_locator().set_params(integer=True)
    room_above(axes)
    legend_above(axes)
    best = miners[0]
    share = f"{best['power'] / power:.0%} of the computing power"
    return f"{best['name']} won {best['blocks']} of {blocks:,} blocks with {share}."


def _over_time(axes: Axes, view: SimulationView) -> str:
    blocks = view.summary["ledger"]["blocks"]
    stamps = np.array([block["timestamp_s"] for block in blocks])
    start, seconds = view.edges[0].timestamp(), view.summary["period"]["interval_seconds"]
    step = np.clip((np.ceil((stamps - start) / seconds) - 1).astype(int), 0, view.steps - 1)
    width = -(-view.steps // 100)
    count = -(-view.steps // width)
    made = np.bincount(step // width, minlength=count)
    entries = np.bincount(step // width, weights=[block["transactions"] for block in blocks], minlength=count)
    starts = view.edges[:-1:width]
    axes.bar(starts, made, width * seconds / DAY_S * 0.9, align="edge", color=BLUE, label="blocks (left)")
    axes.set_ylabel(f"blocks per {_span(width * seconds)}")
    axes.yaxis.get_major_locator().set_params(integer=True)
    right = axes.twinx()
    middle = [datetime.fromtimestamp(begin.timestamp() + width * seconds / 2, UTC) for begin in starts]
    right.plot(middle, entries, "o-", color=ORANGE, markersize=3.5, linewidth=1.2, label="transactions (right)")
    right.set_ylabel("transactions")
    right.spines["right"].set_visible(True)
    room_above(axes)
    room_above(right)
    legend_above(axes, 2, [*axes.get_legend_handles_labels()[0], *right.get_legend_handles_labels()[0]])
    time_axis(axes, view)
    return f"{len(blocks):,} blocks hold {int(entries.sum()):,} transactions, rewards of miners included."


def _span(seconds: int) -> str:
    return f"{seconds // 60} min" if seconds < 7_200 else f"{seconds / 3600:g} h"  # noqa: PLR2004 - two hours


def _hashes(axes: Axes, view: SimulationView) -> str:
    ledger = view.summary["ledger"]
    hashes = np.array([block["hashes"] for block in ledger["blocks"]])
    numbers = np.array([block["index"] for block in ledger["blocks"]])
    expected = HEX ** ledger["difficulty"]
    if len(hashes) <= FEW_BLOCKS:
        axes.bar(numbers, hashes, 0.8, color=GREEN, label="hashes tried")
    else:
        axes.plot(numbers, hashes, ".", color=GREEN, markersize=2, label="hashes tried")
    axes.axhline(hashes.mean(), color=INK, linewidth=1.2, label=f"mean: {hashes.mean():,.0f}")
    axes.axhline(expected, color=QUIET, linewidth=1.2, linestyle="--", label=f"expected: {expected:,}")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_xlabel("block")
    axes.set_ylabel("hashes")
    room_above(axes, 0.05)
    legend_above(axes, 2)
    zeros = f"{ledger['difficulty']} leading zeros let expect {expected:,}"
    return f"A block took {hashes.mean():,.0f} hashes on average; {zeros}."


SKETCHES = (
    Sketch("miners", "Blocks by miner", _miners, _has_blocks),
    Sketch("blocks_over_time", "Blocks and transactions over time", _over_time, _has_blocks),
    Sketch("hashes_per_block", "Work behind each block", _hashes, _has_blocks),
)
