"""Scenarios: every key documented, every wrong one named, every ready one sound."""

import re
import tomllib
from dataclasses import fields, is_dataclass, replace
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from microgrid.data.scenarios import read_scenario, ready_names
from microgrid.domain.errors import DataFileError, ScenarioError, UnknownNameError
from microgrid.sim.run import run
from microgrid.sim.scenario import Scenario, key_rows


def test_an_empty_document_is_the_default_scenario() -> None:
    assert Scenario.from_mapping({}) == Scenario()


def test_a_scenario_survives_its_own_mapping() -> None:
    scenario = read_scenario("community_100")
    assert Scenario.from_mapping(scenario.to_mapping()) == scenario


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"stepz": 3}, "there is no key stepz; did you mean 'steps'"),
        ({"homes": {"cont": 3}}, "there is no key homes.cont; did you mean 'count'"),
        ({"steps": 3.5}, "steps is 3.5; it must be a whole number"),
        ({"steps": True}, "steps is True; it must be a whole number"),
        ({"steps": 0}, "steps is 0; it must be from 1"),
        ({"step_minutes": 7}, "step_minutes is 7; it must be one of 1, 5, 10, 15"),
        ({"homes": 3}, "homes is 3; it must be a section"),
        ({"homes": {"pv_share": float("nan")}}, "homes.pv_share is nan; it must be from 0 to 1 share"),
        ({"homes": {"pv_kw": [7.0, 2.5]}}, "homes.pv_kw is .7.0, 2.5.; it must be two numbers, the smaller first"),
        ({"homes": {"pv_kw": [1, 2, 3]}}, "two numbers"),
        ({"batteries": {"soc_min": 0.99}}, "batteries.soc_min is 0.99; it must be at most batteries.soc_max"),
        ({"batteries": {"model": "big"}}, "batteries.model is 'big'; it must be one of individual, central"),
        ({"market": {"parameters": {"fee": "dear"}}}, "market.parameters.fee is 'dear'; it must be a number"),
        ({"market": {"parameters": 3}}, "market.parameters is 3; it must be a section of numbers"),
        ({"regulator": {"enabled": 1}}, "regulator.enabled is 1; it must be true or false"),
    ],
)
def test_what_no_scenario_can_say_is_refused_with_the_key(document: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        Scenario.from_mapping(document)


def test_an_unknown_plug_in_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="three_tier"):
        Scenario.from_mapping({"market": {"mechanism": "four_tier"}})


def test_settings_are_read_as_toml_and_else_as_text() -> None:
    scenario = Scenario().with_settings(
        {
            "homes.count": "20",
            "homes.pv_kw": "[3, 4.5]",
            "homes.ev_share": ".5",
            "market.mechanism": "tick-auction",
            "market.parameters.floor": "0.1",
            "regulator.enabled": "true",
        }
    )
    assert (scenario.homes.count, scenario.homes.pv_kw, scenario.homes.ev_share) == (20, (3.0, 4.5), 0.5)
    assert (scenario.market.mechanism, dict(scenario.market.parameters)) == ("tick_auction", {"floor": 0.1})
    assert scenario.regulator.enabled


def test_another_clearing_rule_drops_what_only_the_former_has() -> None:
    scenario = read_scenario("community_100")
    kept = scenario.with_settings({"market.mechanism": "local_market"}).market.parameters
    assert kept == {"fee": 0.03}
    assert scenario.with_settings({"market.mechanism": "no_market"}).market.parameters == {}
    given = scenario.with_settings({"market.mechanism": "bilateral", "market.parameters.cap_kwh": "1.5"})
    assert given.market.parameters == {"cap_kwh": 1.5}


def test_a_setting_below_a_plain_key_is_refused() -> None:
    with pytest.raises(ScenarioError, match="steps holds no section"):
        Scenario().with_settings({"steps.many": "3"})


def test_every_key_has_a_sentence_and_a_default_that_may_be_written() -> None:
    rows = {row.name: row for row in key_rows(Scenario)}
    assert set(rows) == set(_names(Scenario, ""))
    for row in rows.values():
        assert row.help, row.name
    document: dict[str, Any] = {}
    for row in rows.values():
        place, *path = document, *row.name.split(".")
        for part in path[:-1]:
            place = place.setdefault(part, {})
        if row.default is not None:
            place[path[-1]] = list(row.default) if isinstance(row.default, tuple) else row.default
    assert Scenario.from_mapping(document) == Scenario()


def _names(section: type, prefix: str) -> list[str]:
    hints = get_type_hints(section)
    return [
        name
        for entry in fields(section)
        for name in (
            _names(hints[entry.name], f"{prefix}{entry.name}.")
            if is_dataclass(hints[entry.name])
            else [prefix + entry.name]
        )
    ]


@pytest.mark.parametrize("name", ready_names())
def test_a_ready_scenario_loads_under_its_own_name_and_says_what_it_is(name: str) -> None:
    scenario = read_scenario(name)
    assert scenario.name == name
    assert scenario.description.endswith(".")


