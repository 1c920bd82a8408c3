"""What Mesa's DataCollector gathers of a community: one row a step of the model, one a step and agent."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import mesa

from microgrid.domain.units import MICRO_PER_UNIT, WH_PER_KWH

MICRO_FIGURES = {
    "price": "price_micro",
    "payouts": "payouts_micro",
    "bills": "bills_micro",
    "grid_balance": "balance_micro",
}
WH_FIGURES = {
    "import_kwh": "import_wh",
    "export_kwh": "export_wh",
    "demand_kwh": "demand_wh",
    "supply_kwh": "supply_wh",
    "traded_kwh": "traded_wh",
}
AGENT_FIGURES = (
    "home_id",
    "net_wh",
    "soc_kwh",
    "order_wh",
    "limit_micro",
    "bought_wh",
    "sold_wh",
    "amount_micro",
    "wallet_micro",
)


class CommunityCollector(mesa.DataCollector):
    """Energy in kWh and money in currency units by step; whole Wh and micro by agent, empty for the grid.

    Rows of agents are numbered by the step they tell of, from 0, as those of the model are: `mesa.batch_run` pairs row
    s of the model with the agents' rows of step s.
    """

    def __init__(self) -> None:
        units = dict.fromkeys(WH_FIGURES.items(), WH_PER_KWH) | dict.fromkeys(MICRO_FIGURES.items(), MICRO_PER_UNIT)
        figures = {name: partial(_figure, name=source, unit=unit) for (name, source), unit in units.items()}
        super().__init__(model_reporters=figures, agent_reporters={name: name for name in AGENT_FIGURES})

    def collect(self, model: Any) -> None:
        """Gather what a step left."""
        super().collect(model)
        self._agent_records[model.now] = self._agent_records.pop(model.steps)

    def _record_agents(self, model: Any) -> Iterator[tuple[Any, ...]]:
        return ((model.now, *record[1:]) for record in super()._record_agents(model))


def _figure(model: Any, *, name: str, unit: int) -> float | None:
    """A figure of the grid's view of the last step."""
    value = getattr(model.grid.last, name)
    return None if value is None else value / unit
