"""Processes on this machine, each with one thread of linear algebra, so that they do not fight for the cores.

A process that dies (out of memory, a crash in a solver) costs the point it was at and no other; a fresh one takes over.
"""

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NVPL_BLAS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "RAYON_NUM_THREADS",  # Clarabel
)
SPAWN = multiprocessing.get_context("spawn")
JOIN_S = 5.0
Work = Callable[[Any], Any]


@dataclass(eq=False, slots=True)
class _Worker:
    """A process, the pipe to it, and the number of the task it is at."""

    process: Any
    pipe: "Connection[Any, Any]"
    task: int | None = None

    def give(self, number: int, task: Any) -> None:
        self.task = number
        with suppress(BrokenPipeError, ConnectionResetError):  # it died; the end of the pipe will be seen
            self.pipe.send(task)

    def stop(self) -> None:
        self.pipe.close()
        self.process.terminate()
        self.process.join(JOIN_S)


def run(work: Work, tasks: Sequence[Any], *, workers: int, died: Callable[[int | None], Any]) -> Iterator[Any]:
    """Do all tasks.

    Args:
        work: A function of a module, from a task to its result; it catches its own errors.
        tasks: What to do.
        workers: Number of processes, at least 1.
        died: Result of a task whose process ended with an exit code.

    Yields:
        Number of a task and its result, as they come.
    """
    waiting = deque(enumerate(tasks))
    busy: list[_Worker] = []
    try:
        while waiting or busy:
            while waiting and len(busy) < workers:
                busy.append(_begun(work, *waiting.popleft()))
            for worker in _ready(busy):
                yield worker.task, _result(worker, died)
                if worker.process.is_alive() and waiting and not worker.pipe.closed:
                    worker.give(*waiting.popleft())
                else:
                    busy.remove(worker)
                    worker.stop()
    finally:
        for worker in busy:
            worker.stop()


def _begun(work: Work, number: int, task: Any) -> _Worker:
    with _one_thread_each():
        mine, its = SPAWN.Pipe()
        process = SPAWN.Process(target=_serve, args=(its, work), daemon=True)
        process.start()
    its.close()
    worker = _Worker(process, mine)
    worker.give(number, task)
    return worker


def _ready(busy: list[_Worker]) -> list[_Worker]:
    ready = wait([worker.pipe for worker in busy])
    return [worker for worker in busy if worker.pipe in ready]


def _result(worker: _Worker, died: Callable[[int | None], Any]) -> Any:
    try:
        return worker.pipe.recv()
    except (EOFError, ConnectionResetError):
        worker.pipe.close()
        worker.process.join(JOIN_S)
        return died(worker.process.exitcode)


def _serve(pipe: "Connection[Any, Any]", work: Work) -> None:
    """Work until the other end of the pipe is closed; Ctrl-C goes to all, and the first process stops the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            pipe.send(work(pipe.recv()))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Libraries read their limits from the environment when a fresh process loads them."""
    before = {name: os.environ.get(name) for name in THREAD_LIMITS}
    os.environ.update(dict.fromkeys(THREAD_LIMITS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
