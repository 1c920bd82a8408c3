"""Tariffs: the common behaviour of each, and the hours of the time-of-use tariff."""

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from behaviours.tariff import TariffBehaviour

from microgrid.domain import plugins
from microgrid.domain.errors import TariffError
from microgrid.domain.interfaces import Tariff
from microgrid.domain.intervals import Interval, interval_at, interval_range
from microgrid.tariffs import flat, time_of_use
from microgrid.tariffs.table import PriceTable

FIRST = interval_at(datetime(2026, 3, 29, tzinfo=UTC), 3_600)
DAY = list(interval_range(FIRST, 24))
PARAMETERS = {
    "table": {"table": PriceTable(3_600, {i.start_s: (50_000, 100_000 + 1_000 * n) for n, i in enumerate(DAY)})}
}


class TestEveryTariff(TariffBehaviour):
    @pytest.fixture(params=plugins.names("tariff"))
    def tariff(self, request: pytest.FixtureRequest) -> Tariff:
        built: Tariff = plugins.load("tariff", request.param).build(**PARAMETERS.get(request.param, {}))
        return built

    @pytest.fixture
    def intervals(self) -> Sequence[Interval]:
        return DAY


def peaks(tariff: Tariff, intervals: Sequence[Interval]) -> list[int]:
    dear = max(band.retail for band in tariff.bands(intervals))
    return [number for number, band in enumerate(tariff.bands(intervals)) if band.retail == dear]


def test_the_peak_is_from_its_first_hour_to_before_its_last() -> None:
    assert peaks(time_of_use.build(peak_hours=(16, 21)), DAY) == [16, 17, 18, 19, 20]


def test_a_peak_may_span_midnight() -> None:
    assert peaks(time_of_use.build(peak_hours=(22, 2)), DAY) == [0, 1, 22, 23]


def test_the_peak_follows_the_local_clock_over_the_change_to_summer_time() -> None:
    """London goes to UTC+1 at 01:00 UTC on 29 March 2026: the peak begins at 15:00 UTC; the day before at 16:00."""
    tariff = time_of_use.build(peak_hours=(16, 21), timezone=ZoneInfo("Europe/London"))
    assert peaks(tariff, DAY) == [15, 16, 17, 18, 19]
    before = [Interval(interval.index - 24, 3_600) for interval in DAY]
    assert peaks(tariff, before) == [16, 17, 18, 19, 20]


def test_prices_that_make_no_band_are_refused() -> None:
    with pytest.raises(TariffError, match=r"retail price is 0\.05; it must be at least the feed-in price 0\.08"):
        flat.build(retail=0.05)
    with pytest.raises(TariffError, match="feed-in price"):
        flat.build(feed_in=-0.01)
    with pytest.raises(TariffError, match="peak hours"):
        time_of_use.build(peak_hours=(16, 25))
