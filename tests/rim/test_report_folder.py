"""The run folder: exact, deterministic, whole or not at all."""

import dataclasses
import json
import tomllib
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from builders import outcome, run_result
from run_folders import TABLES, rows

from microgrid.domain.errors import RunFolderError
from microgrid.domain.records import HomeStatement, PriceBand, Side
from microgrid.domain.run import RunResult, home_share
from microgrid.report import write_run_folder
from microgrid.report.folder import check_target
from microgrid.report.trades import pair_trades


@pytest.fixture(scope="module")
def result() -> RunResult:
    return run_result(5)


@pytest.fixture(scope="module")
def folder(result: RunResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_folder(result, tmp_path_factory.mktemp("runs") / "run")


def test_the_folder_holds_every_named_part(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == TABLES | {
        "summary.json",
        "scenario.toml",
        "report.html",
        "plots",
    }
    plots = sorted((folder / "plots").iterdir())
    assert [plot.name for plot in plots] == ["bills.png", "energy.png", "prices.png"]
    assert all(plot.read_bytes().startswith(b"\x89PNG") for plot in plots)


def test_two_runs_of_one_seed_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write_run_folder(run_result(5), tmp_path / "again")
    names = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert {str(name) for name in names if (folder / name).read_bytes() != (again / name).read_bytes()} == set()


def test_bills_are_exact_to_the_micro(folder: Path, result: RunResult) -> None:
    by_home = {row["home_id"]: row for row in rows(folder, "bills")}
    for home in result.homes:
        statements = [s for o in result.intervals for s in o.settlement.statements if s.account == home.account]
        assert Decimal(by_home[home.home_id]["bill"]) * 10**6 == -sum(s.amount_micro for s in statements)


def test_the_parts_of_a_bill_add_up_to_it(folder: Path) -> None:
    for row in rows(folder, "bills"):
        amount = {name: Decimal(cell) for name, cell in row.items() if name != "home_id"}
        charges = sum(amount[name] for name in ("energy_bought", "fees", "grid_import", "shortage"))
        credited = sum(amount[name] for name in ("energy_sold", "grid_feed_in", "unused_resold"))
        assert amount["bill"] == charges - credited + amount["rounding"]
        assert amount["saving"] == amount["bill_without_market"] - amount["bill"]
        rounding_steps = Decimal("0.000001") * (2 * 24 + 9)
        assert abs(amount["saving"] - amount["trading_gain"] + amount["imbalance_cost"]) <= rounding_steps


def test_trades_add_up_to_every_homes_fills(folder: Path) -> None:
    bought: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    sold: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for trade in rows(folder, "all_trades"):
        bought[trade["interval_start"], trade["buyer"]] += Decimal(trade["energy_kwh"])
        sold[trade["interval_start"], trade["seller"]] += Decimal(trade["energy_kwh"])
    for row in rows(folder, "prosumer_trading"):
        key = row["interval_start"], row["home_id"]
        assert bought[key] == Decimal(row["bought_kwh"])
        assert sold[key] == Decimal(row["sold_kwh"])


def test_trades_pair_in_order_of_submission() -> None:
    done = outcome(run_result(5).homes, run_result(5).intervals[12].interval)
    submitted = [order.trader for order in done.orders]
    trades = pair_trades(done)
    for accounts in ([t.buyer for t in trades], [t.seller for t in trades]):
        assert accounts == sorted(accounts, key=submitted.index)


def test_the_regulator_file_has_a_header_only(folder: Path) -> None:
    assert (folder / "regulator_actions.csv").read_bytes() == b"interval_start,action,target,value,reason\n"


def test_tables_have_unix_line_ends_and_utc_times(folder: Path) -> None:
    assert all(b"\r" not in (folder / name).read_bytes() for name in TABLES)
    assert rows(folder, "community_summary")[0]["interval_start"] == "2016-08-01T00:00:00+00:00"


def test_the_summary_names_invariants_and_how_to_reproduce(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text())
    assert [item["error"] for item in summary["invariants"]] == [0, 0, 0]
    assert set(summary["reproduce"]) == {"command", "version", "seed", "inputs"}
    assert summary["reproduce"]["inputs"] == {"homes.csv": "ab" * 32}


def test_the_sum_of_all_accounts_is_zero(folder: Path) -> None:
    totals = json.loads((folder / "summary.json").read_text())["totals"]
    assert totals["grid_micro"] + totals["fees_micro"] + totals["dust_micro"] == totals["bills_micro"]


def test_a_home_that_overpromised_is_named_with_its_imbalance(folder: Path) -> None:
    worse = json.loads((folder / "summary.json").read_text())["worse_off"]
    assert [home["home_id"] for home in worse] == ["home-01"]
    assert "sold but not delivered" in worse[0]["reason"]


def test_the_scenario_is_toml_that_reads_back(folder: Path) -> None:
    scenario = tomllib.loads((folder / "scenario.toml").read_text())
    assert scenario == {"homes": 5, "hours": 24, "fee_per_kwh": "0.002", "market": {"mechanism": "tick_auction"}}


def test_unknown_load_leaves_an_empty_cell(tmp_path: Path) -> None:
    """A net meter tells import and export only."""
    result = run_result(3, 2)
    hidden = tuple(dataclasses.replace(o, load_wh=None, pv_wh=None) for o in result.intervals)
    folder = write_run_folder(dataclasses.replace(result, intervals=hidden), tmp_path / "run")
    assert {row["load_kwh"] + row["pv_kwh"] for row in rows(folder, "prosumer_energy")} == {""}
    assert (folder / "plots" / "energy.png").exists()


def test_an_earlier_run_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = write_run_folder(run_result(3, 4), tmp_path / "run")
    write_run_folder(run_result(2, 3), target)
    assert len(rows(target, "bills")) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunFolderError, match="other things"):
        write_run_folder(run_result(2, 2), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("")
    with pytest.raises(RunFolderError, match="is a file"):
        check_target(tmp_path / "run")


def test_a_place_below_a_file_is_refused_before_the_run(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(RunFolderError, match=r"notes\.txt is no folder"):
        check_target(tmp_path / "notes.txt" / "deep" / "run")


def test_a_failure_leaves_the_earlier_run_and_no_fragments(tmp_path: Path) -> None:
    """The database to move in is missing, which shows only at the end."""
    target = write_run_folder(run_result(3, 2), tmp_path / "run")
    with pytest.raises(RunFolderError, match="cannot be written"):
        write_run_folder(run_result(2, 2), target, move_in={"run.sqlite": tmp_path / "missing"})
    assert len(rows(target, "bills")) == 3
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_further_files_are_moved_in(tmp_path: Path) -> None:
    (tmp_path / "database").write_bytes(b"rows")
    target = write_run_folder(run_result(2, 2), tmp_path / "run", move_in={"run.sqlite": tmp_path / "database"})
    assert (target / "run.sqlite").read_bytes() == b"rows"
    assert not (tmp_path / "database").exists()


@pytest.mark.parametrize(
    ("bought", "sold", "imported", "exported", "expected_nano"),
    [
        (1_000, 0, 1_500, 0, -(1_000 * 202 + 500 * 300)),
        (1_000, 0, 400, 0, -(1_000 * 202) + 600 * 80),
        (0, 1_000, 0, 700, 1_000 * 200 - 300 * 300),
        (0, 1_000, 0, 1_700, 1_000 * 200 + 700 * 80),
    ],
    ids=["rest from the grid", "unused resold", "short", "surplus fed in"],
)
def test_shares_follow_the_money_rule(bought: int, sold: int, imported: int, exported: int, expected_nano: int) -> None:
    """Worked by hand at price 0.2, fee 0.002, band 0.08 to 0.3 per kWh."""
    line = HomeStatement(0, "0x1", bought, sold, imported, exported, metered=True, amount_micro=0)
    share = home_share(line, 200_000, PriceBand(80_000, 300_000, 190_000), 2_000)
    without = 80_000 * exported - 300_000 * imported
    assert share.amount_nano == expected_nano * 1_000
    assert share.amount_nano - without == share.trading_gain_nano - share.imbalance_nano


def test_energy_bought_without_a_reading_counts_as_unused() -> None:
    line = HomeStatement(0, "0x1", 1_000, 0, 0, 0, metered=False, amount_micro=0)
    share = home_share(line, 200_000, PriceBand(80_000, 300_000, 190_000), 2_000)
    assert share.amount_nano == -202_000_000 + 80_000_000
    assert share.imbalance_wh == 1_000


def test_every_side_is_written_in_lower_case(folder: Path) -> None:
    assert {row["side"] for row in rows(folder, "prosumer_trading")} <= {side.name.lower() for side in Side} | {""}