def test_the_community_of_a_hundred_carries_the_published_defaults() -> None:
    """Ten home types, 0.35-1.50 kWh/h, 2.5-7 kW, 80 % with 5-20 kWh are those of the home types, tested there."""
    scenario = read_scenario("community_100")
    batteries, regulator, ledger = scenario.batteries, scenario.regulator, scenario.ledger
    assert (scenario.homes.count, scenario.steps, scenario.step_minutes) == (100, 24, 60)
    assert (batteries.share, batteries.round_trip_efficiency, batteries.soc_min, batteries.soc_max) == (
        0.8, 0.95, 0.10, 0.95,
    )  # fmt: skip
    assert (scenario.market.mechanism, scenario.market.parameters) == ("three_tier", {"cap_kwh": 3.0, "fee": 0.03})
    assert (scenario.prices.feed_in, scenario.prices.retail) == (0.10, 0.20), "base price 0.15, forecasts 0.10-0.20"
    assert (regulator.enabled, regulator.bonus, regulator.penalty, regulator.ban_steps) == (True, 0.02, 0.02, (2, 3))
    assert (ledger.kind, ledger.miners, ledger.difficulty) == ("proof_of_work", 15, 3)
    assert (ledger.block_size, ledger.reward) == (50, 0.1)


def test_the_five_households_carry_the_published_defaults() -> None:
    scenario = read_scenario("household_5")
    assert (scenario.homes.count, scenario.steps, scenario.homes.pv_kw) == (5, 48, (5.0, 5.0))
    assert (scenario.batteries.capacity_kwh, scenario.planning.optimiser) == ((10.0, 10.0), "convex")
    assert (scenario.prices.retail, scenario.prices.feed_in) == (0.15, 0.05)


