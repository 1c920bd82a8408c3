"""Users' smart-meter files: what is read, and how each thing that can be wrong is told."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from microgrid.data.profiles import read_days_before, read_profiles
from microgrid.domain.errors import DataFileError, UnknownNameError

Write = Callable[..., Path]
HEADER = "interval_start,home_id,load_kwh,pv_kwh"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(*lines: str, name: str = "homes.csv", header: str = HEADER) -> Path:
        path = tmp_path / name
        path.write_text("\n".join([header, *lines]) + "\n", "utf-8")
        return path

    return to_file


def hourly(home: str, hours: range, load: float = 1.0, pv: float = 0.25) -> list[str]:
    return [f"2026-01-31T{hour:02d}:00,{home},{load},{pv}" for hour in hours]


def test_load_and_pv_become_import_and_export(write: Write) -> None:
    path = write(
        "2026-01-31T00:00,a,1.5,0.5",
        "2026-01-31T00:00,b,0.2,1.0",
        "2026-01-31T01:00,a,0,0",
        "2026-01-31T01:00,b,0.5,0.5",
    )
    profiles = read_profiles(path)
    assert profiles.home_ids == ("a", "b")
    assert profiles.first.start_utc == datetime(2026, 1, 31, tzinfo=UTC)
    assert profiles.first.seconds == 3_600
    assert profiles.import_kwh.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    assert profiles.export_kwh.tolist() == [[0.0, 0.8], [0.0, 0.0]]
    assert profiles.filled == 0


def test_a_net_meter_keeps_both_registers_and_knows_no_load(write: Write) -> None:
    header = "interval_start,home_id,import_kwh,export_kwh"
    profiles = read_profiles(write("2026-01-31T00:00,a,0.3,0.2", "2026-01-31T00:30,a,0,1", header=header))
    assert profiles.import_kwh.tolist() == [[0.3], [0.0]]
    assert profiles.export_kwh.tolist() == [[0.2], [1.0]]
    assert profiles.load_kwh is None
    assert profiles.first.seconds == 1_800


def test_mean_power_becomes_energy(write: Write) -> None:
    header = "interval_start,home_id,load_kw,pv_kw"
    profiles = read_profiles(write("2026-01-31T00:00,a,4,0", "2026-01-31T00:15,a,2,8", header=header))
    assert profiles.net_kwh.tolist() == [[1.0], [-1.5]]


def test_gzip_extra_columns_byte_order_mark_and_any_order_of_rows_are_fine(tmp_path: Path) -> None:
    text = "\ufeffhome_id,note,pv_kwh,interval_start,load_kwh\nb,x,0,2026-01-31T01:00,2\nb,x,0,2026-01-31T00:00,1\n"
    path = tmp_path / "homes.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert read_profiles(path).import_kwh.tolist() == [[1.0], [2.0]]


def test_labels_with_a_zone_are_turned_to_utc(write: Write) -> None:
    path = write("2026-01-31T00:00+05:00,a,1,0", "2026-01-31T01:00+05:00,a,2,0", "2026-01-30T21:00Z,a,3,0")
    profiles = read_profiles(path)
    assert profiles.first.start_utc == datetime(2026, 1, 30, 19, tzinfo=UTC)
    assert profiles.import_kwh[:, 0].tolist() == [1, 2, 3]


def test_start_and_hours_choose_a_window_and_homes_a_selection(write: Write) -> None:
    path = write(*hourly("a", range(24)), *hourly("b", range(24), load=3.0))
    profiles = read_profiles(path, start=datetime.fromisoformat("2026-01-31T06:00"), hours=12, homes=["b"])
    assert profiles.first.start_utc.hour == 6
    assert profiles.import_kwh.shape == (12, 1)
    assert profiles.load_kwh is not None
    assert profiles.load_kwh[0, 0] == 3.0


def test_the_last_day_of_the_year_runs_into_the_next_one(write: Write) -> None:
    path = write("2025-12-31T23:00,a,1,0", "2026-01-01T00:00,a,2,0", "2025-12-31T22:00,a,3,0")
    assert read_profiles(path).import_kwh[:, 0].tolist() == [3, 1, 2]


def local_day(day: str, hours: list[int]) -> list[str]:
    return [f"{day}T{hour:02d}:00,a,{index},0" for index, hour in enumerate(hours)]


def test_the_day_that_skips_an_hour_has_23_and_the_day_that_repeats_one_has_25(write: Write) -> None:
    spring = [hour for hour in range(24) if hour != 1]
    short = read_profiles(write(*local_day("2026-03-29", spring)), timezone="Europe/London")
    assert (short.count, short.first.start_utc) == (23, datetime(2026, 3, 29, tzinfo=UTC))
    autumn = [0, 1, *range(1, 24)]
    long = read_profiles(write(*local_day("2026-10-25", autumn)), timezone="Europe/London")
    assert (long.count, long.first.start_utc) == (25, datetime(2026, 10, 24, 23, tzinfo=UTC))
    assert long.import_kwh[:, 0].tolist() == list(range(25))


def test_a_time_that_the_clock_skips_does_not_exist(write: Write) -> None:
    with pytest.raises(DataFileError, match=r"line 3, column 'interval_start': 2026-03-29T01:00 does not exist"):
        read_profiles(write(*local_day("2026-03-29", [0, 1, 2])), timezone="Europe/London")


def test_on_the_labels_own_clock_every_day_has_24_hours(write: Write) -> None:
    assert read_profiles(write(*local_day("2026-03-29", list(range(24))))).count == 24


WRONG = {
    "no number": (
        [*hourly("a", range(2)), "2026-01-31T02:00,a,abc,0"],
        r"line 4, column 'load_kwh': 'abc' is no number",
    ),
    "nan": (["2026-01-31T00:00,a,1,nan", *hourly("a", range(1, 3))], r"line 2, column 'pv_kwh': 'nan' is no number"),
    "infinite": (["2026-01-31T00:00,a,inf,0", *hourly("a", range(1, 3))], r"line 2, column 'load_kwh'"),
    "empty cell": (["2026-01-31T00:00,a,,0", *hourly("a", range(1, 3))], r"line 2, column 'load_kwh': '' is no number"),
    "negative": (["2026-01-31T00:00,a,1,-0.1", *hourly("a", range(1, 3))], r"line 2, column 'pv_kwh': -0.1 must not"),
    "gap": ([*hourly("a", range(2)), *hourly("a", range(3, 6))], r"line 4: gap: a has no value for 2026-01-31T02:00"),
    "gap of one home": ([*hourly("a", range(4)), *hourly("b", range(3))], r"line 8: gap: b has no value for .*T03:00"),
    "double": ([*hourly("a", range(3)), "2026-01-31T01:00,a,1,0"], r"line 5: a has .*T01:00.* already in line 3"),
    "mixed steps": (
        [*hourly("a", range(4)), *(f"2026-01-31T04:{m:02d},a,1,0" for m in (0, 15, 30))],
        r"line 7: mixed steps: 900 s here, 3600 s elsewhere",
    ),
    "another step in the middle": (
        [*hourly("a", range(8)), *hourly("a", range(9, 22, 2))],
        r"line 10: mixed steps: 7200 s here, 3600 s elsewhere",
    ),
    "no time": (["31/01/2026,a,1,0"], r"line 2, column 'interval_start': '31/01/2026' is no time"),
    "no home": (["2026-01-31T00:00, ,1,0"], r"line 2, column 'home_id': names no home"),
    "too few cells": (["2026-01-31T00:00,a,1"], r"line 2: has 3 cells where the header has 4"),
    "off the grid": (["2026-01-31T00:07,a,1,0", "2026-01-31T01:07,a,1,0"], r"line 2: .*00:07.* does not begin"),
    "one interval": (["2026-01-31T00:00,a,1,0"], r"line 2: holds one interval only"),
    "no data": ([], r"line 1: has a header and no data"),
}


@pytest.mark.parametrize(("lines", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_is_wrong_is_told_with_file_line_and_column(write: Write, lines: list[str], words: str) -> None:
    path = write(*lines)
    with pytest.raises(DataFileError, match=words) as error:
        read_profiles(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_blank_lines_and_quoted_line_breaks_keep_the_line_numbers_true(write: Write) -> None:
    path = write(
        "",
        "2026-01-31T00:00,a,1,0,x",
        '2026-01-31T01:00,a,1,0,"two\nlines"',
        "2026-01-31T02:00,a,?,0,",
        header=HEADER + ",note",
    )
    with pytest.raises(DataFileError, match="line 6, column 'load_kwh'"):
        read_profiles(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"\xff\xfe\x00bad", "no text file"),
        (b"a,b\0c\n", "no text file"),
        (b"\x1f\x8b\x08 broken", "is damaged"),
        (gzip.compress(b"interval_start,home_id\n", mtime=0)[:-6], "is damaged"),
        (b"just words\nand more\n", "no comma-separated table"),
        (b"interval_start;home_id;load_kwh;pv_kwh\n", "no comma-separated table"),
        (b"interval_start,load_kwh,pv_kwh\n", "column 'home_id': the column is missing"),
        (b"interval_start,home_id,load_kwh\n", "column 'pv_kwh': the column is missing"),
        (b"interval_start,home_id,kwh\n", "column 'load_kwh': the column is missing"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "homes.csv"
    path.write_bytes(data)
    with pytest.raises(DataFileError, match=words):
        read_profiles(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="there is no such file"):
        read_profiles(tmp_path / "none.csv")
    with pytest.raises(DataFileError, match="cannot be read"):
        read_profiles(tmp_path)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"start": datetime.fromisoformat("2026-02-01")}, "no interval that starts at 2026-02-01"),
        ({"start": datetime.fromisoformat("2026-01-30")}, "no interval that starts at 2026-01-30"),
        ({"start": datetime.fromisoformat("2026-01-31T00:30")}, "no interval that starts at 2026-01-31T00:30"),
        ({"hours": 25}, "does not hold 25 hours"),
        ({"hours": 0.5}, "does not hold 0.5 hours"),
        ({"hours": 0}, "does not hold 0 hours"),
        ({"homes": ["a", "z"]}, "no home 'z'; the file has a"),
        ({"timezone": "Mars/Olympus"}, "no such time zone"),
    ],
)
def test_a_choice_that_the_file_cannot_meet_is_refused(write: Write, choice: dict[str, object], words: str) -> None:
    with pytest.raises(DataFileError, match=words):
        read_profiles(write(*hourly("a", range(24))), **choice)  # type: ignore[arg-type]


def test_a_gap_outside_the_window_does_not_matter(write: Write) -> None:
    path = write(*hourly("a", range(6)), *hourly("a", range(9, 12)))
    assert read_profiles(path, hours=6).count == 6
    assert read_profiles(path, start=datetime.fromisoformat("2026-01-31T09:00")).count == 3


@pytest.mark.parametrize(
    ("fill", "expected"),
    [("zero", [1, 0, 0, 4]), ("previous", [1, 1, 1, 4]), ("interpolate", [1, 2, 3, 4])],
)
def test_gaps_wrong_values_and_doubles_are_filled_and_counted(write: Write, fill: str, expected: list[float]) -> None:
    path = write(
        "2026-01-31T00:00,a,1,0", "2026-01-31T01:00,a,-7,0", "2026-01-31T03:00,a,4,0", "2026-01-31T03:00,a,9,0"
    )
    profiles = read_profiles(path, fill=fill)
    assert profiles.import_kwh[:, 0].tolist() == expected
    assert profiles.filled == 3


def test_gaps_that_come_in_pairs_are_still_gaps(write: Write) -> None:
    path = write(*(hourly("a", range(8))[hour] for hour in (0, 1, 3, 5, 6, 7)))
    assert read_profiles(path, fill="interpolate").filled == 2
    with pytest.raises(DataFileError, match="line 4: gap"):
        read_profiles(path)


def test_rows_of_another_step_cannot_be_filled(write: Write) -> None:
    """An hour's energy is not a quarter's."""
    path = write(*hourly("a", range(4)), *(f"2026-01-31T04:{m:02d},a,1,0" for m in (0, 15, 30)))
    with pytest.raises(DataFileError, match="mixed steps"):
        read_profiles(path, fill="zero")


def test_the_ends_are_filled_with_the_nearest_value(write: Write) -> None:
    path = write(*hourly("a", range(4)), "2026-01-31T01:00,b,5,0", "2026-01-31T02:00,b,6,0")
    for fill in ("previous", "interpolate"):
        profiles = read_profiles(path, fill=fill)
        assert profiles.import_kwh[:, 1].tolist() == [5, 5, 6, 6]
        assert profiles.filled == 2


def test_a_home_without_any_value_cannot_be_filled_and_an_unknown_way_is_refused(write: Write) -> None:
    path = write(*hourly("a", range(4)), *hourly("b", range(20, 22)))
    with pytest.raises(DataFileError, match="b has no value at all"):
        read_profiles(path, hours=4, fill="zero")
    with pytest.raises(UnknownNameError, match="interpolate"):
        read_profiles(path, fill="linear")


@pytest.mark.parametrize(
    ("name", "start", "hours", "shape", "seconds"),
    [
        ("sierra_crest_hourly.csv.gz", "2016-08-01", 24, (24, 11), 3_600),
        ("bondi_30min.csv.gz", "2017-01-02", 24, (48, 6), 1_800),
        ("rebase_oct_15min.csv.gz", None, None, (1_440, 16), 900),
    ],
)
def test_measured_files_load(
    shared_data: Path, name: str, start: str | None, hours: int | None, shape: tuple[int, int], seconds: int
) -> None:
    begin = datetime.fromisoformat(start) if start else None
    profiles = read_profiles(shared_data / name, start=begin, hours=hours)
    assert (profiles.import_kwh.shape, profiles.first.seconds, profiles.filled) == (shape, seconds, 0)


def test_blocks_of_months_that_do_not_join_are_told_as_a_gap(shared_data: Path) -> None:
    with pytest.raises(DataFileError, match="line 16106: gap: sc01 has no value for 2016-10-01"):
        read_profiles(shared_data / "sierra_crest_hourly.csv.gz")


def test_registers_never_drift_from_the_profile(write: Write) -> None:
    """A third of a Wh an hour: each reading is within half a Wh of the truth; rounding by interval would stay at 0."""
    path = write(*(f"2026-01-31T{hour:02d}:00,a,{1 / 3000:.9f},0" for hour in range(24)))
    register, export = read_profiles(path).registers_wh()
    assert register.shape == (25, 1)
    assert register[0, 0] == 0
    assert np.abs(register[:, 0] - np.arange(25) / 3).max() <= 0.5
    assert not export.any()


def test_an_hour_that_no_home_has_is_told_with_the_time_zone_that_skips_it(tmp_path: Path) -> None:
    path = tmp_path / "homes.csv"
    rows = [f"2026-03-29T{hour:02}:00,{home},1,0" for hour in (0, 1, 3, 4) for home in ("a", "b")]
    path.write_text("\n".join(["interval_start,home_id,load_kwh,pv_kwh", *rows]))
    with pytest.raises(DataFileError, match="because the clock is put forward there, name its time zone"):
        read_profiles(path)
    assert read_profiles(path, timezone="Europe/Berlin").count == 4
    path.write_text(path.read_text().replace("\n2026-03-29T03:00,a,1,0", ""))
    with pytest.raises(DataFileError, match=r"a has no value.*interpolate$"):
        read_profiles(path, timezone="Europe/Berlin")


def five_days(home: str, missing: tuple[int, int] | None = None) -> list[str]:
    """Hourly rows of 1 to 5 February; (day, hour) is left out."""
    hours = [(day, hour) for day in range(1, 6) for hour in range(24) if (day, hour) != missing]
    return [f"2026-02-0{day}T{hour:02d}:00,{home},{day},0" for day, hour in hours]


@pytest.mark.parametrize(
    ("missing", "most", "first_day", "days"),
    [
        (None, 2, 3, 2),
        (None, 30, 1, 4),
        ((2, 5), 30, 3, 2),
        ((2, 0), 3, 3, 2),
    ],
)
def test_the_days_before_are_as_many_whole_ones_as_the_file_has_without_a_gap(
    write: Write, missing: tuple[int, int] | None, most: int, first_day: int, days: int
) -> None:
    past = read_days_before(write(*five_days("a"), *five_days("b", missing)), datetime(2026, 2, 5, tzinfo=UTC), most)
    assert past is not None
    assert past.first.start_utc == datetime(2026, 2, first_day, tzinfo=UTC)
    assert past.load_kwh is not None
    assert past.load_kwh[:, 0].tolist() == [day for day in range(first_day, 5) for _ in range(24)]
    assert past.count == days * 24


def test_without_a_whole_day_before_there_is_no_past(write: Write) -> None:
    path = write(*five_days("a", (3, 23)))
    assert read_days_before(path, datetime(2026, 2, 4, tzinfo=UTC), 7) is None
    assert read_days_before(path, datetime(2026, 2, 1, 20, tzinfo=UTC), 7) is None


def test_a_filled_past_has_no_gap(write: Write) -> None:
    past = read_days_before(write(*five_days("a", (2, 5))), datetime(2026, 2, 5, tzinfo=UTC), 7, fill="previous")
    assert past is not None
    assert (past.count, past.filled) == (96, 1)
