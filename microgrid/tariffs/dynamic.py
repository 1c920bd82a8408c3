"""A price with two daily waves. Parameters: `retail` (the mean), `swing`, `feed_in` (currency per kWh), `timezone`.

    retail(h) = mean + swing * cos(2 pi (h - 19) / 12),    h: local hour in the middle of the interval

It is cheap at night and at noon, dear at breakfast and supper: maxima at 7 and 19 o'clock, minima at 1 and 13, as
day-ahead prices are in systems with much PV. Where the swing would carry the price below feed-in, feed-in holds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal

from microgrid.domain.errors import TariffError
from microgrid.domain.intervals import SECONDS_PER_HOUR, Interval
from microgrid.domain.records import PriceBand
from microgrid.domain.units import micro, units
from microgrid.tariffs._band import price_band

DEAREST_HOUR = 19
PERIOD_H = 12


@dataclass(frozen=True, slots=True)
class DynamicTariff:
    """Prices in micro per kWh."""

    mean: int
    swing: int
    feed_in: int
    timezone: tzinfo

    def bands(self, intervals: Sequence[Interval]) -> list[PriceBand]:
        """The band of each interval."""
        return [self._band(interval) for interval in intervals]

    def _band(self, interval: Interval) -> PriceBand:
        start = interval.start_utc.astimezone(self.timezone)
        hour = start.hour + (start.minute * 60 + start.second) / SECONDS_PER_HOUR + interval.hours / 2
        wave = math.cos(2 * math.pi * (hour - DEAREST_HOUR) / PERIOD_H)
        return price_band(self.feed_in, max(self.feed_in, self.mean + round(self.swing * wave)))


def build(
    *,
    retail: Decimal | float | str = "0.30",
    swing: Decimal | float | str = "0.10",
    feed_in: Decimal | float | str = "0.08",
    timezone: tzinfo = UTC,
) -> DynamicTariff:
    """A dynamic tariff.

    Raises:
        TariffError: prices that make no band, or a swing below zero.
    """
    if micro(swing) < 0:
        raise TariffError(what="swing", found=units(micro(swing)), right="zero or more")
    price_band(micro(feed_in), micro(retail))
    return DynamicTariff(micro(retail), micro(swing), micro(feed_in), timezone)
