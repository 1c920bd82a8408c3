"""What every tariff does; a test class inherits this and has a fixture `tariff` and a list `intervals` it knows."""

from collections.abc import Sequence

from microgrid.domain.interfaces import Tariff
from microgrid.domain.intervals import Interval


class TariffBehaviour:
    def test_there_is_one_band_an_interval_in_their_order(self, tariff: Tariff, intervals: Sequence[Interval]) -> None:
        bands = tariff.bands(intervals)
        assert len(bands) == len(intervals)
        assert tariff.bands(intervals[3:5]) == bands[3:5]
        assert tariff.bands([]) == []

    def test_every_band_is_feed_in_reference_retail_in_whole_micro(
        self, tariff: Tariff, intervals: Sequence[Interval]
    ) -> None:
        for band in tariff.bands(intervals):
            assert 0 <= band.feed_in <= band.reference <= band.retail
            assert all(type(price) is int for price in (band.feed_in, band.reference, band.retail))
