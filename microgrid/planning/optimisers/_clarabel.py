"""Clarabel, an interior-point solver: for programmes that couple many homes it needs less time than HiGHS."""

from typing import Any

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.planning.optimisers._builder import Program
from microgrid.planning.optimisers._highs import Model


class InteriorPoint:
    """Solves programmes without whole numbers."""

    def solve(self, program: Program) -> FloatArray | None:
        """The optimal columns, or None where no columns keep all bounds; HiGHS decides where Clarabel cannot.

        Raises:
            SolverError: neither came to an end.
        """
        import clarabel  # noqa: PLC0415 - only who couples homes needs it

        matrix, right, equalities = cone_form(program)
        cones = [clarabel.ZeroConeT(equalities), clarabel.NonnegativeConeT(len(right) - equalities)]
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        nothing = _empty_square(len(program.cost))
        answer = clarabel.DefaultSolver(nothing, program.cost, matrix, right, cones, settings).solve()
        if str(answer.status) != "Solved":
            return Model(interior_point=True).solve(program)
        return np.array(answer.x, dtype=np.float64)


def cone_form(program: Program) -> tuple[Any, FloatArray, int]:
    """A and b of A x + s = b, and how many of the rows come first and have s = 0; elsewhere s >= 0."""
    from scipy import sparse  # noqa: PLC0415 - as above

    columns = len(program.cost)
    starts, rows, values = program.compressed_columns()
    matrix = sparse.csc_matrix((values, rows, starts), shape=(len(program.row_lower), columns))
    every = sparse.vstack([matrix, sparse.eye_array(columns)]).tocsr()
    low = np.concatenate([program.row_lower, program.lower])
    high = np.concatenate([program.row_upper, program.upper])
    equal = low == high
    above, below = np.isfinite(high) & ~equal, np.isfinite(low) & ~equal
    stacked = sparse.vstack([every[equal], every[above], -every[below]]).tocsc()
    return stacked, np.concatenate([high[equal], high[above], -low[below]]), int(equal.sum())


def _empty_square(size: int) -> Any:
    from scipy import sparse  # noqa: PLC0415 - as above

    return sparse.csc_matrix((size, size))
