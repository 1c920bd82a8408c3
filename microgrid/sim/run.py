"""The step loop: a scenario and a seed in, results out.

    energy plan  ->  orders  ->  trades  ->  settlement  ->  regulator  ->  credits  ->  ledger

`run` does all steps; `Simulation` offers them one by one, so that somebody else's agents can change the orders between
`propose` and `settle`.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.arrays import BoolArray, IntArray
from microgrid.domain.errors import InvariantError, ScenarioError
from microgrid.domain.interfaces import OUT, Ledger
from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand
from microgrid.domain.units import NANO_PER_MICRO, micro, wh
from microgrid.settlement.positions import grid_nano, without_market_micro
from microgrid.sim.billing import billing_steps
from microgrid.sim.bookkeeping import ban_entries, trade_entries
from microgrid.sim.central import TIER, battery_share, battery_trades
from microgrid.sim.community import make_inputs
from microgrid.sim.credits import SUPPLY, CreditBook, random_transfers
from microgrid.sim.inputs import Inputs
from microgrid.sim.invariants import check
from microgrid.sim.outcome import Grid
from microgrid.sim.record import Record
from microgrid.sim.regulator import Ban, Office
from microgrid.sim.results import Results
from microgrid.sim.scenario import Scenario
from microgrid.sim.schedule import carry_out, expect, make_plan
from microgrid.sim.streams import stream
from microgrid.sim.trading import Orders, Rule, StepTrades
from microgrid.sim.worth import check_worth


def run(scenario: Scenario, seed: int = 0, inputs: Inputs | None = None) -> Results:
    """Simulate a scenario.

    Args:
        scenario: The community and its rules.
        seed: Source of all chance; the same one gives the same results, byte for byte.
        inputs: Measured homes; made-up ones where none are given.

    Raises:
        ScenarioError: a value that no scenario file could have, settings that contradict each other, or more money than
            can be counted exactly.
        PlanError: no plan of the batteries keeps every limit.
        InvariantError: energy or money does not add up.
    """
    simulation = Simulation(scenario, seed, inputs)
    for step in range(simulation.steps):
        simulation.settle(step, simulation.propose(step))
    return simulation.results()


class Simulation:
    """A run, step by step: `settle(step, propose(step))` for every step, then `results`."""

    def __init__(self, scenario: Scenario, seed: int = 0, inputs: Inputs | None = None) -> None:
        scenario = scenario.checked()
        self.scenario, self.seed = scenario, seed
        self.inputs = inputs if inputs is not None else make_inputs(scenario, seed)
        self._rule = _rule(scenario)
        expected = expect(scenario, self.inputs)
        self.energy = carry_out(scenario, self.inputs, expected, make_plan(scenario, self.inputs, expected))
        self._wanted_wh: IntArray = self._wanted()
        check_worth(scenario, self.inputs.bands, self.energy, self._wanted_wh)
        market = scenario.market
        self._strategy = plugins.load("strategy", market.strategy).build_many(self.homes, stream(seed, "strategy"))
        self._office = Office(scenario.regulator, self.homes, stream(seed, "regulator"))
        self._bills_due = billing_steps(scenario, self.inputs.first, self.steps)
        self._credits = self._credit_book()
        self._credit_chance = stream(seed, "credits")
        self._record = Record(self.steps, self.homes, len(self.tiers))
        self._ledger = _ledger(scenario, seed)
        self._broken: set[str] = set()

    @property
    def steps(self) -> int:
        """Number of steps, T."""
        return self.inputs.steps

    @property
    def homes(self) -> int:
        """Number of homes, N."""
        return self.inputs.homes

    def band(self, step: int) -> PriceBand:
        """Grid prices of a step."""
        return self.inputs.bands[step]

    def banned(self, step: int) -> BoolArray:
        """Who may not trade in a step, shape (N,)."""
        if self.scenario.regulator.enabled:
            return self._office.banned(step)
        return np.zeros(self.homes, dtype=np.bool_)

    def wanted_wh(self, step: int) -> IntArray:
        """What each home wants to buy (above zero) or sell in a step before it thinks of prices, shape (N,)."""
        wanted: IntArray = self._wanted_wh[step]
        return wanted

    def moved_micro(self, step: int) -> IntArray:
        """What each home got in a settled step, bonus and penalty included, shape (N,)."""
        return self._record.moved_micro(step)

    def paid_in_micro(self, step: int) -> IntArray:
        """What each home paid in at the beginning of a settled step to settle its bill, shape (N,)."""
        return self._record.paid_in_micro(step)

    def grid_micro(self, step: int) -> int:
        """What the grid got in a settled step."""
        return self._record.grid_micro(step)

    def propose(self, step: int) -> Orders:
        """Orders that the homes' strategies make of what they have or lack; banned homes stay out."""
        band, net_wh = self.band(step), self._wanted_wh[step]
        fee = micro(self.scenario.market.trading_fee)
        limit = self._strategy.limit_prices(net_wh, band.feed_in, band.retail, fee)
        out: BoolArray = (
            self.banned(step) | (limit == OUT) | (np.abs(net_wh) < wh(self.scenario.market.least_order_kwh))
        )
        return Orders(np.where(out, 0, net_wh), np.where(out, 0, limit))

    def settle(self, step: int, orders: Orders) -> StepTrades:
        """Settle bills that are due, clear the orders, settle every home, let the regulator judge and credits move.

        Returns:
            The step's trades.
        """
        if self._bills_due[step]:
            self._record.bills(step, self._office.settle_bills())
        band, energy, homes = self.band(step), self.energy, self.homes
        trades, broken = self._rule.trade(orders, band)
        self._broken.update(broken)
        share = battery_share(energy, step, band)
        deals = trades.then(battery_trades(share, band, len(self._rule.tiers)))
        bought, sold = deals.bought_wh(homes + 1)[:-1], deals.sold_wh(homes + 1)[:-1]
        grid = grid_nano(bought, sold, energy.import_wh[step], energy.export_wh[step], band.retail, band.feed_in)
        market = deals.market_nano(homes + 1)
        dividend = (int(market[-1]) - share.grid_nano) // homes
        amount = (market[:-1] + dividend - grid) // NANO_PER_MICRO
        self._record.trades(step, orders, deals, market[:-1] // NANO_PER_MICRO, self.banned(step))
        bans = self._judge(step, trades, amount)
        self._record.money(step, amount, int(grid.sum()) + share.grid_nano, trades.operator_nano())
        self._pass_credits(step)
        self._write_down(step, deals, bans)
        return trades

    def results(self) -> Results:
        """Everything, checked.

        Raises:
            InvariantError: energy or money does not add up, or a trade went through a limit.
        """
        result = self._results()
        checked = replace(result, invariants=check(result, sorted(self._broken)))
        for invariant in checked.invariants:
            if invariant.error:
                raise InvariantError(invariant.name, invariant.error, f"in scenario {self.scenario.name}")
        return checked

    @property
    def tiers(self) -> tuple[str, ...]:
        """Names of the markets."""
        return (*self._rule.tiers, TIER) if self.scenario.batteries.model == "central" else self._rule.tiers

    def _results(self) -> Results:
        """Everything, unchecked."""
        energy, inputs, record = self.energy, self.inputs, self._record
        columns = [(band.feed_in, band.retail, band.reference) for band in inputs.bands]
        feed_in, retail, reference = np.array(columns, dtype=np.int64).T
        alone = without_market_micro(energy.import_wh, energy.export_wh, retail[:, None], feed_in[:, None])
        start = micro(self.scenario.regulator.start_balance)
        return Results(
            scenario=self.scenario,
            seed=self.seed,
            home_ids=inputs.home_ids,
            home_types=inputs.home_types,
            first=inputs.first,
            grid=Grid(feed_in, retail, inputs.carbon_kg_per_kwh, reference),
            energy=energy,
            trading=record.trading(start, alone, self._baseline(retail, feed_in)),
            trades=record.all_trades(),
            money=record.money_by_step(),
            tiers=self.tiers,
            bans=record.bans,
            transfers=self._credits.log,
            credits_wh=self._credits.balances_wh,
            ledger=self._ledger.close() if self._ledger else None,
            invariants=(),
            filled=inputs.filled,
        )

    def _wanted(self) -> IntArray:
        """What homes want to buy (above zero) or sell in each step, shape (T, N)."""
        energy = self.energy
        if self.scenario.market.orders == "forecast":
            return energy.forecast_net_wh + energy.flexible_wh + energy.charge_wh - energy.discharge_wh
        net = energy.import_wh - energy.export_wh
        if energy.central_charge_wh.any() or energy.central_discharge_wh.any():
            shares = [battery_share(energy, step, self.band(step)) for step in range(self.steps)]
            net = net - np.array([share.bought_wh - share.sold_wh for share in shares])
        return net

    def _judge(self, step: int, trades: StepTrades, amount: IntArray) -> tuple[Ban, ...]:
        if not self.scenario.regulator.enabled:
            return ()
        energy = self.energy
        own_use = np.minimum(energy.pv_wh[step], energy.load_wh[step] + energy.charge_wh[step])
        local = self._rule.last_resort_wh(trades, self.homes)
        ruling = self._office.judge(step, own_use, local, amount)
        self._record.ruling(step, ruling)
        return ruling.bans

    def _write_down(self, step: int, deals: StepTrades, bans: Sequence[Ban]) -> None:
        if self._ledger is not None:
            interval, names = Interval(self.inputs.first.index + step, self.inputs.first.seconds), self.inputs.home_ids
            entries = trade_entries(interval, deals, self.tiers, names)
            self._ledger.record(interval, entries + ban_entries(interval, bans, names))

    def _credit_book(self) -> CreditBook:
        rules = self.scenario.credits
        start = dict.fromkeys(self.inputs.home_ids, wh(rules.start)) | {SUPPLY: wh(rules.supply)}
        return CreditBook(start if rules.enabled else {})

    def _pass_credits(self, step: int) -> None:
        rules = self.scenario.credits
        if rules.enabled:
            holders = [*self.inputs.home_ids, SUPPLY]
            most = wh(rules.most)
            random_transfers(self._credits, step, holders, rules.transfers_per_step, most, self._credit_chance)

    def _baseline(self, retail: IntArray, feed_in: IntArray) -> IntArray:
        """Credit of each home without market, battery and shifted loads, micro, shape (T, N)."""
        plain, inputs = self.energy.plain_load_wh, self.inputs
        netting = np.minimum(plain, inputs.pv_wh) if inputs.netted else np.zeros_like(plain)
        return without_market_micro(plain - netting, inputs.pv_wh - netting, retail[:, None], feed_in[:, None])


def _ledger(scenario: Scenario, seed: int) -> Ledger | None:
    rules = scenario.ledger
    if rules.kind != "proof_of_work":
        return None
    ledger: Ledger = plugins.load("ledger", rules.kind).build(
        stream(seed, "ledger"),
        difficulty=rules.difficulty,
        miners=rules.miners,
        block_transactions=rules.block_size,
        reward=rules.reward,
    )
    return ledger


def _rule(scenario: Scenario) -> Rule:
    market = scenario.market
    rule = Rule(market.mechanism, market.parameters, micro(market.trading_fee))
    unknown: Sequence[str] = [name for name in market.parameters if name not in rule.known_parameters]
    if unknown:
        known = ", ".join(rule.known_parameters) or "none"
        key = f"market.parameters.{unknown[0]}"
        raise ScenarioError(key, None, f"{market.mechanism} has {known}")
    return rule
