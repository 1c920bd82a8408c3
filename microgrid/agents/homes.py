"""Homes as agents: they see their state and the order their strategy proposes, and may change it or stay out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import mesa

from microgrid.domain.errors import AgentError
from microgrid.domain.records import PriceBand


@dataclass(frozen=True, slots=True)
class HomeOrder:
    """What a home wants in one step.

    Attributes:
        energy_wh: Above zero to buy, below zero to sell, zero to stay out.
        limit_micro: Limit price, micro per kWh.
    """

    energy_wh: int
    limit_micro: int


STAY_OUT = HomeOrder(0, 0)


@dataclass(frozen=True, slots=True)
class Deal:
    """A trade as one of its homes sees it.

    Attributes:
        partner: Who is on the other side.
        energy_wh: Above zero where the home bought, below zero where it sold.
        price_micro: What the home pays or gets, micro per kWh.
    """

    partner: str
    energy_wh: int
    price_micro: int


class Home(mesa.Agent):
    """A home that trades; subclasses override `step`.

    Attributes:
        home_id: Its name.
        index: Its column in the arrays of the run.
        net_wh: What it lacks (above zero) or has to spare (below zero) in this step, Wh.
        soc_kwh: State of charge of its battery, kWh.
        band: Grid prices of this step.
        banned: Whether the regulator shuts it out of this step.
        order: What it will order; its strategy's proposal until `step` changes it.
        trades: Its trades with other homes in the last settled step.
        amount_micro: What it got in that step, from trades, grid and regulator, micro; below zero it paid.
        wallet_micro: Its money since the beginning or its last bill, micro.
    """

    def __init__(self, model: mesa.Model, index: int, home_id: str, wallet_micro: int = 0) -> None:
        super().__init__(model)
        self.index, self.home_id, self.wallet_micro = index, home_id, wallet_micro
        self.net_wh, self.soc_kwh, self.banned = 0, 0.0, False
        self.band = PriceBand(0, 0, 0)
        self.order = STAY_OUT
        self.trades: tuple[Deal, ...] = ()
        self.amount_micro = 0

    def step(self) -> None:
        """Decide: look at the state, change `order`; here the strategy's proposal stands."""

    def ask_for(self, limit_micro: int) -> None:
        """Keep the energy, change the limit price, micro per kWh; a home that stays out orders all its net energy."""
        self.order = HomeOrder(self.order.energy_wh or self.net_wh, limit_micro)

    def trade_only(self, energy_wh: int) -> None:
        """Order at most so much, Wh, at the same limit."""
        most = min(abs(self.order.energy_wh), energy_wh)
        self.order = replace(self.order, energy_wh=most if self.order.energy_wh > 0 else -most)

    def stay_out(self) -> None:
        """Order nothing: all comes from the grid and goes to it."""
        self.order = STAY_OUT

    @property
    def bought_wh(self) -> int:
        """Bought in the last settled step."""
        return sum(max(0, deal.energy_wh) for deal in self.trades)

    @property
    def sold_wh(self) -> int:
        """Sold in the last settled step."""
        return sum(max(0, -deal.energy_wh) for deal in self.trades)

    @property
    def order_wh(self) -> int:
        """Ordered in this step: above zero to buy, below zero to sell."""
        return self.order.energy_wh

    @property
    def limit_micro(self) -> int:
        """Limit price of the order, micro per kWh."""
        return self.order.limit_micro

    def see(self, *, net_wh: int, soc_kwh: float, band: PriceBand, banned: bool, order: HomeOrder) -> None:
        """Take in what is known before the step."""
        self.net_wh, self.soc_kwh, self.band, self.banned, self.order = net_wh, soc_kwh, band, banned, order

    def hear(self, *, trades: Sequence[Deal], amount_micro: int, soc_kwh: float) -> None:
        """Take in what came of the step."""
        self.trades, self.amount_micro, self.soc_kwh = tuple(trades), amount_micro, soc_kwh
        self.wallet_micro += amount_micro

    def checked_order(self, step: int) -> HomeOrder:
        """The order, if the market can take it.

        Raises:
            AgentError: more than the home's net energy, on the other side, by a banned home, or no whole numbers.
        """
        wrong = self._fault()
        if wrong:
            who = f"{type(self).__name__} {self.unique_id} (home {self.home_id})"
            raise AgentError(who, step, wrong)
        return self.order

    def _fault(self) -> str:
        energy, limit = self.order.energy_wh, self.order.limit_micro
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in (energy, limit)):
            return f"orders {energy!r} Wh at {limit!r}; both must be whole numbers, Wh and micro per kWh"
        if not 0 <= limit < 1 << 53:
            return f"has a limit of {limit} micro per kWh; it must be zero or more"
        if energy and self.banned:
            return f"orders {energy} Wh; it is banned and must stay out"
        if energy * self.net_wh < 0 or abs(energy) > abs(self.net_wh):
            return f"orders {energy} Wh; its net energy is {self.net_wh} Wh, and it can order that much at most"
        return ""


class Producer(Home):
    """A home with panels: it sells what it does not use and buys what it lacks."""


class Consumer(Home):
    """A home without panels."""
