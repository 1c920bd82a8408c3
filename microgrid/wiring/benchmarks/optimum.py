"""The optimum of a community that plans together, beside the solver's own time on the same matrices."""

from time import perf_counter
from typing import Any

from microgrid.planning import plan
from microgrid.planning.optimisers._clarabel import cone_form
from microgrid.planning.optimisers._program import build_program
from microgrid.wiring.benchmarks._community import made_up
from microgrid.wiring.measuring import Figure, best_of

HOMES, STEPS, QUICK_HOMES, QUICK_STEPS = 100, 96, 4, 6
BAR_TIMES_SOLVER = 1.2


def run(*, quick: bool) -> list[Figure]:
    """Building, solving and reading back against solving alone; quick: four homes for six steps."""
    homes, steps, runs = (QUICK_HOMES, QUICK_STEPS, 1) if quick else (HOMES, STEPS, 5)
    problem = made_up(homes__count=str(homes), steps=str(steps), step_minutes="15")
    form = cone_form(build_program(problem.on_one_meter()))
    cost = build_program(problem.on_one_meter()).cost
    solver = min(_clarabel_alone(form, cost) for _ in range(runs))
    return [
        Figure(
            f"{homes} homes together, {steps} steps",
            best_of(runs, lambda: plan(problem, "community_optimum")),
            "s",
            "Clarabel alone on the same matrices",
            solver,
            None if quick else BAR_TIMES_SOLVER * solver,
            runs,
        )
    ]


def _clarabel_alone(form: Any, cost: Any) -> float:
    """Seconds from matrices to an answer."""
    import clarabel  # noqa: PLC0415 - only who runs this benchmark needs it
    from scipy import sparse  # noqa: PLC0415 - as above

    matrix, right, equalities = form
    cones = [clarabel.ZeroConeT(equalities), clarabel.NonnegativeConeT(len(right) - equalities)]
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    nothing = sparse.csc_matrix((len(cost), len(cost)))
    began = perf_counter()
    clarabel.DefaultSolver(nothing, cost, matrix, right, cones, settings).solve()
    return perf_counter() - began