def test_a_file_is_told_apart_from_a_ready_name(tmp_path: Any) -> None:
    path = tmp_path / "ours.toml"
    path.write_text('name = "ours"\n[homes]\ncount = 3\n')
    assert read_scenario(str(path)).homes.count == 3
    with pytest.raises(UnknownNameError, match="community_100"):
        read_scenario("comunity_100")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("steps = ", "is no TOML"),
        ("steps = 0", "steps is 0"),
        ('[market]\nmechanism = "x"', "unknown mechanism"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Any, text: str, words: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(DataFileError, match=rf"bad\.toml: .*{words}"):
        read_scenario(str(path))
    with pytest.raises(DataFileError, match="there is no such file"):
        read_scenario(str(tmp_path / "absent.toml"))


def test_ready_scenarios_are_toml_that_a_person_may_copy() -> None:
    for name in ready_names():
        document = tomllib.loads(tomllib_source(name))
        assert Scenario.from_mapping(document) == read_scenario(name)


def tomllib_source(name: str) -> str:
    from microgrid.data.scenarios import FOLDER  # noqa: PLC0415 - only here

    return (FOLDER / f"{name}.toml").read_text("utf-8")


def test_a_day_of_the_community_of_a_hundred_is_a_typical_one() -> None:
    """800-1,000 kWh generated, 700-900 used, 200-400 peer and 100-200 market trades, 10-20 blocks, 70-80 % kept.

    Bans are few and differ from day to day, 2-5 in the mean of some days.
    """
    days = [run(read_scenario("community_100"), seed).metrics for seed in range(4)]
    for day in days:
        tiers = day["market"]["tiers"]
        assert 800 <= day["energy"]["pv_kwh"] <= 1_000
        assert 700 <= day["energy"]["load_kwh"] <= 900
        assert 200 <= tiers["bilateral"]["trades"] <= 400
        assert 100 <= tiers["local_market"]["trades"] <= 200
        assert 10 <= day["ledger"]["blocks"] <= 20
    assert 0.7 <= sum(day["energy"]["renewable_use"] for day in days) / len(days) <= 0.8
    assert 2 <= sum(day["regulator"]["bans"] for day in days) / len(days) <= 5


@pytest.mark.parametrize(
    ("written", "start"),
    [("2026-06-21", "2026-06-21"), ("2026-06-21T08:00:00", "2026-06-21T08:00:00"), ('"2026-06-21"', "2026-06-21")],
)
def test_a_start_may_be_written_without_quotes(written: str, start: str) -> None:
    document = tomllib.loads(f"start = {written}")
    assert Scenario.from_mapping(document).start == Scenario().with_settings({"start": written}).start == start


@pytest.mark.parametrize("name", ["", " ", ".", "..", "../runs", "/runs", "a\\b", "a\0b", "n" * 101])
def test_a_name_that_leads_to_another_folder_is_refused(name: str) -> None:
    with pytest.raises(ScenarioError, match="it must be a name for a folder"):
        Scenario.from_mapping({"name": name})


@pytest.mark.parametrize(("key", "value"), [("difficulty", 1), ("difficulty", 6), ("block_size", 2), ("miners", 1_000)])
def test_the_ledger_takes_what_its_keys_allow(key: str, value: int) -> None:
    document = {"steps": 1, "homes": {"count": 1}, "ledger": {"kind": "proof_of_work", key: value}}
    assert run(Scenario.from_mapping(document)).steps == 1


@pytest.mark.parametrize(("key", "value"), [("difficulty", 0), ("block_size", 1), ("miners", 1_001)])
def test_what_the_ledger_cannot_do_is_refused_by_its_key(key: str, value: int) -> None:
    with pytest.raises(ScenarioError, match=f"ledger.{key} is {value}; it must be from"):
        Scenario.from_mapping({"ledger": {"kind": "proof_of_work", key: value}})


def test_a_start_on_the_hour_of_a_clock_half_an_hour_off_is_told_in_utc() -> None:
    scenario = Scenario.from_mapping({"timezone": "Asia/Kolkata", "start": "2026-06-21T00:00"})
    with pytest.raises(ScenarioError, match=r"counted in UTC, where it is 18:30; set step_minutes=30 \(and steps to"):
        run(scenario)


@pytest.mark.parametrize(
    ("zone", "minutes"), [("Asia/Kolkata", 30), ("Australia/Adelaide", 30), ("Asia/Kathmandu", 15)]
)
def test_the_steps_that_such_a_clock_is_told_to_take_make_a_day_from_its_midnight(zone: str, minutes: int) -> None:
    steps = 24 * 60 // minutes
    told = Scenario.from_mapping({"timezone": zone, "step_minutes": minutes, "steps": steps, "homes": {"count": 2}})
    result = run(told)
    begin = result.first.start_utc.astimezone(ZoneInfo(zone))
    assert (begin.hour, begin.minute) == (0, 0)
    assert {item.name: item.error for item in result.invariants if item.error} == {}
    peak = result.grid.retail_micro == 360_000
    assert np.flatnonzero(peak).tolist() == list(range(16 * 60 // minutes, 21 * 60 // minutes))


@pytest.mark.parametrize(
    ("prices", "key"),
    [
        ({"tariff": "flat", "retail": 0.05}, "retail"),
        ({"peak": 0.05}, "peak"),
        ({"off_peak": 0.05}, "off_peak"),
        ({"tariff": "dynamic", "retail": 0.05}, "retail"),
    ],
)
def test_a_retail_price_below_feed_in_is_refused_by_its_key(prices: dict[str, object], key: str) -> None:
    with pytest.raises(ScenarioError, match=rf"prices\.{key} is 0\.05; it must be at least prices\.feed_in, 0\.08"):
        run(Scenario.from_mapping({"prices": prices}))


@pytest.mark.parametrize("mechanism", ["no_market", "uniform_price"])
def test_more_money_than_can_be_counted_exactly_is_refused_in_plain_words(mechanism: str) -> None:
    document = {
        "homes": {"count": 30, "base_kwh_per_hour": 10_000.0},
        "prices": {"tariff": "flat", "retail": 100_000.0},
        "market": {"mechanism": mechanism},
    }
    with pytest.raises(ScenarioError, match=r"energy times price of an interval .* lower the prices"):
        run(Scenario.from_mapping(document))


def test_a_start_that_daylight_saving_skips_is_refused() -> None:
    spring = {"timezone": "Europe/Berlin", "step_minutes": 30, "steps": 1, "homes": {"count": 1}}
    with pytest.raises(ScenarioError, match="the clock of Europe/Berlin shows; daylight saving skips it"):
        run(Scenario.from_mapping({**spring, "start": "2026-03-29T02:30"}))
    assert run(Scenario.from_mapping({**spring, "start": "2026-03-29T03:30"})).first.start_utc.hour == 1
    assert run(Scenario.from_mapping({**spring, "start": "2026-10-25T02:30"})).first.start_utc.hour == 0


@pytest.mark.parametrize(
    ("section", "change", "told"),
    [
        ("", {"steps": 0}, "steps is 0; it must be from 1"),
        ("", {"steps": 2.5}, "steps is 2.5; it must be a whole number"),
        ("", {"step_minutes": 7}, "step_minutes is 7; it must be one of 1, 5"),
        ("prices", {"tariff": "cheap"}, "prices.tariff is 'cheap'; it must be one of flat"),
        ("batteries", {"model": "none at all"}, "batteries.model is 'none at all'; it must be one of"),
        ("batteries", {"soc_min": 0.99}, "batteries.soc_min is 0.99; it must be at most batteries.soc_max"),
        ("regulator", {"billing_days": -1}, "regulator.billing_days is -1; it must be from 0"),
    ],
)
def test_a_scenario_changed_in_python_keeps_to_the_rules_of_a_file(
    section: str, change: dict[str, object], told: str
) -> None:
    base: Any = Scenario()
    changed = replace(base, **({section: replace(getattr(base, section), **change)} if section else change))
    with pytest.raises(ScenarioError, match=re.escape(told)):
        run(changed)


def test_numbers_of_numpy_are_numbers() -> None:
    base = Scenario()
    rules = replace(base, steps=np.int64(2), homes=replace(base.homes, count=np.int32(3), pv_share=np.float32(0.5)))
    result = run(rules)
    assert (result.homes, result.steps, type(result.scenario.steps)) == (3, 2, int)
