"""Many runs: the cross product of varied keys and seeds, each finished point kept, one table of all.

A point's file is named by a hash of all that decides its figures: scenario, seed, input files and how they are read,
version and source of this package. So an interrupted sweep goes on where it stopped, and nothing stale is taken.
"""

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import microgrid
from microgrid.data.scenarios import read_scenario
from microgrid.domain import plugins
from microgrid.domain.errors import BadInputError, MicrogridError
from microgrid.sim.results import Results
from microgrid.sim.scenario import Scenario
from microgrid.wiring.points import PointStore
from microgrid.wiring.simulate import Prepared, SimulationRequest, check_options, on_contracts, prepare_for

DECIDING = (
    "assets",
    "chain",
    "data",
    "domain",
    "ledger",
    "market",
    "planning",
    "settlement",
    "sim",
    "tariffs",
    "wiring",
)
"""Packages whose source decides a figure."""


@dataclass(frozen=True, slots=True)
class SweepRequest:
    """What the person asked for.

    Attributes:
        base: Scenario, settings and files that all points share; its seed is not used.
        vary: Values as typed by key, in the order of the table.
        seeds: Each point is run with each of them.
        engine: What runs them.
        workers: How many at a time.
        scheduler: Address of an engine that has one.
    """

    base: SimulationRequest
    vary: Mapping[str, Sequence[str]]
    seeds: Sequence[int] = (0,)
    engine: str = "local"
    workers: int = 1
    scheduler: str | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a sweep.

    Attributes:
        id: Hash of all that decides its figures, hexadecimal.
        values: Value of each varied key, as the scenario has it.
        scenario: The scenario with these values.
        request: Its files and seed.
        hashes: SHA-256 of the input files.
    """

    id: str
    values: Mapping[str, Any]
    scenario: Scenario
    request: SimulationRequest
    hashes: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """How messages name it."""
        return ", ".join([*(f"{key}={value}" for key, value in self.values.items()), f"seed={self.request.seed}"])


@dataclass(frozen=True, slots=True)
class Sweep:
    """All points, checked, and the engine to run them; nothing has run yet."""

    points: tuple[Point, ...]
    hashes: Mapping[str, str]
    start: Callable[..., Any]


def plan_sweep(request: SweepRequest) -> Sweep:
    """Check everything that can be checked before the first run.

    Raises:
        BadInputError: a key, value, file or engine that cannot be, or two points that are the same run.
    """
    start = _engine(request)
    base = request.base
    check_options(base)
    _check_keys(request)
    files = {"data": base.data, "prices": base.prices}
    scenario = read_scenario(base.scenario).with_settings(base.settings)
    hashes = {name: _sha256(name, path) for name, path in files.items() if path}
    points = [
        _point(scenario, dict(zip(request.vary, typed, strict=True)), replace(base, seed=seed), hashes)
        for typed in product(*request.vary.values())
        for seed in request.seeds
    ]
    _check_distinct(points)
    if hashes:  # what is wrong with a file shows before the first run, not in each of them
        prepare_for(points[0].scenario, points[0].request)
    return Sweep(tuple(points), hashes, start)


def run_sweep(sweep: Sweep, store: PointStore, done: Callable[[], None]) -> list[dict[str, Any]]:
    """Run what is not in the store yet.

    Args:
        sweep: The points.
        store: Where finished ones are kept.
        done: Called after each point, those found in the store as well.

    Returns:
        A document for each point, in the order of the sweep: values, seed, and metrics or an error.
    """
    found = {point.id: store.read(point.id) for point in sweep.points}
    missing = [point for point in sweep.points if found[point.id] is None]
    for _ in range(len(sweep.points) - len(missing)):
        done()
    with closing(sweep.start(simulate_point, missing, died=_died)) as outcomes:  # workers end with the sweep
        for number, outcome in outcomes:
            point = missing[number]
            found[point.id] = store.write(point.id, _document(point, outcome))
            done()
    return [found[point.id] or {} for point in sweep.points]


def simulate_point(point: Point) -> dict[str, Any]:
    """Metrics of a point, or its error: no point may end the others."""
    try:
        prepared = prepare_for(point.scenario, point.request)
        if not set(prepared.hashes.values()) <= set(point.hashes.values()):
            return {"error": "an input file was changed while the sweep ran"}
        return {"metrics": dict(_results(prepared, point.request.seed).metrics)}
    except MicrogridError as error:
        return {"error": str(error)}
    except Exception as error:  # noqa: BLE001 - recorded and shown at the end
        return {"error": f"{type(error).__name__}: {error}"}


def _results(prepared: Prepared, seed: int) -> Results:
    from microgrid.sim.run import run  # noqa: PLC0415 - bad input needs no simulator

    results = run(prepared.scenario, seed, prepared.inputs)
    if on_contracts(prepared.scenario):
        from microgrid.wiring.evm_ledger import settle_on_contracts  # noqa: PLC0415 - web3 takes a second to import

        results = settle_on_contracts(results)
    return results


def _died(exit_code: int | None) -> dict[str, Any]:
    return {"error": f"its process ended with exit code {exit_code}"}


def _document(point: Point, outcome: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": point.id, "values": dict(point.values), "seed": point.request.seed, **outcome}


def _engine(request: SweepRequest) -> Callable[..., Any]:
    start = plugins.load("engine", request.engine).run
    if request.scheduler is None:
        return partial(start, workers=request.workers)
    if "scheduler" not in inspect.signature(start).parameters:
        message = f"engine {request.engine} has no scheduler; leave out --scheduler"
        raise BadInputError(message)
    return partial(start, workers=request.workers, scheduler=request.scheduler)


def _check_keys(request: SweepRequest) -> None:
    keys = [*request.vary, *request.base.settings]
    for first, second in product(request.vary, keys):
        if first != second and f"{second}.".startswith(f"{first}."):
            message = f"{second} is a part of {first}; vary or set one of them"
            raise BadInputError(message)
    for key in request.vary:
        if key in request.base.settings:
            message = f"{key} is both set and varied; leave out --set {key}"
            raise BadInputError(message)
    if request.base.data is not None and "homes.count" in request.vary:
        message = "homes.count cannot be varied with --data: measured homes are as many as the file has"
        raise BadInputError(message)


def _point(
    scenario: Scenario, typed: Mapping[str, str], request: SimulationRequest, hashes: Mapping[str, str]
) -> Point:
    scenario = scenario.with_settings(typed)
    document = scenario.to_mapping()
    values = {key: _value(document, key) for key in typed}
    deciding = {
        "scenario": document,
        "seed": request.seed,
        "inputs": hashes,
        "retail_column": request.retail_column,
        "fill": request.fill,
        "version": microgrid.__version__,
        "source": _source_hash(),
    }
    digest = hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()
    return Point(digest[:32], values, scenario, request, hashes)


def _value(document: Any, key: str) -> Any:
    for part in key.split("."):
        document = document[part]
    return document


def _check_distinct(points: Sequence[Point]) -> None:
    seen: dict[str, Point] = {}
    for point in points:
        if point.id in seen:
            message = f"the same run twice: {point.label}; name each value and seed once"
            raise BadInputError(message)
        seen[point.id] = point


def _sha256(name: str, path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        message = f"--{name} {path} cannot be read: {error.strerror}"
        raise BadInputError(message) from error


@cache
def _source_hash() -> str:
    """A changed plug-in gives other figures under the same version."""
    root = Path(microgrid.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(path for package in DECIDING for path in (root / package).rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
