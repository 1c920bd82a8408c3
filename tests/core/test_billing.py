"""Billing periods: balances begin anew, bills and energy do not notice."""

from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from simulations import inputs_of, scenario

from microgrid.data.scenarios import read_scenario
from microgrid.domain.intervals import interval_at
from microgrid.sim.billing import billing_steps
from microgrid.sim.results import Results
from microgrid.sim.run import run

FLAT = {
    "start": "2026-06-21T00:00",
    "batteries": {"model": "none"},
    "prices": {"tariff": "flat", "retail": 0.3, "feed_in": 0.1},
    "market": {"mechanism": "no_market"},
    "regulator": {"enabled": True, "start_balance": 8.0},
}


def flat_days(days: int, **settings: object) -> Results:
    """One kWh an hour at 0.30: 7.20 a day, of a start balance of 8."""
    rules = scenario(FLAT, steps=24 * days, **settings)
    first = interval_at(datetime.fromisoformat("2026-06-21T00:00+00:00"), 3_600)
    return run(rules, inputs=inputs_of(rules, np.ones((24 * days, 1)), np.zeros((24 * days, 1)), first=first))


def test_each_bill_brings_the_balance_back_to_the_start() -> None:
    result = flat_days(3)
    balance = result.trading.balance_micro[:, 0]
    assert balance[[0, 23, 24, 47, 48, 71]].tolist() == [7_700_000, 800_000, 7_700_000, 800_000, 7_700_000, 800_000]
    assert result.bans == ()
    actions = result.tables["regulator_actions"]
    assert actions[["action", "target", "value"]].values.tolist() == [["bill", "h0", 7.2]] * 2
    assert actions["interval_start"].tolist() == ["2026-06-22T00:00:00+00:00", "2026-06-23T00:00:00+00:00"]


def test_without_bills_the_same_home_is_banned_once_its_money_is_spent() -> None:
    never, daily = flat_days(3, regulator__billing_days=0), flat_days(3)
    assert never.bans[0].reason == "balance of -0.10 below 0.00"
    assert never.trading.balance_micro[-1, 0] == 8_000_000 - 3 * 7_200_000
    assert never.bill_micro.tolist() == daily.bill_micro.tolist() == [3 * 7_200_000]


@pytest.mark.parametrize(("days", "expected"), [(1, [23, 47]), (2, [47])])
def test_days_are_counted_on_the_homes_clock_from_the_beginning_of_the_run(days: int, expected: list[int]) -> None:
    """The 29th of March 2026 has 23 hours in Berlin."""
    rules = scenario(FLAT, timezone="Europe/Berlin", regulator__billing_days=days)
    first = interval_at(datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Berlin")), 3_600)
    assert np.flatnonzero(billing_steps(rules, first, 71)).tolist() == expected


def test_a_clock_that_is_put_back_bills_once() -> None:
    """In Berlin half past two comes twice on the 25th of October 2026, an hour apart."""
    rules = scenario(FLAT, timezone="Europe/Berlin")
    first = interval_at(datetime(2026, 10, 24, 2, 30, tzinfo=ZoneInfo("Europe/Berlin")), 900)
    assert np.flatnonzero(billing_steps(rules, first, 110)).tolist() == [96]


def test_a_regulator_that_is_off_sends_no_bills() -> None:
    assert not billing_steps(
        scenario(regulator__enabled=False), interval_at(datetime(2026, 1, 1, tzinfo=ZoneInfo("UTC")), 3_600), 99
    ).any()


def test_the_ready_community_is_not_shut_out_of_its_market_in_a_fortnight() -> None:
    ready = read_scenario("community_100").with_settings({"steps": "336", "ledger.kind": "none"})
    result = run(ready)
    assert [ban.reason for ban in result.bans if ban.reason.startswith("balance")] == []
    trading = result.trading
    moved = trading.amount_micro + trading.bonus_micro - trading.penalty_micro
    by_day = moved.reshape(14, 24, 100).sum(axis=1)
    assert (trading.balance_micro[23::24] == 5_000_000 + by_day).all()
    assert (trading.paid_in_micro[24::24] == -by_day[:-1]).all()
    assert (result.bill_micro == -moved.sum(axis=0)).all()
