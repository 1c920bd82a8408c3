"""Prices and bills of communities that share in proportion: mid-market rate, supply-demand ratio, bill sharing.

Energies are kWh at the meters of the homes, net of own use; prices are currency per kWh. Arrays over time have shape
(T,), those over time and homes (T, N). With D all imports and S all exports of an interval, min(S, D) is exchanged at
the rule's internal price p and the grid takes or gives the rest, so

    buy  = (min(S, D) * p + (D - min(S, D)) * retail) / D
    sell = (min(S, D) * p + (S - min(S, D)) * feed_in) / S

and D * buy - S * sell is exactly the community's bill with the grid.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from microgrid.domain.arrays import FloatArray

Series = FloatArray | float
InternalPrice = Callable[[Series, Series, Series, Series], FloatArray]


class SharedPrices(NamedTuple):
    """What a kWh costs and earns inside a community; None where nobody is on that side."""

    buy: float | None
    sell: float | None


def mid_market_price(_imports: Series, _exports: Series, retail: Series, feed_in: Series) -> FloatArray:
    """Internal price of the mid-market rate: (retail + feed_in) / 2.

    Source: Long et al., IEEE PESGM 2017, doi:10.1109/PESGM.2017.8274546, equation 15.
    """
    return (np.asarray(retail, np.float64) + feed_in) / 2


def supply_demand_price(imports: Series, exports: Series, retail: Series, feed_in: Series) -> FloatArray:
    """Internal price of the supply-demand ratio r = exports / imports, feed_in where r >= 1.

    p = feed_in * retail / ((retail - feed_in) * r + feed_in): retail without supply, feed_in with enough of it. Source:
    Liu et al., IEEE Trans. Power Systems 32 (2017), doi:10.1109/TPWRS.2017.2649558, equation 9.
    """
    imports, exports = np.asarray(imports, np.float64), np.asarray(exports, np.float64)
    enough = exports >= imports
    ratio = np.divide(exports, imports, out=np.ones_like(imports + exports), where=~enough)
    slope = (np.asarray(retail, np.float64) - feed_in) * ratio + feed_in
    price = np.divide(np.multiply(feed_in, retail), slope, out=np.zeros_like(slope), where=slope > 0)
    return np.where(enough | (slope <= 0), feed_in, price)


def mid_market_prices(imports: float, exports: float, retail: float, feed_in: float) -> SharedPrices:
    """Prices of the mid-market rate for the totals of one interval."""
    return _of_one_interval(mid_market_price, imports, exports, retail, feed_in)


def supply_demand_prices(imports: float, exports: float, retail: float, feed_in: float) -> SharedPrices:
    """Prices of the supply-demand ratio for the totals of one interval."""
    return _of_one_interval(supply_demand_price, imports, exports, retail, feed_in)


def bill_sharing_prices(imports: FloatArray, exports: FloatArray, retail: Series, feed_in: Series) -> SharedPrices:
    """Prices of bill sharing for the totals of all intervals: the community's costs and earnings per kWh at the meters.

    buy = sum(retail * net import of the community) / sum(imports), sell = sum(feed_in * net export) / sum(exports).
    Source: Long et al., IEEE PESGM 2017, equations 12 and 13.

    Args:
        imports: All imports of each interval, shape (T,).
        exports: All exports of each interval, shape (T,).
        retail: One price or one for each interval.
        feed_in: Likewise.
    """
    cost = float((np.asarray(retail) * np.maximum(imports - exports, 0)).sum())
    earned = float((np.asarray(feed_in) * np.maximum(exports - imports, 0)).sum())
    bought, sold = float(imports.sum()), float(exports.sum())
    return SharedPrices(cost / bought if bought else None, earned / sold if sold else None)


def mid_market_bills(import_kwh: FloatArray, export_kwh: FloatArray, retail: Series, feed_in: Series) -> FloatArray:
    """Bill of each home under the mid-market rate, shape (N,), from energies (T, N)."""
    return _bills(mid_market_price, import_kwh, export_kwh, retail, feed_in)


def supply_demand_bills(import_kwh: FloatArray, export_kwh: FloatArray, retail: Series, feed_in: Series) -> FloatArray:
    """Bill of each home under the supply-demand ratio, shape (N,), from energies (T, N)."""
    return _bills(supply_demand_price, import_kwh, export_kwh, retail, feed_in)


def bill_sharing_bills(import_kwh: FloatArray, export_kwh: FloatArray, retail: Series, feed_in: Series) -> FloatArray:
    """Bill of each home under bill sharing over the whole time, shape (N,), from energies (T, N)."""
    prices = bill_sharing_prices(import_kwh.sum(axis=1), export_kwh.sum(axis=1), retail, feed_in)
    bills: FloatArray = (prices.buy or 0) * import_kwh.sum(axis=0) - (prices.sell or 0) * export_kwh.sum(axis=0)
    return bills


def blended_prices(
    price: Series, imports: FloatArray, exports: FloatArray, retail: Series, feed_in: Series
) -> tuple[FloatArray, FloatArray]:
    """Buy and sell price where `price` holds inside and the grid takes the rest; NaN where nobody is on that side."""
    shared = np.minimum(imports, exports)
    buy = _ratio(shared * price + (imports - shared) * retail, imports)
    sell = _ratio(shared * price + (exports - shared) * feed_in, exports)
    return buy, sell


def _of_one_interval(
    rule: InternalPrice, imports: float, exports: float, retail: float, feed_in: float
) -> SharedPrices:
    demand, supply = np.array([imports], np.float64), np.array([exports], np.float64)
    price = rule(demand, supply, retail, feed_in)
    buy, sell = (side[0] for side in blended_prices(price, demand, supply, retail, feed_in))
    return SharedPrices(None if np.isnan(buy) else float(buy), None if np.isnan(sell) else float(sell))


def _bills(
    rule: InternalPrice, import_kwh: FloatArray, export_kwh: FloatArray, retail: Series, feed_in: Series
) -> FloatArray:
    imports, exports = import_kwh.sum(axis=1), export_kwh.sum(axis=1)
    price = rule(imports, exports, retail, feed_in)
    buy, sell = (np.nan_to_num(side) for side in blended_prices(price, imports, exports, retail, feed_in))
    bills: FloatArray = buy @ import_kwh - sell @ export_kwh
    return bills


def _ratio(part: FloatArray, whole: FloatArray) -> FloatArray:
    return np.divide(part, whole, out=np.full_like(whole, np.nan, dtype=np.float64), where=whole > 0)
