"""The emergency levels against a model written from their description, in random walks."""

from dataclasses import dataclass

import pytest
from contract_market import START, World
from eth_utils.crypto import keccak
from grid_hands import contract_of, now, wait
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NORMAL, ALERT, EMERGENCY, RECOVERY = range(4)
DWELL, RECOVERY_S = 300, 3_600
SECONDS = {ALERT: 6 * 3_600, EMERGENCY: 2 * 3_600, RECOVERY: RECOVERY_S}
REASON = keccak(text="walk")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("report"), st.sampled_from([0, 300, 301, 499, 500, 600, 601, 899, 900, 1_000])),
        st.tuples(st.just("wait"), st.sampled_from([100, 301, 1_300, 3_700, 7_300, 22_000])),
        st.tuples(st.just("declare"), st.sampled_from([ALERT, EMERGENCY])),
        st.tuples(st.just("stand down"), st.just(0)),
    ),
    min_size=5,
    max_size=25,
)


@dataclass
class Model:
    """Level, whether declared, begin and end; time moves it before anything else does."""

    level: int = NORMAL
    declared: bool = False
    since: int = 0
    until: int = 0
    next_declaration: int = 0

    def enter(self, level: int, time_s: int, until: int | None = None, *, declared: bool = False) -> None:
        self.level, self.declared, self.since = level, declared, time_s
        self.until = until if until is not None else time_s + SECONDS[level] if level else 0

    def pass_time(self, time_s: int) -> None:
        if self.level == EMERGENCY and time_s >= self.until:
            self.enter(RECOVERY, self.until)
        if self.level != NORMAL and time_s >= self.until:
            self.enter(NORMAL, self.until)

    def report(self, severity: int, time_s: int) -> None:
        if severity >= 900 and self.level != EMERGENCY:
            self.enter(EMERGENCY, time_s)
        elif self.level == NORMAL and severity >= 500:
            self.enter(ALERT, time_s)
        elif self.level != NORMAL and severity > (600 if self.level == EMERGENCY else 300):
            self.until = max(self.until, time_s + SECONDS[self.level])
            self.since = time_s if self.level == RECOVERY else self.since
        elif self.level in (ALERT, EMERGENCY) and not self.declared and time_s >= self.since + DWELL:
            self.enter(RECOVERY if self.level == EMERGENCY else NORMAL, time_s)

    def may_declare(self, level: int, time_s: int) -> bool:
        upwards = level == EMERGENCY if self.level == RECOVERY else level > self.level
        return upwards and (time_s >= self.next_declaration or (self.level == ALERT and self.declared))

    def declare(self, level: int, time_s: int) -> None:
        self.enter(level, time_s, time_s + 1_000, declared=True)
        self.next_declaration = self.until + 2 * RECOVERY_S


@pytest.mark.slow
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(steps=STEPS)
def test_levels_follow_the_model(world: World, steps: list[tuple[str, int]]) -> None:
    snapshot = world.tester.take_snapshot()
    control, model = contract_of(world, "EmergencyControl"), Model()
    wait(world, START)
    for action, value in steps:
        time_s = now(world) + (value if action == "wait" else 1)
        world.at(time_s)
        model.pass_time(time_s)
        if action == "report":
            world.send(control.functions.reportSeverity(value), world.parties.oracle)
            model.report(value, time_s)
        elif action == "declare" and model.may_declare(value, time_s):
            world.send(control.functions.declare(value, 1_000, REASON), world.parties.guardian)
            model.declare(value, time_s)
        elif action == "stand down" and model.level != NORMAL:
            world.send(control.functions.standDown(), world.parties.operator)
            model.enter(RECOVERY if model.level == EMERGENCY else NORMAL, time_s)
        else:
            world.tester.mine_block()
        level, declared, _, since, until = control.functions.status().call()
        found = (now(world), level, declared, since, until)
        assert found == (time_s, model.level, model.declared, model.since, model.until)
    world.tester.revert_to_snapshot(snapshot)
