"""Why a home paid what it paid: parts that add up, prices with their reasons, clear refusals."""

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import run_result
from simulated_runs import EVERYTHING, by_hand, everything, written
from simulations import scenario

from microgrid.domain import plugins
from microgrid.domain.errors import RunFolderError, ValueRefusedError
from microgrid.report import write_run_folder
from microgrid.report.explain import explain
from microgrid.report.simulation.explain import explain_step
from microgrid.report.simulation.reading import read_simulation
from microgrid.report.simulation.reasons import FAMILIES, PricedTrade, why
from microgrid.report.telling import bill_lines, step_lines
from microgrid.sim.run import run


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(everything(), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(by_hand(), tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run_folder(run_result(5, 12), tmp_path_factory.mktemp("runs") / "run")


def total(told: dict[str, Any]) -> Decimal:
    return sum((Decimal(part["amount"]) for part in told["parts"]), Decimal(0))


def test_a_hand_made_bill_is_told_in_its_parts(neighbours: Path) -> None:
    """Twice: h1 buys 0.666 kWh at 0.20 and takes 0.334 kWh at 0.30 from the grid."""
    told = explain(neighbours, "h1")
    assert {(part["part"], part["amount"]) for part in told["parts"]} == {
        ("bought: mid market rate", "0.266400"),
        ("from the grid", "0.200400"),
    }
    assert (told["bill"], told["bill_without_market"]) == ("0.466800", "0.600000")
    assert told["partners"] == [
        {"side": "bought from", "partner": "h0", "energy_kwh": "1.332", "mean_price_per_kwh": "0.200000"}
    ]


@pytest.mark.parametrize("model", ["individual", "central"])
def test_the_parts_of_every_bill_add_up_to_it(model: str, tmp_path: Path) -> None:
    results = everything(model=model)
    folder = written(results, tmp_path / "run")
    for home_id in results.home_ids:
        told = explain(folder, home_id)
        assert total(told) == Decimal(told["bill"])
        rounding = [Decimal(part["amount"]) for part in told["parts"] if part["part"] == "rounding"]
        assert 0 <= sum(rounding) <= Decimal("0.000001") * (results.steps + len(told["parts"]))


def test_the_parts_of_every_step_add_up_to_it(simulated: Path) -> None:
    view = read_simulation(simulated)
    for step in range(view.steps):
        told = explain_step(view, "h003", str(step))
        assert total(told) == Decimal(told["bill"])
        assert all(trade["why"] for trade in told["trades"])


@pytest.mark.parametrize("when", ["1", "2026-06-20T23:30", "2026-06-20T23:00+00:00", "2026-06-21T01:30+02:00"])
def test_a_step_is_found_by_number_and_by_time(neighbours: Path, when: str) -> None:
    assert explain(neighbours, "h0", when)["step"] == 1


def test_a_step_is_told_with_its_price(neighbours: Path) -> None:
    told = explain(neighbours, "h1", "0")
    lines = "\n".join(step_lines(told))
    assert "It ordered to buy 1.000 kWh for at most 0.300000 EUR per kWh." in lines
    assert "It bought from h0 0.666 kWh at 0.200000 EUR per kWh (mid market rate)" in lines
    assert "the middle of the grid's prices: (0.3000 + 0.1000) / 2 = 0.2000" in lines
    assert "With the grid alone it would have been 0.300000 EUR: 0.066600 EUR saved." in lines


def test_a_ban_is_told_where_it_was_decided_and_where_it_held(simulated: Path) -> None:
    ban = everything().bans[0]
    home = everything().home_ids[ban.home]
    decided = "\n".join(step_lines(explain(simulated, home, str(ban.decided))))
    assert f"banned it for {ban.steps} steps from step {ban.first}: {ban.reason}." in decided
    assert "It was banned and could not trade." in list(step_lines(explain(simulated, home, str(ban.first))))
    assert ban.reason in "\n".join(bill_lines(explain(simulated, home)))


def test_bonus_and_penalty_are_parts_of_the_bill(simulated: Path) -> None:
    trading = everything().trading
    for name, label in ((trading.penalty_micro, "penalties"), (-trading.bonus_micro, "bonuses")):
        home = int(np.abs(name).sum(axis=0).argmax())
        parts = {part["part"]: part["amount"] for part in explain(simulated, everything().home_ids[home])["parts"]}
        assert Decimal(parts[f"{label} of the regulator"]) == Decimal(int(name[:, home].sum())).scaleb(-6)


TRADE = PricedTrade(
    market="",
    paid=0,
    received=0,
    bid=300_000,
    ask=100_000,
    served_bids=np.array([300_000, 260_000]),
    served_asks=np.array([100_000, 120_000]),
    feed_in=80_000,
    retail=320_000,
    wanted_wh=4_000,
    offered_wh=1_000,
    k=0.5,
)


@pytest.mark.parametrize(
    ("market", "paid", "received", "told"),
    [
        ("bilateral", 200_000, 200_000, "0.1000 + 0.5 x (0.3000 - 0.1000) = 0.2000"),
        ("uniform_price", 190_000, 190_000, "the one price 0.1900: it lies between the dearest seller"),
        ("local_market", 220_000, 190_000, "buyers pay the market's fee of 0.0300"),
        ("last_pair", 190_000, 190_000, "(1 - 0.5) x 0.1200 + 0.5 x 0.2600 = 0.1900"),
        ("continuous", 100_000, 100_000, "the seller was there first"),
        ("continuous", 300_000, 300_000, "the buyer was there first"),
        ("mcafee", 190_000, 190_000, "the middle of the first pair that was left out"),
        ("huang", 260_000, 120_000, "buyers pay its bid 0.2600, sellers get its ask 0.1200"),
        ("vcg", 120_000, 260_000, "the operator covers the difference"),
        ("mid_market_rate", 200_000, 200_000, "(0.3200 + 0.0800) / 2 = 0.2000"),
        ("supply_demand_ratio", 182_857, 182_857, "25.0% of the energy wanted was offered"),
        ("bill_sharing", 0, 0, "give each other energy for nothing"),
        ("central_battery", 200_000, 200_000, "(0.3200 + 0.0800) / 2 = 0.2000"),
    ],
)
def test_a_price_is_told_by_the_rule_that_made_it(market: str, paid: int, received: int, told: str) -> None:
    assert told in why(replace(TRADE, market=market, paid=paid, received=received))


@pytest.mark.parametrize("market", sorted(set(FAMILIES) - {"mcafee", "huang", "vcg"}))
def test_a_price_that_the_formula_does_not_give_is_not_told_by_it(market: str) -> None:
    sentence = why(replace(TRADE, market=market, paid=17, received=17))
    assert sentence.startswith("the rule ")
    assert "=" not in sentence


@pytest.mark.parametrize("mechanism", sorted(set(plugins.names("mechanism")) - {"no_market"}))
def test_every_rule_explains_its_own_prices(mechanism: str, tmp_path: Path) -> None:
    """No trade of a real run falls back on the sentence that only tells the limits."""
    rules = scenario({**EVERYTHING, "market": {"mechanism": mechanism, "trading_fee": 0.001}}, steps=12)
    results = run(rules, seed=1)
    view = read_simulation(written(results, tmp_path / "run"))
    told = [
        trade["why"]
        for step in range(results.steps)
        for home_id in results.home_ids
        for trade in explain_step(view, home_id, str(step))["trades"]
    ]
    assert told
    assert [sentence for sentence in told if sentence.startswith("the rule ")] == []


def test_an_emulated_bill_adds_up_too(emulated: Path) -> None:
    for place in range(1, 6):
        told = explain(emulated, f"home-{place:02d}")
        assert total(told) == Decimal(told["bill"])
        assert "  bill " in "\n".join(bill_lines(told))


def test_an_emulated_interval_adds_up_and_names_the_partner(emulated: Path) -> None:
    for step in range(12):
        told = explain(emulated, "home-03", str(step))
        assert total(told) == Decimal(told["bill"])
        lines = "\n".join(step_lines(told))
        assert ("It bought from home-" in lines) is any(trade["side"] == "bought from" for trade in told["trades"])


def test_an_unknown_home_is_answered_with_similar_ones(simulated: Path) -> None:
    with pytest.raises(ValueRefusedError, match=r"--home is 'h00'; .* 12 homes, such as h0"):
        explain(simulated, "h00")


@pytest.mark.parametrize("when", ["24", "-1", "noon", "2026-06-22T06:00", "2026-06-21T05:59"])
def test_a_step_outside_the_run_is_answered_with_the_range(simulated: Path, when: str) -> None:
    with pytest.raises(ValueRefusedError, match=r"0 to 23, or a time from 2026-06-21T06:00:00\+00:00 until before"):
        explain(simulated, "h001", when)


def test_a_folder_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"format": "other/1"}')
    with pytest.raises(RunFolderError, match="no known format"):
        explain(tmp_path, "h1")


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "microgrid", *arguments], capture_output=True, text=True, check=False)


def test_the_command_speaks_and_prints_json(neighbours: Path) -> None:
    spoken = command("explain", str(neighbours), "--home", "h0")
    assert spoken.stdout.startswith("h0 received 0.800000 EUR in all:\n"), spoken.stderr
    answer = json.loads(command("explain", str(neighbours), "--home", "h0", "--step", "1", "--json").stdout)
    assert (answer["step"], answer["bill"]) == (1, "-0.400000")


def test_the_command_refuses_in_one_sentence(neighbours: Path) -> None:
    done = command("explain", str(neighbours), "--home", "h9")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "such as h2, h1, h0" in done.stderr


@pytest.mark.parametrize("name", ["report", "compare", "explain"])
def test_help_has_an_example(name: str) -> None:
    assert "Example:" in command(name, "--help").stdout
