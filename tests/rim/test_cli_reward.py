"""`microgrid reward` against a node in another thread."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rim.cli_chain import FIRST, HOUR_S, Run, commands_in, open_market, put_back, reading, share
from rim.cli_chain import ONE as BUYER
from rim.cli_chain import TWO as SELLER
from village import key

from microgrid.chain.client import MarketChain
from microgrid.chain.node import NodeServer
from microgrid.domain.errors import BadInputError, ContractRevertError
from microgrid.domain.wire import Payload, encode_reading

WAD = 10**18


@pytest.fixture(scope="module")
def prepared(server: NodeServer, two_homes: Path) -> Path:
    """The seller sells 1 kWh to the buyer, who draws 1.5; both are settled."""
    with commands_in(two_homes, server) as run:
        share(run, server, 1_500)
    return two_homes


@pytest.fixture
def shared(prepared: Path, run: Run, server: NodeServer) -> Iterator[MarketChain]:
    """The market after that."""
    put_back(prepared)
    with open_market(server) as opened:
        yield opened


@pytest.mark.usefixtures("shared")
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


def test_unbonded_tokens_are_withdrawn(run: Run, shared: MarketChain) -> None:
    run("reward", "claim", "--key-file", "seller.key")
    run("reward", "stake", "1", "--key-file", "seller.key")
    released_s = run("reward", "unstake", "1", "--key-file", "seller.key")["released_s"]
    shared.advance_to(released_s)
    assert run("reward", "withdraw", "--key-file", "seller.key")["balance_wad"] == WAD


def test_recorded_conduct_is_shown(run: Run, shared: MarketChain) -> None:
    assert run("reward", "record", str(FIRST))["members"] == 2
    shown = run("reward", "show", BUYER.address)
    assert (shown["peer_wh"], shown["grid_wh"], shown["saved_wh"]) == (1_000, 500, 0)
    assert shown["score_permille"] == 666
    assert "0.500 kWh" in run("reward", "show", BUYER.address, as_json=False)
    assert shared.reward_system.conduct(1).last_interval == FIRST


def test_incentives_of_an_epoch_are_claimed(run: Run, shared: MarketChain) -> None:
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
    shared.advance_to(rates["claimable_from_s"])
    claimed = run("reward", "claim", "--epoch", str(epoch), "--key-file", "buyer.key")
    assert claimed["balance_wad"] == WAD
    assert "100.000000000000000000" in run("reward", "rates", as_json=False)


def test_a_ban_is_shown_with_its_reason(run: Run, shared: MarketChain) -> None:
    shown = run("reward", "ban", BUYER.address, "grid-use", "--intervals", "3")
    assert shown["ban_reason"] == "grid_use"
    assert shared.now_s() < shown["banned_until_s"] <= shared.now_s() + 3 * HOUR_S
    assert shared.regulator.latest_ban(1).in_force
    with pytest.raises(ContractRevertError, match="NotInArrears"):
        run("reward", "ban", SELLER.address, "arrears")


def test_two_readings_with_one_number_cost_half_the_stake(run: Run, shared: MarketChain) -> None:
    run("reward", "claim", "--key-file", "seller.key")
    run("reward", "stake", "1", "--key-file", "seller.key")
    for name, export_wh in (("one.frame", 1_000), ("other.frame", 2_000)):
        payload = Payload(1, "meter-02", 0, 1, (FIRST + 1) * HOUR_S, 0, export_wh, 0, 230_000, 0)
        Path(name).write_bytes(encode_reading(payload, key("meter-02"), shared.reading_domain))
    shown = run("reward", "slash", "one.frame", "other.frame")
    assert (shown["account"], shown["staked_wad"]) == (SELLER.address, WAD // 2)


def test_an_inverter_beside_the_meter_is_counted(run: Run, shared: MarketChain) -> None:
    words = ("--owner", SELLER.address, "--key", key("pv").address, "--class", "inverter")
    run("device", "register", "pv", *words)
    shared.send_readings(shared.prepare_readings(2, [reading(shared, "pv", 1, (FIRST + 1) * HOUR_S, 0, 5_000)]))
    shown = run("reward", "count-inverter", "pv")
    assert (shown["account"], shown["self_consumed_wh"]) == (SELLER.address, 0)  # the starting point
    shared.advance_to((FIRST + 2) * HOUR_S)
    later = [
        reading(shared, "pv", 2, (FIRST + 2) * HOUR_S, 0, 8_000),
        reading(shared, "meter-02", 2, (FIRST + 2) * HOUR_S, 0, 2_000),
    ]
    shared.send_readings(shared.prepare_readings(3, later))
    assert run("reward", "count-inverter", "pv")["self_consumed_wh"] == 2_000


def test_a_checkpoint_keeps_what_was_earned_at_its_rates(run: Run, shared: MarketChain) -> None:
    shared.apply("RewardSystem.setRewardRates(0, 0)")
    assert run("reward", "checkpoint")["accrued_wad"] == {BUYER.address: WAD // 2, SELLER.address: WAD}
    assert run("reward", "checkpoint", SELLER.address)["accrued_wad"] == {SELLER.address: WAD}


def test_a_stake_beyond_what_is_held_is_refused_before_anything_is_approved(run: Run, shared: MarketChain) -> None:
    with pytest.raises(BadInputError, match=r"AMOUNT 2\S* is more than the acting key's 0"):
        run("reward", "stake", "2", "--key-file", "seller.key")
    token, staking = shared.reward_token.contract, shared.staking.contract
    assert token.functions.allowance(SELLER.address, staking.address).call() == 0
