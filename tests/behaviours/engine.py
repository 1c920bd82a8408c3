"""What every engine of a sweep does; a test class inherits this and has a fixture `engine`, the plug-in."""

from types import ModuleType
from typing import Any

import pytest
from sweep_work import square_or_die


def died(exit_code: int | None) -> str:
    return f"died with {exit_code}"


class EngineBehaviour:
    @pytest.mark.parametrize("workers", [1, 3])
    def test_every_task_is_done_once(self, engine: ModuleType, workers: int) -> None:
        found: list[Any] = list(engine.run(square_or_die, [5, 4, 3, 2, 1], workers=workers, died=died))
        assert sorted(found) == [(0, 25), (1, 16), (2, 9), (3, 4), (4, 1)]

    def test_nothing_to_do_starts_nothing(self, engine: ModuleType) -> None:
        assert list(engine.run(square_or_die, [], workers=2, died=died)) == []

    @pytest.mark.parametrize("workers", [1, 3])
    def test_a_process_that_dies_costs_its_own_task_only(self, engine: ModuleType, workers: int) -> None:
        found = dict(engine.run(square_or_die, [3, -7, 4, -9, 5], workers=workers, died=died))
        assert (found[0], found[2], found[4]) == (9, 16, 25)
        assert (found[1], found[3]) == ("died with 7", "died with 9")
