"""The clock on the wall, for many instants at once."""

from datetime import UTC, datetime, tzinfo

import numpy as np

from microgrid.domain.arrays import FloatArray

OFFSET_STEP_S = 900
"""No zone changes its clock within a quarter of an hour."""


def local_seconds(times_s: FloatArray, timezone: tzinfo) -> FloatArray:
    """Seconds since 1970-01-01 00:00 on the local clock, shape of `times_s` (Unix seconds)."""
    if timezone is UTC:
        return times_s
    quarters, place = np.unique(np.floor(times_s / OFFSET_STEP_S).astype(np.int64), return_inverse=True)
    instants = (datetime.fromtimestamp(quarter * OFFSET_STEP_S, timezone) for quarter in quarters.tolist())
    offsets = np.array([(instant.utcoffset() or instant - instant).total_seconds() for instant in instants])
    local: FloatArray = times_s + offsets[place]
    return local
