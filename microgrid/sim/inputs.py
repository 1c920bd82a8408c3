"""What a run is fed: homes with their energy before and during the run, what they own, and the grid's prices."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.assets.flexible import FlexibleLoads
from microgrid.assets.profile import Profiles
from microgrid.assets.registers import cumulative_wh
from microgrid.domain import plugins
from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.errors import ScenarioError
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR, Interval, interval_at, interval_range
from microgrid.domain.records import PriceBand
from microgrid.domain.units import micro
from microgrid.sim.scenario import DEFAULT_START, STEP_MINUTES, Batteries, Prices, Scenario
from microgrid.sim.streams import stream

SECONDS_PER_MINUTE = 60
CAPACITY_KWH = (5.0, 20.0)


@dataclass(frozen=True, eq=False, slots=True)
class Past:
    """The H intervals before the run: energy in kWh, shape (H, N), and prices in micro per kWh, shape (H, 2)."""

    load_kwh: FloatArray
    pv_kwh: FloatArray
    prices: FloatArray


@dataclass(frozen=True, eq=False)
class Inputs:
    """T intervals of N homes.

    Attributes:
        home_ids: Names.
        home_types: What kind of home each is; empty for measured homes.
        first: First interval.
        load_kwh: Consumption that cannot wait, shape (T, N).
        pv_kwh: Generation, shape (T, N).
        bands: Grid prices of each interval.
        past: What came before.
        batteries: Homes' batteries, or the central one at home 0.
        flexible: Cars and heat pumps.
        plain_flexible_kwh: What these take if they run at once, shape (T, F).
        carbon_kg_per_kwh: Emissions of grid energy, shape (T,).
        netted: Whether meters net load and PV within an interval; two-register meters do not.
        filled: Values of the source that were missing and were filled.
    """

    home_ids: tuple[str, ...]
    home_types: tuple[str, ...]
    first: Interval
    load_kwh: FloatArray
    pv_kwh: FloatArray
    bands: list[PriceBand]
    past: Past
    batteries: BatteryFleet
    flexible: FlexibleLoads
    plain_flexible_kwh: FloatArray
    carbon_kg_per_kwh: FloatArray
    netted: bool = True
    filled: int = 0
    load_wh: IntArray = field(init=False)
    pv_wh: IntArray = field(init=False)

    def __post_init__(self) -> None:
        for name in ("load", "pv"):
            whole = np.diff(cumulative_wh(getattr(self, f"{name}_kwh")), axis=0)
            object.__setattr__(self, f"{name}_wh", whole)

    @property
    def steps(self) -> int:
        """T."""
        return len(self.load_kwh)

    @property
    def homes(self) -> int:
        """N."""
        return len(self.home_ids)


def clock(scenario: Scenario) -> tzinfo:
    """The homes' clock.

    Raises:
        ScenarioError: no such time zone.
    """
    if scenario.timezone.upper() == "UTC":
        return UTC
    try:
        return ZoneInfo(scenario.timezone)
    except (KeyError, ValueError, OSError) as error:
        key = "timezone"
        raise ScenarioError(key, scenario.timezone, "a time zone such as Europe/London") from error


def first_interval(scenario: Scenario) -> Interval:
    """First interval of the run.

    Raises:
        ScenarioError: the start is no time that begins an interval.
    """
    key = "start"
    try:
        start = datetime.fromisoformat(scenario.start or DEFAULT_START)
    except ValueError as error:
        raise ScenarioError(key, scenario.start, "an ISO time such as 2026-06-21T00:00") from error
    aware = start if start.tzinfo else start.replace(tzinfo=clock(scenario))
    if not datetime(1971, 1, 1, tzinfo=UTC) <= aware <= datetime(2200, 1, 1, tzinfo=UTC):
        raise ScenarioError(key, scenario.start, "between 1971 and 2200")
    if aware.astimezone(UTC).astimezone(aware.tzinfo).replace(tzinfo=None) != aware.replace(tzinfo=None):
        right = f"a time that the clock of {scenario.timezone} shows; daylight saving skips it"
        raise ScenarioError(key, scenario.start, right)
    seconds = scenario.step_minutes * SECONDS_PER_MINUTE
    if aware.astimezone(UTC).timestamp() % seconds:
        raise ScenarioError(key, scenario.start or DEFAULT_START, _aligned(aware, scenario.step_minutes))
    return interval_at(aware, seconds)


def _aligned(start: datetime, step_minutes: int) -> str:
    """What a start that begins no interval must be, and with which steps it would begin one."""
    utc = start.astimezone(UTC)
    fitting = [m for m in STEP_MINUTES if m < step_minutes and utc.timestamp() % (m * SECONDS_PER_MINUTE) == 0]
    remedy = f"; set step_minutes={fitting[-1]} (and steps to match), or another start" if fitting else ""
    return f"the beginning of an interval of {step_minutes} minutes, counted in UTC, where it is {utc:%H:%M}{remedy}"


def tariff(scenario: Scenario) -> Any:
    """The grid's tariff.

    Raises:
        ScenarioError: a retail price below the feed-in price.
    """
    prices: Prices = scenario.prices
    _check_prices(prices)
    build = plugins.load("tariff", prices.tariff).build
    if prices.tariff == "flat":
        return build(retail=prices.retail, feed_in=prices.feed_in)
    zone = clock(scenario)
    if prices.tariff == "dynamic":
        return build(retail=prices.retail, swing=prices.swing, feed_in=prices.feed_in, timezone=zone)
    return build(
        peak=prices.peak, off_peak=prices.off_peak, feed_in=prices.feed_in, peak_hours=prices.peak_hours, timezone=zone
    )


RETAIL_KEYS = {"flat": ("retail",), "time_of_use": ("peak", "off_peak"), "dynamic": ("retail",)}
"""Keys of `prices` that must not lie below the feed-in price, by tariff."""


def _check_prices(prices: Prices) -> None:
    """Name the key: a tariff knows its prices, but not what a scenario calls them."""
    for name in RETAIL_KEYS[prices.tariff]:
        retail = getattr(prices, name)
        if micro(retail) < micro(prices.feed_in):
            key = f"prices.{name}"
            raise ScenarioError(key, retail, f"at least prices.feed_in, {prices.feed_in:g}")


def measured_inputs(
    scenario: Scenario,
    profiles: Profiles,
    past: Profiles | None,
    bands: list[PriceBand],
    past_bands: list[PriceBand],
    seed: int,
) -> Inputs:
    """Inputs from measured homes; a net meter's two registers stand for load and PV.

    Args:
        scenario: Its batteries and market; made-up homes are not used.
        profiles: The T intervals of the run.
        past: The H intervals before, where the source has them.
        bands: Grid prices of the run.
        past_bands: Grid prices of the H intervals before.
        seed: Draws sizes of batteries.
    """
    load, pv = _load_and_pv(profiles)
    homes = len(profiles.home_ids)
    before = (np.zeros((0, homes)), np.zeros((0, homes))) if past is None else _load_and_pv(past)
    generator = stream(seed, "batteries")
    low, high = scenario.batteries.capacity_kwh or CAPACITY_KWH
    owners = generator.permutation(homes)[: round(homes * scenario.batteries.share)]
    capacity = np.zeros(homes)
    capacity[owners] = generator.uniform(low, high, homes)[owners]
    return Inputs(
        home_ids=profiles.home_ids,
        home_types=(),
        first=profiles.first,
        load_kwh=load,
        pv_kwh=pv,
        bands=bands,
        past=Past(*before, price_columns(past_bands)),
        batteries=fleet(scenario.batteries, capacity),
        flexible=FlexibleLoads.none(),
        plain_flexible_kwh=np.zeros((profiles.count, 0)),
        carbon_kg_per_kwh=np.full(profiles.count, scenario.carbon_kg_per_kwh),
        netted=profiles.load_kwh is not None,
        filled=profiles.filled,
    )


def fleet(rules: Batteries, capacity_kwh: FloatArray) -> BatteryFleet:
    """The batteries of a scenario; homes of capacity zero own none.

    A shared battery is one thing with as many parts as owners: each part holds its owner's energy and has the owner's
    share of capacity and power, so that it is run as if it stood in the owner's home.

    Args:
        rules: Model, efficiency and limits.
        capacity_kwh: Size of each home's battery or part, shape (N,).
    """
    if rules.model == "none":
        return BatteryFleet.none()
    if rules.model == "central":
        home, size = np.zeros(1, dtype=np.int64), np.array([rules.central_kwh_per_home * len(capacity_kwh)])
    else:
        home = np.flatnonzero(capacity_kwh > 0)
        size = capacity_kwh[home]
    return BatteryFleet.of_homes(
        home,
        size,
        size / rules.hours,
        round_trip=rules.round_trip_efficiency,
        lowest=rules.soc_min,
        highest=rules.soc_max,
        start=min(max(rules.soc_start, rules.soc_min), rules.soc_max),
    )


def price_columns(bands: list[PriceBand]) -> FloatArray:
    """Feed-in and retail price, micro per kWh, shape (len, 2)."""
    return np.array([(band.feed_in, band.retail) for band in bands], dtype=np.float64).reshape(-1, 2)


def past_steps(scenario: Scenario) -> int:
    """Intervals before the run that forecasters learn from; none where the forecaster does not learn."""
    if not getattr(plugins.load("forecaster", scenario.planning.forecaster), "LEARNS", True):
        return 0
    seconds = scenario.step_minutes * SECONDS_PER_MINUTE
    return scenario.homes.history_days * HOURS_PER_DAY * SECONDS_PER_HOUR // seconds


def before(first: Interval, steps: int) -> Interval:
    """The interval `steps` earlier."""
    return Interval(first.index - steps, first.seconds)


def bands_of(scenario: Scenario, first: Interval, steps: int) -> list[PriceBand]:
    """Grid prices of `steps` intervals."""
    bands: list[PriceBand] = tariff(scenario).bands(list(interval_range(first, steps)))
    return bands


def _load_and_pv(profiles: Profiles) -> tuple[FloatArray, FloatArray]:
    if profiles.load_kwh is None or profiles.pv_kwh is None:
        return profiles.import_kwh, profiles.export_kwh
    return profiles.load_kwh, profiles.pv_kwh
