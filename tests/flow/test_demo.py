"""The main job, end to end, with the real parts: broker, oracle, database, contracts, report."""

import csv
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest
from run_folders import TABLES

from microgrid.broker import BrokerFaults, EmbeddedBroker
from microgrid.config import Settings
from microgrid.domain.errors import SilenceError
from microgrid.domain.run import RunResult
from microgrid.wiring.demo import open_demo
from microgrid.wiring.inputs import DemoRequest

ROOT = Path(__file__).parents[2]
MEASURED_HOMES = 11
INVARIANTS = {
    "money_per_interval",
    "money_in_total",
    "bills_are_balances",
    "bought_is_sold",
    "energy_is_the_profile",
    "readings_once",
    "clearing_agrees",
    "settlement_agrees",
}


@dataclass(frozen=True)
class Run:
    result: RunResult
    folder: Path


def run(out: Path, request: DemoRequest, **settings: object) -> Run:
    configured = Settings(_env_file=None, out=out, **settings)  # type: ignore[call-arg]
    with open_demo(configured, request, page_port=None, command="microgrid demo") as demo:
        list(demo.outcomes())
        result = demo.result()
        return Run(result, demo.write(result))


def measured(shared_data: Path, **more: object) -> DemoRequest:
    return DemoRequest(
        data=shared_data / "sierra_crest_hourly.csv.gz",
        prices=shared_data / "sierra_crest_price.csv",
        start="2016-08-01",
        **more,  # type: ignore[arg-type]
    )


def csv_hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.csv"))}


SMALL = DemoRequest(homes=4, hours=6, start="2026-06-21T09:00")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("small") / "run", SMALL)


def test_every_invariant_is_checked_and_exact(small: Run) -> None:
    assert {i.name for i in small.result.invariants} == INVARIANTS
    assert {i.name: i.error for i in small.result.invariants if i.error} == {}


def test_homes_trade_and_money_moves(small: Run) -> None:
    assert sum(o.auction.volume_wh for o in small.result.intervals) > 0
    assert any(o.settlement.money.fees_micro for o in small.result.intervals)


def test_each_meter_reads_once_at_the_start_and_once_an_interval(small: Run) -> None:
    expected = SMALL.homes * (SMALL.hours + 1)
    counts = small.result.readings
    assert (counts.sent, counts.stored, counts.on_chain, dict(counts.refused)) == (expected, expected, expected, {})


def test_rewards_accrue_for_energy_shared(small: Run) -> None:
    """One token a kWh sold and delivered, half a token a kWh bought and consumed."""
    for total in small.result.totals:
        delivered = sum(min(s.sold_wh, s.export_wh) for s in total.statements)
        consumed = sum(min(s.bought_wh, s.import_wh) for s in total.statements)
        assert small.result.rewards_wad[total.home.account] == (2 * delivered + consumed) * 10**18 // 2_000


def test_the_run_folder_is_whole(small: Run) -> None:
    names = {path.name for path in small.folder.iterdir()}
    assert names >= TABLES | {"summary.json", "scenario.toml", "report.html", "plots", "readings.sqlite"}
    summary = json.loads((small.folder / "summary.json").read_text())
    assert {i["name"] for i in summary["invariants"]} == INVARIANTS
    assert summary["reproduce"]["command"] == "microgrid demo"


def test_the_bills_on_file_sum_to_what_grid_and_fees_got(small: Run) -> None:
    """bills.csv and community_summary.csv are written from different records of the contract."""

    def column(table: str, name: str) -> Decimal:
        with (small.folder / f"{table}.csv").open() as file:
            return sum((Decimal(row[name]) for row in csv.DictReader(file)), Decimal(0))

    received = sum(column("community_summary", name) for name in ("grid", "fees", "dust"))
    assert column("bills", "bill") == received != 0


