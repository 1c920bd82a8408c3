"""Deals between two named homes: who may do what until when, what they lock, and how they are settled."""

from typing import Any

import pytest
from contract_market import BUY, CONFIG, FEED_IN, FIRST, FUNDS, HOUR, RETAIL, SELL, World, reverts

from microgrid.domain.records import AuctionResult, PriceBand
from microgrid.settlement.statement import DirectDeals, MeteredEnergy, settle

GATE = FIRST * HOUR - CONFIG.gate_lead_seconds
EXPIRY = GATE - 1
PRICE = 200_000
FEE = CONFIG.fee_micro_per_kwh
OPEN, ACCEPTED, WITHDRAWN = 1, 2, 3


def offer(world: World, maker: int, other: int, side: int, energy_wh: int = 1_000, **changes: Any) -> int:
    terms = {"interval": FIRST, "price": PRICE, "expiry": EXPIRY} | changes
    call = world.direct.functions.offer(
        world.homes[other].address, terms["interval"], energy_wh, terms["price"], side, terms["expiry"]
    )
    receipt = world.send(call, world.homes[maker].address)
    return int(world.events(receipt, world.direct, "OfferMade")[0]["offerId"])


def accept(world: World, number: int, home: int) -> None:
    world.send(world.direct.functions.accept(number), world.homes[home].address)


def status(world: World, number: int) -> int:
    return int(world.direct.functions.offerAt(number).call()[6])


def settled(world: World) -> list[dict[str, Any]]:
    return world.bills(world.settle())


