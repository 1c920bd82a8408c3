"""Energy of a community with batteries: own use, peaks, trade, savings, emissions.

What a community without batteries generates, shares and pays is in `microgrid.settlement.community`; here batteries
take part, and a home's net energy is

    net = load - pv + charge - discharge,    import = max(net, 0),    export = max(-net, 0)

in each interval. Energies are kWh per interval, shape (T, N) for homes; functions that sum or take a maximum over time
also take (T,) for a community. Ratios are NaN where what they divide by is zero.
"""

from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import MetricError
from microgrid.settlement.community import SelfUse, shared_energy

Values = FloatArray | float

WORLD_KG_PER_KWH = 0.48
"""Mean emissions of the world's electricity in 2023, kg of CO2 per kWh. Ember, Global Electricity Review 2024."""


@dataclass(frozen=True, eq=False, slots=True)
class EnergyFlows:
    """What homes and their batteries did, each array of shape (T, N).

    Attributes:
        load_kwh: Consumption.
        pv_kwh: Generation that was used or fed in; curtailed energy is no part of it.
        charge_kwh: Energy into batteries, at their terminals; at least 0.
        discharge_kwh: Energy out of them; at least 0.

    Raises:
        MetricError: arrays of different shapes, or not of intervals and homes.
    """

    load_kwh: FloatArray
    pv_kwh: FloatArray
    charge_kwh: FloatArray | None = None
    discharge_kwh: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in ("load_kwh", "pv_kwh", "charge_kwh", "discharge_kwh"):
            flow = getattr(self, name)
            if flow is not None and (flow.ndim != 2 or flow.shape != self.load_kwh.shape):  # noqa: PLR2004 - time, homes
                raise MetricError(what=f"shape of {name}", found=flow.shape, right="(T, N), that of load_kwh")

    @property
    def net_kwh(self) -> FloatArray:
        """Energy from the grid or neighbours, below zero to them, shape (T, N)."""
        net = self.load_kwh - self.pv_kwh
        if self.charge_kwh is not None:
            net = net + self.charge_kwh
        return net if self.discharge_kwh is None else net - self.discharge_kwh

    @property
    def import_kwh(self) -> FloatArray:
        """Net energy drawn, shape (T, N)."""
        return np.maximum(self.net_kwh, 0.0)

    @property
    def export_kwh(self) -> FloatArray:
        """Net energy fed in, shape (T, N)."""
        return np.maximum(-self.net_kwh, 0.0)


@dataclass(frozen=True, eq=False, slots=True)
class Emissions:
    """CO2 of one home or community, or of each home: kg over the whole time.

    Attributes:
        imported_kg: Of the energy drawn.
        without_own_energy_kg: Of the load, had all of it been drawn.
        avoided_by_own_use_kg: The difference; below zero where batteries draw more than they save.
        avoided_by_export_kg: Of the grid energy that exports replace.
    """

    imported_kg: FloatArray
    without_own_energy_kg: FloatArray
    avoided_by_own_use_kg: FloatArray
    avoided_by_export_kg: FloatArray


def self_use_with_batteries(flows: EnergyFlows) -> SelfUse:
    """Self-consumption (pv - export) / pv and self-sufficiency (load - import) / load, sums over time.

    Of each home, of all homes with each on its own, and of all with sharing, when net energy is summed over homes
    before it is import or export. Without batteries these are the ratios of `settlement.community.self_use`, as in
    Luthander et al., Applied Energy 142 (2015) 80. Energy lost in a battery or left in it counts as own use; where a
    battery draws from the grid to sell later, a ratio may fall below zero.
    """
    load, pv, net = flows.load_kwh.sum(axis=0), flows.pv_kwh.sum(axis=0), flows.net_kwh
    import_kwh, export_kwh = np.maximum(net, 0.0), np.maximum(-net, 0.0)
    drawn, fed = import_kwh.sum(axis=0), export_kwh.sum(axis=0)
    shared = shared_energy(import_kwh, export_kwh)
    return SelfUse(
        _own_share(fed, pv),
        _own_share(drawn, load),
        float(_own_share(fed.sum(), pv.sum())),
        float(_own_share(drawn.sum(), load.sum())),
        float(_own_share(shared.grid_export_kwh, pv.sum())),
        float(_own_share(shared.grid_import_kwh, load.sum())),
    )


