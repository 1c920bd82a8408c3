"""The figures of a run: what the community and its homes gained, and what it cost the grid and the air.

Money in currency units, energy in kWh, shares and ratios without a unit; a ratio of nothing is None.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.units import MICRO_PER_UNIT, WH_PER_KWH
from microgrid.planning.scoring import mean_absolute_error, root_mean_square_error
from microgrid.settlement.community import community_bill
from microgrid.sim.metrics.energy import (
    EnergyFlows,
    emissions,
    peak_to_average_ratio,
    saving_percent,
    self_use_with_batteries,
    traded_share,
    traded_share_of_possible,
    trading_homes_share,
)
from microgrid.sim.metrics.fairness import fairness, gini_unbiased
from microgrid.sim.metrics.zhou import zhou_indexes
from microgrid.sim.outcome import Outcome


def figures(result: Outcome) -> Mapping[str, Any]:
    """All figures by group and name, plain values only."""
    return {
        "bills": _bills(result),
        "energy": _energy(result),
        "forecast": _forecast(result),
        "market": _market(result),
        "fairness": _fairness(result),
        "zhou_2018": _zhou(result),
        "emissions": _emissions(result),
        "regulator": _regulator(result),
        "ledger": _ledger(result),
        "credits": _credits(result),
    }


def _kwh(energy_wh: IntArray) -> FloatArray:
    return energy_wh / WH_PER_KWH


def _units(amount_micro: IntArray) -> FloatArray:
    return amount_micro / MICRO_PER_UNIT


def _plain(value: Any) -> Any:
    """A number as JSON can hold it."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _bills(result: Outcome) -> dict[str, Any]:
    bill, alone, baseline = (getattr(result, name) for name in ("bill_micro", "without_market_micro", "baseline_micro"))
    saving = alone - bill
    return {
        "bill": _plain(_units(bill.sum())),
        "without_market": _plain(_units(alone.sum())),
        "baseline": _plain(_units(baseline.sum())),
        "saving_by_market": _plain(_units(saving.sum())),
        "saving_by_storage": _plain(_units((baseline - alone).sum())),
        "saving_percent": _plain(saving_percent(float(_units(bill.sum())), float(_units(baseline.sum())))),
        "homes_better_off": int((saving > 0).sum()),
        "homes_worse_off": int((saving < 0).sum()),
        "best_home": result.home_ids[int(saving.argmax())],
        "best_saving": _plain(_units(saving.max())),
        "worst_home": result.home_ids[int(saving.argmin())],
        "worst_saving": _plain(_units(saving.min())),
    }


def _flows(result: Outcome) -> EnergyFlows:
    energy = result.energy
    return EnergyFlows(*(_kwh(flow) for flow in (energy.load_wh, energy.pv_wh, energy.charge_wh, energy.discharge_wh)))


def _energy(result: Outcome) -> dict[str, Any]:
    energy, use = result.energy, self_use_with_batteries(_flows(result))
    net = _through_the_connection(result)
    drawn = np.maximum(net, 0.0)
    pv = energy.pv_wh.sum()
    return {
        "load_kwh": _plain(_kwh(energy.load_wh.sum())),
        "flexible_kwh": _plain(_kwh(energy.flexible_wh.sum())),
        "pv_kwh": _plain(_kwh(pv)),
        "charge_kwh": _plain(_kwh(energy.charge_wh.sum() + energy.central_charge_wh.sum())),
        "discharge_kwh": _plain(_kwh(energy.discharge_wh.sum() + energy.central_discharge_wh.sum())),
        "import_kwh": _plain(_kwh(energy.import_wh.sum())),
        "export_kwh": _plain(_kwh(energy.export_wh.sum())),
        "grid_import_kwh": _plain(drawn.sum()),
        "grid_export_kwh": _plain(np.maximum(-net, 0.0).sum()),
        "peak_import_kw": _plain(drawn.max() / result.first.hours),
        "peak_export_kw": _plain(np.maximum(-net, 0.0).max() / result.first.hours),
        "peak_to_average": _plain(peak_to_average_ratio(drawn)),
        "self_consumption": _plain(use.self_consumption),
        "self_sufficiency": _plain(use.self_sufficiency),
        "shared_self_consumption": _plain(use.shared_self_consumption),
        "shared_self_sufficiency": _plain(use.shared_self_sufficiency),
        "renewable_use": _plain(renewable_use(result)),
        "renewable_own_use": _plain(result.own_use_wh.sum() / pv if pv else None),
    }


def _through_the_connection(result: Outcome) -> FloatArray:
    """What the community takes from the grid (above zero) or gives to it, kWh, shape (T,).

    Summed in whole Wh: of a community that needs no grid nothing may be left over.
    """
    energy = result.energy
    homes = (energy.import_wh - energy.export_wh).sum(axis=1)
    return _kwh(homes + energy.central_charge_wh - energy.central_discharge_wh)


def _forecast(result: Outcome) -> dict[str, Any]:
    """Errors of what homes expected of load minus PV, kWh per home and interval."""
    energy = result.energy
    actual = _kwh(energy.load_wh - energy.flexible_wh - energy.pv_wh)
    expected = _kwh(energy.forecast_net_wh)
    return {
        "net_mae_kwh": mean_absolute_error(expected, actual),
        "net_rmse_kwh": root_mean_square_error(expected, actual),
    }


