"""The grid as an agent: it sees what the community draws, feeds in, offers and pays."""

from dataclasses import dataclass

import mesa

from microgrid.domain.records import PriceBand


@dataclass(frozen=True, slots=True)
class GridView:
    """One settled step as the grid sees it.

    Attributes:
        band: Grid prices.
        import_wh: Drawn through all meters.
        export_wh: Fed in through all meters.
        demand_wh: Ordered by buyers.
        supply_wh: Ordered by sellers.
        traded_wh: Traded between homes.
        paid_nano: What buyers paid for it, nano.
        payouts_micro: Paid out to homes whose step brought them money, micro.
        bills_micro: Paid by all other homes, micro.
        balance_micro: What the grid itself got in the step, micro; below zero it paid.
    """

    band: PriceBand
    import_wh: int
    export_wh: int
    demand_wh: int
    supply_wh: int
    traded_wh: int
    paid_nano: int
    payouts_micro: int
    bills_micro: int
    balance_micro: int

    @property
    def price_micro(self) -> float | None:
        """What buyers paid on average, micro per kWh; None where nobody traded."""
        return self.paid_nano / self.traded_wh if self.traded_wh else None


class Grid(mesa.Agent):
    """The grid and its view of the last settled step; subclasses override `step`, which runs after each settlement.

    Attributes:
        last: The last settled step, None before the first.
    """

    def __init__(self, model: mesa.Model) -> None:
        super().__init__(model)
        self.last: GridView | None = None

    def step(self) -> None:
        """Look at `last`; here nothing is done with it."""
