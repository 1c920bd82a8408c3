"""The step loop: whatever the rules, energy and money add up, limits hold, and a seed gives one result."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from simulations import HOUR, inputs_of, scenario

from microgrid.domain import plugins
from microgrid.domain.errors import InvariantError, ScenarioError
from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand
from microgrid.sim.run import Simulation, run
from microgrid.sim.trading import Orders

FULL = {"regulator": {"enabled": True}, "credits": {"enabled": True}, "ledger": {"kind": "proof_of_work", "miners": 3}}
NO_BATTERY = {"batteries": {"model": "none"}, "prices": {"tariff": "flat", "retail": 0.3, "feed_in": 0.1}}


@pytest.mark.parametrize("mechanism", plugins.names("mechanism"))
def test_every_mechanism_settles_a_community_without_a_broken_invariant(mechanism: str) -> None:
    result = run(scenario(FULL, market__mechanism=mechanism), seed=1)
    assert {item.name: item.error for item in result.invariants if item.error} == {}
    assert bool(result.trades.energy_wh.sum()) is (mechanism != "no_market")


@pytest.mark.parametrize("strategy", plugins.names("strategy"))
def test_every_strategy_trades_within_its_own_limits(strategy: str) -> None:
    result = run(scenario(market__strategy=strategy), seed=2)
    assert {item.name: item.error for item in result.invariants if item.error} == {}


@pytest.mark.parametrize("optimiser", plugins.names("optimiser"))
@pytest.mark.parametrize("model", ["individual", "central", "shared", "none"])
def test_every_optimiser_runs_every_kind_of_battery(optimiser: str, model: str) -> None:
    document = {"homes": {"count": 4, "ev_share": 0.5, "heat_pump_share": 0.5, "mean_air_c": 5.0}}
    result = run(scenario(document, planning__optimiser=optimiser, batteries__model=model, steps=24), seed=3)
    assert {item.name: item.error for item in result.invariants if item.error} == {}
    stored = result.energy.charge_wh.sum() + result.energy.central_charge_wh.sum()
    assert bool(stored) is (model != "none")


@pytest.mark.parametrize("forecaster", plugins.names("forecaster"))
def test_every_forecaster_serves_planning_and_orders(forecaster: str) -> None:
    rules = scenario(planning__forecaster=forecaster, planning__optimiser="linear_program", market__orders="forecast")
    result = run(rules, seed=4)
    assert {item.name: item.error for item in result.invariants if item.error} == {}


def test_a_home_settles_by_hand() -> None:
    """h0 has 2 kWh to spare, h1 lacks 1, h2 lacks 2; truth meets at the middle of 0.1 and 0.3.

    h0 sells 2 at 0.20; h1, first in time, buys 1; h2 buys 1 and takes 1 from the grid at 0.30.
    """
    rules = scenario(NO_BATTERY, market__mechanism="mid_market_rate", market__strategy="truthful", steps=1)
    result = run(rules, inputs=inputs_of(rules, [[0.0, 1.0, 2.0]], [[2.0, 0.0, 0.0]]))
    sold, bought = result.trading.sold_wh[0, 0], result.trading.bought_wh[0, 0]
    assert sold.tolist() == [2_000, 0, 0]
    assert bought.sum() == 2_000
    assert bought.tolist() == [0, 666, 1_334]
    assert result.bill_micro.tolist() == [-400_000, 666 * 200 + 334 * 300, 1_334 * 200 + 666 * 300]
    assert result.without_market_micro.tolist() == [-200_000, 300_000, 600_000]


def test_a_fee_on_bought_energy_goes_to_the_operator() -> None:
    rules = scenario(
        NO_BATTERY, market__mechanism="uniform_price", market__strategy="truthful", market__trading_fee=0.02, steps=1
    )
    result = run(rules, inputs=inputs_of(rules, [[0.0, 1.0]], [[1.0, 0.0]]))
    assert result.money.operator_micro.tolist() == [20_000]
    assert result.bill_micro.sum() == 20_000


def test_the_same_seed_gives_the_same_tables_and_another_seed_others() -> None:
    first, again, other = (run(scenario(FULL), seed=seed) for seed in (7, 7, 8))
    for name, table in first.columns.items():
        for one, two in zip(table.columns, again.columns[name].columns, strict=True):
            assert one.name == two.name
            assert np.array_equal(one.values, two.values), (name, one.name)
    assert first.metrics == again.metrics
    assert first.metrics != other.metrics


def test_another_market_leaves_homes_and_chances_as_they_are() -> None:
    one, two = (run(scenario(market__mechanism=name), seed=5) for name in ("no_market", "three_tier"))
    assert np.array_equal(one.energy.load_wh, two.energy.load_wh)
    assert np.array_equal(one.energy.soc_kwh, two.energy.soc_kwh)
    assert np.array_equal(one.trading.without_market_micro, two.trading.without_market_micro)


def test_another_forecaster_leaves_the_homes_as_they_are() -> None:
    one, two = (run(scenario(planning__forecaster=name), seed=5) for name in ("exact", "seasonal_naive"))
    assert np.array_equal(one.energy.pv_wh, two.energy.pv_wh)
    assert np.array_equal(one.energy.load_wh, two.energy.load_wh)


def test_without_a_market_everyone_pays_the_grid() -> None:
    result = run(scenario(market__mechanism="no_market"), seed=1)
    assert np.array_equal(result.bill_micro, result.without_market_micro)
    assert len(result.trades.energy_wh) == 0
    assert result.metrics["market"]["mean_price_per_kwh"] is None


def test_orders_below_the_least_one_stay_out() -> None:
    rules = scenario(NO_BATTERY, market__least_order_kwh=0.5)
    orders = Simulation(rules, inputs=inputs_of(rules, [[0.499, 0.5, 0.0]], [[0.0, 0.0, 0.4]])).propose(0)
    assert orders.net_wh.tolist() == [0, 500, 0]


@pytest.mark.parametrize(
    ("load", "pv"),
    [
        ([[1.0]], [[0.0]]),
        ([[0.0]], [[1.0]]),
        ([[0.0, 0.0]], [[0.0, 0.0]]),
        ([[1.0, 2.0]], [[0.0, 0.0]]),
        ([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.5]]),
    ],
    ids=["one consumer", "one producer", "nothing", "no PV", "all balanced"],
)
def test_communities_at_the_edge_have_results_and_figures(load: list[list[float]], pv: list[list[float]]) -> None:
    rules = scenario(FULL | NO_BATTERY)
    result = run(rules, inputs=inputs_of(rules, load, pv))
    assert len(result.trades.energy_wh) == 0
    assert result.metrics["energy"]["load_kwh"] == pytest.approx(np.sum(load))
    assert all(np.isfinite(value) for value in result.metrics["bills"].values() if isinstance(value, float))


@pytest.mark.parametrize(
    ("start", "timezone", "hours"),
    [
        ("2026-03-29T00:00", "Europe/Berlin", 23),
        ("2026-10-25T00:00", "Europe/Berlin", 25),
        ("2026-12-31T00:00", "UTC", 24),
    ],
)
def test_days_of_23_and_25_hours_and_the_last_of_the_year_run_through(start: str, timezone: str, hours: int) -> None:
    rules = scenario(start=start, timezone=timezone, steps=hours, prices__tariff="time_of_use")
    result = run(rules, seed=1)
    last = Interval(result.first.index + hours - 1, HOUR)
    clock = ZoneInfo(timezone)
    assert result.first.start_utc.astimezone(clock).replace(tzinfo=None) == datetime.fromisoformat(start)
    assert last.end_utc.astimezone(clock).replace(tzinfo=None) == datetime.fromisoformat(start) + timedelta(days=1)
    assert {item.name: item.error for item in result.invariants if item.error} == {}


def test_a_banned_home_trades_with_the_grid_alone() -> None:
    document: dict[str, Any] = {**NO_BATTERY, "regulator": {"enabled": True, "start_balance": 0.05}}
    rules = scenario(document, market__mechanism="uniform_price", steps=4)
    load, pv = [[1.0, 0.0]] * 4, [[0.0, 1.0]] * 4
    result = run(rules, inputs=inputs_of(rules, load, pv))
    assert [ban.home for ban in result.bans][:1] == [0]
    assert result.trading.banned[:, 0].tolist()[:3] == [0, 1, 1]
    assert result.trading.bought_wh[0, :3, 0].tolist() == [1_000, 0, 0]
    assert result.trading.amount_micro[1, 0] == -300_000


def test_orders_on_forecasts_settle_the_deviation_at_grid_prices() -> None:
    """h1 expects (by the last interval) to buy 1 kWh, but needs 2: the second comes from the grid at retail."""
    rules = scenario(
        NO_BATTERY,
        market__orders="forecast",
        planning__forecaster="persistence",
        market__mechanism="mid_market_rate",
        market__strategy="truthful",
        steps=48,
    )
    load, pv = np.zeros((48, 2)), np.zeros((48, 2))
    load[23, 1], pv[23, 0] = 1.0, 1.0
    load[24, 1], pv[24, 0] = 2.0, 1.0
    result = run(rules, inputs=inputs_of(rules, load, pv))
    assert result.trading.order_wh[24].tolist() == [-1_000, 1_000]
    assert result.trading.amount_micro[24].tolist() == [200_000, -500_000]


def test_an_order_through_a_limit_or_of_a_banned_home_fails_the_run() -> None:
    rules = scenario({**NO_BATTERY, "regulator": {"enabled": True, "start_balance": -1.0}}, steps=2)
    simulation = Simulation(rules, 0, inputs_of(rules, [[1.0, 0.0]] * 2, [[0.0, 1.0]] * 2))
    simulation.settle(0, simulation.propose(0))
    assert simulation.banned(1).tolist() == [True, True]
    simulation.settle(1, Orders(np.array([1_000, -1_000]), np.array([300_000, 100_000])))
    with pytest.raises(InvariantError, match="bans"):
        simulation.results()


def test_a_parameter_that_the_rule_does_not_have_is_refused_before_anything_runs() -> None:
    with pytest.raises(ScenarioError, match=r"market.parameters.cap; three_tier has k, cap_kwh, partners, fee"):
        run(scenario({"market": {"parameters": {"cap": 1.0}}}))


def test_prices_that_change_are_the_prices_paid() -> None:
    bands = [PriceBand(100_000, 300_000, 200_000), PriceBand(100_000, 500_000, 300_000)]
    rules = scenario(NO_BATTERY, market__mechanism="no_market", steps=2)
    result = run(rules, inputs=inputs_of(rules, [[1.0]] * 2, [[0.0]] * 2, bands=bands))
    assert (-result.trading.amount_micro[:, 0]).tolist() == [300_000, 500_000]


@pytest.mark.parametrize("optimiser", ["greedy", "linear_program", "rolling_horizon"])
@pytest.mark.parametrize("mechanism", ["no_market", "three_tier", "mid_market_rate"])
def test_no_planner_and_no_market_beats_the_community_optimum(optimiser: str, mechanism: str) -> None:
    """What the community pays the grid is least when its batteries are planned as one; rounding is to a Wh a step."""
    names = {"planning__optimiser": optimiser, "market__mechanism": mechanism, "batteries__soc_start": 0.1}
    rules = scenario({"homes": {"count": 8}}, steps=24, **names)
    paid = run(rules, seed=6).money.grid_micro.sum()
    best = run(rules.with_settings({"planning.optimiser": "community_optimum"}), seed=6)
    community = best.energy.import_wh.sum(axis=1) - best.energy.export_wh.sum(axis=1)
    grid = best.grid
    least = np.where(community > 0, community * grid.retail_micro, community * grid.feed_in_micro).sum() / 1000
    rounding = 8 * 24 * 500
    assert paid >= least - rounding


def test_tables_come_as_data_frames_in_kwh_and_currency() -> None:
    result = run(scenario(FULL), seed=1)
    frames = result.tables
    assert frames["prosumer_energy"].shape[0] == result.steps * result.homes
    assert frames["bills"]["bill"].sum() == pytest.approx(result.bill_micro.sum() / 1e6)
    assert frames["all_trades"]["energy_kwh"].sum() == pytest.approx(result.metrics["market"]["traded_kwh"])
    assert set(frames["prosumer_trading"]["side"]) <= {"", "buy", "sell"}


def test_a_community_that_needs_no_grid_has_a_peak_of_nothing_and_no_ratio_of_nothing() -> None:
    """The central battery covers each home's 0.1 kWh exactly; sums of floats would leave 1e-17 of it."""
    rules = scenario(
        {"batteries": {"model": "central", "soc_start": 0.95}, "market": {"mechanism": "no_market"}}, steps=3
    )
    result = run(rules, inputs=inputs_of(rules, [[0.1, 0.2, 0.3]] * 3, [[0.0] * 3] * 3))
    energy = result.metrics["energy"]
    assert (energy["grid_import_kwh"], energy["grid_export_kwh"], energy["peak_import_kw"]) == (0.0, 0.0, 0.0)
    assert energy["peak_to_average"] is None
    assert result.metrics["emissions"]["imported_kg"] == 0.0
    assert energy["import_kwh"] == 1.8


def test_sums_of_money_and_energy_are_the_decimals_of_the_whole_numbers() -> None:
    result = run(scenario(FULL), seed=6)
    bills, trades = result.metrics["bills"], result.trades
    assert str(bills["bill"]) == str(int(result.bill_micro.sum()) / 1e6)
    assert str(bills["saving_by_market"]) == str(int((result.without_market_micro - result.bill_micro).sum()) / 1e6)
    assert str(result.metrics["market"]["traded_kwh"]) == str(int(trades.energy_wh.sum()) / 1e3)
    assert str(result.metrics["regulator"]["bonus"]) == str(int(result.trading.bonus_micro.sum()) / 1e6)
