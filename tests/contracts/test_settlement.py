"""Settlement: bills worked out by hand, money that adds up to zero, and what happens when a reading is missing."""

from typing import Any

import pytest
from contract_market import (
    BUY,
    CONFIG,
    FEED_IN,
    FIRST,
    FUNDS,
    HOUR,
    RETAIL,
    SELL,
    START,
    World,
    reverts,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from settling import assert_solvent, trade

END = START + HOUR
DEADLINE = END + CONFIG.settlement_deadline_seconds
FEE = CONFIG.fee_micro_per_kwh


def amounts(world: World, receipt: Any) -> dict[int, int]:
    return {event["memberId"]: event["amount"] for event in world.bills(receipt)}


def money(world: World) -> dict[str, int]:
    names = ("homes", "grid", "fees", "dust", "settled")
    return dict(zip(names, world.trading.functions.intervalMoney(FIRST).call(), strict=True))


def floor_micro(nano: int) -> int:
    return nano // 1_000


def bill(price: int, bought: int, sold: int, imported: int, exported: int, fee: int = FEE) -> int:
    """The money rule as written, for a metered home."""
    nano = -(price + fee) * bought + FEED_IN * max(0, bought - imported) - RETAIL * max(0, imported - bought)
    nano += price * sold - RETAIL * max(0, sold - exported) + FEED_IN * max(0, exported - sold)
    return floor_micro(nano)


def test_delivery_as_promised_is_paid_at_the_clearing_price(world: World) -> None:
    """1 kWh at price p: the buyer pays p and the fee of 2 000, the seller gets p, the grid nothing."""
    price = trade(world)
    world.meter(FIRST, [(1_000, 0), (0, 1_000), (0, 0), (0, 0)])
    receipt = world.settle()
    assert amounts(world, receipt) == {1: -(price + 2_000), 2: price, 3: 0, 4: 0}
    assert money(world) == {"homes": -2_000, "grid": 0, "fees": 2_000, "dust": 0, "settled": 4}
    assert world.balance(world.homes[0].address) == FUNDS - price - 2_000
    assert world.balance(world.homes[1].address) == FUNDS + price
    assert world.balance(world.parties.treasury) == 2_000
    assert world.balance(world.parties.backstop) == FUNDS


def test_what_the_market_leaves_goes_over_the_grid(world: World) -> None:
    """The buyer draws 1 500, 500 from the grid at 0.30; the seller feeds in 1 400, 400 to the grid at 0.08.

    Homes 3 and 4 do not trade: 700 Wh at 0.30 are 0.21, 900 Wh at 0.08 are 0.072.
    """
    price = trade(world)
    world.meter(FIRST, [(1_500, 0), (0, 1_400), (700, 0), (0, 900)])
    receipt = world.settle()
    assert amounts(world, receipt) == {1: -(price + 2_000) - 150_000, 2: price + 32_000, 3: -210_000, 4: 72_000}
    assert money(world)["grid"] == 150_000 - 32_000 + 210_000 - 72_000
    assert world.balance(world.parties.backstop) == FUNDS + money(world)["grid"]
    assert_solvent(world)


def test_a_buyer_who_draws_less_sells_the_rest_to_the_grid(world: World) -> None:
    """600 Wh drawn of 1 000 bought: 400 go to the grid at 0.08, 0.032."""
    price = trade(world)
    world.meter(FIRST, [(600, 0), (0, 1_000), (0, 0), (0, 0)])
    receipt = world.settle()
    assert amounts(world, receipt)[1] == -(price + 2_000) + 32_000
    assert money(world)["grid"] == -32_000


def test_a_seller_who_delivers_less_buys_the_rest_from_the_grid(world: World) -> None:
    """250 Wh fed in of 1 000 sold: the grid delivers 750 at 0.30, 0.225."""
    price = trade(world)
    world.meter(FIRST, [(1_000, 0), (0, 250), (0, 0), (0, 0)])
    receipt = world.settle()
    assert amounts(world, receipt)[2] == price - 225_000
    assert money(world)["grid"] == 225_000


def test_a_home_may_buy_and_sell_in_one_interval(world: World) -> None:
    homes = world.homes
    world.order(homes[0], BUY, 400, RETAIL)
    world.order(homes[0], SELL, 300, FEED_IN)
    world.order(homes[1], SELL, 400, FEED_IN)
    world.order(homes[2], BUY, 300, RETAIL)
    world.clear()
    price = int(world.trading.functions.clearing(FIRST).call()[8])
    world.meter(FIRST, [(500, 350), (0, 400), (300, 0), (0, 0)])
    receipt = world.settle()
    assert amounts(world, receipt)[1] == bill(price, 400, 300, 500, 350)
    assert_solvent(world)


def test_a_bill_tells_all_that_it_was_made_of(world: World) -> None:
    trade(world)
    world.meter(FIRST, [(1_500, 20), (0, 1_400), (0, 0), (0, 0)])
    receipt = world.settle()
    first = world.bills(receipt)[0]
    amount = first.pop("amount")
    names = ("interval", "memberId", "boughtWh", "soldWh", "importWh", "exportWh", "metered")
    assert first == dict(zip(names, (FIRST, 1, 1_000, 0, 1_500, 20, True), strict=True))
    closed = world.events(receipt, world.trading, "IntervalSettled")[0]
    assert closed == {"interval": FIRST, **{k: v for k, v in money(world).items() if k != "settled"}}
    assert amount == bill(world.trading.functions.clearing(FIRST).call()[8], 1_000, 0, 1_500, 20)


def test_rounding_is_against_the_home_and_its_dust_is_accounted_for(world: World) -> None:
    """1 Wh at 0.080001 is 80.001 micro: the home gets 80; 1 Wh at 0.300001 is 300.001: it pays 301."""
    interval = FIRST + 4
    world.open(interval, 80_001, 300_001)
    world.clear(interval)
    world.meter(interval, [(1, 0), (0, 1), (0, 0), (0, 0)])
    receipt = world.settle(interval)
    assert amounts(world, receipt) == {1: -301, 2: 80, 3: 0, 4: 0}
    homes, grid, fees, dust, _ = world.trading.functions.intervalMoney(interval).call()
    assert (homes, grid, fees, dust) == (-221, 220, 0, 1)
    assert world.balance(world.trading.address) == 1


def test_settlement_counts_what_was_delivered_and_consumed(world: World) -> None:
    trade(world)
    world.meter(FIRST, [(700, 0), (0, 600), (900, 0), (0, 900)])
    world.settle()
    counted = [world.trading.functions.account(home.address).call()[1:3] for home in world.homes]
    assert counted == [(0, 700), (600, 0), (0, 0), (0, 0)]


def test_settlement_may_come_in_chunks_in_any_order(world: World) -> None:
    price = trade(world)
    world.meter(FIRST, [(1_500, 0), (0, 1_400), (700, 0), (0, 900)])
    functions = world.trading.functions
    for first, last in ((2, 2), (4, 4), (1, 3)):
        assert amounts(world, world.settle(FIRST, first, last))
        assert_solvent(world)
    assert functions.clearing(FIRST).call()[0] == 2
    assert world.balance(world.homes[0].address) == FUNDS + bill(price, 1_000, 0, 1_500, 0)
    assert sum(world.balances().values()) == 5 * FUNDS


def test_a_partly_settled_interval_shows_how_far_it_is(world: World) -> None:
    trade(world)
    world.meter(FIRST, [(1_000, 0), (0, 1_000), (700, 0), (0, 0)])
    world.settle(FIRST, 3, 4)
    functions = world.trading.functions
    assert [functions.isSettled(FIRST, member).call() for member in range(1, 5)] == [False, False, True, True]
    assert money(world) == {"homes": -210_000, "grid": 210_000, "fees": 0, "dust": 0, "settled": 2}
    assert world.balance(world.parties.backstop) == FUNDS


def test_nobody_is_settled_twice(world: World) -> None:
    trade(world)
    world.meter(FIRST, [(1_000, 0), (0, 1_000), (700, 0), (0, 0)])
    world.settle(FIRST, 1, 3)
    before = world.balances()
    with reverts(world.trading, "NothingToSettle", FIRST, 1, 3):
        world.settle(FIRST, 1, 3)
    overlapping = world.settle(FIRST, 2, 4)
    assert list(amounts(world, overlapping)) == [4]
    after = world.balances()
    changed = {who for who in after if after[who] != before[who]}
    assert changed <= {world.parties.backstop, world.parties.treasury, world.trading.address}
    with reverts(world.trading, "AlreadySettled", FIRST):
        world.settle()


@pytest.mark.parametrize(("first", "last"), [(0, 4), (3, 2), (1, 5), (5, 5), (1, 2**32 - 1)])
def test_a_range_lies_inside_the_members_of_the_interval(world: World, first: int, last: int) -> None:
    world.clear()
    world.meter(FIRST, [(0, 0)] * 4)
    with reverts(world.trading, "NothingToSettle", FIRST, first, last):
        world.settle(FIRST, first, last)


def test_an_interval_is_settled_after_clearing_and_after_its_end(world: World) -> None:
    with reverts(world.trading, "NotCleared", FIRST):
        world.settle()
    world.clear()
    world.at(END - 1)
    with reverts(world.trading, "IntervalNotOver", FIRST, END):
        world.settle()


def test_who_joins_after_clearing_has_no_part_in_the_interval(world: World) -> None:
    world.clear()
    world.meter(FIRST, [(0, 0)] * 4)
    world.homes.append(world.add_home(9))
    world.settle(FIRST, 1, 4)
    assert world.trading.functions.clearing(FIRST).call()[0] == 2


def test_members_without_a_reading_are_passed_over_until_the_deadline(world: World) -> None:
    trade(world)
    world.meter(FIRST, [(1_000, 0)])
    assert list(amounts(world, world.settle())) == [1]
    with reverts(world.trading, "NothingToSettle", FIRST, 1, 4):
        world.settle()
    world.at(DEADLINE)
    with reverts(world.trading, "NothingToSettle", FIRST, 1, 4):
        world.settle()
    world.at(DEADLINE + 1)
    assert list(amounts(world, world.settle())) == [2, 3, 4]


def test_after_the_deadline_a_missing_seller_pays_for_all_it_sold(world: World) -> None:
    """Nothing counts as delivered: price received, 0.30 for each kWh paid. Its counter stays."""
    price = trade(world)
    world.meter(FIRST, [(1_000, 0)])
    world.at(DEADLINE + 1)
    receipt = world.settle()
    assert amounts(world, receipt) == {1: -(price + 2_000), 2: price - RETAIL, 3: 0, 4: 0}
    missing = world.bills(receipt)[1]
    assert (missing["metered"], missing["importWh"], missing["exportWh"]) == (False, 0, 0)
    assert world.trading.functions.account(world.homes[1].address).call()[1] == 0
    assert money(world)["grid"] == RETAIL


def test_after_the_deadline_what_a_missing_buyer_bought_goes_to_the_grid_at_feed_in(world: World) -> None:
    """Its energy is not lost to it: the next reading brings it, and it is billed then."""
    price = trade(world)
    world.at(DEADLINE + 1)
    receipt = world.settle()
    assert amounts(world, receipt)[1] == FEED_IN - (price + 2_000)
    assert world.trading.functions.account(world.homes[0].address).call()[2] == 0


def test_a_late_reading_before_the_deadline_counts(world: World) -> None:
    price = trade(world)
    world.meter(FIRST, [(1_000, 0), (0, 1_000)])
    world.settle(FIRST, 1, 2)
    world.at(DEADLINE - 1)
    world.submit([(home, (1, START, 0, 0)) for home in world.homes[2:]])
    world.submit([(home, (2, END, 300, 0)) for home in world.homes[2:]])
    world.at(DEADLINE + 1)
    assert amounts(world, world.settle()) == {3: -90_000, 4: -90_000}
    assert world.balance(world.homes[1].address) == FUNDS + price


def test_a_fee_change_counts_for_intervals_opened_afterwards(world: World) -> None:
    world.order(world.homes[0], BUY, 1_000, RETAIL)
    world.send(world.grid.functions.setTradingFee(50_000), world.parties.governance)
    world.order(world.homes[1], SELL, 1_000, FEED_IN)
    world.open(FIRST + 4)
    fees = [world.grid.functions.band(FIRST + i).call()[4] for i in (0, 1, 4)]
    assert fees == [FEE, FEE, 50_000]
    world.order(world.homes[0], BUY, 1_000, RETAIL, FIRST + 4)
    locked = 1_000 * (RETAIL + FEE) // 1_000 + 1_000 * (RETAIL + 50_000) // 1_000
    assert world.balance(world.homes[0].address) == FUNDS - locked
    world.clear()
    world.meter(FIRST, [(1_000, 0), (0, 1_000), (0, 0), (0, 0)])
    world.settle()
    assert money(world)["fees"] == 2_000


orders = st.tuples(st.sampled_from([None, BUY, SELL]), st.integers(10, 3_000), st.integers(FEED_IN, RETAIL))
energies = st.tuples(st.integers(0, 4_000), st.integers(0, 4_000))


@pytest.mark.slow
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    book=st.lists(orders, min_size=4, max_size=4),
    metered=st.lists(energies, min_size=4, max_size=4),
    cut=st.integers(1, 4),
    prices=st.tuples(st.integers(1, 400_000), st.integers(0, 400_000)),
    fee=st.integers(0, 100_000),
)
def test_the_sum_over_all_accounts_never_changes(
    book: list[tuple[int | None, int, int]],
    metered: list[tuple[int, int]],
    cut: int,
    prices: tuple[int, int],
    fee: int,
    world: World,
) -> None:
    """Homes + grid + fees + dust = 0 to the micro, dust below one micro an account, chunks as you like."""
    snapshot = world.tester.take_snapshot()
    interval = FIRST + 4
    world.send(world.grid.functions.setTradingFee(fee), world.parties.governance)
    world.open(interval, prices[0], sum(prices))
    for home, (side, energy_wh, price) in zip(world.homes, book, strict=True):
        if side is not None:
            limit = min(max(price, prices[0]), sum(prices))
            world.order(home, side, energy_wh, limit, interval)
    world.clear(interval)
    world.meter(interval, metered)
    world.settle(interval, cut, 4)
    assert_solvent(world)
    if cut > 1:
        world.settle(interval, 1, cut - 1)
    homes, grid, fees, dust, settled = world.trading.functions.intervalMoney(interval).call()
    assert (homes + grid + fees + dust, settled) == (0, 4)
    assert 0 <= dust < 6
    assert sum(world.balances().values()) == 5 * FUNDS
    assert_solvent(world)
    world.tester.revert_to_snapshot(snapshot)