def peak_to_average_ratio(energy_kwh: FloatArray) -> FloatArray:
    """Largest over mean energy of an interval, at least 1: shape () for a community (T,), (N,) for homes (T, N).

    Args:
        energy_kwh: Load or import, none below zero.
    """
    return _ratio(energy_kwh.max(axis=0), energy_kwh.mean(axis=0))


def load_factor(energy_kwh: FloatArray) -> FloatArray:
    """Mean over largest energy of an interval, 0…1: the inverse of `peak_to_average_ratio`, of the same shapes."""
    return _ratio(energy_kwh.mean(axis=0), energy_kwh.max(axis=0))


def traded_share(traded_kwh: float, import_kwh: FloatArray) -> float:
    """Energy bought from neighbours over all that homes bought: 1 where no home needed the grid."""
    return float(_ratio(traded_kwh, import_kwh.sum()))


def traded_share_of_possible(traded_kwh: float, import_kwh: FloatArray, export_kwh: FloatArray) -> float:
    """Energy bought from neighbours over what free sharing would move, sum over time of min(all imports, all exports).

    Args:
        traded_kwh: Energy traded over the whole time.
        import_kwh: What each home draws, shape (T, N).
        export_kwh: What each home feeds in, shape (T, N).
    """
    return float(_ratio(traded_kwh, shared_energy(import_kwh, export_kwh).shared_kwh))


def trading_homes_share(bought_kwh: FloatArray, sold_kwh: FloatArray) -> float:
    """Share of homes that bought from or sold to a neighbour at least once; arrays of shape (T, N)."""
    traded = ((bought_kwh > 0) | (sold_kwh > 0)).any(axis=0)
    return float(_ratio(traded.sum(), traded.size))


def saving_percent(bills: Values, reference_bills: Values) -> FloatArray:
    """100 (reference - bill) / |reference|: of homes where bills are arrays (N,), of a community where they are sums.

    Above zero is better, also for a home that earns, whose bills are below zero.
    """
    reference = np.asarray(reference_bills, dtype=np.float64)
    return 100 * _ratio(reference - bills, np.abs(reference))


def emissions(
    load_kwh: FloatArray,
    import_kwh: FloatArray,
    export_kwh: FloatArray,
    grid_kg_per_kwh: Values = WORLD_KG_PER_KWH,
) -> Emissions:
    """CO2 of homes (T, N), as arrays (N,), or of a community at its common connection (T,), as arrays of no dimension.

    Energy of own panels and batteries counts as free of emissions; what batteries draw counts when it is drawn.

    Args:
        load_kwh: Consumption.
        import_kwh: Energy drawn.
        export_kwh: Energy fed in.
        grid_kg_per_kwh: Emissions of grid energy, kg per kWh: one number, or one an interval, shape (T,).
    """
    rate = np.asarray(grid_kg_per_kwh, dtype=np.float64)
    imported, consumed, exported = (_weighted(rate, energy) for energy in (import_kwh, load_kwh, export_kwh))
    return Emissions(imported, consumed, consumed - imported, exported)


def _weighted(rate: FloatArray, energy_kwh: FloatArray) -> FloatArray:
    """Sum over time of rate times energy."""
    if rate.ndim:
        return np.asarray(rate @ energy_kwh)
    return np.asarray(rate * energy_kwh.sum(axis=0))


def _own_share(exchanged: Values, whole: Values) -> FloatArray:
    return _ratio(whole - exchanged, whole)


def _ratio(part: Values, whole: Values) -> FloatArray:
    divisor = np.asarray(whole, dtype=np.float64)
    return np.divide(part, divisor, out=np.full_like(divisor, np.nan), where=divisor > 0)
