"""First readings and booked energy, shared by the tests of readings."""

from typing import Any

from contract_market import START, Home, World, reading_of

ACCEPTED = 0  # the first of the registry's result codes


def energy(world: World, home: Home, interval: int) -> tuple[int, int, bool]:
    return tuple(world.registry.functions.intervalEnergy(home.member_id, interval).call())


def baseline(world: World, *homes: Home, import_wh: int = 1_000, export_wh: int = 2_000) -> None:
    """First readings, sequence 5, at the start of the first interval."""
    world.at(START)
    world.submit([(home, (5, START, import_wh, export_wh)) for home in homes])


def result(world: World, home: Home, *values: int, **changes: Any) -> int:
    """Result code of one submitted reading."""
    signature = world.sign_reading(home, reading_of(home, *values), **changes)
    codes = world.results(world.submit([(home, values)], [signature]))
    return codes[0] if codes else ACCEPTED
