"""Price files and tariffs read from them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from microgrid.data.prices import read_prices
from microgrid.domain.errors import DataFileError, TariffError
from microgrid.domain.intervals import Interval, interval_at, interval_range
from microgrid.tariffs import table

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(*lines: str) -> Path:
        path = tmp_path / "prices.csv"
        path.write_text("\n".join(lines) + "\n", "utf-8")
        return path

    return to_file


def test_prices_are_the_decimals_as_written_in_micro(write: Write) -> None:
    path = write(
        "interval_start,retail_per_kwh,feed_in_per_kwh", "2026-01-31T00:00,0.1,0.05", "2026-01-31T01:00,0.29,0"
    )
    first = interval_at(datetime(2026, 1, 31, tzinfo=UTC), 3_600)
    bands = table.build(table=read_prices(path)).bands(list(interval_range(first, 2)))
    assert [(band.feed_in, band.retail, band.reference) for band in bands] == [
        (50_000, 100_000, 75_000),
        (0, 290_000, 145_000),
    ]


def test_any_retail_column_is_taken_and_feed_in_has_a_default(shared_data: Path) -> None:
    prices = read_prices(shared_data / "sierra_crest_price.csv", feed_in_per_kwh="0.08")
    assert prices.seconds == 3_600
    start = int(datetime(2016, 8, 1, tzinfo=UTC).timestamp())
    assert prices.prices[start] == (80_000, 220_000)


def test_shorter_intervals_take_the_price_they_lie_in_and_longer_ones_the_mean(write: Write) -> None:
    path = write("interval_start,retail_per_kwh", "2026-01-31T00:00,0.2", "2026-01-31T01:00,0.3")
    tariff = table.build(table=read_prices(path, feed_in_per_kwh=0.1))
    start = interval_at(datetime(2026, 1, 31, tzinfo=UTC), 900)
    assert [band.retail for band in tariff.bands(list(interval_range(start, 8)))] == [200_000] * 4 + [300_000] * 4
    assert tariff.bands([interval_at(datetime(2026, 1, 31, tzinfo=UTC), 7_200)])[0].retail == 250_000


def test_an_interval_without_a_price_is_told(write: Write) -> None:
    path = write("interval_start,retail_per_kwh", "2026-01-31T00:00,0.2", "2026-01-31T01:00,0.3")
    tariff = table.build(table=read_prices(path))
    with pytest.raises(TariffError, match="the price at 2026-01-31T02:00:00"):
        tariff.bands([Interval(int(datetime(2026, 1, 31, 2, tzinfo=UTC).timestamp()) // 3_600, 3_600)])


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["interval_start,price", "2026-01-31T00:00,0.2"], "line 1: no column named retail_per_kwh"),
        (["retail_per_kwh,x", "0.2,1"], "column 'interval_start': the column is missing"),
        (["interval_start,retail_per_kwh"], "no data"),
        (["interval_start,retail_per_kwh", "2026-01-31T00:00,x"], "line 2, column 'retail_per_kwh': 'x' is no number"),
        (["interval_start,retail_per_kwh", "2026-01-31T00:00,-1"], "line 2, column 'retail_per_kwh'"),
        (["interval_start,retail_per_kwh", "2026-01-31T00:00,0.01"], "lies below feed-in"),
        (["interval_start,retail_per_kwh", *["2026-01-31T00:00,0.2", "2026-01-31T01:00,0.2"] * 2], "line 4: .*already"),
    ],
)
def test_wrong_price_files_are_told_with_line_and_column(write: Write, lines: list[str], words: str) -> None:
    with pytest.raises(DataFileError, match=words):
        read_prices(write(*lines))


SEVERAL = (
    "interval_start,retail_day_per_kwh,retail_night_per_kwh",
    "2026-01-31T00:00,0.3,0.2",
    "2026-01-31T01:00,0.3,0.2",
)


def test_of_several_retail_columns_one_is_chosen(write: Write) -> None:
    start = int(datetime(2026, 1, 31, tzinfo=UTC).timestamp())
    for column, retail in (("retail_day_per_kwh", 300_000), ("retail_night_per_kwh", 200_000)):
        assert read_prices(write(*SEVERAL), retail_column=column).prices[start] == (50_000, retail)


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (None, "several retail columns, retail_day_per_kwh, retail_night_per_kwh; choose one with --retail-column"),
        ("retail_per_kwh", "no retail column 'retail_per_kwh'; it has retail_day_per_kwh, retail_night_per_kwh"),
    ],
)
def test_of_several_retail_columns_none_is_guessed(write: Write, chosen: str | None, words: str) -> None:
    with pytest.raises(DataFileError, match=words):
        read_prices(write(*SEVERAL), retail_column=chosen)


def test_on_the_day_that_repeats_an_hour_the_first_row_is_the_earlier_one(write: Write) -> None:
    hours = [0, 1, 1, 2]
    path = write("interval_start,retail_per_kwh", *(f"2026-10-25T{h:02d}:00,0.{i + 2}" for i, h in enumerate(hours)))
    prices = read_prices(path, timezone="Europe/London").prices
    first = int(datetime(2026, 10, 24, 23, tzinfo=UTC).timestamp())
    assert [prices[first + 3_600 * i][1] for i in range(4)] == [200_000, 300_000, 400_000, 500_000]