def renewable_use(result: Outcome) -> float | None:
    """Share of the generation that stays in the community: used, stored or traded; None without generation."""
    energy, trading = result.energy, result.trading
    pv = int(energy.pv_wh.sum())
    sold = np.minimum(trading.sold_wh.sum(axis=0), energy.export_wh)
    kept = np.minimum(energy.pv_wh, energy.pv_wh - energy.export_wh + sold)
    return float(np.maximum(kept, 0).sum() / pv) if pv else None


def _market(result: Outcome) -> dict[str, Any]:
    trading, trades = result.trading, result.trades
    bought, sold = _kwh(trading.bought_wh.sum(axis=0)), _kwh(trading.sold_wh.sum(axis=0))
    imports, exports = _kwh(result.energy.import_wh), _kwh(result.energy.export_wh)
    traded = float(_kwh(trades.energy_wh.sum()))
    paid = float((trades.energy_wh * trades.buyer_micro).sum() / WH_PER_KWH / MICRO_PER_UNIT)
    tiers = enumerate(result.tiers)
    return {
        "traded_kwh": traded,
        "trades": len(trades.energy_wh),
        "orders": int(np.count_nonzero(trading.order_wh)),
        "mean_price_per_kwh": paid / traded if traded else None,
        "traded_share": _plain(traded_share(float(bought.sum()), imports)),
        "traded_share_of_possible": _plain(traded_share_of_possible(traded, imports, exports)),
        "participation": _plain(trading_homes_share(bought, sold)),
        "operator": _plain(_units(result.money.operator_micro.sum())),
        "tiers": {name: _tier(result, tier) for tier, name in tiers},
    }


def _tier(result: Outcome, tier: int) -> dict[str, Any]:
    chosen = result.trades.tier == tier
    energy = result.trades.energy_wh[chosen]
    return {"trades": int(chosen.sum()), "traded_kwh": _plain(_kwh(energy.sum()))}


def _fairness(result: Outcome) -> dict[str, Any]:
    """Of the savings against no market, and of the bills themselves."""
    saving = _units(result.without_market_micro - result.bill_micro)
    equity = asdict(fairness(saving))
    worst = equity.pop("worst_home")
    figures_ = {name: _plain(value) for name, value in equity.items()}
    spread = {"gini_unbiased": _plain(gini_unbiased(np.maximum(saving, 0.0)))}
    return {**figures_, **spread, "worst_home": result.home_ids[int(worst)]}


def _zhou(result: Outcome) -> dict[str, Any]:
    """On bills without the regulator's money, which is none of the community's."""
    grid, flows = result.grid, _flows(result)
    retail, feed_in = _units(grid.retail_micro), _units(grid.feed_in_micro)
    least = community_bill(_kwh(result.energy.import_wh), _kwh(result.energy.export_wh), retail, feed_in)
    indexes = zhou_indexes(
        flows.load_kwh,
        flows.pv_kwh,
        _units(-result.trading.amount_micro.sum(axis=0)),
        _units(result.without_market_micro),
        least,
        net_kwh=_kwh(result.energy.import_wh - result.energy.export_wh),
    )
    synthesis = ("economic_performance", "technical_performance", "overall_performance")
    totals = {name: _plain(getattr(indexes, name)()) for name in synthesis}
    return {name: _plain(value) for name, value in asdict(indexes).items()} | totals


def _emissions(result: Outcome) -> dict[str, Any]:
    energy = result.energy
    net = _through_the_connection(result)
    load = _kwh(energy.load_wh).sum(axis=1)
    total = emissions(load, np.maximum(net, 0.0), np.maximum(-net, 0.0), result.grid.carbon_kg_per_kwh)
    return {name: _plain(value) for name, value in asdict(total).items()}


def _regulator(result: Outcome) -> dict[str, Any]:
    trading = result.trading
    return {
        "bonus": _plain(_units(trading.bonus_micro.sum())),
        "penalty": _plain(_units(trading.penalty_micro.sum())),
        "bans": len(result.bans),
        "banned_homes": len({ban.home for ban in result.bans}),
    }


def _ledger(result: Outcome) -> dict[str, Any]:
    history = result.ledger
    if history is not None and history.contracts is not None:
        return {"blocks": history.contracts.blocks, "transactions": history.contracts.transactions, "hashes": 0}
    if history is None or history.chain is None:
        return {"blocks": 0, "transactions": 0, "hashes": 0}
    blocks = history.chain.blocks[1:]
    return {
        "blocks": len(blocks),
        "transactions": sum(len(block.transactions) - 1 for block in blocks),
        "hashes": sum(miner.hashes for miner in history.miners),
    }


def _credits(result: Outcome) -> dict[str, Any]:
    log = result.transfers
    done = [entry for entry in log if not entry.refused]
    return {
        "transfers": len(done),
        "refused": len(log) - len(done),
        "moved_kwh": sum(entry.amount_wh for entry in done) / WH_PER_KWH,
    }
