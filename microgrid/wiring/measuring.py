"""What a benchmark measures with: best of several runs, whole processes, peak memory, the load of the machine."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import numpy as np

from microgrid.domain.errors import BenchmarkError

PEAK = """
import resource
try:
    lines = open("/proc/self/status").read().splitlines()
    print(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024)
except OSError:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if __import__("sys").platform == "darwin" else 1024))
"""
"""Prints the peak memory of its own process in bytes; `ru_maxrss` may hold that of the parent, so it comes second."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure beside its yardstick; lower is better.

    Attributes:
        name: What was measured.
        value: What came out.
        unit: Unit of value, yardstick and bar.
        yardstick_name: What it is compared with.
        yardstick_value: The same run's measurement of that.
        bar: Largest value that is good enough; None where there is none.
        runs: The figure is the best of so many runs.
    """

    name: str
    value: float
    unit: str
    yardstick_name: str
    yardstick_value: float
    bar: float | None = None
    runs: int = 1

    @property
    def holds(self) -> bool | None:
        """Whether the bar holds; None without one."""
        return None if self.bar is None else self.value <= self.bar

    def to_mapping(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "best_of": self.runs,
            "yardstick": {"name": self.yardstick_name, "value": self.yardstick_value},
            "bar": self.bar,
            "holds": self.holds,
        }


def best_of(runs: int, action: Callable[[], Any]) -> float:
    """Shortest time of an action, s; the shortest is the one that the rest of the machine disturbed least."""
    times = []
    for _ in range(runs):
        began = perf_counter()
        action()
        times.append(perf_counter() - began)
    return min(times)


def python(*arguments: str) -> str:
    """Run this Python in a process of its own and give what it prints.

    Raises:
        BenchmarkError: it failed.
    """
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - ours
    if done.returncode:
        raise BenchmarkError(" ".join(arguments), done.stderr.strip().rpartition("\n")[2])
    return done.stdout


def peak_bytes(code: str) -> int:
    """Peak memory of a process that runs some Python code.

    Raises:
        BenchmarkError: it failed.
    """
    return int(python("-c", code + PEAK).split()[-1])


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The b of value = a * size^b by least squares on logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def machine() -> Mapping[str, Any]:
    """What a figure was measured on, and how busy that was."""
    load = os.getloadavg() if hasattr(os, "getloadavg") else None
    return {
        "system": platform.system(),
        "architecture": platform.machine(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load_average": list(load) if load else None,
    }
