"""What the processes of an engine do in tests; they import it by name."""

import os
from typing import Any

from microgrid.wiring.engines.local import THREAD_LIMITS


def square_or_die(task: int) -> int:
    if task < 0:
        os._exit(-task)
    return task * task


def thread_limits(task: Any) -> list[str | None]:
    return [os.environ.get(name) for name in THREAD_LIMITS]
