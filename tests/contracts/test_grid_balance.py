"""Interval totals, tariffs and the price formula."""

from fractions import Fraction
from math import floor

import pytest
from contract_market import CONFIG, FEED_IN, FIRST, HOUR, RETAIL, START, World, reverts
from eth_abi.abi import encode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WAD = 10**18
FEE = CONFIG.fee_micro_per_kwh
DAY = 86_400


def price(world: World, interval: int = FIRST) -> int:
    return int(world.grid.functions.energyPrice(interval).call())


def parameters(**changes: int) -> tuple[int, ...]:
    values = {
        "base": 250_000,
        "feed_in": 60_000,
        "least": 100_000,
        "most": 1_000_000,
        "load": 500,
        "min_factor": WAD // 2,
        "max_factor": 3 * WAD,
    }
    return tuple({**values, **changes}.values())


def set_parameters(world: World, **changes: int) -> None:
    world.send(world.grid.functions.setPriceParameters(parameters(**changes)), world.parties.governance)


def test_parameters_are_those_of_the_deployment(world: World) -> None:
    assert world.grid.functions.priceParameters().call() == parameters()
    assert world.grid.functions.intervalSeconds().call() == HOUR


def test_without_readings_and_stress_the_price_is_base_rate_times_time_of_day(world: World) -> None:
    assert price(world, FIRST - FIRST % 24) == 250_000
    assert price(world, FIRST - FIRST % 24 + 18) == 350_000


