"""What a run is fed: energy of each home, what came before, and grid prices; from files or from physics."""

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from microgrid.assets.profile import Profiles
from microgrid.data.prices import read_prices
from microgrid.data.profiles import read_days_before, read_profiles
from microgrid.domain.errors import BadInputError, DataFileError, TariffError
from microgrid.domain.interfaces import EnergyArray, Tariff
from microgrid.domain.intervals import HOURS_PER_DAY, SECONDS_PER_HOUR, Interval, interval_at
from microgrid.domain.plugins import load
from microgrid.domain.records import PriceBand

DEFAULT_START = "2026-06-21T00:00"
DEFAULT_CURRENCY = "EUR"
HISTORY_DAYS = 7
DEAREST_FEE = 1.0  # the contract's own limit
DEAREST_FEED_IN = 1_000_000.0
MOST_KW = 100_000.0  # the device registry's own limit
FIRST_YEAR, LAST_YEAR = 1971, 2200


@dataclass(frozen=True)
class DemoRequest:
    """What the person asked for; prices are decimal currency units per kWh."""

    homes: int = 10
    hours: int = 24
    data: Path | None = None
    prices: Path | None = None
    retail_column: str | None = None
    start: str | None = None
    timezone: str = "UTC"
    fill: str | None = None
    feed_in: float = 0.05
    fee: float = 0.002
    forecaster: str = "cautious"
    strategy: str = "adaptive"
    seed: int = 0
    currency: str | None = None

    def settings(self) -> dict[str, object]:
        """The request as TOML would hold it; what was not given is left out, files by their names."""
        given = {name: value for name, value in asdict(self).items() if value is not None and not self._unused(name)}
        return {name: value.name if isinstance(value, Path) else value for name, value in given.items()}

    def _unused(self, name: str) -> bool:
        """Measured homes are as many as the file has."""
        return name == "homes" and self.data is not None


@dataclass(frozen=True)
class DemoInputs:
    """The run's input.

    Attributes:
        profiles: Energy of T intervals and N homes.
        history_wh: Net energy of the H intervals before, Wh, shape (H, N); H may be 0.
        bands: Grid prices of the T intervals.
        hashes: SHA-256 of each input file by its name.
        currency: What amounts are in.
    """

    profiles: Profiles
    history_wh: EnergyArray
    bands: list[PriceBand]
    hashes: Mapping[str, str]
    currency: str


def read_inputs(request: DemoRequest) -> DemoInputs:
    """Read or make everything a run needs.

    Raises:
        BadInputError: a file, time or price that cannot be used.
    """
    _check_price("fee", request.fee, DEAREST_FEE)
    _check_price("feed-in price", request.feed_in, DEAREST_FEED_IN)
    profiles, history_wh = _measured(request) if request.data else _synthetic(request)
    files = [path for path in (request.data, request.prices) if path]
    hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    tariff, currency = _tariff(request)
    bands = tariff.bands(profiles.intervals)
    return DemoInputs(profiles, history_wh, bands, hashes, request.currency or currency or DEFAULT_CURRENCY)


def _check_price(what: str, amount: float, most: float) -> None:
    if not 0 <= amount <= most:  # no number at all is refused, too
        raise TariffError(what=what, found=amount, right=f"from 0 to {most:g} per kWh")


def _start(text: str) -> datetime:
    try:
        start = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"--start {text!r} is no ISO time; write it as 2016-08-01 or 2016-08-01T12:00"
        raise BadInputError(message) from error
    _check_year(start, "--start")
    return start


def _check_year(time: datetime, what: str) -> None:
    if not FIRST_YEAR <= time.year <= LAST_YEAR:
        message = f"{what} {time:%Y-%m-%d} is nothing for a chain's clock; the years {FIRST_YEAR} to {LAST_YEAR} are"
        raise BadInputError(message)


def _check_power(path: str, profiles: Profiles) -> None:
    peak_kw = (profiles.import_kwh + profiles.export_kwh).max(axis=0) / profiles.first.hours
    home = int(np.argmax(peak_kw))
    if peak_kw[home] >= MOST_KW:
        reason = (
            f"{profiles.home_ids[home]} has {peak_kw[home]:g} kW in an interval; a meter takes less than {MOST_KW:g}"
        )
        raise DataFileError(path, reason)


def _measured(request: DemoRequest) -> tuple[Profiles, EnergyArray]:
    start = _start(request.start) if request.start else None
    path, timezone, fill = request.data or "", request.timezone, request.fill
    profiles = read_profiles(path, start=start, hours=request.hours, timezone=timezone, fill=fill)
    _check_year(profiles.first.start_utc, f"{request.data}: the first interval, on")
    _check_power(str(request.data), profiles)
    # A file that begins with the run, or a gap before it, only means that homes forecast from less.
    end, homes = profiles.first.start_utc, profiles.home_ids
    past = read_days_before(path, end, HISTORY_DAYS, timezone=timezone, fill=fill, homes=homes)
    history_wh = past.metered_net_wh() if past else np.zeros((0, len(homes)), dtype=np.int64)
    return profiles, history_wh


def _synthetic(request: DemoRequest) -> tuple[Profiles, EnergyArray]:
    from microgrid.assets.community import synthetic_community  # noqa: PLC0415 - a second to import, files need none

    start = _start(request.start or DEFAULT_START)
    first = interval_at(start if start.tzinfo else start.replace(tzinfo=UTC), SECONDS_PER_HOUR)
    past = HISTORY_DAYS * HOURS_PER_DAY
    whole = synthetic_community(
        request.homes,
        Interval(first.index - past, first.seconds),
        past + request.hours,
        np.random.default_rng(request.seed),
    )
    return _from(whole, past), whole.metered_net_wh()[:past]


def _from(profiles: Profiles, step: int) -> Profiles:
    """The profiles from the `step`-th interval on."""
    load_kwh, pv_kwh = profiles.load_kwh, profiles.pv_kwh
    return replace(
        profiles,
        first=Interval(profiles.first.index + step, profiles.first.seconds),
        import_kwh=profiles.import_kwh[step:],
        export_kwh=profiles.export_kwh[step:],
        load_kwh=None if load_kwh is None else load_kwh[step:],
        pv_kwh=None if pv_kwh is None else pv_kwh[step:],
    )


def _tariff(request: DemoRequest) -> tuple[Tariff, str]:
    """The grid's tariff and its currency, empty where unknown."""
    if not request.prices:
        return load("tariff", "time_of_use").build(feed_in=request.feed_in), ""
    table = read_prices(
        request.prices,
        timezone=request.timezone,
        feed_in_per_kwh=request.feed_in,
        retail_column=request.retail_column,
    )
    return load("tariff", "table").build(table=table), table.currency
