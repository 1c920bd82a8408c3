"""The arrays of a linear programme, and what collects them: blocks of columns and rows."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from microgrid.domain.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """The arrays of a linear programme.

    Attributes:
        cost: c, shape (columns,).
        lower: Lower bounds of the columns.
        upper: Upper bounds of the columns.
        row_lower: Lower bounds of the rows.
        row_upper: Upper bounds of the rows.
        row: Row of each non-zero entry of A.
        column: Column of each entry.
        value: Value of each entry.
        blocks: Indices of the columns of each block, shape (T, width).
        row_blocks: Indices of the rows of each block, shape (T, width).
        whole: Which columns must be whole numbers; none in a linear programme.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    row_lower: FloatArray
    row_upper: FloatArray
    row: IntArray
    column: IntArray
    value: FloatArray
    blocks: dict[str, IntArray]
    row_blocks: dict[str, IntArray]
    whole: BoolArray

    def compressed_columns(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray]:
        """A by columns: where each column starts, the rows of its entries, their values."""
        order = np.lexsort((self.row, self.column))
        starts = np.zeros(len(self.cost) + 1, np.int32)
        np.cumsum(np.bincount(self.column, minlength=len(self.cost)), out=starts[1:])
        return starts, self.row[order].astype(np.int32), self.value[order]


@dataclass(slots=True)
class Builder:
    """Collects blocks of columns and rows."""

    lower: list[FloatArray] = field(default_factory=list)
    upper: list[FloatArray] = field(default_factory=list)
    cost: list[FloatArray] = field(default_factory=list)
    row_lower: list[FloatArray] = field(default_factory=list)
    row_upper: list[FloatArray] = field(default_factory=list)
    entries: list[tuple[IntArray, IntArray, FloatArray]] = field(default_factory=list)
    blocks: dict[str, IntArray] = field(default_factory=dict)
    row_blocks: dict[str, IntArray] = field(default_factory=dict)

    def columns(
        self,
        name: str,
        shape: tuple[int, int],
        lower: npt.ArrayLike = 0.0,
        upper: npt.ArrayLike = np.inf,
        cost: npt.ArrayLike = 0.0,
    ) -> IntArray:
        """Add a block of columns; bounds and cost are broadcast to its shape."""
        first = sum(len(block) for block in self.lower)
        for kept, values in ((self.lower, lower), (self.upper, upper), (self.cost, cost)):
            kept.append(np.broadcast_to(np.asarray(values, dtype=np.float64), shape).ravel())
        self.blocks[name] = first + np.arange(shape[0] * shape[1]).reshape(shape)
        return self.blocks[name]

    def rows(self, name: str, shape: tuple[int, int], lower: npt.ArrayLike, upper: npt.ArrayLike) -> IntArray:
        """Add a block of rows without entries."""
        first = sum(len(block) for block in self.row_lower)
        for kept, values in ((self.row_lower, lower), (self.row_upper, upper)):
            kept.append(np.broadcast_to(np.asarray(values, dtype=np.float64), shape).ravel())
        self.row_blocks[name] = first + np.arange(shape[0] * shape[1]).reshape(shape)
        return self.row_blocks[name]

    def put(self, rows: IntArray, columns: IntArray, value: npt.ArrayLike) -> None:
        """Entries of A; rows, columns and values are broadcast to one shape."""
        row, column, entry = np.broadcast_arrays(rows, columns, np.asarray(value, dtype=np.float64))
        self.entries.append((row.ravel(), column.ravel(), entry.ravel()))

    def program(self) -> Program:
        """What was collected."""
        row, column, value = (np.concatenate(parts) for parts in zip(*self.entries, strict=True))
        bounds = (self.cost, self.lower, self.upper, self.row_lower, self.row_upper)
        cost, lower, upper, row_lower, row_upper = (np.concatenate(part) for part in bounds)
        whole = np.zeros(len(cost), np.bool_)
        return Program(
            cost, lower, upper, row_lower, row_upper, row, column, value, self.blocks, self.row_blocks, whole
        )
