"""`microgrid reward` against a node in another thread."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from village import START_S, key

from microgrid.chain.backend import dev_key
from microgrid.chain.client import MarketChain
from microgrid.chain.node import NodeServer
from microgrid.cli import root
from microgrid.cli._chain import NameBook, open_market
from microgrid.domain.errors import ContractRevertError
from microgrid.domain.records import Reading
from microgrid.domain.wire import Payload, decode_reading, encode_reading

BUYER, SELLER = dev_key(1), dev_key(2)
HOUR_S = 3_600
FIRST = START_S // HOUR_S + 1
WAD = 10**18

Run = Callable[..., Any]


@pytest.fixture
def server() -> Iterator[NodeServer]:
    started = NodeServer(start_s=START_S)
    thread = threading.Thread(target=started.serve)
    thread.start()
    yield started
    started.stop()
    thread.join()
    started.close()


@pytest.fixture
def run(server: NodeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICROGRID_OPERATOR_KEY", raising=False)
    Path("buyer.key").write_text(BUYER.secret.hex())
    Path("seller.key").write_text(SELLER.secret.hex())

    def invoke(*words: str, as_json: bool = True) -> Any:
        options = ["--rpc", server.url, *(["--json"] if as_json else [])]
        result = CliRunner().invoke(root, [*words, *options], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout) if as_json else result.stdout

    return invoke


def reading(market: MarketChain, meter: str, number: int, import_wh: int, export_wh: int) -> Reading:
    time_s = (FIRST + number) * HOUR_S
    payload = Payload(1, meter, 0, number, time_s, import_wh, export_wh, 0, 230_000, 0)
    return decode_reading(encode_reading(payload, key(meter), market.reading_domain))


@pytest.fixture
def market(server: NodeServer, run: Run) -> Iterator[MarketChain]:
    """The seller sells 1 kWh to the buyer, who draws 1.5; both are settled."""
    run("deploy")
    for name, home in (("m1", BUYER), ("m2", SELLER)):
        run("device", "register", name, "--owner", home.address, "--key", key(name).address)
        run("trade", "deposit", "50", "--account", home.address)
    run("trade", "deposit", "100", "--account", dev_key(8).address)
    run("trade", "order", "buy", "1", "0.20", "--key-file", "buyer.key")
    run("trade", "order", "sell", "1", "0.10", "--key-file", "seller.key")
    place = Path("deployment.json")
    with open_market(server.url, None, place, NameBook(place)) as opened:
        for number, (drawn, fed) in enumerate(((0, 0), (1_500, 1_000))):
            opened.advance_to((FIRST + number) * HOUR_S)
            readings = [reading(opened, "m1", number, drawn, 0), reading(opened, "m2", number, 0, fed)]
            opened.send_readings(opened.prepare_readings(number, readings))
        run("trade", "clear", str(FIRST))
        run("trade", "settle", str(FIRST))
        yield opened


@pytest.mark.usefixtures("market")
def test_what_was_earned_is_shown_claimed_and_staked(run: Run) -> None:
    assert run("reward", "show", SELLER.address)["accrued_wad"] == WAD
    claimed = run("reward", "claim", "--key-file", "seller.key")
    assert (claimed["account"], claimed["accrued_wad"], claimed["balance_wad"]) == (SELLER.address, 0, WAD)
    staked = run("reward", "stake", "0.75", "--key-file", "seller.key")
    assert (staked["balance_wad"], staked["staked_wad"]) == (WAD // 4, 3 * WAD // 4)
    unbonding = run("reward", "unstake", "0.5", "--key-file", "seller.key")
    assert (unbonding["staked_wad"], unbonding["unbonding_wad"]) == (WAD // 4, WAD // 2)
    with pytest.raises(ContractRevertError, match="StillUnbonding"):
        run("reward", "withdraw", "--key-file", "seller.key")


def test_unbonded_tokens_are_withdrawn(run: Run, market: MarketChain) -> None:
    run("reward", "claim", "--key-file", "seller.key")
    run("reward", "stake", "1", "--key-file", "seller.key")
    released_s = run("reward", "unstake", "1", "--key-file", "seller.key")["released_s"]
    market.advance_to(released_s)
    assert run("reward", "withdraw", "--key-file", "seller.key")["balance_wad"] == WAD


def test_recorded_conduct_is_shown(run: Run, market: MarketChain) -> None:
    assert run("reward", "record", str(FIRST))["members"] == 2
    shown = run("reward", "show", BUYER.address)
    assert (shown["peer_wh"], shown["grid_wh"], shown["saved_wh"]) == (1_000, 500, 0)
    assert shown["score_permille"] == 666
    assert "0.500 kWh" in run("reward", "show", BUYER.address, as_json=False)
    assert market.reward_system.conduct(1).last_interval == FIRST


def test_incentives_of_an_epoch_are_claimed(run: Run, market: MarketChain) -> None:
    run("reward", "credit", BUYER.address, "0.5", "--event", "evening")
    with pytest.raises(ContractRevertError, match="AlreadyCredited"):
        run("reward", "credit", BUYER.address, "0.5", "--event", "evening")
    rates = run("reward", "rates")
    epoch = rates["epoch"]
    assert (rates["sold_wad_per_kwh"], rates["shifted_wad_per_kwh"]) == (WAD, 2 * WAD)
    assert (rates["earned_wad"], rates["budget_wad"]) == (WAD, 100 * WAD)
    assert run("reward", "show", BUYER.address)[f"epoch_{epoch}_wad"] == WAD
    with pytest.raises(ContractRevertError, match="EpochNotOver"):
        run("reward", "claim", "--epoch", str(epoch), "--key-file", "buyer.key")
    market.advance_to(rates["claimable_from_s"])
    claimed = run("reward", "claim", "--epoch", str(epoch), "--key-file", "buyer.key")
    assert claimed["balance_wad"] == WAD
    assert "100.000000000000000000" in run("reward", "rates", as_json=False)


def test_a_ban_is_shown_with_its_reason(run: Run, market: MarketChain) -> None:
    shown = run("reward", "ban", BUYER.address, "grid-use", "--intervals", "3")
    assert shown["ban_reason"] == "grid_use"
    assert market.now_s() < shown["banned_until_s"] <= market.now_s() + 3 * HOUR_S
    assert market.regulator.latest_ban(1).in_force
    with pytest.raises(ContractRevertError, match="NotInArrears"):
        run("reward", "ban", SELLER.address, "arrears")


def test_two_readings_with_one_number_cost_half_the_stake(run: Run, market: MarketChain) -> None:
    run("reward", "claim", "--key-file", "seller.key")
    run("reward", "stake", "1", "--key-file", "seller.key")
    for name, export_wh in (("one.frame", 1_000), ("other.frame", 2_000)):
        payload = Payload(1, "m2", 0, 1, (FIRST + 1) * HOUR_S, 0, export_wh, 0, 230_000, 0)
        Path(name).write_bytes(encode_reading(payload, key("m2"), market.reading_domain))
    shown = run("reward", "slash", "one.frame", "other.frame")
    assert (shown["account"], shown["staked_wad"]) == (SELLER.address, WAD // 2)


def test_an_inverter_beside_the_meter_is_counted(run: Run, market: MarketChain) -> None:
    words = ("--owner", SELLER.address, "--key", key("pv").address, "--class", "inverter")
    run("device", "register", "pv", *words)
    market.send_readings(market.prepare_readings(2, [reading(market, "pv", 1, 0, 5_000)]))
    shown = run("reward", "count-inverter", "pv")
    assert (shown["account"], shown["self_consumed_wh"]) == (SELLER.address, 0)  # the starting point
    market.advance_to((FIRST + 2) * HOUR_S)
    later = [reading(market, "pv", 2, 0, 8_000), reading(market, "m2", 2, 0, 2_000)]
    market.send_readings(market.prepare_readings(3, later))
    assert run("reward", "count-inverter", "pv")["self_consumed_wh"] == 2_000
