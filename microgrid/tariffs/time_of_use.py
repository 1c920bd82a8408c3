"""A dear window every day. Parameters: `peak`, `off_peak`, `feed_in` (currency per kWh), `peak_hours`, `timezone`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal

from microgrid.domain.errors import TariffError
from microgrid.domain.intervals import HOURS_PER_DAY, Interval
from microgrid.domain.records import PriceBand
from microgrid.domain.units import micro
from microgrid.tariffs._band import price_band


@dataclass(frozen=True, slots=True)
class TimeOfUseTariff:
    """Two bands, told apart by the local hour in which an interval begins.

    Attributes:
        peak_hours: First hour of the peak and first hour after it; a first one above the second spans midnight.
    """

    peak: PriceBand
    off_peak: PriceBand
    peak_hours: tuple[int, int]
    timezone: tzinfo

    def bands(self, intervals: Sequence[Interval]) -> list[PriceBand]:
        """The band of each interval."""
        return [self.peak if self._is_peak(interval) else self.off_peak for interval in intervals]

    def _is_peak(self, interval: Interval) -> bool:
        first, after = self.peak_hours
        hour = interval.start_utc.astimezone(self.timezone).hour
        return first <= hour < after if first <= after else hour >= first or hour < after


def build(
    *,
    peak: Decimal | float | str = "0.36",
    off_peak: Decimal | float | str = "0.24",
    feed_in: Decimal | float | str = "0.08",
    peak_hours: tuple[int, int] = (16, 21),
    timezone: tzinfo = UTC,
) -> TimeOfUseTariff:
    """A time-of-use tariff.

    Raises:
        TariffError: prices that make no band, or hours that no day has.
    """
    if not all(0 <= hour <= HOURS_PER_DAY for hour in peak_hours):
        raise TariffError(what="peak hours", found=peak_hours, right="two hours between 0 and 24")
    bands = price_band(micro(feed_in), micro(peak)), price_band(micro(feed_in), micro(off_peak))
    return TimeOfUseTariff(*bands, peak_hours, timezone)
