"""HiGHS with a model that is kept: later programmes of the same matrix change bounds and costs and start warm."""

from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import SolverError
from microgrid.planning.optimisers._builder import Program

MOST_MODELS = 64


class Models:
    """One model for each matrix: homes of one shape and efficiency share it.

    Args:
        interior_point: Whether to use the interior-point method (better for programmes that couple many homes).
    """

    def __init__(self, *, interior_point: bool = False) -> None:
        self._interior_point = interior_point
        self._models: dict[bytes, Model] = {}

    def solve(self, program: Program) -> FloatArray | None:
        """The optimal columns, or None where no columns keep all bounds; see `Model.solve`."""
        key = program.value.tobytes()
        if key not in self._models and len(self._models) >= MOST_MODELS:
            self._models.pop(next(iter(self._models)))
        if key not in self._models:
            self._models[key] = Model(interior_point=self._interior_point)
        return self._models[key].solve(program)


class Model:
    """Solves programmes; the matrix of the first one that fits stays in the solver.

    Args:
        interior_point: Whether to use the interior-point method (better for programmes that couple many homes).
    """

    def __init__(self, *, interior_point: bool = False) -> None:
        import highspy  # noqa: PLC0415 - a tenth of a second that greedy homes need not pay

        # The Python wrapper writes a banner to standard output when it is made; the class below it does not.
        silent: Any = highspy.Highs.__base__
        self._highs = silent()
        self._new_lp = highspy.HighsLp
        self._optimal = highspy.HighsModelStatus.kOptimal
        self._infeasible = {
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        }
        self._kinds = np.array([highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger], dtype=object)
        self._program: Program | None = None
        self._highs.setOptionValue("output_flag", False)
        self._highs.setOptionValue("threads", 1)
        if interior_point:
            self._highs.setOptionValue("solver", "ipm")

    def solve(self, program: Program) -> FloatArray | None:
        """The optimal columns, or None where no columns keep all bounds.

        Raises:
            SolverError: the solver ended otherwise.
        """
        if self._fits(program):
            self._change(program)
        else:
            self._highs.passModel(self._whole_model(program))
        self._program = program
        self._highs.run()
        status = self._highs.getModelStatus()
        if status in self._infeasible:
            return None
        if status != self._optimal:
            raise SolverError(solver="HiGHS", status=self._highs.modelStatusToString(status))
        return np.array(self._highs.getSolution().col_value, dtype=np.float64)

    def _fits(self, program: Program) -> bool:
        known = self._program
        if known is None or known.whole.any() or program.whole.any() or len(known.cost) != len(program.cost):
            return False
        pairs = ((known.row, program.row), (known.column, program.column), (known.value, program.value))
        return all(one is other or np.array_equal(one, other) for one, other in pairs)

    def _change(self, program: Program) -> None:
        columns = np.arange(len(program.cost), dtype=np.int32)
        rows = np.arange(len(program.row_lower), dtype=np.int32)
        self._highs.changeColsCost(len(columns), columns, program.cost)
        self._highs.changeColsBounds(len(columns), columns, program.lower, program.upper)
        self._highs.changeRowsBounds(len(rows), rows, program.row_lower, program.row_upper)

    def _whole_model(self, program: Program) -> Any:
        lp = self._new_lp()
        lp.num_col_, lp.num_row_ = len(program.cost), len(program.row_lower)
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, program.lower, program.upper
        lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
        starts, rows, values = program.compressed_columns()
        lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = starts, rows, values
        if program.whole.any():
            lp.integrality_ = list(self._kinds[program.whole.astype(np.int64)])
        return lp
