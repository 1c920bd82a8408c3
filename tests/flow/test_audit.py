"""The audit finds whatever does not follow from orders, readings and movements of money, and says by how much."""

import dataclasses
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from auditing import audit
from village import DEPOSIT, FEE, FIRST, HOUR_S, START_S, TREASURY, Village, key, open_market

from microgrid.chain.backend import dev_key
from microgrid.chain.backends import eth_tester, rpc
from microgrid.chain.bindings.device_care import DeviceCare
from microgrid.chain.client import MarketChain
from microgrid.chain.journal import read_journal
from microgrid.chain.node import NodeServer
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.errors import AuditError
from microgrid.domain.journal import Journal, JournalEvent
from microgrid.domain.merkle import MerkleTree, commitment_digest, reading_leaf
from microgrid.domain.records import DeviceClass, Order, OrderResult, Side
from microgrid.domain.wire import Payload, decode_reading, encode_reading, keccak256, sign_order
from microgrid.settlement.audit import check_state, recompute
from microgrid.store import open_store


def trade_two_hours(village: Village) -> None:
    """Two intervals with late readings, a reading between, a missed one, a fee change and money that moves."""
    market = village.market
    village.open()
    village.order(0, Side.BUY, 1_500, 200_000)
    village.order(1, Side.SELL, 1_000, 100_001)
    village.order(2, Side.SELL, 777, 100_000)
    standing = Order(village.homes[0].address, FIRST, Side.SELL, 500, 150_000, 7, START_S, duration=2)
    signed = sign_order(standing, village.homes[0], market.order_domain)
    assert market.submit_orders([signed, signed]) == [OrderResult.ACCEPTED, OrderResult.NONCE_USED]
    market.advance_to(START_S)
    village.read(START_S)
    market.clear(FIRST)
    village.import_wh = [801, 0, 0]
    market.advance_to(START_S + HOUR_S // 2)
    village.read(START_S + HOUR_S // 2, [0])
    village.import_wh, village.export_wh = [1_399, 3, 0], [0, 907, 400]
    market.advance_to(START_S + HOUR_S)
    village.read(START_S + HOUR_S, [0, 1])
    market.settle(FIRST)
    market.deposit(TREASURY, 12_345)
    market.clear(FIRST + 1)
    market.advance_to(START_S + 6 * HOUR_S)
    market.settle(FIRST)
    village.read(START_S + 2 * HOUR_S)


@pytest.fixture(scope="module")
def journal() -> Journal:
    village = Village(open_market(eth_tester.connect(None, START_S - 2 * HOUR_S)), 3)
    trade_two_hours(village)
    return read_journal(village.market)


def altered(journal: Journal, name: str, **changes: Callable[[Any], Any]) -> Journal:
    """The journal with some arguments of the first event of a name changed."""
    place = next(place for place, event in enumerate(journal.events) if event.name == name)
    events = list(journal.events)
    event = events[place]
    args = {**event.args, **{key: how(event.args[key]) for key, how in changes.items()}}
    events[place] = JournalEvent(event.block, event.log, event.name, args)
    return dataclasses.replace(journal, events=tuple(events))


def verify(journal: Journal) -> None:
    check_state(journal.state, recompute(journal).state)


def one_more(value: int) -> int:
    return value + 1


class TestEvents:
    def test_a_market_with_arrears_late_readings_and_locked_money_follows(self, journal: Journal) -> None:
        verify(journal)
        found = recompute(journal)
        assert [audited.settlement is not None for audited in found.intervals] == [True, False]

    @pytest.mark.parametrize(
        ("name", "field", "words"),
        [
            ("Deposited", "amount", "balance_micro of 0x.*off by -1"),
            ("HomeSettled", "amount", r"amount of 0x.* of interval \d+: the chain has .*off by \+1"),
            ("HomeSettled", "boughtWh", r"boughtWh of 0x.* of interval \d+.*off by \+1"),
            ("HomeSettled", "importWh", r"importWh of 0x.* of interval \d+.*off by \+1"),
            ("IntervalCleared", "price", r"price_micro_per_kwh of interval \d+: .*off by \+1"),
            ("IntervalCleared", "volumeWh", r"volume_wh of interval \d+: .*off by \+1"),
            ("IntervalCleared", "tick", r"tick of interval \d+: .*off by \+1"),
            ("IntervalSettled", "grid", r"grid_micro of interval \d+: .*off by \+1"),
            ("IntervalSettled", "dust", r"dust_micro of interval \d+: .*off by \+1"),
            ("OrderCreated", "aheadWh", "ahead_wh of an order of interval"),
            ("OrderCreated", "tick", "tick of an order of interval"),
            ("OrderCreated", "limit", "signer of an order of interval|tick of an order"),
            ("OrderCreated", "energyWh", "signer of an order of interval"),
            ("ReadingAccepted", "importWh", r"signer of reading \d+ of epoch 0 of device 0x"),
            ("ReadingAccepted", "timestamp", r"signer of reading \d+ of epoch 0 of device 0x"),
            ("ReadingAccepted", "interval", "interval of a reading of device 0x.*off by [+]1"),
            ("IntervalOpened", "retail", "interval|balance"),
            ("IntervalOpened", "fee", r"amount of 0x.* of interval"),
        ],
    )
    def test_one_more_in_an_event_is_found(self, journal: Journal, name: str, field: str, words: str) -> None:
        with pytest.raises(AuditError, match=words):
            verify(altered(journal, name, **{field: one_more}))

    def test_one_more_in_any_number_of_the_state_is_found(self, journal: Journal) -> None:
        recomputed = recompute(journal).state
        for name, value in journal.state.items():
            with pytest.raises(AuditError) as caught:
                check_state({**journal.state, name: value + 1}, recomputed)
            assert (caught.value.what, caught.value.recorded, caught.value.recomputed) == (name, value + 1, value)

    def test_a_second_bill_of_a_home_is_found(self, journal: Journal) -> None:
        place = next(place for place, event in enumerate(journal.events) if event.name == "HomeSettled")
        events = (*journal.events[: place + 1], *journal.events[place:])
        with pytest.raises(AuditError, match="bills of 0x"):
            recompute(dataclasses.replace(journal, events=events))

    def test_a_replayed_reading_is_found(self, journal: Journal) -> None:
        place = next(place for place, event in enumerate(journal.events) if event.name == "ReadingAccepted")
        events = (*journal.events[: place + 1], *journal.events[place:])
        with pytest.raises(AuditError, match=r"sequence of device 0x.* at least"):
            recompute(dataclasses.replace(journal, events=events))

    def test_an_event_out_of_nowhere_is_found(self, journal: Journal) -> None:
        with pytest.raises(AuditError, match=r"OrderCreated in block .* impossible"):
            recompute(altered(journal, "OrderCreated", memberId=lambda _: 9))


def fund(village: Village, account: str) -> None:
    """Gas money for a home that sends something itself."""
    web3 = village.market.backend.web3
    spender = web3.eth.accounts[0]
    web3.eth.send_transaction({"from": spender, "to": account, "value": 10**18, "gas": 21_000})


def test_replaced_devices_and_proven_readings_follow() -> None:
    village = Village(open_market(eth_tester.connect(None, START_S - 2 * HOUR_S)), 3)
    market, care = village.market, village.market.care
    village.open()
    market.advance_to(START_S)
    village.read(START_S)
    village.import_wh, village.export_wh = [500, 600, 700], [0, 10, 20]
    market.advance_to(START_S + HOUR_S // 2)
    village.read(START_S + HOUR_S // 2, [0])
    fund(village, village.homes[0].address)
    old, new, new_key = keccak256(b"meter-0"), keccak256(b"meter-9"), key("meter-9")
    owner = DeviceCare(market.registry.contract, Transactor(market.backend, village.homes[0]))
    owner.approve_replacement(old, new, new_key.address)
    care.replace(old, new, new_key.address)
    end_s = START_S + HOUR_S
    committed = village.readings(end_s, [1])
    payload = Payload(1, "meter-9", 0, 1, end_s, 900, 30, 0, 230_000, 0)
    market.advance_to(end_s)
    market.send_readings(village.prepare([decode_reading(encode_reading(payload, new_key, market.reading_domain))]))
    leaf = reading_leaf(committed[0], FIRST, market.reading_domain)
    tree = MerkleTree([leaf])
    oracle = key("oracle")
    care.set_oracle_keys([oracle.address], 1)
    signature = oracle.sign(commitment_digest(FIRST, tree.root, 1, market.reading_domain))
    care.commit_readings(FIRST, tree.root, 1, [signature])
    care.prove_reading(committed[0], tree.proof(leaf))
    assert market.registry.interval_energy(1, FIRST) == (900, 30)
    journal = read_journal(market)
    verify(journal)
    assert recompute(journal).readings == 3 + 1 + 1 + 1


def trade_with_second_thoughts(village: Village) -> None:
    """An interval with orders taken back from the middle, the middle again and the end of a queue, and with deals."""
    market, end_s = village.market, START_S + HOUR_S
    village.homes = [dev_key(number) for number in range(1, 6)]
    for number, home in enumerate(village.homes):
        market.register_home(home.address)
        meter = key(f"meter-{number}").address
        market.register_device(
            f"meter-{number}", home.address, meter, DeviceClass.SMART_METER, rated_power_w=10_000, zone=0
        )
        market.deposit(home.address, DEPOSIT)
    village.count, village.import_wh, village.export_wh = 5, [0] * 5, [0] * 5
    homes = [MarketChain(market.backend, market.deployment, home) for home in village.homes]
    village.open()
    for number, energy_wh in enumerate((500, 300, 401, 200)):
        homes[number].trading.create_order(FIRST, Side.SELL, energy_wh, 150_000)
    homes[1].trading.cancel_order(FIRST, Side.SELL)
    homes[3].trading.cancel_order(FIRST, Side.SELL)
    homes[1].trading.create_order(FIRST, Side.SELL, 333, 150_000)
    homes[4].trading.create_order(FIRST, Side.BUY, 1_003, 180_000)
    homes[2].trading.cancel_order(FIRST, Side.SELL)
    homes[2].trading.revoke_nonces(5)
    terms = (777, 123_457, Side.BUY, START_S - 600)
    taken, gone = (homes[0].direct.offer(village.homes[3].address, FIRST, *terms) for _ in range(2))
    late = homes[3].direct.offer(village.homes[4].address, FIRST, 111, 99_999, Side.SELL, START_S - 600)
    operator, grid = market.transactor, market.grid.contract
    operator.execute("setTradingFee", grid, "setTradingFee", [FEE + 7], GasBudget(100_000))
    homes[3].direct.accept(taken)
    homes[0].direct.withdraw_offer(gone)
    homes[4].direct.accept(homes[1].direct.offer(village.homes[4].address, FIRST, 55, 61_001, Side.SELL, START_S - 600))
    market.advance_to(START_S)
    village.read(START_S)
    market.clear(FIRST)
    village.import_wh, village.export_wh = [700, 0, 2, 0, 1_500], [450, 390, 0, 770, 0]
    market.advance_to(end_s)
    village.read(end_s)
    market.settle(FIRST)
    homes[3].direct.withdraw_offer(late)


@pytest.fixture(scope="module")
def reconsidered() -> Journal:
    village = Village(open_market(eth_tester.connect(None, START_S - 2 * HOUR_S)), 0)
    trade_with_second_thoughts(village)
    return read_journal(village.market)


class TestCancelledOrdersAndDeals:
    def test_a_market_with_both_follows(self, reconsidered: Journal) -> None:
        verify(reconsidered)
        [audited] = recompute(reconsidered).intervals
        assert audited.settlement is not None
        assert audited.auction.volume_wh == 833
        assert sum(bill.bought_wh for bill in audited.settlement.statements) == 833 + 777 + 55

    @pytest.mark.parametrize(
        ("name", "field", "words"),
        [
            ("OrderCancelled", "tick", r"tick of a cancelled order of interval \d+: the chain has .*off by \+1"),
            ("OrderCancelled", "energyWh", r"energy_wh of a cancelled order of interval .*off by \+1"),
            ("OrderCancelled", "released", r"released by a cancelled order of interval .*off by \+1"),
            ("OrderCancelled", "memberId", "cancelled order of interval"),
            ("OfferMade", "energyWh", r"boughtWh of 0x.* of interval \d+: .*off by -1"),
            ("OfferMade", "price", r"amount of 0x.* of interval|balance_micro"),
            ("OfferMade", "makerId", "boughtWh of 0x"),
            ("OfferAccepted", "offerId", "boughtWh of 0x|OfferWithdrawn in block|OfferAccepted in block"),
            ("OfferWithdrawn", "released", r"released by an offer taken back of interval .*off by \+1"),
        ],
    )
    def test_one_more_in_an_event_is_found(self, reconsidered: Journal, name: str, field: str, words: str) -> None:
        with pytest.raises(AuditError, match=words):
            verify(altered(reconsidered, name, **{field: one_more}))

    @pytest.mark.parametrize("name", ["OrderCancelled", "OfferMade", "OfferAccepted", "OfferWithdrawn"])
    def test_a_missing_event_is_found(self, reconsidered: Journal, name: str) -> None:
        place = next(place for place, event in enumerate(reconsidered.events) if event.name == name)
        events = (*reconsidered.events[:place], *reconsidered.events[place + 1 :])
        with pytest.raises(AuditError):
            verify(dataclasses.replace(reconsidered, events=events))


class TestNode:
    @pytest.fixture
    def village(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Village, str]]:
        monkeypatch.chdir(tmp_path)
        started = NodeServer(start_s=START_S - 2 * HOUR_S)
        thread = threading.Thread(target=started.serve)
        thread.start()
        backend = rpc.connect(started.url)
        made = Village(open_market(backend), 3)
        Path("deployment.json").write_text(json.dumps(made.market.deployment.to_dict()))
        yield made, started.url
        backend.close()
        started.stop()
        thread.join()
        started.close()

    def test_a_market_that_other_processes_worked_follows(self, village: tuple[Village, str]) -> None:
        made, url = village
        assert audit("--rpc", url)["intervals"] == 0
        trade_two_hours(made)
        shown = audit("--rpc", url)
        assert (shown["accounts"], shown["intervals"], shown["signed_readings"]) == (3, 2, 9)
        with closing(open_store("sqlite:///other.sqlite")) as store:
            store.record(made.readings(START_S, [0]), [])
        with pytest.raises(AuditError, match=r"reading \d+ of epoch 0 of device 0x.*: the store has nothing"):
            audit("--rpc", url, "--store", "sqlite:///other.sqlite")
        ended = subprocess.run(
            [sys.executable, "-m", "microgrid", "audit", "--rpc", url], capture_output=True, text=True, check=False
        )
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "differences: 0" in ended.stdout