def test_same_seed_same_bytes(small: Run, tmp_path: Path) -> None:
    again = run(tmp_path / "again", SMALL)
    assert len(csv_hashes(small.folder)) == 6
    assert csv_hashes(again.folder) == csv_hashes(small.folder)


def test_another_seed_gives_another_community(small: Run, tmp_path: Path) -> None:
    other = run(tmp_path / "other", DemoRequest(homes=4, hours=1, start=SMALL.start, seed=1))
    assert other.result.homes != small.result.homes


@contextmanager
def faulty_broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker(faults=BrokerFaults(drop=0.05, duplicate=0.05, seed=3)) as broker:
        yield broker


def test_a_broker_that_drops_and_doubles_messages_changes_no_bill(small: Run, tmp_path: Path) -> None:
    with faulty_broker() as broker:
        faulty = run(tmp_path / "faulty", SMALL, broker_url=broker.url)
    assert csv_hashes(faulty.folder) == csv_hashes(small.folder)
    assert {i.name: i.error for i in faulty.result.invariants if i.error} == {}


@pytest.mark.slow
def test_readings_of_a_whole_day_survive_a_faulty_broker(tmp_path: Path) -> None:
    with faulty_broker() as broker:
        result = run(tmp_path / "run", DemoRequest(), broker_url=broker.url).result
    assert (result.readings.sent, result.readings.stored, result.readings.on_chain) == (250, 250, 250)
    assert {i.name: i.error for i in result.invariants if i.error} == {}


@pytest.mark.parametrize("strategy", ["truthful", "adaptive", "zero_intelligence"])
def test_no_home_is_worse_off_with_exact_forecasts(tmp_path: Path, strategy: str) -> None:
    request = DemoRequest(homes=5, hours=4, start="2026-06-21T10:00", forecaster="exact", strategy=strategy)
    result = run(tmp_path / "run", request).result
    assert sum(o.auction.volume_wh for o in result.intervals) > 0
    assert [t.home.home_id for t in result.totals if t.saving_micro < 0] == []


@pytest.mark.slow
def test_measured_homes_for_a_day(tmp_path: Path, shared_data: Path) -> None:
    result = run(tmp_path / "run", measured(shared_data)).result
    assert len(result.homes) == MEASURED_HOMES
    assert {i.name: i.error for i in result.invariants if i.error} == {}


@pytest.mark.slow
def test_no_measured_home_is_worse_off_with_exact_forecasts(tmp_path: Path, shared_data: Path) -> None:
    result = run(tmp_path / "run", measured(shared_data, forecaster="exact")).result
    assert {t.home.home_id: t.saving_micro for t in result.totals if t.saving_micro < 0} == {}
    assert all(t.saving_micro > 0 for t in result.totals)


def test_each_home_that_is_worse_off_is_named_with_the_reason(tmp_path: Path, shared_data: Path) -> None:
    """Persistence misses the afternoon, so some home sells what it does not have."""
    request = measured(shared_data, forecaster="persistence", hours=20)
    done = run(tmp_path / "run", request)
    worse = {t.home.home_id for t in done.result.totals if t.saving_micro < 0}
    assert worse
    summary = json.loads((done.folder / "summary.json").read_text())
    assert {entry["home_id"] for entry in summary["worse_off"]} == worse
    assert all("imbalance" in entry["reason"] for entry in summary["worse_off"])


