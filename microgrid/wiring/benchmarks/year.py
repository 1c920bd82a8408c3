"""A year of one home in quarter hours: its battery planned day by day with linear programmes."""

from time import perf_counter
from typing import Any

import numpy as np

from microgrid.planning import Plan, Problem, plan
from microgrid.planning.optimisers._builder import Program
from microgrid.planning.optimisers._program import build_program
from microgrid.wiring.benchmarks._community import made_up
from microgrid.wiring.measuring import Figure, best_of

DAYS, QUICK_DAYS, STEPS_A_DAY, BAR_S = 365, 3, 96, 3.0


def run(*, quick: bool) -> list[Figure]:
    """The rolling plan beside HiGHS alone on the same programmes, each from scratch; quick: three days."""
    days, runs = (QUICK_DAYS, 1) if quick else (DAYS, 3)
    steps = days * STEPS_A_DAY
    problem = made_up(homes__count="1", batteries__share="1", steps=str(steps), step_minutes="15")
    planned = _rolling(problem)
    programs = _programs(problem, planned)
    return [
        Figure(
            f"one home, {steps:,} quarter hours, {days} plans",
            best_of(runs, lambda: _rolling(problem)),
            "s",
            f"HiGHS alone on these {days} programmes",
            min(_highs_alone(programs) for _ in range(runs)),
            None if quick else BAR_S,
            runs,
        )
    ]


def _rolling(problem: Problem) -> Plan:
    return plan(problem, "rolling_horizon", horizon_steps=STEPS_A_DAY, replan_steps=STEPS_A_DAY)


def _programs(problem: Problem, planned: Plan) -> list[Program]:
    """The programme of each day, from the state of charge that the days before left."""
    nothing = np.zeros(0)
    return [
        build_program(problem.window(start, start + STEPS_A_DAY, planned.soc_kwh[start], nothing))
        for start in range(0, problem.intervals, STEPS_A_DAY)
    ]


def _highs_alone(programs: list[Program]) -> float:
    """Seconds in the solver; what is made for it does not count."""
    import highspy  # noqa: PLC0415 - only who runs this benchmark needs it

    silent: Any = highspy.Highs.__base__
    highs, models = silent(), [_model(highspy.HighsLp(), program) for program in programs]
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    began = perf_counter()
    for model in models:
        highs.passModel(model)
        highs.run()
    return perf_counter() - began


def _model(lp: Any, program: Program) -> Any:
    starts, rows, values = program.compressed_columns()
    lp.num_col_, lp.num_row_ = len(program.cost), len(program.row_lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, program.lower, program.upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, rows, values
    return lp
