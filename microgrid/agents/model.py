"""The model: one step of the simulator's core is one step of Mesa's clock."""

import mesa
import numpy as np

from microgrid.agents.collecting import CommunityCollector
from microgrid.agents.grid import Grid, GridView
from microgrid.agents.homes import Consumer, Deal, Home, HomeOrder, Producer
from microgrid.domain.units import micro
from microgrid.sim.inputs import Inputs
from microgrid.sim.results import Results
from microgrid.sim.run import Simulation
from microgrid.sim.scenario import Scenario
from microgrid.sim.trading import Orders, StepTrades


class CommunityModel(mesa.Model):
    """A community of homes and a grid.

    Each `step`: the core proposes orders by the scenario's strategy; every home's `step` may change its own or stay
    out; the core clears and settles; homes and grid see what came of it; the grid's `step` runs last. Homes that
    change nothing give exactly the results of `microgrid.sim.run.run` with the same scenario and seed.

    Args:
        scenario: The community and its rules; all defaults where none is given.
        seed: Source of all chance, a whole number; zero where neither `seed` nor `rng` is given.
        rng: The same under Mesa's other name; one of the two at most.
        inputs: Measured homes; made-up ones where none are given.
        producer: Class of homes with panels.
        consumer: Class of homes without.
        grid: Class of the grid.

    Attributes:
        simulation: The core.
        homes: The homes, in the order of the run's arrays.
        grid: The grid.
        datacollector: What `mesa.DataCollector` gathered, one row a step.
    """

    def __init__(
        self,
        scenario: Scenario | None = None,
        *,
        seed: int | None = None,
        rng: int | None = None,
        inputs: Inputs | None = None,
        producer: type[Home] = Producer,
        consumer: type[Home] = Consumer,
        grid: type[Grid] = Grid,
    ) -> None:
        chosen = 0 if seed is None and rng is None else rng
        super().__init__(seed=seed, rng=chosen)
        core_seed = int(chosen if seed is None else seed)  # type: ignore[arg-type]
        self.simulation = Simulation(scenario or Scenario(), core_seed, inputs)
        self.homes = self._make_homes(producer, consumer)
        self.grid = grid(self)
        self.datacollector = CommunityCollector()

    def _make_homes(self, producer: type[Home], consumer: type[Home]) -> tuple[Home, ...]:
        inputs, rules = self.simulation.inputs, self.simulation.scenario.regulator
        generates, start = inputs.pv_wh.sum(axis=0) > 0, micro(rules.start_balance)
        return tuple(
            (producer if generates[index] else consumer)(self, index, home_id, start)
            for index, home_id in enumerate(inputs.home_ids)
        )

    @property
    def now(self) -> int:
        """Index of the step under way, or of the last one, from 0."""
        return int(self.steps) - 1

    def step(self) -> None:
        """One step of the market.

        Raises:
            AgentError: an order that the market cannot take; it names agent and step.
            RuntimeError: the run is over.
        """
        step, simulation = self.now, self.simulation
        if step >= simulation.steps:
            message = f"the run is over after {simulation.steps} steps; `results` has what came of it"
            raise RuntimeError(message)
        self._show(step, simulation.propose(step))
        self.agents.select(agent_type=Home).do("step")
        orders = self._orders(step)
        self._tell(step, orders, simulation.settle(step, orders))
        self.grid.step()
        self.datacollector.collect(self)
        self.running = step + 1 < simulation.steps

    def _show(self, step: int, proposed: Orders) -> None:
        """Let every home see its state."""
        simulation = self.simulation
        wanted, banned, soc = simulation.wanted_wh(step), simulation.banned(step), simulation.energy.soc_kwh[step]
        for home in self.homes:
            home.see(
                net_wh=int(wanted[home.index]),
                soc_kwh=float(soc[home.index]),
                band=simulation.band(step),
                banned=bool(banned[home.index]),
                order=HomeOrder(int(proposed.net_wh[home.index]), int(proposed.limit_micro[home.index])),
            )

    def _orders(self, step: int) -> Orders:
        orders = [home.checked_order(step) for home in self.homes]
        return Orders(
            np.array([order.energy_wh for order in orders], dtype=np.int64),
            np.array([order.limit_micro for order in orders], dtype=np.int64),
        )

    def _tell(self, step: int, orders: Orders, trades: StepTrades) -> None:
        """Let homes and grid see what came of the step."""
        simulation, deals = self.simulation, self._deals(trades)
        moved, soc = simulation.moved_micro(step), simulation.energy.soc_kwh[step + 1]
        paid_in = simulation.paid_in_micro(step)
        for home in self.homes:
            index = home.index
            home.wallet_micro += int(paid_in[index])
            home.hear(trades=deals[index], amount_micro=int(moved[index]), soc_kwh=float(soc[index]))
        self.grid.last = GridView(
            band=simulation.band(step),
            import_wh=int(simulation.energy.import_wh[step].sum()),
            export_wh=int(simulation.energy.export_wh[step].sum()),
            demand_wh=int(np.maximum(orders.net_wh, 0).sum()),
            supply_wh=int(np.maximum(-orders.net_wh, 0).sum()),
            traded_wh=int(trades.energy_wh.sum()),
            paid_nano=int((trades.energy_wh * trades.buyer_micro).sum()),
            payouts_micro=int(np.maximum(moved, 0).sum()),
            bills_micro=int(np.maximum(-moved, 0).sum()),
            balance_micro=simulation.grid_micro(step),
        )

    def _deals(self, trades: StepTrades) -> list[list[Deal]]:
        """The step's trades as each home sees them."""
        names = self.simulation.inputs.home_ids
        deals: list[list[Deal]] = [[] for _ in names]
        columns = (trades.buyer, trades.seller, trades.energy_wh, trades.buyer_micro, trades.seller_micro)
        for buyer, seller, energy_wh, paid, got in zip(*(column.tolist() for column in columns), strict=True):
            deals[buyer].append(Deal(names[seller], energy_wh, paid))
            deals[seller].append(Deal(names[buyer], -energy_wh, got))
        return deals

    def results(self) -> Results:
        """The run as the simulator gives it, checked; to be asked for after the last step.

        Raises:
            RuntimeError: there are steps to come.
            InvariantError: energy or money does not add up.
        """
        if self.steps < self.simulation.steps:
            message = f"the run is at step {self.steps} of {self.simulation.steps}; `run_model` does the rest"
            raise RuntimeError(message)
        return self.simulation.results()
