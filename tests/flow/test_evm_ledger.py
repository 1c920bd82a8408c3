"""A simulated run on the contracts: their prices, fills and amounts are the simulator's, and a difference is found."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from simulations import inputs_of, scenario

from microgrid.cli import root
from microgrid.data.scenarios import read_scenario
from microgrid.domain.errors import InvariantError, ScenarioError
from microgrid.domain.records import PriceBand
from microgrid.domain.run import Reproduce
from microgrid.report.simulation.page import render
from microgrid.report.simulation.summary import summary
from microgrid.report.simulation.view import SimulationView
from microgrid.sim.results import Results
from microgrid.sim.run import run
from microgrid.wiring.evm_ledger import check_scenario, settle_on_contracts
from microgrid.wiring.simulate import SimulationRequest, prepare

SMALL = {"homes.count": "4", "steps": "6", "start": "2026-06-21T09:00"}


def contract_error(results: Results) -> int:
    (found,) = [item for item in results.invariants if item.name == "contract"]
    return found.error


def two_homes(bands: list[PriceBand]) -> Results:
    """One lacks 1.5 kWh and bids retail, one has 2 and asks feed-in: every tick trades the same."""
    rules = scenario(
        {"batteries": {"model": "none"}, "ledger": {"kind": "evm"}},
        market__mechanism="tick_auction",
        market__strategy="truthful",
        steps=len(bands),
    )
    count = len(bands)
    return run(rules, inputs=inputs_of(rules, [[0.0, 1.5]] * count, [[2.0, 0.0]] * count, bands=bands))


@pytest.fixture(scope="module")
def simulated() -> Results:
    return run(read_scenario("contract_day").with_settings(SMALL), seed=0)


@pytest.fixture(scope="module")
def settled(simulated: Results) -> Results:
    return settle_on_contracts(simulated)


def test_the_contracts_bill_a_small_community_as_the_simulator_does(simulated: Results, settled: Results) -> None:
    assert simulated.trades.energy_wh.sum() > 0
    assert contract_error(settled) == 0
    assert all(
        np.array_equal(column.values, other.values)
        for name in simulated.columns
        for column, other in zip(simulated.columns[name].columns, settled.columns[name].columns, strict=True)
    )


def test_the_ledger_tells_what_the_contracts_took(settled: Results) -> None:
    contracts = settled.ledger.contracts
    assert contracts.calls["clear"] == contracts.calls["settle"] == 6
    assert contracts.calls["submitReadings"] == 7  # the meters' first readings are where they begin
    assert contracts.calls["registerMember"] == 4
    assert set(contracts.calls) | {"deploy"} == set(contracts.gas)
    assert contracts.transactions > sum(contracts.calls.values())
    assert contracts.blocks >= contracts.transactions
    assert contracts.addresses["EnergyTrading"].startswith("0x")
    figures = settled.metrics["ledger"]
    assert (figures["blocks"], figures["transactions"]) == (contracts.blocks, contracts.transactions)


def test_the_command_settles_on_contracts_and_its_summary_tells_of_it(tmp_path: Path) -> None:
    rules = ["ledger.kind=evm", "market.mechanism=tick_auction", "homes.count=3", "steps=2"]
    settings = [word for rule in rules for word in ("--set", rule)]
    result = CliRunner().invoke(
        root, ["simulate", "household_5", *settings, "--no-plots", "--out", str(tmp_path / "run")]
    )
    assert result.exit_code == 0, result.output
    assert "Invariants: 10 of 10 exact." in result.output
    told = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert told["contracts"]["calls"]["clear"] == 2
    assert {key: told["invariants"][-1][key] for key in ("name", "error")} == {"name": "contract", "error": 0}
    assert "contracts" in told["timings_s"]


def test_the_report_tells_of_transactions_gas_and_addresses(settled: Results) -> None:
    content = summary(settled, Reproduce("microgrid simulate contract_day", "0", 0), {})
    page = render(SimulationView(content, settled.columns), [])
    contracts = settled.ledger.contracts
    assert f"{contracts.transactions} transactions in {contracts.blocks} blocks of chain 31337" in page
    assert all(address in page for address in contracts.addresses.values())
    assert f"<td>{contracts.gas['clear']:,}</td>" in page


def test_the_command_refuses_rules_that_the_contracts_do_not_have(tmp_path: Path) -> None:
    words = ["simulate", "household_5", "--set", "ledger.kind=evm", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(root, words)
    assert isinstance(result.exception, ScenarioError)
    assert not (tmp_path / "run").exists()


def test_a_reference_off_the_middle_decides_alike() -> None:
    bands = [PriceBand(100_000, 300_000, 120_000), PriceBand(100_000, 300_000, 271_000)]
    results = two_homes(bands)
    prices = results.trades.seller_micro.tolist()
    assert [abs(price - band.reference) <= 200_000 / 127 for price, band in zip(prices, bands, strict=True)] == [
        True
    ] * 2
    assert contract_error(settle_on_contracts(results)) == 0


def test_every_number_that_is_off_by_one_is_found() -> None:
    """One home's fill on either side, one amount, the price and the grid's sum: five differences, the first named."""
    results = two_homes([PriceBand(100_000, 300_000, 200_000)])
    trading, last = results.trading, np.array([0, 1])
    wrong = replace(
        results,
        trading=replace(
            trading,
            bought_wh=trading.bought_wh + last,
            sold_wh=trading.sold_wh - last,
            amount_micro=trading.amount_micro + last,
        ),
        trades=replace(results.trades, seller_micro=results.trades.seller_micro + 1),
        money=replace(results.money, grid_micro=results.money.grid_micro - 1),
    )
    with pytest.raises(InvariantError, match="first price, micro per kWh in step 0: ") as caught:
        settle_on_contracts(wrong)
    assert caught.value.error == 5


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("market.mechanism", "mid_market_rate"),
        ("market.orders", "forecast"),
        ("market.parameters.reference", "0.2"),
        ("market.trading_fee", "1.5"),
        ("regulator.enabled", "true"),
        ("batteries.model", "central"),
        ("homes.count", "201"),
    ],
)
def test_rules_that_the_contracts_do_not_have_are_refused_before_the_run(key: str, value: str) -> None:
    named = key if key.count(".") == 1 else key.rpartition(".")[0]
    with pytest.raises(ScenarioError, match=rf"^{named} is .*; it must be .*, where ledger.kind is evm$"):
        prepare(SimulationRequest("contract_day", {key: value}))


def test_the_same_rules_pass_on_another_ledger() -> None:
    prepared = prepare(SimulationRequest("contract_day", {"ledger.kind": "none", "regulator.enabled": "true"}))
    assert prepared.scenario.ledger.kind == "none"


def test_a_home_too_large_for_an_order_is_refused_by_name() -> None:
    rules = scenario({"ledger": {"kind": "evm"}}, market__mechanism="tick_auction", batteries__model="none", steps=1)
    check_scenario(rules)
    results = run(rules, inputs=inputs_of(rules, [[1_000.5, 1.0]], [[0.0, 0.0]]))
    with pytest.raises(ScenarioError, match=r"h0 has 1000.5 kWh in an interval, and the contracts take 1000 at most"):
        settle_on_contracts(results)


LARGER: tuple[dict[str, Any], ...] = (
    {},
    {"homes.count": "30", "steps": "16", "prices.tariff": "flat", "market.strategy": "truthful"},
    {
        "steps": "48",
        "step_minutes": "5",
        "start": "2026-06-21T10:00",
        "prices.tariff": "dynamic",
        "market.strategy": "zero_intelligence",
    },
    {"homes.count": "200", "steps": "4", "start": "2026-06-21T10:00", "market.trading_fee": "0.0"},
)


@pytest.mark.slow
@pytest.mark.parametrize("settings", LARGER, ids=["day", "ties", "five_minutes", "two_hundred_homes"])
def test_the_contracts_bill_larger_communities_as_the_simulator_does(settings: dict[str, str]) -> None:
    results = run(read_scenario("contract_day").with_settings(settings), seed=3)
    assert contract_error(settle_on_contracts(results)) == 0
