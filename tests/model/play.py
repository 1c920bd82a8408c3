"""One step on both sides: the contracts and the reference do the same, or refuse for the same reason."""

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine
from model.chain import HOUR, RevertedError
from model.direct import Direct
from model.reference import RefusedError
from model.world import World

from microgrid.domain.records import Order


class Play(RuleBasedStateMachine):
    """A history: the chain and the reference side by side."""

    world: ClassVar[World | None] = None
    steps: ClassVar[int] = 0
    outcomes: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        Play.world = Play.world or World()
        self.it = Play.world
        self.chain = self.it.chain
        self.checkpoint = self.chain.evm.snapshot()
        self.chain.at(self.it.time_s)
        self.model = self.it.reference()
        self.direct = Direct(self.model)
        self.cancellations: list[tuple[tuple[str, int, int, int], bytes, str]] = []
        self.sent: list[tuple[Order, bytes, bool]] = []
        self.last_reading: dict[int, tuple[tuple[int, int, int, int], bytes]] = {}
        self.twin_balances: Counter[str] = Counter()
        self.nonce = 0
        self.acted = False

    def teardown(self) -> None:
        self.chain.evm.revert(self.checkpoint)

    # Both sides

    def both(self, name: str, expected: Callable[[], Any], actual: Callable[[], Any]) -> Any:
        """Act on both; both give the same or refuse with the same error. Gives the result, None where refused."""
        try:
            right, refused = expected(), ""
        except RefusedError as error:
            right, refused = None, str(error)
        try:
            found, reverted = actual(), ""
        except RevertedError as error:
            found, reverted = None, str(error)
        assert reverted == refused, f"{name}: the contract says {reverted or 'done'!r}, the model {refused or 'done'!r}"
        if right is not None:
            assert found == right, name
        self.acted = True
        Play.outcomes[f"{name} {refused}".strip()] += 1
        return None if refused else found

    def account(self, number: int) -> str:
        return self.it.actors[number]

    @property
    def current(self) -> int:
        return self.model.now_s // HOUR

    def _to(self, time_s: int) -> None:
        self.model.now_s = time_s
        self.chain.at(time_s)
