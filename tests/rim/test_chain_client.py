"""The market on chain as the pipeline sees it, on the default backend."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from village import BACKSTOP, DEPOSIT, FEED_IN, FIRST, HOUR_S, RETAIL, START_S, TREASURY, Village, key, open_market

from microgrid.chain.backends import eth_tester
from microgrid.chain.bindings.energy_trading import SETTLE, SUBMIT_ORDERS
from microgrid.chain.client import MAX_READINGS, MarketChain
from microgrid.chain.reverts import named
from microgrid.chain.transactor import MAX_TRANSACTION_GAS, GasBudget
from microgrid.domain.intervals import Interval
from microgrid.domain.records import (
    DeviceClass,
    DeviceStatus,
    Order,
    OrderResult,
    PriceBand,
    ReadingResult,
    Settlement,
    Side,
)
from microgrid.domain.wire import SigningDomain, device_id, sign_order

END_S = START_S + HOUR_S


@pytest.fixture(scope="module")
def deployed() -> Iterator[MarketChain]:
    opened = open_market(eth_tester.connect(None, START_S))
    yield opened
    opened.close()


@pytest.fixture
def market(deployed: MarketChain) -> Iterator[MarketChain]:
    """The contracts as deployed, whatever the test before did."""
    backend = deployed.backend
    assert isinstance(backend, eth_tester.EthTesterBackend)
    height = backend.chain.snapshot()
    yield MarketChain(backend, deployed.deployment, backend.funded_key())
    backend.chain.revert_to(height)


@pytest.fixture
def village(market: MarketChain) -> Village:
    made = Village(market)
    made.open()
    return made


@pytest.fixture
def cleared(village: Village) -> Village:
    """Home 0 bought 1 kWh of home 1 for the first interval; all meters read at its start."""
    village.order(0, Side.BUY, 1_000, RETAIL)
    village.order(1, Side.SELL, 1_000, FEED_IN)
    village.market.advance_to(START_S)
    village.market.clear(FIRST)
    village.read(START_S)
    return village


def nearest_tick_price(reference: int) -> int:
    """The written tie rule, for a book in which every tick trades alike."""
    prices = [FEED_IN + tick * (RETAIL - FEED_IN) // 127 for tick in range(128)]
    return min(prices, key=lambda price: (abs(price - reference), price))


class TestMembersAndDevices:
    def test_homes_are_numbered_from_one_and_admitted_once(self, market: MarketChain) -> None:
        a, b = key("a").address, key("b").address
        assert [market.register_home(a), market.register_home(b), market.register_home(a)] == [1, 2, 1]
        assert market.homes() == [a, b]

    def test_a_registered_device_is_read_back(self, village: Village) -> None:
        record = village.market.devices()[1]
        assert (record.device, record.device_id) == ("meter-1", device_id("meter-1"))
        assert (record.owner, record.key) == (village.homes[1].address, key("meter-1").address)
        assert (record.member_id, record.rated_power_w) == (2, 10_000)
        assert (record.device_class, record.status) == (DeviceClass.SMART_METER, DeviceStatus.ACTIVE)

    def test_registering_the_same_device_again_changes_nothing(self, village: Village) -> None:
        sent = len(village.market.gas_used)
        home, meter = village.homes[0].address, key("meter-0").address
        village.market.register_device("meter-0", home, meter, DeviceClass.SMART_METER, 10_000, 0)
        assert len(village.market.gas_used) == sent

    def test_a_device_name_cannot_go_to_another_key(self, village: Village) -> None:
        home = village.homes[0].address
        with pytest.raises(named("DeviceAlreadyRegistered")) as caught:
            village.market.register_device("meter-0", home, key("thief").address, DeviceClass.SMART_METER, 1, 0)
        assert caught.value.values == {"deviceId": "0x" + device_id("meter-0").hex()}

    def test_devices_registered_elsewhere_appear_once_their_names_are_given(self, village: Village) -> None:
        market = village.market
        other = MarketChain(market.backend, market.deployment, market.backend.funded_key(), names=["meter-1"])
        assert [record.device for record in other.devices()] == ["meter-1"]
        assert [record.device for record in other.devices(unnamed=True)] == [
            "0x" + device_id("meter-0").hex(),
            "meter-1",
        ]

    def test_signing_domains_are_those_of_the_contracts(self, market: MarketChain) -> None:
        at = market.deployment
        assert market.reading_domain == SigningDomain("DeviceRegistry", 31_337, at.device_registry, "1")
        assert market.order_domain == SigningDomain("EnergyTrading", 31_337, at.energy_trading, "1")


class TestOrders:
    def test_each_order_of_a_batch_gets_its_own_result(self, village: Village) -> None:
        buyer, seller = village.homes
        domain = village.market.order_domain

        def order(trader: str, **changes: int) -> Order:
            fields = {"interval": FIRST, "energy_wh": 500, "nonce": 1, "deadline_s": START_S, "duration": 1} | changes
            return Order(trader=trader, side=Side.BUY, price_micro_per_kwh=200_000, **fields)

        batch = [
            sign_order(order(buyer.address), buyer, domain),
            sign_order(order(buyer.address), buyer, domain),
            sign_order(order(buyer.address, nonce=2), buyer, domain),
            sign_order(order(seller.address), buyer, domain),
            sign_order(order(seller.address, duration=2), seller, domain),
            sign_order(order(key("stranger").address), key("stranger"), domain),
            sign_order(order(seller.address, nonce=3, interval=FIRST + 50), seller, domain),
            sign_order(order(seller.address, nonce=4, deadline_s=START_S - 9_000), seller, domain),
        ]
        assert village.market.submit_orders(batch) == [
            OrderResult.ACCEPTED,
            OrderResult.NONCE_USED,
            OrderResult.ORDER_EXISTS,
            OrderResult.BAD_SIGNATURE,
            OrderResult.ACCEPTED,
            OrderResult.UNKNOWN_MEMBER,
            OrderResult.INTERVAL_NOT_OPEN,
            OrderResult.EXPIRED,
        ]

    def test_no_orders_are_no_transaction(self, village: Village) -> None:
        sent = len(village.market.gas_used)
        assert village.market.submit_orders([]) == []
        assert len(village.market.gas_used) == sent

    def test_clearing_gives_price_volume_and_every_fill(self, village: Village) -> None:
        village.order(0, Side.BUY, 1_500, RETAIL)
        village.order(1, Side.SELL, 1_000, FEED_IN)
        village.market.advance_to(START_S)
        auction = village.market.clear(FIRST)
        buyer, seller = (home.address for home in village.homes)
        assert (auction.interval, auction.volume_wh) == (FIRST, 1_000)
        assert (dict(auction.bought_wh), dict(auction.sold_wh)) == ({buyer: 1_000}, {seller: 1_000})
        assert auction.price_micro_per_kwh == nearest_tick_price(village.market.band(FIRST).reference)

    def test_clearing_what_somebody_cleared_reads_the_same_result(self, cleared: Village) -> None:
        assert cleared.market.clear(FIRST) == cleared.market.auction(FIRST)

    def test_clearing_before_the_gate_closes_is_refused(self, village: Village) -> None:
        with pytest.raises(named("GateStillOpen")) as caught:
            village.market.clear(FIRST)
        assert caught.value.values == {"interval": FIRST, "gateClosure": START_S - 300}

    def test_bands_are_read_as_published_with_the_contracts_reference(self, village: Village) -> None:
        band = village.market.band(FIRST)
        assert (band.feed_in, band.retail) == (FEED_IN, RETAIL)
        assert FEED_IN <= band.reference <= RETAIL
        with pytest.raises(named("IntervalNotOpen")):
            village.market.band(FIRST + 100)

    def test_a_long_tariff_is_published_in_transactions_below_the_gas_cap(self, market: MarketChain) -> None:
        bands = [PriceBand(FEED_IN, RETAIL + step, 0) for step in range(400)]
        market.open_intervals(Interval(FIRST, HOUR_S), bands)
        uses = [use for use in market.gas_used if use.operation == "openIntervals"]
        assert sum(use.items for use in uses) == 400
        assert len(uses) > 1
        assert max(use.gas for use in uses) < MAX_TRANSACTION_GAS
        assert market.band(FIRST + 399).retail == RETAIL + 399


class TestReadings:
    def test_a_batch_sent_twice_is_taken_once(self, village: Village) -> None:
        village.market.advance_to(START_S)
        raw = village.prepare(village.readings(START_S))
        first, sent = village.market.send_readings(raw), len(village.market.gas_used)
        assert first == [ReadingResult.ACCEPTED] * 2
        assert village.market.send_readings(raw) == first
        assert len(village.market.gas_used) == sent

    def test_a_batch_is_taken_once_by_a_process_that_knows_nothing_of_the_first(self, village: Village) -> None:
        market = village.market
        market.advance_to(START_S)
        raw = village.prepare(village.readings(START_S))
        other = MarketChain(market.backend, market.deployment, market.backend.funded_key())
        assert market.send_readings(raw) == other.send_readings(raw) == [ReadingResult.ACCEPTED] * 2
        assert market.registry.next_batch(market.transactor.address) == 1

    def test_a_batch_whose_nonce_was_taken_is_sent_under_a_fresh_one_and_still_once(self, village: Village) -> None:
        market = village.market
        market.advance_to(START_S)
        raw = village.prepare(village.readings(START_S))
        market.deposit(village.homes[0].address, 1)
        assert market.send_readings(raw) == [ReadingResult.ACCEPTED] * 2
        assert market.send_readings(raw) == [ReadingResult.ACCEPTED] * 2
        assert market.registry.next_batch(market.transactor.address) == 1

    def test_bad_items_are_refused_each_with_its_reason_and_block_nobody(self, village: Village) -> None:
        market = village.market
        market.advance_to(START_S)
        good = village.readings(START_S)
        unknown = village.readings(START_S, [0])[0]
        village.import_wh[0] = 5
        forged = village.readings(START_S + 60, [0])[0]
        batch = [
            good[0],
            good[0],
            replace(unknown, device_id=device_id("meter-99")),
            replace(forged, import_wh=4),
            good[1],
        ]
        assert market.send_readings(village.prepare(batch)) == [
            ReadingResult.ACCEPTED,
            ReadingResult.STALE_SEQUENCE,
            ReadingResult.UNKNOWN_DEVICE,
            ReadingResult.BAD_SIGNATURE,
            ReadingResult.ACCEPTED,
        ]

    def test_a_number_out_of_order_is_the_contracts_error(self, village: Village) -> None:
        village.market.advance_to(START_S)
        raw = village.market.prepare_readings(3, village.readings(START_S))
        with pytest.raises(named("BatchOutOfOrder")) as caught:
            village.market.send_readings(raw)
        assert caught.value.values == {"expected": 0, "actual": 3}

    def test_the_largest_batch_fits_a_transaction_even_if_each_reading_ends_another_interval(
        self, village: Village
    ) -> None:
        market, last_s = village.market, START_S + MAX_READINGS * HOUR_S
        readings = []
        for step in range(MAX_READINGS):
            village.import_wh[0] += 400
            readings += village.readings(START_S + step * HOUR_S, [0])
        market.advance_to(last_s)
        results = market.send_readings(village.prepare(readings))
        assert {ReadingResult.ACCEPTED, ReadingResult.TOO_OLD}.issuperset(results)
        assert market.gas_used[-1].gas < MAX_TRANSACTION_GAS


class TestMoney:
    def test_delivery_as_sold_pays_the_price_and_the_buyer_the_fee(self, cleared: Village) -> None:
        settlement = self._settle(cleared, import_wh=1_000, export_wh=1_000)
        price = cleared.market.auction(FIRST).price_micro_per_kwh
        assert [s.amount_micro for s in settlement.statements] == [-(price + 1_000), price]
        money = settlement.money
        assert (money.homes_micro, money.grid_micro, money.fees_micro, money.dust_micro) == (-1_000, 0, 1_000, 0)

    def test_a_seller_short_of_100_wh_pays_the_grid_for_them(self, cleared: Village) -> None:
        settlement = self._settle(cleared, import_wh=1_000, export_wh=900)
        price = cleared.market.auction(FIRST).price_micro_per_kwh
        assert settlement.statements[1].amount_micro == price - RETAIL // 10
        assert settlement.money.grid_micro == RETAIL // 10

    def test_a_buyer_sells_what_it_does_not_use_to_the_grid(self, cleared: Village) -> None:
        settlement = self._settle(cleared, import_wh=300, export_wh=1_000)
        price = cleared.market.auction(FIRST).price_micro_per_kwh
        assert settlement.statements[0].amount_micro == -(price + 1_000) + FEED_IN * 7 // 10
        assert settlement.money.error_micro == 0

    def test_balances_sum_to_what_was_deposited(self, cleared: Village) -> None:
        self._settle(cleared, import_wh=1_233, export_wh=777)
        market = cleared.market
        balances = market.balances()
        assert sum(balances.values()) == 3 * DEPOSIT == market.token.balance_micro(market.trading.contract.address)
        assert set(balances) == {*(home.address for home in cleared.homes), "grid", "fees", "dust"}
        assert (market.grid_account, market.fee_account) == (BACKSTOP, TREASURY)

    def test_settling_again_reads_the_same_statements(self, cleared: Village) -> None:
        first = self._settle(cleared, import_wh=1_000, export_wh=1_000)
        assert cleared.market.settle(FIRST) == first

    def test_a_home_without_a_reading_waits_and_counts_as_no_delivery_after_the_deadline(
        self, cleared: Village
    ) -> None:
        market = cleared.market
        cleared.import_wh[0] = 1_000
        market.advance_to(END_S)
        cleared.read(END_S, [0])
        waiting = market.settle(FIRST)
        assert [s.account for s in waiting.statements] == [cleared.homes[0].address]
        market.advance_to(END_S + 4 * HOUR_S)
        settled = market.settle(FIRST)
        missing = next(s for s in settled.statements if not s.metered)
        price = market.auction(FIRST).price_micro_per_kwh
        assert (missing.account, missing.amount_micro) == (cleared.homes[1].address, price - RETAIL)
        assert settled.money.error_micro == 0

    def test_rewards_accrue_for_what_was_shared(self, cleared: Village) -> None:
        """One token for a kWh sold and delivered, half of one for a kWh bought and used."""
        self._settle(cleared, import_wh=800, export_wh=1_000)
        buyer, seller = (home.address for home in cleared.homes)
        assert cleared.market.rewards() == {buyer: 4 * 10**17, seller: 10**18}

    @staticmethod
    def _settle(village: Village, import_wh: int, export_wh: int) -> Settlement:
        village.import_wh[0], village.export_wh[1] = import_wh, export_wh
        village.market.advance_to(END_S)
        village.read(END_S)
        return village.market.settle(FIRST)


def test_budgets_keep_every_transaction_below_the_cap() -> None:
    assert GasBudget(100, 10).most_items == (MAX_TRANSACTION_GAS - 100) // 10
    for budget in (SUBMIT_ORDERS, SETTLE):
        assert budget.limit(budget.most_items) <= MAX_TRANSACTION_GAS
