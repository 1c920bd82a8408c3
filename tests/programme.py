"""A market with demand response and the hands that work it: shared by its tests."""

from dataclasses import dataclass
from typing import Any

from contract_market import FIRST, World
from grid_hands import contract_of
from web3.contract import Contract
from web3.types import TxReceipt

NONE, ANNOUNCED, DISPATCHED, RECOVERING, MEASURED, SETTLED, CANCELLED = range(7)
FLEXIBLE, STANDARD, ESSENTIAL, CRITICAL = range(4)
ALL_ZONES = 2**32 - 1
RATE, BUDGET = 200_000, 10_000_000
PAST = (1_000, 2_000, 3_000, 4_000)  # Wh that homes 1 to 4 draw in each interval of the baseline
EVENT = FIRST + 4


@dataclass
class Programme:
    """A market with demand response."""

    world: World
    response: Contract

    def terms(self, **changes: int) -> tuple[int, ...]:
        values = {"first": EVENT, "count": 1, "base": FIRST, "bases": 2, "zone": ALL_ZONES, "rate": RATE}
        return tuple({**values, "budget": BUDGET, **changes}.values())

    def operate(self, name: str, *args: Any) -> TxReceipt:
        return self.world.send(self.response.functions[name](*args), self.world.parties.operator)

    def do(self, home: int, name: str, *args: Any) -> TxReceipt:
        return self.world.send(self.response.functions[name](*args), self.world.homes[home - 1].address)

    def announce(self, **changes: int) -> TxReceipt:
        return self.operate("announce", self.terms(**changes))

    def running(self, *homes: int, stage: int = 2, **changes: int) -> None:
        """An event that these homes are called for."""
        self.announce(**changes)
        for home in homes:
            self.do(home, "enrol", 1)
        self.operate("dispatch", 1, stage)

    def finish(self, imports_wh: tuple[int, ...], event: int = 1) -> None:
        """The event's interval passes; then recovery, measurement, settlement."""
        self.world.meter(EVENT, [(import_wh, 0) for import_wh in imports_wh])
        self.do(1, "recover", event)
        self.do(1, "measure", event, 0, 10)
        self.do(1, "settle", event)

    def state(self, event: int = 1) -> Any:
        return self.response.functions.stateOf(event).call()

    def status(self, event: int = 1) -> int:
        return int(self.state(event)[0])

    def incentives(self, event: int = 1) -> list[int]:
        return [int(self.response.functions.incentive(event, member).call()) for member in (1, 2, 3, 4)]

    def part(self, member: int, event: int = 1) -> Any:
        return self.response.functions.participation(event, member).call()

    def events(self, receipt: TxReceipt, name: str) -> list[dict[str, Any]]:
        return self.world.events(receipt, self.response, name)

    def money(self, account: str) -> int:
        return int(self.world.money.functions.balanceOf(account).call())


def open_programme(world: World) -> Programme:
    """Two intervals of history are metered, and the one before them; the sponsor has three budgets."""
    made = Programme(world, contract_of(world, "DemandResponse"))
    world.know_from(FIRST, len(PAST))
    for interval in (FIRST, FIRST + 1):
        world.meter(interval, [(import_wh, 0) for import_wh in PAST])
    operator = world.parties.operator
    world.send(world.money.functions.mint(operator, 3 * BUDGET), world.parties.issuer)
    world.send(world.money.functions.approve(made.response.address, 3 * BUDGET), operator)
    return made
