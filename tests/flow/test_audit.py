"""The audit finds whatever does not follow from orders, readings and movements of money, and says by how much."""

import csv
import dataclasses
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from village import DEPOSIT, FEE, FIRST, HOUR_S, START_S, TREASURY, Village, key, open_market

from microgrid.chain.backend import dev_key
from microgrid.chain.backends import eth_tester, rpc
from microgrid.chain.bindings.device_care import DeviceCare
from microgrid.chain.client import MarketChain
from microgrid.chain.journal import read_journal
from microgrid.chain.node import NodeServer
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.cli import root
from microgrid.config import Settings
from microgrid.domain.errors import AuditError, BadInputError, RunFolderError
from microgrid.domain.journal import Journal, JournalEvent
from microgrid.domain.merkle import MerkleTree, commitment_digest, reading_leaf
from microgrid.domain.records import DeviceClass, Order, OrderResult, Side
from microgrid.domain.wire import Payload, decode_reading, encode_reading, keccak256, sign_order
from microgrid.report.journal import journal_lines
from microgrid.report.journal import read_journal as read_journal_file
from microgrid.settlement.audit import check_state, recompute
from microgrid.store import open_store
from microgrid.wiring.demo import open_demo
from microgrid.wiring.inputs import DemoRequest

HOMES, HOURS = 4, 4


def audit(*words: str) -> Any:
    """What `microgrid audit` prints, or its error."""
    result = CliRunner().invoke(root, ["audit", *words, "--json"])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("audited") / "run"
    settings = Settings(_env_file=None, out=out)
    request = DemoRequest(homes=HOMES, hours=HOURS, start="2026-06-21T10:00")
    with open_demo(settings, request, page_port=None, command="microgrid demo") as demo:
        list(demo.outcomes())
        return demo.write(demo.result())


class TestRunFolder:
    @pytest.fixture
    def folder(self, written: Path, tmp_path: Path) -> Path:
        return Path(shutil.copytree(written, tmp_path / "run"))

    def test_a_run_follows_from_what_happened(self, folder: Path) -> None:
        before = {path.name: path.read_bytes() for path in folder.glob("*.*")}
        shown = audit(str(folder))
        readings = HOMES * (HOURS + 1)
        assert (shown["differences"], shown["accounts"], shown["intervals"]) == (0, HOMES, HOURS)
        assert (shown["signed_readings"], shown["stored_readings"]) == (readings, readings)
        assert {path.name: path.read_bytes() for path in folder.glob("*.*")} == before

    @pytest.mark.parametrize(
        ("name", "column", "step"),
        [
            ("bills", "bill", "0.000001"),
            ("bills", "rounding", "0.000001"),
            ("prosumer_trading", "bill", "0.000001"),
            ("prosumer_trading", "limit_price_per_kwh", "0.000001"),
            ("all_trades", "energy_kwh", "0.001"),
            ("community_summary", "fees", "0.000001"),
            ("prosumer_energy", "import_kwh", "0.001"),
        ],
    )
    def test_the_smallest_change_of_a_table_is_found(self, folder: Path, name: str, column: str, step: str) -> None:
        path = folder / f"{name}.csv"
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        row = next(row for row in reversed(rows) if row[column] and float(row[column]))
        places = len(row[column].split(".")[1])
        row[column] = f"{float(row[column]) + float(step):.{places}f}"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(row), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        where = row.get("home_id") or row["interval_start"]
        with pytest.raises(
            AuditError, match=rf"{column} of .*{where}.* in {name}\.csv: .* off by \+{step}$".replace("+00:00", ".+")
        ):
            audit(str(folder))

    def test_a_missing_row_is_found(self, folder: Path) -> None:
        lines = (folder / "bills.csv").read_text().splitlines(keepends=True)
        (folder / "bills.csv").write_text("".join(lines[:-1]))
        with pytest.raises(AuditError, match=r"number of rows of bills\.csv: the folder has 3, but .* 4, off by -1"):
            audit(str(folder))

    def test_a_micro_in_the_totals_is_found(self, folder: Path) -> None:
        summary = json.loads((folder / "summary.json").read_text())
        summary["totals"]["bills_micro"] += 1
        (folder / "summary.json").write_text(json.dumps(summary))
        with pytest.raises(AuditError, match=r"bills_micro of totals in summary\.json: .* off by \+1"):
            audit(str(folder))

    @pytest.mark.parametrize("column", ["import_wh", "export_wh", "timestamp_s"])
    def test_a_changed_stored_reading_is_found(self, folder: Path, column: str) -> None:
        change(folder, f"UPDATE readings SET {column} = {column} + 1 WHERE device_id = 2 AND sequence = 3")  # noqa: S608 - a column of ours
        with pytest.raises(
            AuditError, match=rf"{column} of reading 3 of epoch \d+ of 'meter-h02': the store has .* off by \+1"
        ):
            audit(str(folder))

    def test_a_changed_signature_is_found(self, folder: Path) -> None:
        change(folder, "UPDATE readings SET signature = zeroblob(65) WHERE device_id = 1 AND sequence = 0")
        with pytest.raises(AuditError, match=r"signer of reading 0 of epoch \d+ of 'meter-h01': the store has nobody"):
            audit(str(folder))

    def test_a_lost_stored_reading_is_found(self, folder: Path) -> None:
        change(folder, "DELETE FROM chain_outbox WHERE device_id = 1 AND sequence = 2")
        with pytest.raises(AuditError, match=r"reading 2 of epoch \d+ of device 0x.*: the store has nothing"):
            audit(str(folder))

    def test_the_command_ends_with_one_and_one_sentence(self, folder: Path) -> None:
        journal = read_journal_file(folder)
        name, amount = next((n, a) for n, a in journal.state.items() if n.startswith("balance_micro"))
        forged = dataclasses.replace(journal, state={**journal.state, name: amount + 1})
        (folder / "events.jsonl").write_text("".join(journal_lines(forged)))
        command = [sys.executable, "-m", "microgrid", "audit", str(folder)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout) == (1, "")
        sentence = f"Error: {name}: the contract has {amount + 1}, but recomputed it is {amount}, off by +1\n"
        assert ended.stderr == sentence

    def test_a_folder_without_events_is_bad_input(self, folder: Path) -> None:
        (folder / "events.jsonl").unlink()
        with pytest.raises(RunFolderError, match=r"holds no events\.jsonl"):
            audit(str(folder))
        (folder / "events.jsonl").write_text("{}\n")
        with pytest.raises(RunFolderError, match="damaged"):
            audit(str(folder))

    def test_a_store_that_is_not_there_is_not_made(self, folder: Path) -> None:
        with pytest.raises(BadInputError, match="names no file"):
            audit(str(folder), "--store", f"sqlite:///{folder}/none.sqlite")
        assert not (folder / "none.sqlite").exists()


def change(folder: Path, statement: str) -> None:
    with sqlite3.connect(folder / "readings.sqlite") as connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


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
