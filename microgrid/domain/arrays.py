"""Arrays that nobody changes after they are checked."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def frozen_floats(values: npt.ArrayLike) -> FloatArray:
    """A read-only view of values as C-contiguous floats; the caller's own array stays writeable."""
    array: FloatArray = np.ascontiguousarray(values, dtype=np.float64).view()
    array.setflags(write=False)
    return array


def frozen_indices(values: npt.ArrayLike) -> IntArray:
    """A read-only view of values as whole numbers."""
    array: IntArray = np.ascontiguousarray(values, dtype=np.int64).view()
    array.setflags(write=False)
    return array
