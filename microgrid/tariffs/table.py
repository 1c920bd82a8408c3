"""Prices listed per interval, as a prices file has them. Parameter: `table`, a `PriceTable`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from microgrid.domain.errors import TariffError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand
from microgrid.tariffs._band import price_band


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Feed-in and retail price, micro per kWh, by the Unix second at which they begin; each holds for `seconds`.

    `currency` is empty where the source does not tell it.
    """

    seconds: int
    prices: Mapping[int, tuple[int, int]]
    currency: str = ""


@dataclass(frozen=True, slots=True)
class TableTariff:
    """Looks up the table; an interval longer than the table's step gets the mean of the steps it covers."""

    table: PriceTable

    def bands(self, intervals: Sequence[Interval]) -> list[PriceBand]:
        """The band of each interval.

        Raises:
            TariffError: the table has no price for a part of an interval.
        """
        return [self._band(interval) for interval in intervals]

    def _band(self, interval: Interval) -> PriceBand:
        seconds = self.table.seconds
        first = interval.start_s - interval.start_s % seconds
        covered = [self._prices(start) for start in range(first, interval.end_s, seconds)]
        feed_in, retail = (sum(column) // len(covered) for column in zip(*covered, strict=True))
        return price_band(feed_in, retail)

    def _prices(self, start_s: int) -> tuple[int, int]:
        if start_s not in self.table.prices:
            at = Interval(start_s // self.table.seconds, self.table.seconds).start_utc.isoformat()
            raise TariffError(what=f"the price at {at}", found="missing", right="in the prices file")
        return self.table.prices[start_s]


def build(*, table: PriceTable) -> TableTariff:
    """A tariff from a table."""
    return TableTariff(table)
