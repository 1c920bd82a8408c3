"""The folder of a simulated run: complete, exact, the same bytes for the same seed."""

import json
import tomllib
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from run_folders import TABLES, rows
from simulated_runs import by_hand, everything, written

from microgrid.domain.errors import DataFileError, RunFolderError
from microgrid.ledger import chain_from_json, validate
from microgrid.report import check_target
from microgrid.report.rebuild import rebuild
from microgrid.report.simulation.reading import read_simulation
from microgrid.sim.scenario import Scenario
from microgrid.sim.tables import Table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(everything(), tmp_path_factory.mktemp("runs") / "run", plots=True, timings={"run": 1.5})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_folder_holds_every_named_part(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == TABLES | {
        "summary.json",
        "scenario.toml",
        "credit_transfers.csv",
        "blocks.json",
        "report.html",
        "plots",
    }
    assert len(list((folder / "plots").glob("*.png"))) >= 30


def test_what_a_run_does_not_have_is_left_out(tmp_path: Path) -> None:
    names = {path.name for path in written(by_hand(), tmp_path / "run").iterdir()}
    assert names == TABLES | {"summary.json", "scenario.toml"}


def test_two_runs_of_one_seed_differ_in_their_timings_alone(folder: Path, tmp_path: Path) -> None:
    first = contents(folder)
    second = contents(written(everything(), tmp_path / "again", plots=True, timings={"run": 2.5}))
    assert {name for name in first if first[name] != second[name]} == {"summary.json"}
    summaries = [json.loads(files["summary.json"]) for files in (first, second)]
    assert [summary.pop("timings_s") for summary in summaries] == [{"run": 1.5}, {"run": 2.5}]
    assert summaries[0] == summaries[1]


def test_the_scenario_loads_back_to_the_one_that_was_run(folder: Path) -> None:
    document = tomllib.loads((folder / "scenario.toml").read_text("utf-8"))
    assert Scenario.from_mapping(document) == everything().scenario


def test_a_scenario_with_a_mix_and_odd_text_loads_back(tmp_path: Path) -> None:
    rules = by_hand().scenario
    homes = replace(rules.homes, mix={"family": 0.5, "single": 2.0}, pv_kw=(1.0, 2.5))
    odd = replace(rules, homes=homes, description='"Küche" \\ two\nlines', name="a b")
    target = written(replace(by_hand(), scenario=odd), tmp_path / "run")
    assert Scenario.from_mapping(tomllib.loads((target / "scenario.toml").read_text("utf-8"))) == odd


def test_the_chain_is_there_to_be_validated(folder: Path) -> None:
    chain = chain_from_json((folder / "blocks.json").read_text("utf-8"))
    assert validate(chain) is None
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert chain.blocks[-1].hash == summary["ledger"]["head"]
    assert len(chain.blocks) - 1 == len(summary["ledger"]["blocks"])


def test_every_bill_is_the_sum_of_its_steps(folder: Path) -> None:
    total: dict[str, Decimal] = {}
    for row in rows(folder, "prosumer_trading"):
        total[row["home_id"]] = total.get(row["home_id"], Decimal(0)) + Decimal(row["bill"])
    assert total == {row["home_id"]: Decimal(row["bill"]) for row in rows(folder, "bills")}


def test_every_bill_follows_from_trades_grid_and_regulator(folder: Path) -> None:
    """Recomputed from the text of the tables alone; rounded down against the home once a step."""
    energy = {(row["interval_start"], row["home_id"]): row for row in rows(folder, "prosumer_energy")}
    prices = {row["interval_start"]: row for row in rows(folder, "community_summary")}
    amount: dict[tuple[str, str], Decimal] = {}
    for trade in rows(folder, "all_trades"):
        for who, price, sign in (("buyer", "price_per_kwh", 1), ("seller", "seller_price_per_kwh", -1)):
            key = (trade["interval_start"], trade[who])
            amount[key] = amount.get(key, Decimal(0)) + sign * Decimal(trade["energy_kwh"]) * Decimal(trade[price])
    for row in rows(folder, "prosumer_trading"):
        key = (row["interval_start"], row["home_id"])
        home = {name: Decimal(value) for name, value in energy[key].items() if name.endswith("_kwh")}
        bought, sold = Decimal(row["bought_kwh"]), Decimal(row["sold_kwh"])
        exact = amount.get(key, Decimal(0)) + Decimal(row["penalty"]) - Decimal(row["bonus"])
        exact += (home["import_kwh"] - bought) * Decimal(prices[key[0]]["retail_per_kwh"])
        exact -= (home["export_kwh"] - sold) * Decimal(prices[key[0]]["feed_in_per_kwh"])
        assert 0 <= Decimal(row["bill"]) - exact < Decimal("0.000001")


def test_the_sum_of_all_accounts_is_zero(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert sum(summary["money"].values()) == 0
    assert -summary["money"]["homes_micro"] == summary["totals"]["bills_micro"]
    assert {item["name"]: item["error"] for item in summary["invariants"] if item["error"]} == {}
    assert summary["reproduce"] == {
        "command": "microgrid simulate everything --seed 1",
        "version": "0.1.0",
        "seed": 1,
        "inputs": {"homes.csv": "ab" * 32},
    }


def test_hand_made_bills_stand_in_the_table(tmp_path: Path) -> None:
    """h0 sells 2 kWh at 0.20, twice; h1 gets 0.666 of its 1 kWh from it and the rest at 0.30."""
    bills = rows(written(by_hand(), tmp_path / "run"), "bills")
    assert [row["bill"] for row in bills] == ["-0.800000", "0.466800", "0.933200"]
    assert [row["bill_without_market"] for row in bills] == ["-0.400000", "0.600000", "1.200000"]


def test_credits_end_where_their_transfers_lead(folder: Path) -> None:
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    balances = {name: Decimal(2) for name in summary["credits"]["balances_wh"]} | {"supply": Decimal(1_000)}
    refused = 0
    for row in rows(folder, "credit_transfers"):
        refused += bool(row["refused"])
        if not row["refused"]:
            balances[row["sender"]] -= Decimal(row["amount_kwh"])
            balances[row["receiver"]] += Decimal(row["amount_kwh"])
    assert balances == {name: Decimal(wh) / 1_000 for name, wh in summary["credits"]["balances_wh"].items()}
    assert refused == summary["credits"]["refused"] > 0


def test_a_folder_reads_back_as_what_was_written(folder: Path) -> None:
    view, columns = read_simulation(folder), everything().columns
    for name, table in columns.items():
        assert texts(view.tables[name]) == texts(table), name


def texts(table: Table) -> dict[str, list[str]]:
    """Every cell as text, with its decimals."""
    return {
        column.name: [
            column.labels[value] if column.labels else f"{value}e-{column.decimals}" for value in column.values
        ]
        for column in table.columns
    }


def test_an_earlier_simulation_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    target = written(by_hand(), tmp_path / "run")
    check_target(target)
    written(by_hand("no_market"), target)
    assert json.loads((target / "summary.json").read_text("utf-8"))["totals"]["traded_wh"] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunFolderError, match="holds other things"):
        written(by_hand(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_rebuilding_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    copy = written(everything(), tmp_path / "copy", timings={"run": 1.5})
    assert not (copy / "report.html").exists()
    rebuild(copy)
    assert contents(copy) == contents(folder)


def test_a_damaged_table_is_named_with_line_and_column(tmp_path: Path) -> None:
    target = written(by_hand(), tmp_path / "run")
    path = target / "bills.csv"
    path.write_text(path.read_text("utf-8").replace("0.466800", "lots", 1), "utf-8")
    with pytest.raises(DataFileError, match=r"bills\.csv, line 3, column 'bill': 'lots' is no number"):
        rebuild(target)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    target = written(by_hand(), tmp_path / "run")
    (target / "all_trades.csv").unlink()
    with pytest.raises(RunFolderError, match=r"all_trades\.csv"):
        rebuild(target)


def test_a_summary_that_lacks_a_part_is_refused(tmp_path: Path) -> None:
    target = written(by_hand(), tmp_path / "run")
    summary = json.loads((target / "summary.json").read_text("utf-8"))
    del summary["tiers"]
    (target / "summary.json").write_text(json.dumps(summary), "utf-8")
    with pytest.raises(RunFolderError, match="tiers"):
        rebuild(target)
