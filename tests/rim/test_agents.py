"""Mesa agents over the simulator's core: nothing changes by itself, and what agents change has its effect."""

import contextlib
import importlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import mesa
import numpy as np
import pytest
from simulations import inputs_of, scenario

from microgrid.agents import CommunityModel, Consumer, Deal, Grid, Home, HomeOrder, Producer
from microgrid.domain.errors import AgentError, MissingPartError
from microgrid.sim.results import Results
from microgrid.sim.run import run

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
FULL = {"regulator": {"enabled": True}, "credits": {"enabled": True}, "ledger": {"kind": "proof_of_work", "miners": 3}}
PLAIN = {"batteries": {"model": "none"}, "prices": {"tariff": "flat", "retail": 0.3, "feed_in": 0.1}}


def table_bytes(results: Results) -> dict[str, list[bytes]]:
    return {name: [column.values.tobytes() for column in t.columns] for name, t in results.columns.items()}


def pair(**classes: Any) -> CommunityModel:
    """h0 has 2 kWh to spare, h1 lacks 1, in each of two steps; truth meets at the middle of 0.1 and 0.3."""
    rules = scenario(PLAIN, market__mechanism="mid_market_rate", market__strategy="truthful", steps=2)
    return CommunityModel(rules, inputs=inputs_of(rules, [[0.0, 1.0]] * 2, [[2.0, 0.0]] * 2), **classes)


@pytest.mark.parametrize(
    "settings",
    [
        {"market__mechanism": "three_tier"},
        {"market__mechanism": "tick_auction", "market__strategy": "zero_intelligence"},
        {"market__mechanism": "uniform_price", "batteries__model": "central"},
        {"market__mechanism": "bilateral", "steps": "30", "regulator__start_balance": "0.5"},
        {"market__mechanism": "mid_market_rate", "market__orders": "forecast", "planning__forecaster": "persistence"},
    ],
    ids=lambda settings: settings["market__mechanism"],
)
def test_agents_that_change_nothing_give_the_very_results_of_a_run(settings: dict[str, str]) -> None:
    rules = scenario(FULL, **settings)
    model = CommunityModel(rules, seed=5)
    model.run_model()
    plain = run(rules, seed=5)
    assert table_bytes(model.results()) == table_bytes(plain)
    assert [home.wallet_micro for home in model.homes] == plain.trading.balance_micro[-1].tolist()


def test_seed_and_rng_are_two_names_of_one_thing_and_not_both() -> None:
    rules = scenario(market__strategy="zero_intelligence")
    tables = []
    for chance in ({"seed": 7}, {"rng": 7}, {"seed": 8}):
        model = CommunityModel(rules, **chance)
        model.run_model()
        tables.append(table_bytes(model.results()))
    assert tables[0] == tables[1] != tables[2]
    with pytest.raises(ValueError, match="not both"):
        CommunityModel(rules, seed=1, rng=1)


def test_homes_with_panels_are_producers_and_the_others_consumers() -> None:
    model = pair()
    assert [type(home) for home in model.homes] == [Producer, Consumer]
    assert len(model.agents) == 3


def test_agents_see_their_state_before_and_their_trades_after_a_step() -> None:
    model = pair()
    model.step()
    seller, buyer = model.homes
    assert (seller.net_wh, seller.order) == (-2_000, HomeOrder(-2_000, 100_000))
    assert (buyer.net_wh, buyer.order) == (1_000, HomeOrder(1_000, 300_000))
    assert seller.trades == (Deal("h1", -1_000, 200_000),)
    assert buyer.trades == (Deal("h0", 1_000, 200_000),)
    assert (seller.amount_micro, buyer.amount_micro) == (200_000 + 100_000, -200_000)
    assert [home.wallet_micro for home in model.homes] == [5_300_000, 4_800_000]


def test_the_grid_sees_flows_demand_supply_price_and_payouts() -> None:
    model = pair()
    model.step()
    last = model.grid.last
    assert last is not None
    assert (last.import_wh, last.export_wh, last.demand_wh, last.supply_wh) == (1_000, 2_000, 1_000, 2_000)
    assert (last.traded_wh, last.price_micro) == (1_000, 200_000)
    assert (last.payouts_micro, last.bills_micro, last.balance_micro) == (300_000, 200_000, -100_000)


def test_a_grid_agent_of_ones_own_acts_after_each_settlement() -> None:
    seen: list[int] = []

    class Watcher(Grid):
        def step(self) -> None:
            assert self.last is not None
            seen.append(self.last.traded_wh)

    pair(grid=Watcher).run_model()
    assert seen == [1_000, 1_000]


def test_a_home_that_stays_out_pays_the_grid() -> None:
    class Loner(Consumer):
        def step(self) -> None:
            self.stay_out()

    model = pair(consumer=Loner)
    model.step()
    assert [home.amount_micro for home in model.homes] == [200_000, -300_000]
    assert model.grid.last is not None
    assert (model.grid.last.traded_wh, model.grid.last.price_micro) == (0, None)


def test_a_home_may_order_less() -> None:
    class Half(Consumer):
        def step(self) -> None:
            self.trade_only(400)

    model = pair(consumer=Half)
    model.step()
    assert model.homes[1].bought_wh == 400
    assert model.homes[1].amount_micro == -(400 * 200_000 + 600 * 300_000) // 1_000


