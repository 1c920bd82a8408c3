"""The regulator: bonus, penalty and bans by the written rules."""

from dataclasses import replace

import numpy as np
import pytest

from microgrid.sim.regulator import Office
from microgrid.sim.scenario import Regulator

RULES = Regulator(enabled=True, window_steps=3, market_limit_kwh=2.0, start_balance=1.0)
NOTHING = np.zeros(2, dtype=np.int64)


def wh(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


@pytest.fixture
def office() -> Office:
    return Office(RULES, 2, np.random.default_rng(1))


def test_bonus_is_two_cents_a_kwh_rounded_down_and_penalty_rounded_up(office: Office) -> None:
    ruling = office.judge(0, wh(1_500, 1), wh(0, 1), NOTHING)
    assert ruling.bonus_micro.tolist() == [30_000, 20]
    assert ruling.penalty_micro.tolist() == [0, 20]
    small = Office(Regulator(enabled=True, bonus=0.0000015, penalty=0.0000015), 2, np.random.default_rng(1))
    ruling = small.judge(0, wh(999, 0), wh(0, 1), NOTHING)
    assert (ruling.bonus_micro.tolist(), ruling.penalty_micro.tolist()) == ([1, 0], [0, 1])


def test_balances_take_trading_bonus_and_penalty(office: Office) -> None:
    office.judge(0, wh(1_000, 0), wh(0, 1_000), wh(-500_000, 250_000))
    assert office.balance_micro.tolist() == [1_000_000 - 500_000 + 20_000, 1_000_000 + 250_000 - 20_000]


def test_use_of_the_local_market_within_the_window_brings_a_ban_of_two_or_three_steps(office: Office) -> None:
    assert office.judge(0, NOTHING, wh(1_500, 0), NOTHING).bans == ()
    (ban,) = office.judge(1, NOTHING, wh(600, 0), NOTHING).bans
    assert (ban.home, ban.decided, ban.first) == (0, 1, 2)
    assert ban.steps in {2, 3}
    assert ban.reason == "bought 2.100 kWh from the local market in 3 steps, more than 2 kWh"
    assert [office.banned(step).tolist() for step in (2, 1 + ban.steps)] == [[True, False], [True, False]]
    assert office.banned(2 + ban.steps).tolist() == [False, False]


def test_use_at_the_limit_is_still_allowed(office: Office) -> None:
    assert office.judge(0, NOTHING, wh(2_000, 2_001), NOTHING).bans[0].home == 1
    assert office.banned(1).tolist() == [False, True]


def test_a_ban_wipes_out_the_use_that_led_to_it() -> None:
    office = Office(replace(RULES, window_steps=10), 2, np.random.default_rng(1))
    (ban,) = office.judge(0, NOTHING, wh(2_500, 0), NOTHING).bans
    later = [office.judge(step, NOTHING, NOTHING, NOTHING).bans for step in range(1, 2 + ban.steps)]
    assert later == [()] * (1 + ban.steps)


def test_use_that_has_left_the_window_is_forgotten(office: Office) -> None:
    bans = [office.judge(step, NOTHING, wh(used, 0), NOTHING).bans for step, used in enumerate((1_500, 0, 0, 1_500))]
    assert bans == [(), (), (), ()]


def test_a_balance_below_the_lowest_brings_a_ban_with_the_amount(office: Office) -> None:
    (ban,) = office.judge(0, NOTHING, NOTHING, wh(0, -1_250_000)).bans
    assert (ban.home, ban.reason) == (1, "balance of -0.25 below 0.00")


def test_both_lengths_of_a_ban_occur() -> None:
    office = Office(RULES, 200, np.random.default_rng(2))
    poor = np.full(200, -2_000_000, dtype=np.int64)
    bans = office.judge(0, np.zeros(200, np.int64), np.zeros(200, np.int64), poor).bans
    assert {ban.steps for ban in bans} == {2, 3}


def test_a_banned_home_is_not_banned_again_while_it_is_out(office: Office) -> None:
    (ban,) = office.judge(0, NOTHING, NOTHING, wh(-2_000_000, 0)).bans
    later = [office.judge(step, NOTHING, NOTHING, NOTHING).bans for step in range(1, 1 + ban.steps)]
    assert [len(bans) for bans in later] == [0] * (ban.steps - 1) + [1]