def test_homes_may_be_called_anything(tmp_path: Path) -> None:
    """A meter's name stands in MQTT topics, which a home's own name may not do; nor is a name markup."""
    names = ["flat 4/2", "home/+#1", "M\u00fcller & <b>S\u00f6hne</b>", "[/] [red]", "flat-4-2", "x" * 90]
    rows = [f"2016-08-01T0{hour}:00,{name},1.0,0.4\n" for name in names for hour in range(2)]
    data = tmp_path / "homes.csv"
    data.write_text("interval_start,home_id,load_kwh,pv_kwh\n" + "".join(rows), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "microgrid", "demo", "--data", data.name, "--hours", "2", "--out", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text(encoding="utf-8"))
    assert [home["home_id"] for home in summary["homes"]] == names
    assert len({home["device"] for home in summary["homes"]}) == len(names)
    assert summary["readings"]["on_chain"] == 3 * len(names)


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    words, wide = [sys.executable, "-m", "microgrid", "demo"], {**os.environ, "COLUMNS": "80"}
    printed = subprocess.run(words, cwd=tmp_path, env=wide, capture_output=True, text=True, check=True).stdout
    shown = (ROOT / "README.md").read_text("utf-8").partition("$ microgrid demo\n")[2].partition("\n```")[0]
    assert shown.splitlines() == [line.rstrip() for line in printed.splitlines()]


def test_passwords_stay_out_of_the_run_folder(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        url = broker.url.replace("//", "//ann:sesame@")
        words = ["demo", "--homes", "1", "--hours", "1", f"--broker={url}", "--out", "run"]
        subprocess.run([sys.executable, "-m", "microgrid", *words], cwd=tmp_path, capture_output=True, check=True)
    assert "ann:***@" in (tmp_path / "run" / "summary.json").read_text()
    assert [path for path in (tmp_path / "run").rglob("*") if path.is_file() and b"sesame" in path.read_bytes()] == []


def test_a_run_that_is_told_to_end_takes_its_scratch_files_along(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "microgrid", "demo", "--serve", "--port", "0", "--out", "run"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(words, cwd=tmp_path, env=env, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert running.stderr.readline().startswith("Live page")
        assert len(list(tmp_path.iterdir())) == 1
        running.terminate()
        assert running.wait(60) == 128 + signal.SIGTERM
        assert running.stderr.read() == ""
    assert list(tmp_path.iterdir()) == []


def test_what_was_filled_is_counted(tmp_path: Path) -> None:
    rows = [f"2016-08-01T0{hour}:00,a,{'oops' if hour == 1 else '1.0'},0.4\n" for hour in (0, 1, 2, 4)]
    (tmp_path / "homes.csv").write_text("interval_start,home_id,load_kwh,pv_kwh\n" + "".join(rows))
    words = ["demo", "--data", "homes.csv", "--hours", "5", "--fill", "previous"]
    done = subprocess.run([sys.executable, "-m", "microgrid", *words], cwd=tmp_path, capture_output=True, check=True)
    assert b"Filled: 2 values" in done.stdout
    assert "homes =" not in (tmp_path / "runs" / "demo" / "scenario.toml").read_text()


def test_a_broker_that_dies_for_good_ends_the_run_and_writes_nothing(tmp_path: Path) -> None:
    with EmbeddedBroker() as broker:
        settings = Settings(_env_file=None, out=tmp_path / "run", broker_url=broker.url, reading_timeout_s=5.0)  # type: ignore[call-arg]
        with open_demo(settings, SMALL, page_port=None, command="microgrid demo") as demo:
            outcomes = demo.outcomes()
            next(outcomes)
            broker.close()
            with pytest.raises(SilenceError, match="broker"):
                list(outcomes)
    assert not (tmp_path / "run").exists()


def test_homes_metered_every_five_minutes_are_settled_too(tmp_path: Path) -> None:
    """Readings may be late by fewer intervals than the contracts remember, however short these are."""
    rows = [
        f"2026-05-01T00:{minute:02d},{home},0.05,{pv}"
        for minute in range(0, 60, 5)
        for home, pv in (("a", 0), ("b", 0.1))
    ]
    data = tmp_path / "homes.csv"
    data.write_text("\n".join(["interval_start,home_id,load_kwh,pv_kwh", *rows]))
    result = run(tmp_path / "run", DemoRequest(data=data, hours=1, forecaster="persistence")).result
    assert len(result.intervals) == 12
    assert {invariant.name: invariant.error for invariant in result.invariants if invariant.error} == {}