def test_a_removed_agent_leaves_its_home_to_the_strategy() -> None:
    class Loner(Consumer):
        def step(self) -> None:
            self.stay_out()

    model = pair(consumer=Loner)
    model.homes[1].remove()
    model.step()
    assert model.homes[1].bought_wh == 1_000


@pytest.mark.parametrize(
    ("order", "told"),
    [
        (HomeOrder(1_001, 300_000), "orders 1001 Wh; its net energy is 1000 Wh"),
        (HomeOrder(-1, 300_000), "orders -1 Wh; its net energy is 1000 Wh"),
        (HomeOrder(1_000, -1), "has a limit of -1 micro per kWh"),
        (HomeOrder(0.5, 300_000), "whole numbers"),  # type: ignore[arg-type]
        (HomeOrder(1_000, np.nan), "whole numbers"),  # type: ignore[arg-type]
    ],
    ids=["too much", "other side", "below zero", "fraction", "no number"],
)
def test_an_order_that_the_market_cannot_take_names_agent_and_step(order: HomeOrder, told: str) -> None:
    class Late(Consumer):
        def step(self) -> None:
            if self.model.now == 1:
                self.order = order

    model = pair(consumer=Late)
    model.step()
    with pytest.raises(AgentError, match=rf"^Late 2 \(home h1\), step 1: .*{told}"):
        model.step()


def test_a_banned_home_cannot_order() -> None:
    class Defiant(Home):
        def step(self) -> None:
            self.ask_for(self.band.retail)

    rules = scenario(
        {"regulator": {"enabled": True, "lowest_balance": 1e6}},
        market__mechanism="uniform_price",
        batteries__model="none",
    )
    model = CommunityModel(rules, seed=1, producer=Defiant, consumer=Defiant)
    model.step()
    with pytest.raises(AgentError, match=r"^Defiant \d \(home h\d+\), step 1: orders -?\d+ Wh; it is banned"):
        model.step()


def test_a_run_ends_with_its_last_step() -> None:
    model = pair()
    with pytest.raises(RuntimeError, match="step 0 of 2"):
        model.results()
    model.run_model()
    assert (model.steps, model.running) == (2, False)
    with pytest.raises(RuntimeError, match="over after 2 steps"):
        model.step()


def test_the_collector_has_a_row_for_each_step_and_agent() -> None:
    model = pair()
    model.run_model()
    by_step = model.datacollector.get_model_vars_dataframe()
    assert by_step["traded_kwh"].tolist() == [1.0, 1.0]
    assert by_step["price"].tolist() == [0.2, 0.2]
    by_agent = model.datacollector.get_agent_vars_dataframe()
    assert by_agent.index.tolist() == [(step, agent) for step in range(2) for agent in (1, 2, 3)]
    assert by_agent.loc[(1, 2), "wallet_micro"] == 5_000_000 - 2 * 200_000


def test_batch_run_pairs_steps_and_agents_and_holds_the_last_step() -> None:
    rules = scenario(PLAIN, market__mechanism="mid_market_rate", steps=3)
    rows = mesa.batch_run(
        CommunityModel,
        {"scenario": [rules], "seed": [1, 2]},
        number_processes=1,
        data_collection_period=1,
        display_progress=False,
    )
    assert sorted({(row["seed"], row["Step"]) for row in rows}) == [(seed, s) for seed in (1, 2) for s in range(3)]
    for seed in (1, 2):
        plain = run(rules, seed)
        last = [row for row in rows if row["seed"] == seed and row["Step"] == 2 and row["home_id"] is not None]
        assert [row["wallet_micro"] for row in last] == plain.trading.balance_micro[2].tolist()
        assert last[0]["import_kwh"] == plain.energy.import_wh[2].sum() / 1_000


def test_without_mesa_the_error_names_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mesa", None)
    monkeypatch.delitem(sys.modules, "microgrid.agents")
    with pytest.raises(MissingPartError, match=r"pip install 'microgrid\[mesa\]'"):
        importlib.import_module("microgrid.agents")


def test_nothing_else_needs_mesa() -> None:
    script = "import sys, microgrid.sim.run, microgrid.cli; sys.exit('mesa' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def blocks(page: str) -> list[tuple[str, str]]:
    """Code of the page and what it says that this prints, in order."""
    return re.findall(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", page, re.DOTALL)


def test_the_page_prints_what_it_says() -> None:
    names: dict[str, Any] = {"__name__": "page"}
    found = blocks(PAGE.read_text())
    assert len(found) == 4
    for code, expected in found:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - the page's own code is what is tested
        assert printed.getvalue().strip("\n") == expected.strip("\n")


def test_the_page_shows_a_dearer_seller_and_a_dearer_life_alone() -> None:
    """The figures that the page is about, from the classes that it defines."""
    names: dict[str, Any] = {"__name__": "page"}
    for code, _ in blocks(PAGE.read_text())[:3]:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(code, str(PAGE), "exec"), names)  # noqa: S102 - as above
    prices = [names[name].datacollector.get_model_vars_dataframe()["price"].dropna() for name in ("model", "stubborn")]
    assert prices[1].mean() > prices[0].mean()
    loner, plain = names["loner"], names["alone"].results()
    expected = -(plain.energy.import_wh[:, loner.index] * 300_000 // 1_000).sum()
    assert plain.trading.amount_micro[:, loner.index].sum() == expected
    assert names["same"].wallet_micro > loner.wallet_micro
