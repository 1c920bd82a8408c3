"""The same grid prices at all times. Parameters: `retail`, `feed_in`, currency per kWh."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand
from microgrid.domain.units import micro
from microgrid.tariffs._band import price_band


@dataclass(frozen=True, slots=True)
class FlatTariff:
    """One band for ever."""

    band: PriceBand

    def bands(self, intervals: Sequence[Interval]) -> list[PriceBand]:
        """The band, once an interval."""
        return [self.band] * len(intervals)


def build(*, retail: Decimal | float | str = "0.30", feed_in: Decimal | float | str = "0.08") -> FlatTariff:
    """A flat tariff.

    Raises:
        TariffError: prices that make no band.
    """
    return FlatTariff(price_band(micro(feed_in), micro(retail)))
