"""A community's energy and money without a market and with free sharing, in floats over whole arrays.

Arrays have shape (T, N), T intervals and N homes, energies in kWh; prices are currency per kWh and are either one
number or of shape (T,). Ratios are NaN where nothing was generated or used.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray


@dataclass(frozen=True, eq=False, slots=True)
class SelfUse:
    """How much of its own generation a community uses.

    Attributes:
        home_self_consumption: sum min(load, pv) / sum pv of each home, shape (N,).
        home_self_sufficiency: sum min(load, pv) / sum load of each home, shape (N,).
        self_consumption: Of all homes together, each on its own.
        self_sufficiency: Likewise.
        shared_self_consumption: Of all homes together with sharing: loads and generations are summed over homes first.
        shared_self_sufficiency: Likewise.
    """

    home_self_consumption: FloatArray
    home_self_sufficiency: FloatArray
    self_consumption: float
    self_sufficiency: float
    shared_self_consumption: float
    shared_self_sufficiency: float


@dataclass(frozen=True, eq=False, slots=True)
class SharedEnergy:
    """Where a community's energy goes when homes share freely.

    Attributes:
        shared_kwh: sum over time of min(all imports, all exports): what neighbours can trade.
        grid_import_kwh: What the community as a whole draws.
        grid_export_kwh: What it feeds in.
        peak_import_kwh: Largest draw of one interval.
        peak_export_kwh: Largest feed-in of one interval.
    """

    shared_kwh: float
    grid_import_kwh: float
    grid_export_kwh: float
    peak_import_kwh: float
    peak_export_kwh: float


def bills_without_market(
    import_kwh: FloatArray, export_kwh: FloatArray, retail: FloatArray | float, feed_in: FloatArray | float
) -> FloatArray:
    """Bill of each home that trades with the grid alone, shape (N,): sum of retail * import - feed-in * export."""
    bills: FloatArray = (_price(retail) * import_kwh - _price(feed_in) * export_kwh).sum(axis=0)
    return bills


def community_bill(
    import_kwh: FloatArray, export_kwh: FloatArray, retail: FloatArray | float, feed_in: FloatArray | float
) -> float:
    """Bill of the whole community at its common connection, netted over homes in each interval, from (T, N)."""
    net_kwh = (import_kwh - export_kwh).sum(axis=1, keepdims=True)
    return float(bills_without_market(np.maximum(net_kwh, 0), np.maximum(-net_kwh, 0), retail, feed_in)[0])


def self_use(load_kwh: FloatArray, pv_kwh: FloatArray) -> SelfUse:
    """Self-consumption and self-sufficiency, by home and together, from energies of shape (T, N), kWh."""
    own_kwh = np.minimum(load_kwh, pv_kwh).sum(axis=0)
    load, generated = load_kwh.sum(axis=0), pv_kwh.sum(axis=0)
    shared = np.minimum(load_kwh.sum(axis=1), pv_kwh.sum(axis=1)).sum()
    return SelfUse(
        _ratio(own_kwh, generated),
        _ratio(own_kwh, load),
        float(_ratio(own_kwh.sum(), generated.sum())),
        float(_ratio(own_kwh.sum(), load.sum())),
        float(_ratio(shared, generated.sum())),
        float(_ratio(shared, load.sum())),
    )


def shared_energy(import_kwh: FloatArray, export_kwh: FloatArray) -> SharedEnergy:
    """Energy between neighbours and to and from the grid, from metered energies of shape (T, N), kWh."""
    imports, exports = import_kwh.sum(axis=1), export_kwh.sum(axis=1)
    net = imports - exports
    drawn, fed = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    return SharedEnergy(
        float(np.minimum(imports, exports).sum()),
        float(drawn.sum()),
        float(fed.sum()),
        float(drawn.max(initial=0.0)),
        float(fed.max(initial=0.0)),
    )


def _price(price: FloatArray | float) -> FloatArray:
    """As a column, so that prices over time meet homes side by side."""
    return np.asarray(price, dtype=np.float64).reshape(-1, 1)


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(whole, np.nan, dtype=np.float64), where=whole > 0)
