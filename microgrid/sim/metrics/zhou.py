"""Six indexes of peer-to-peer sharing and their synthesis.

Source: Zhou, Wu, Long, Evaluation of peer-to-peer energy sharing mechanisms based on a multiagent simulation framework,
Applied Energy 222 (2018) 993-1022, equations 14-31 and Tables 1-4.

Economic: value tapping, participation willingness, equality. Technical, on the community's net power: energy balance,
power flatness, self-sufficiency. An index is None where it is not defined. 1 is best; value tapping, power flatness and
self-sufficiency may fall below 0.
"""

import math
from dataclasses import dataclass

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.sim.metrics.fairness import EPSILON, gini_levelled

WEIGHT_OF_THREE = 0.33
WEIGHT_OF_ECONOMY = 0.5
REFERENCE_PAR = 10.0
RELATIVE_NOISE = 1e-9


@dataclass(frozen=True, slots=True)
class Weights:
    """How the indexes are added up; those of the paper by default, whose thirds are printed as 0.33.

    Attributes:
        each_of_three: Of each index within economic and within technical performance.
        economy: Of economic performance in the overall one; technical performance has the rest.
    """

    each_of_three: float = WEIGHT_OF_THREE
    economy: float = WEIGHT_OF_ECONOMY


PAPER_WEIGHTS = Weights()


@dataclass(frozen=True, slots=True)
class ZhouIndexes:
    """The six indexes."""

    value_tapping: float | None
    participation: float | None
    equality: float | None
    energy_balance: float | None
    power_flatness: float | None
    self_sufficiency: float | None

    def economic_performance(self, weights: Weights = PAPER_WEIGHTS) -> float | None:
        """Weighted sum of value tapping, participation and equality; None where one is."""
        return _weighted(weights.each_of_three, self.value_tapping, self.participation, self.equality)

    def technical_performance(self, weights: Weights = PAPER_WEIGHTS) -> float | None:
        """Weighted sum of energy balance, power flatness and self-sufficiency; None where one is."""
        return _weighted(weights.each_of_three, self.energy_balance, self.power_flatness, self.self_sufficiency)

    def overall_performance(self, weights: Weights = PAPER_WEIGHTS) -> float | None:
        """Weighted sum of both; None where one is."""
        economic, technical = self.economic_performance(weights), self.technical_performance(weights)
        if economic is None or technical is None:
            return None
        return weights.economy * economic + (1 - weights.economy) * technical


def zhou_indexes(
    load_kwh: FloatArray,
    pv_kwh: FloatArray,
    bills: FloatArray,
    reference_bills: FloatArray,
    minimum_community_bill: float,
    *,
    net_kwh: FloatArray | None = None,
    reference_par: float = REFERENCE_PAR,
    epsilon: float = EPSILON,
) -> ZhouIndexes:
    """All six indexes of one run.

    Args:
        load_kwh: Consumption, shape (T, N).
        pv_kwh: Generation, shape (T, N).
        bills: What each home pays under the mechanism, shape (N,).
        reference_bills: What it pays without a market, shape (N,).
        minimum_community_bill: Least that the community as a whole can pay.
        net_kwh: Net energy of each home, batteries included, import positive, shape (T, N); load - pv by default.
        reference_par: Extended peak-to-average ratio at which flatness is zero.
        epsilon: What equality lifts the poorest income to.

    Raises:
        MetricError: no homes, or bills that are no numbers.
    """
    load, pv = load_kwh.sum(axis=1), pv_kwh.sum(axis=1)
    net = load - pv if net_kwh is None else net_kwh.sum(axis=1)
    return ZhouIndexes(
        value_tapping(float(bills.sum()), float(reference_bills.sum()), minimum_community_bill),
        participation(bills, reference_bills),
        equality(bills, epsilon),
        energy_balance(load, pv, net),
        power_flatness(net, reference_par),
        self_sufficiency(load, net),
    )


def value_tapping(bill: float, reference_bill: float, minimum_bill: float) -> float | None:
    """(reference - bill) / (reference - minimum), all of the whole community; None where nothing can be saved."""
    if math.isclose(reference_bill, minimum_bill, rel_tol=RELATIVE_NOISE, abs_tol=RELATIVE_NOISE):
        return None
    return (reference_bill - bill) / (reference_bill - minimum_bill)


def participation(bills: FloatArray, reference_bills: FloatArray) -> float | None:
    """Share of homes whose bill is strictly below the reference; None without homes."""
    return float((bills < reference_bills).mean()) if len(bills) else None


def equality(bills: FloatArray, epsilon: float = EPSILON) -> float:
    """1 - `gini_levelled` of incomes, and a home's income is its bill with the sign turned.

    Raises:
        MetricError: no homes, or a value that is no number.
    """
    return 1 - gini_levelled(-bills, epsilon)


def energy_balance(load_kwh: FloatArray, pv_kwh: FloatArray, net_kwh: FloatArray) -> float | None:
    """1 - sum |net| / (sum load + sum pv) of a community, each shape (T,); None without energy."""
    energy = float(load_kwh.sum() + pv_kwh.sum())
    return 1 - float(np.abs(net_kwh).sum()) / energy if energy else None


def extended_par(net_kwh: FloatArray) -> float | None:
    """Extended peak-to-average ratio max |net| / mean |net| of a community, shape (T,); None where all are zero."""
    size = np.abs(net_kwh)
    return float(size.max() / size.mean()) if size.any() else None


def power_flatness(net_kwh: FloatArray, reference_par: float = REFERENCE_PAR) -> float | None:
    """1 - `extended_par` / reference; None where net is always zero."""
    ratio = extended_par(net_kwh)
    return None if ratio is None else 1 - ratio / reference_par


def self_sufficiency(load_kwh: FloatArray, net_kwh: FloatArray) -> float | None:
    """1 - imported / load of a community, each shape (T,); None without load."""
    load = float(load_kwh.sum())
    return 1 - float(np.maximum(net_kwh, 0.0).sum()) / load if load else None


def _weighted(weight: float, *indexes: float | None) -> float | None:
    known = [index for index in indexes if index is not None]
    return weight * sum(known) if len(known) == len(indexes) else None