@pytest.mark.parametrize(("side", "per_kwh"), [(BUY, PRICE + FEE), (SELL, RETAIL - PRICE)])
def test_an_offer_locks_what_an_order_would_and_gives_it_back(world: World, side: int, per_kwh: int) -> None:
    home = world.homes[0].address
    number = offer(world, 0, 1, side, 1_234)
    locked = -(-1_234 * per_kwh // 1_000)
    assert FUNDS - world.balance(home) == locked
    receipt = world.send(world.direct.functions.withdrawOffer(number), home)
    assert world.events(receipt, world.direct, "OfferWithdrawn") == [{"offerId": number, "released": locked}]
    assert (world.balance(home), status(world, number)) == (FUNDS, WITHDRAWN)


def test_a_deal_is_settled_with_the_auction_position_in_one_sum(world: World) -> None:
    """Home 1 sells 1 kWh directly and 1 kWh in the auction, and delivers 1.5 kWh: half a kWh is missing at retail."""
    number = offer(world, 1, 0, SELL)
    accept(world, number, 0)
    world.order(world.homes[1], SELL, 1_000, FEED_IN)
    world.order(world.homes[2], BUY, 1_000, RETAIL)
    world.clear()
    world.meter(FIRST, [(1_200, 0), (0, 1_500), (1_000, 0), (0, 0)])
    bills = settled(world)
    clearing = world.trading.functions.clearing(FIRST).call()
    assert clearing[5] == 1_000
    price = clearing[8]
    amounts = [bill["amount"] for bill in bills]
    assert amounts == [
        -(PRICE + FEE) - RETAIL * 200 // 1_000,
        PRICE + price - RETAIL * 500 // 1_000,
        -(price + FEE),
        0,
    ]
    assert [(bill["boughtWh"], bill["soldWh"]) for bill in bills] == [(1_000, 0), (0, 2_000), (1_000, 0), (0, 0)]
    homes, grid, fees, dust, _ = world.trading.functions.intervalMoney(FIRST).call()
    assert (homes, fees, homes + grid + fees + dust) == (sum(amounts), 2 * FEE, 0)
    assert sum(world.balances().values()) == world.trading.functions.totalLiabilities().call() == 5 * FUNDS
    assert [world.balance(home.address) for home in world.homes] == [FUNDS + amount for amount in amounts]


def test_python_settles_deals_to_the_same_micro(world: World) -> None:
    """Odd energies and prices, deals in both directions beside an auction; each judge sums and rounds by itself."""
    for maker, other, side, energy_wh, price in (
        (0, 1, BUY, 1_237, 123_457),
        (1, 2, SELL, 911, 251_111),
        (2, 0, SELL, 77, 99_999),
        (1, 0, BUY, 13, 298_765),
    ):
        accept(world, offer(world, maker, other, side, energy_wh, price=price), other)
    world.order(world.homes[3], SELL, 1_111, 111_111)
    world.order(world.homes[0], BUY, 777, 222_222)
    energies = [(1_503, 3), (0, 1_999), (1_017, 0), (5, 771)]
    world.clear()
    world.meter(FIRST, energies)
    bills = settled(world)
    names = [str(home.member_id) for home in world.homes]
    clearing = world.trading.functions.clearing(FIRST).call()
    filled = [
        {name: world.trading.functions.fill(FIRST, int(name), side).call() for name in names} for side in (BUY, SELL)
    ]
    result = AuctionResult(FIRST, *clearing[1:2], clearing[8], clearing[5], *clearing[2:4], *clearing[6:8], *filled)
    deals = {name: DirectDeals(*world.direct.functions.dealsOf(FIRST, int(name)).call()[:3]) for name in names}
    metered = {name: MeteredEnergy(*energy) for name, energy in zip(names, energies, strict=True)}
    expected = settle(result, metered, PriceBand(FEED_IN, RETAIL, 0), FEE, deals)
    assert [bill["amount"] for bill in bills] == [statement.amount_micro for statement in expected.statements]
    money = expected.money
    sums = (money.homes_micro, money.grid_micro, money.fees_micro, money.dust_micro)
    assert tuple(world.trading.functions.intervalMoney(FIRST).call()[:4]) == sums
    assert sum(deal.payment_nano for deal in deals.values()) == 0


def test_an_interval_may_have_deals_alone_and_be_settled_home_by_home(world: World) -> None:
    accept(world, offer(world, 0, 1, BUY, 333), 1)
    accept(world, offer(world, 0, 3, BUY, 334, price=FEED_IN), 3)
    world.clear()
    world.meter(FIRST, [(667, 0), (0, 333), (0, 0), (0, 334)])
    for number in (4, 2, 1, 3):
        world.settle(FIRST, number, number)
    homes, grid, fees, dust, _ = world.trading.functions.intervalMoney(FIRST).call()
    assert homes + grid + fees + dust == 0
    assert (grid, fees) == (0, 667 * FEE // 1_000)
    assert 0 <= dust <= 5
    assert sum(world.balances().values()) == 5 * FUNDS


def test_a_deal_without_a_reading_costs_the_seller_retail_for_all_of_it(world: World) -> None:
    accept(world, offer(world, 0, 1, BUY), 1)
    world.clear()
    world.at((FIRST + 1) * HOUR + CONFIG.settlement_deadline_seconds + 1)
    assert [bill["amount"] for bill in settled(world)][:2] == [-(PRICE + FEE) + FEED_IN, PRICE - RETAIL]


def test_only_the_counterparty_accepts_and_only_the_maker_withdraws(world: World) -> None:
    number = offer(world, 0, 1, BUY)
    for home in (0, 2):
        caller = world.homes[home].address
        with reverts(world.direct, "NotYourOffer", number, caller):
            accept(world, number, home)
    for caller in (world.homes[1].address, world.parties.issuer):
        with reverts(world.direct, "NotYourOffer", number, caller):
            world.send(world.direct.functions.withdrawOffer(number), caller)


def test_an_offer_is_accepted_or_withdrawn_once(world: World) -> None:
    taken, gone = offer(world, 0, 1, BUY), offer(world, 0, 1, SELL)
    accept(world, taken, 1)
    world.send(world.direct.functions.withdrawOffer(gone), world.homes[0].address)
    for number, state in ((taken, ACCEPTED), (gone, WITHDRAWN), (0, 0), (3, 0)):
        with reverts(world.direct, "OfferNotOpen", number, state):
            accept(world, number, 1)
        with reverts(world.direct, "OfferNotOpen", number, state):
            world.send(world.direct.functions.withdrawOffer(number), world.homes[0].address)
    assert world.direct.functions.offerCount().call() == 2
    assert world.direct.functions.dealtWh(FIRST).call() == 1_000


def test_an_expired_offer_is_not_accepted_but_its_money_comes_back(world: World) -> None:
    number = offer(world, 0, 1, BUY, expiry=EXPIRY - 500)
    world.at(EXPIRY - 499)
    with reverts(world.direct, "OfferExpired", number, EXPIRY - 500):
        accept(world, number, 1)
    world.at(GATE + HOUR)
    world.send(world.direct.functions.withdrawOffer(number), world.homes[0].address)
    assert world.balance(world.homes[0].address) == FUNDS


def test_an_offer_ends_before_the_gate_closes(world: World) -> None:
    with reverts(world.direct, "InvalidExpiry", GATE, GATE):
        offer(world, 0, 1, BUY, expiry=GATE)
    world.at(EXPIRY - 50)
    with reverts(world.direct, "InvalidExpiry", EXPIRY - 60, GATE):
        offer(world, 0, 1, BUY, expiry=EXPIRY - 60)


def test_the_terms_are_those_of_an_order(world: World) -> None:
    with reverts(world.trading, "PriceOutsideBand", RETAIL + 1, FEED_IN, RETAIL):
        offer(world, 0, 1, BUY, price=RETAIL + 1)
    with reverts(world.trading, "PriceOutsideBand", FEED_IN - 1, FEED_IN, RETAIL):
        offer(world, 0, 1, BUY, price=FEED_IN - 1)
    for energy_wh in (CONFIG.min_order_wh - 1, CONFIG.max_order_wh + 1):
        with reverts(world.trading, "EnergyOutOfRange", energy_wh, CONFIG.min_order_wh, CONFIG.max_order_wh):
            offer(world, 0, 1, BUY, energy_wh)
    with reverts(world.trading, "IntervalNotOpen", FIRST + 9):
        offer(world, 0, 1, BUY, interval=FIRST + 9)


def test_both_parties_are_two_members(world: World) -> None:
    with reverts(world.direct, "InvalidCounterparty", world.homes[0].address):
        offer(world, 0, 0, BUY)
    stranger = world.parties.issuer
    with reverts(world.direct, "InvalidCounterparty", stranger):
        call = world.direct.functions.offer(stranger, FIRST, 1_000, PRICE, BUY, EXPIRY)
        world.send(call, world.homes[0].address)
    with reverts(world.trading, "UnknownMember", stranger):
        call = world.direct.functions.offer(world.homes[0].address, FIRST, 1_000, PRICE, BUY, EXPIRY)
        world.send(call, stranger)


def test_nobody_locks_more_than_he_has(world: World) -> None:
    poor = world.homes[1]
    world.send(world.trading.functions.withdraw(FUNDS), poor.address)
    number = offer(world, 0, 1, SELL)
    with reverts(world.trading, "InsufficientBalance", poor.address, 0, PRICE + FEE):
        accept(world, number, 1)
    assert status(world, number) == OPEN
    with reverts(world.trading, "InsufficientBalance", poor.address, 0, PRICE + FEE):
        offer(world, 1, 0, BUY)


def test_a_pause_stops_deals_but_keeps_no_money(world: World) -> None:
    number = offer(world, 0, 1, BUY)
    world.send(world.trading.functions.pause(), world.parties.guardian)
    with reverts(world.trading, "EnforcedPause"):
        accept(world, number, 1)
    with reverts(world.trading, "EnforcedPause"):
        offer(world, 0, 1, BUY)
    world.send(world.direct.functions.withdrawOffer(number), world.homes[0].address)
    assert world.balance(world.homes[0].address) == FUNDS


def test_only_direct_trading_moves_locked_money(world: World) -> None:
    caller = world.homes[0].address
    for call in (
        world.trading.functions.lockDirect(world.homes[1].address, 1, 1),
        world.trading.functions.unlockDirect(caller, 1),
    ):
        with reverts(world.trading, "OnlyDirectTrading", caller):
            world.send(call, caller)
    assert world.direct.functions.market().call() == world.trading.address
