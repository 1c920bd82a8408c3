"""From what a person asked for to a simulated run: scenario file, settings, measured homes, seed."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from microgrid.assets.profile import Profiles
from microgrid.data.prices import read_prices
from microgrid.data.profiles import read_days_before, read_profiles
from microgrid.data.scenarios import read_scenario
from microgrid.domain.errors import BadInputError, DataFileError, ScenarioError
from microgrid.domain.intervals import Interval, interval_range
from microgrid.domain.records import PriceBand
from microgrid.sim.credits import SUPPLY
from microgrid.sim.inputs import SECONDS_PER_MINUTE, Inputs, before, measured_inputs, past_steps, tariff
from microgrid.sim.scenario import DEFAULT_START, STEP_MINUTES, Scenario
from microgrid.sim.tables import BATTERY_NAME
from microgrid.tariffs.table import PriceTable, TableTariff

RESERVED_NAMES = (BATTERY_NAME, SUPPLY, "regulator")


@dataclass(frozen=True)
class SimulationRequest:
    """What the person asked for.

    Attributes:
        scenario: A file or the name of a ready one.
        settings: Dotted keys and the values typed for them.
        data: Profiles of measured homes.
        prices: Grid prices.
        retail_column: Column of the prices file.
        fill: How gaps in the data are filled; None refuses them.
        seed: Source of all chance.
    """

    scenario: str
    settings: Mapping[str, str]
    data: Path | None = None
    prices: Path | None = None
    retail_column: str | None = None
    fill: str | None = None
    seed: int = 0

    def with_settings(self, settings: Mapping[str, str]) -> "SimulationRequest":
        """The request with further settings, which win."""
        return replace(self, settings={**self.settings, **settings})


@dataclass(frozen=True)
class Prepared:
    """A scenario as it will run, measured homes where there are any, and SHA-256 of each input file by name."""

    scenario: Scenario
    inputs: Inputs | None
    hashes: Mapping[str, str]

    def community(self, seed: int) -> Inputs:
        """The measured homes, or made-up ones."""
        from microgrid.sim.community import make_inputs  # noqa: PLC0415 - measured homes need none

        return self.inputs if self.inputs is not None else make_inputs(self.scenario, seed)


def parse_settings(assignments: Sequence[str]) -> dict[str, str]:
    """Dotted keys and values from KEY=VALUE.

    Raises:
        BadInputError: an assignment without a key or an equals sign.
    """
    settings = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name.strip():
            message = f"--set {assignment!r} is no setting; write it as KEY=VALUE, such as homes.count=20"
            raise BadInputError(message)
        settings[name.strip()] = value.strip()
    return settings


def prepare(request: SimulationRequest) -> Prepared:
    """Read everything that a run needs.

    Raises:
        BadInputError: a file or setting that cannot be used.
    """
    return prepare_for(read_scenario(request.scenario).with_settings(request.settings), request)


def prepare_for(scenario: Scenario, request: SimulationRequest) -> Prepared:
    """Read everything that a run of a scenario needs; the request's own scenario and settings are not looked at.

    Raises:
        BadInputError: a file or setting that cannot be used.
    """
    check_options(request)
    prepared = _prepared(scenario, request)
    if on_contracts(prepared.scenario):
        from microgrid.wiring.evm_ledger import check_scenario  # noqa: PLC0415 - web3 takes a second to import

        check_scenario(prepared.scenario)
    return prepared


def on_contracts(scenario: Scenario) -> bool:
    """Whether the run is to be settled on the contracts, too: see `microgrid.wiring.evm_ledger`."""
    return scenario.ledger.kind == "evm"


def _prepared(scenario: Scenario, request: SimulationRequest) -> Prepared:
    table = _price_table(request, scenario)
    if table and table.currency:
        scenario = replace(scenario, prices=replace(scenario.prices, currency=table.currency))
    if request.data is None:
        scenario = replace(scenario, start=scenario.start or DEFAULT_START)
    if request.data is None and table is None:
        return Prepared(scenario, None, {})
    if request.data is None:
        return Prepared(scenario, _with_prices(scenario, table, request.seed), _hashes(request))
    profiles = _read(request, scenario, _start(scenario), scenario.steps * scenario.step_minutes / 60)
    _check_step(request, profiles)
    _check_names(request, profiles)
    scenario = _as_measured(scenario, profiles)
    inputs = _measured(request, scenario, profiles, table)
    return Prepared(scenario, inputs, _hashes(request))


def check_options(request: SimulationRequest) -> None:
    """Refuse options that would do nothing.

    Raises:
        BadInputError: it names the option and the file that it needs.
    """
    for option, value, needs, file in (
        ("--fill", request.fill, "--data", request.data),
        ("--retail-column", request.retail_column, "--prices", request.prices),
    ):
        if value is not None and file is None:
            message = f"{option} {value} does nothing without {needs}; name the file or leave {option} out"
            raise BadInputError(message)


def _hashes(request: SimulationRequest) -> dict[str, str]:
    """SHA-256 of each input file, once they have been read without complaint."""
    return {path.name: _sha256(path) for path in (request.data, request.prices) if path}


def _price_table(request: SimulationRequest, scenario: Scenario) -> PriceTable | None:
    if request.prices is None:
        return None
    return read_prices(
        request.prices,
        timezone=scenario.timezone,
        feed_in_per_kwh=scenario.prices.feed_in,
        retail_column=request.retail_column,
    )


def _with_prices(scenario: Scenario, table: PriceTable | None, seed: int) -> Inputs:
    """Made-up homes under listed prices."""
    from microgrid.sim.community import make_inputs  # noqa: PLC0415 - measured homes need none

    inputs = make_inputs(scenario, seed)
    return replace(inputs, bands=_bands(scenario, table, inputs.first, inputs.steps))


def _read(request: SimulationRequest, scenario: Scenario, start: datetime | None, hours: float) -> Profiles:
    return read_profiles(request.data or "", start=start, hours=hours, timezone=scenario.timezone, fill=request.fill)


def _start(scenario: Scenario) -> datetime | None:
    """The scenario's own start; where it says nothing, the file's beginning."""
    if not scenario.start:
        return None
    try:
        return datetime.fromisoformat(scenario.start)
    except ValueError as error:
        key = "start"
        raise ScenarioError(key, scenario.start, "an ISO time such as 2016-08-01T00:00") from error


def _check_step(request: SimulationRequest, profiles: Profiles) -> None:
    """Refuse what the written scenario could not say, so that every run folder can be run again."""
    minutes = profiles.first.seconds / SECONDS_PER_MINUTE
    if minutes not in STEP_MINUTES:
        known = ", ".join(map(str, STEP_MINUTES))
        raise DataFileError(str(request.data), f"has steps of {minutes:g} minutes; a simulation takes {known}")


def _check_names(request: SimulationRequest, profiles: Profiles) -> None:
    for name in profiles.home_ids:
        if name in RESERVED_NAMES:
            reason = f"names a home {name!r}, which stands for another party in trades and credits; rename the home"
            raise DataFileError(str(request.data), reason)


def _as_measured(scenario: Scenario, profiles: Profiles) -> Scenario:
    """The scenario with what the file says of steps, homes and start."""
    return replace(
        scenario,
        start=profiles.first.start_utc.isoformat(),
        steps=profiles.count,
        step_minutes=profiles.first.seconds // SECONDS_PER_MINUTE,
        homes=replace(scenario.homes, count=len(profiles.home_ids)),
    )


def _measured(request: SimulationRequest, scenario: Scenario, profiles: Profiles, table: PriceTable | None) -> Inputs:
    first, past = profiles.first, None
    if past_steps(scenario):
        # A file that begins with the run, or a gap before it, only means that homes forecast from less.
        past = read_days_before(
            request.data or "",
            first.start_utc,
            scenario.homes.history_days,
            timezone=scenario.timezone,
            fill=request.fill,
        )
    bands = _bands(scenario, table, first, profiles.count)
    past_bands = _past_bands(scenario, table, first, past.count if past else 0)
    return measured_inputs(scenario, profiles, past, bands, past_bands, request.seed)


def _past_bands(scenario: Scenario, table: PriceTable | None, first: Interval, count: int) -> list[PriceBand]:
    """Prices before the run; none where the file begins with it."""
    with suppress(BadInputError):
        return _bands(scenario, table, before(first, count), count)
    return []


def _bands(scenario: Scenario, table: PriceTable | None, first: Interval, count: int) -> list[PriceBand]:
    rates = TableTariff(table) if table else tariff(scenario)
    bands: list[PriceBand] = rates.bands(list(interval_range(first, count)))
    return bands


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