def test_the_hour_of_day_is_utc(world: World) -> None:
    midnight = FIRST - FIRST % 24
    expected = [WAD if hour < 18 else 14 * WAD // 10 for hour in range(24)]
    found = [world.grid.functions.timeOfDayMultiplier(midnight + hour).call() for hour in range(24)]
    assert found == expected


def test_demand_is_energy_drawn_per_meter_against_the_reference_load(world: World) -> None:
    world.meter(FIRST, [(400, 9_000), (800, 0)])
    assert world.grid.functions.demandFactor().call() == 12 * WAD // 10
    assert price(world, FIRST - FIRST % 24) == 300_000


@pytest.mark.parametrize(("import_wh", "factor"), [(0, WAD // 2), (249, WAD // 2), (1_501, 3 * WAD), (9_000, 3 * WAD)])
def test_the_demand_factor_is_clamped(world: World, import_wh: int, factor: int) -> None:
    world.meter(FIRST, [(import_wh, 0)])
    assert world.grid.functions.demandFactor().call() == factor


def test_stale_demand_is_unknown_not_zero(world: World) -> None:
    world.meter(FIRST, [(1_000, 0)])
    world.at(START + 3 * HOUR - 10)
    world.tester.mine_block()
    assert world.grid.functions.demandFactor().call() == 2 * WAD
    world.at(START + 3 * HOUR)
    world.tester.mine_block()
    assert world.grid.functions.demandFactor().call() == WAD


def test_stress_adds_to_demand_and_is_forgotten_after_a_day(world: World) -> None:
    receipt = world.send(world.grid.functions.reportGridStress(WAD // 4), world.parties.oracle)
    (event,) = world.events(receipt, world.grid, "GridStressReported")
    assert event == {"reporter": world.parties.oracle, "factorWad": WAD // 4}
    assert price(world, FIRST - FIRST % 24) == 312_500
    reported = world.web3.eth.get_block("latest")["timestamp"]
    for age_s, factor in ((DAY - 1, WAD // 4), (DAY, 0)):
        world.at(reported + age_s)
        world.tester.mine_block()
        assert world.grid.functions.gridStressFactor().call() == factor


def test_stress_is_bounded(world: World) -> None:
    with reverts(world.grid, "InvalidFactor", 3 * WAD + 1, 0, 3 * WAD):
        world.send(world.grid.functions.reportGridStress(3 * WAD + 1), world.parties.oracle)
    world.send(world.grid.functions.reportGridStress(3 * WAD), world.parties.oracle)
    set_parameters(world, max_factor=2 * WAD)
    assert world.grid.functions.gridStressFactor().call() == 2 * WAD


def test_the_price_is_clamped(world: World) -> None:
    set_parameters(world, least=260_000, most=300_000)
    assert price(world, FIRST - FIRST % 24) == 260_000
    assert price(world, FIRST - FIRST % 24 + 20) == 300_000


def test_time_of_day_is_set_by_the_hour(world: World) -> None:
    receipt = world.send(world.grid.functions.setTimeOfDayMultiplier(3, 7 * WAD // 10), world.parties.governance)
    (event,) = world.events(receipt, world.grid, "TimeOfDayMultiplierSet")
    assert event == {"hour": 3, "multiplierWad": 7 * WAD // 10}
    assert price(world, FIRST - FIRST % 24 + 3) == 175_000


@pytest.mark.parametrize("factor", [WAD // 2 - 1, 3 * WAD + 1])
def test_multipliers_are_bounded(world: World, factor: int) -> None:
    with reverts(world.grid, "InvalidFactor", factor, WAD // 2, 3 * WAD):
        world.send(world.grid.functions.setTimeOfDayMultiplier(0, factor), world.parties.governance)


def test_a_day_has_24_hours(world: World) -> None:
    with reverts(world.grid, "InvalidHour", 24):
        world.send(world.grid.functions.setTimeOfDayMultiplier(24, WAD), world.parties.governance)


def test_parameters_are_told(world: World) -> None:
    call = world.grid.functions.setPriceParameters(parameters(base=1))
    receipt = world.send(call, world.parties.governance)
    (event,) = world.events(receipt, world.grid, "PriceParametersSet")
    assert tuple(event["parameters"].values()) == parameters(base=1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"base": 0},
        {"feed_in": 100_001},
        {"least": 1_000_001},
        {"load": 0},
        {"min_factor": 3 * WAD + 1},
        {"max_factor": 10 * WAD + 1},
    ],
    ids=str,
)
def test_contradictory_parameters_are_refused(world: World, wrong: dict[str, int]) -> None:
    with reverts(world.grid, "InvalidParameters"):
        set_parameters(world, **wrong)


def test_an_operator_publishes_tariffs(world: World) -> None:
    call = world.grid.functions.openIntervals(FIRST + 20, [50_000, 60_000], [200_000, 500_000])
    receipt = world.send(call, world.parties.operator)
    hour = (FIRST + 20) % 24
    expected = [min(250_000 if h % 24 < 18 else 350_000, cap) for h, cap in ((hour, 200_000), (hour + 1, 500_000))]
    assert world.grid.functions.band(FIRST + 20).call() == (50_000, 200_000, expected[0], True, FEE)
    assert world.grid.functions.band(FIRST + 21).call() == (60_000, 500_000, expected[1], True, FEE)
    first = world.events(receipt, world.grid, "IntervalOpened")[0]
    names = ("interval", "feedIn", "retail", "referencePrice", "fee")
    assert first == dict(zip(names, (FIRST + 20, 50_000, 200_000, expected[0], FEE), strict=True))


def test_the_reference_price_lies_in_the_band(world: World) -> None:
    midnight = FIRST - FIRST % 24 + 48
    world.open(midnight, 260_000, 270_000)
    world.open(midnight + 1, 10_000, 20_000)
    world.open(midnight + 2, 10_000, 2_000_000)
    found = [world.grid.functions.band(midnight + i).call()[2] for i in range(3)]
    assert found == [260_000, 20_000, 250_000]


def test_a_tariff_never_changes(world: World) -> None:
    with reverts(world.grid, "IntervalAlreadyOpen", FIRST):
        world.open(FIRST)
    before = world.grid.functions.band(FIRST).call()
    set_parameters(world, base=900_000)
    assert world.grid.functions.band(FIRST).call() == before == (FEED_IN, RETAIL, before[2], True, FEE)


@pytest.mark.parametrize("late_s", [0, 1, 2 * HOUR])
def test_an_interval_that_has_begun_cannot_be_opened(world: World, late_s: int) -> None:
    late = FIRST + 10
    world.at(late * HOUR + late_s)
    with reverts(world.grid, "IntervalInThePast", late, late + late_s // HOUR):
        world.open(late)


def test_feed_in_may_equal_retail_but_not_exceed_it(world: World) -> None:
    world.open(FIRST + 20, 100_000, 100_000)
    with reverts(world.grid, "InvalidBand", 100_001, 100_000):
        world.open(FIRST + 21, 100_001, 100_000)


def test_a_tariff_needs_both_prices_of_each_interval(world: World) -> None:
    with reverts(world.grid, "BandLengthMismatch", 2, 1):
        world.send(world.grid.functions.openIntervals(FIRST + 20, [1, 1], [2]), world.parties.operator)


def test_anybody_opens_one_of_the_next_two_intervals_at_the_price_of_the_formula(world: World) -> None:
    world.at(START + 10 * HOUR + 1)
    stranger = world.homes[3].address
    for ahead in (1, 2):
        world.send(world.grid.functions.openInterval(FIRST + 10 + ahead), stranger)
        expected = 250_000 if (FIRST + 10 + ahead) % 24 < 18 else 350_000
        assert world.grid.functions.band(FIRST + 10 + ahead).call() == (60_000, expected, expected, True, FEE)
    with reverts(world.grid, "IntervalTooFarAhead", FIRST + 13, FIRST + 12):
        world.send(world.grid.functions.openInterval(FIRST + 13), stranger)
    with reverts(world.grid, "IntervalAlreadyOpen", FIRST + 11):
        world.send(world.grid.functions.openInterval(FIRST + 11), stranger)
    with reverts(world.grid, "IntervalInThePast", FIRST + 10, FIRST + 10):
        world.send(world.grid.functions.openInterval(FIRST + 10), stranger)


def test_orders_do_not_move_the_band_they_are_in(world: World) -> None:
    before = world.grid.functions.band(FIRST).call()
    world.order(world.homes[0], 0, 40_000, RETAIL)
    world.order(world.homes[1], 1, 40_000, FEED_IN)
    world.clear()
    assert world.grid.functions.band(FIRST).call() == before


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    base=st.integers(1, 2**40),
    stress=st.integers(0, 10 * WAD),
    tod=st.integers(WAD // 2, 10 * WAD),
    import_wh=st.integers(0, 11_000),
)
def test_the_formula_is_exact_to_two_roundings(base: int, stress: int, tod: int, import_wh: int, world: World) -> None:
    """The price is baseRate * (demandFactor + gridStressFactor) * timeOfDayMultiplier, by exact fractions."""
    snapshot = world.tester.take_snapshot()
    set_parameters(world, base=base, feed_in=0, least=0, most=2**63, max_factor=10 * WAD)
    world.send(world.grid.functions.setTimeOfDayMultiplier(FIRST % 24, tod), world.parties.governance)
    world.meter(FIRST, [(import_wh, 0)])
    world.send(world.grid.functions.reportGridStress(stress), world.parties.oracle)
    demand = min(max(Fraction(import_wh, 500), Fraction(1, 2)), Fraction(10))
    exact = base * (demand + Fraction(stress, WAD)) * Fraction(tod, WAD)
    found = price(world)
    assert exact - 11 <= found <= floor(exact)
    world.tester.revert_to_snapshot(snapshot)


@pytest.mark.parametrize("seconds", [59, 86_401])
def test_an_interval_is_a_minute_to_a_day_long(world: World, seconds: int) -> None:
    from microgrid.chain import artifacts  # noqa: PLC0415  only here

    grid = artifacts.load("GridBalance")
    kinds = ["address", "uint64", "(uint64,uint64,uint64,uint64,uint64,uint128,uint128)"]
    arguments = encode(kinds, [world.manager.address, seconds, parameters()])
    call = {"from": world.web3.eth.accounts[0], "data": grid.bytecode + arguments.hex(), "gas": 10_000_000}
    with reverts(world.grid, "InvalidParameters"):
        world.web3.eth.call(call)


def test_the_interval_length_is_that_of_the_configuration(world: World) -> None:
    assert world.registry.functions.intervalSeconds().call() == CONFIG.interval_seconds


def test_the_fee_is_told_and_bounded(world: World) -> None:
    receipt = world.send(world.grid.functions.setTradingFee(1_000_000), world.parties.governance)
    assert world.events(receipt, world.grid, "TradingFeeSet") == [{"feeMicroPerKwh": 1_000_000}]
    assert world.grid.functions.tradingFee().call() == 1_000_000
    with reverts(world.grid, "FeeTooHigh", 1_000_001, 1_000_000):
        world.send(world.grid.functions.setTradingFee(1_000_001), world.parties.governance)


def test_an_interval_is_opened_with_the_fee_in_force(world: World) -> None:
    world.send(world.grid.functions.setTradingFee(0), world.parties.governance)
    world.open(FIRST + 10)
    world.send(world.grid.functions.setTradingFee(777), world.parties.governance)
    receipt = world.send(world.grid.functions.openIntervals(FIRST + 11, [FEED_IN], [RETAIL]), world.parties.operator)
    assert world.events(receipt, world.grid, "IntervalOpened")[0]["fee"] == 777
    assert [world.grid.functions.band(FIRST + i).call()[4] for i in (0, 10, 11)] == [FEE, 0, 777]
