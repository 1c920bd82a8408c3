"""A community and its rules as frozen data: what a scenario file says, every key with its unit and default.

`Scenario.from_mapping` takes the parsed form of a TOML file; a key that nobody knows, a value of another kind and a
value out of its range are refused with the key's name. `key_rows` lists all keys for the documentation.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self

from microgrid.domain import plugins
from microgrid.domain.errors import ScenarioError
from microgrid.market.comparison import parameters_of
from microgrid.sim.keys import Key, key, key_rows, read_section, replace_keys, table

__all__ = ["Key", "Scenario", "key_rows"]

MECHANISM = "market.mechanism"
DEFAULT_START = "2026-06-21T00:00"
LONGEST_NAME = 100
STEP_MINUTES = (1, 5, 10, 15, 20, 30, 60)


@dataclass(frozen=True, slots=True)
class Homes:
    """Who lives there: made from home types, or read from a profile file (`--data`)."""

    count: int = key(
        10, "number of made-up homes; measured ones are as many as the file has", "homes", least=1, most=1_000_000
    )
    mix: Mapping[str, float] = table(
        "weights of home types by name; all ten types at their own shares where empty", "weight"
    )
    pv_share: float | None = key(
        None, "share of homes with panels; by home type where absent", "share", least=0.0, most=1.0
    )
    pv_kw: tuple[float, float] | None = key(
        None, "size of the panels, from and to; by home type, 2.5 to 7, where absent", "kW", least=0.01, most=1e4
    )
    base_kwh_per_hour: tuple[float, float] | None = key(
        None,
        "busiest hour of a home, from and to; by home type, 0.35 to 1.5, where absent",
        "kWh per hour",
        least=0.001,
        most=1e4,
    )
    ev_share: float = key(0.0, "share of homes with an electric car", "share", least=0.0, most=1.0)
    heat_pump_share: float = key(0.0, "share of homes with a heat pump", "share", least=0.0, most=1.0)
    latitude: float = key(51.0, "where they stand, north positive", "degrees", least=-90.0, most=90.0)
    longitude: float = key(10.0, "where they stand, east positive", "degrees", least=-180.0, most=180.0)
    altitude_m: float = key(200.0, "where they stand", "m", least=-500.0, most=9_000.0)
    mean_air_c: float = key(18.0, "mean temperature of the air", "degrees Celsius", least=-60.0, most=60.0)
    climate: str = key("fair", "fair, changeable, or clear: no cloud", "", choices=("fair", "changeable", "clear"))
    sky: str = key(
        "plain", "how sun and clear sky are worked out: plain numpy, or pvlib", "", choices=("plain", "pvlib")
    )
    history_days: int = key(7, "days before the run that forecasters may learn from", "days", least=0, most=365)


@dataclass(frozen=True, slots=True)
class Batteries:
    """Storage and whose it is."""

    model: str = key(
        "individual", "individual, central, shared or none", "", choices=("individual", "central", "shared", "none")
    )
    share: float = key(
        0.8, "share of homes with a battery (individual) or a part of it (shared)", "share", least=0.0, most=1.0
    )
    capacity_kwh: tuple[float, float] | None = key(
        None,
        "size of a battery or of a part, from and to; by home type, 5 to 20, where absent",
        "kWh",
        least=0.01,
        most=1e6,
    )
    central_kwh_per_home: float = key(5.0, "size of the central battery for each home", "kWh", least=0.0, most=1e6)
    hours: float = key(2.0, "time to fill or empty it at full power", "h", least=0.01, most=1e4)
    round_trip_efficiency: float = key(0.95, "energy out over energy in, both ways", "share", least=0.01, most=1.0)
    soc_min: float = key(0.10, "lowest state of charge", "share of capacity", least=0.0, most=1.0)
    soc_max: float = key(0.95, "highest state of charge", "share of capacity", least=0.0, most=1.0)
    soc_start: float = key(0.5, "state of charge at the start", "share of capacity", least=0.0, most=1.0)


@dataclass(frozen=True, slots=True)
class Prices:
    """What the grid asks and pays; a prices file (`--prices`) takes its place."""

    tariff: str = key("time_of_use", "flat, time_of_use or dynamic", "", choices=("flat", "time_of_use", "dynamic"))
    retail: float = key(
        0.30, "flat retail price, or the mean of the dynamic one", "currency per kWh", least=0.0, most=1e6
    )
    feed_in: float = key(0.08, "feed-in price", "currency per kWh", least=0.0, most=1e6)
    peak: float = key(0.36, "retail price in the peak window", "currency per kWh", least=0.0, most=1e6)
    off_peak: float = key(0.24, "retail price outside of it", "currency per kWh", least=0.0, most=1e6)
    peak_hours: tuple[int, int] = key(
        (16, 21), "first hour of the peak and first hour after it, local", "hour", least=0, most=24
    )
    swing: float = key(0.10, "half the daily swing of the dynamic price", "currency per kWh", least=0.0, most=1e6)
    currency: str = key("EUR", "code to print behind amounts", "")


@dataclass(frozen=True, slots=True)
class Market:
    """How homes trade."""

    mechanism: str = key("three_tier", "clearing rule, see `microgrid market list`", "", plugin="mechanism")
    strategy: str = key("adaptive", "how a home chooses its limit price", "", plugin="strategy")
    orders: str = key(
        "measured", "measured: what a home has or lacks; forecast: what it expects, deviations are settled",
        "", choices=("measured", "forecast"),
    )  # fmt: skip
    least_order_kwh: float = key(0.0, "smallest order; a home with less stays out", "kWh", least=0.0, most=1e6)
    trading_fee: float = key(0.0, "fee on each kWh bought in any market", "currency per kWh", least=0.0, most=1e3)
    parameters: Mapping[str, float] = table("parameters of the clearing rule by name, such as cap_kwh and fee", "")


@dataclass(frozen=True, slots=True)
class Planning:
    """How batteries, cars and heat pumps are run."""

    optimiser: str = key("greedy", "how plans are made", "", plugin="optimiser")
    forecaster: str = key("exact", "how homes forecast load, PV and prices", "", plugin="forecaster")
    horizon_hours: int = key(24, "how far a rolling plan looks ahead", "h", least=1, most=24 * 366)
    replan_hours: int = key(6, "how often a rolling plan is made anew", "h", least=1, most=24 * 366)


@dataclass(frozen=True, slots=True)
class Regulator:
    """An authority that rewards, fines and bans."""

    enabled: bool = key(False, "whether there is one", "")
    bonus: float = key(
        0.02, "for own renewable energy that a home uses itself", "currency per kWh", least=0.0, most=1e3
    )
    penalty: float = key(
        0.02, "for energy bought from the local market instead of peers", "currency per kWh", least=0.0, most=1e3
    )
    ban_steps: tuple[int, int] = key((2, 3), "length of a ban, from and to", "steps", least=1, most=10_000)
    window_steps: int = key(6, "how many steps back market use is counted", "steps", least=1, most=10_000)
    market_limit_kwh: float = key(
        9.0, "bought from the local market within the window that brings a ban", "kWh", least=0.0, most=1e9
    )
    start_balance: float = key(
        5.0, "money of a home at the start, and after each bill", "currency", least=-1e9, most=1e9
    )
    lowest_balance: float = key(0.0, "a balance below brings a ban", "currency", least=-1e9, most=1e9)
    billing_days: int = key(
        1, "days after which homes pay or are paid out and balances begin anew; 0: never", "days", least=0, most=36_500
    )


@dataclass(frozen=True, slots=True)
class Credits:
    """Energy credits that homes pass on among each other and the central supply."""

    enabled: bool = key(False, "whether random transfers take place", "")
    start: float = key(10.0, "credits of each home at the start", "kWh", least=0.0, most=1e9)
    supply: float = key(1_000.0, "credits of the central supply at the start", "kWh", least=0.0, most=1e12)
    transfers_per_step: int = key(5, "random transfers tried in each step", "transfers", least=0, most=100_000)
    most: float = key(4.0, "largest amount of one random transfer", "kWh", least=0.001, most=1e9)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where trades are written down."""

    kind: str = key(
        "none",
        "none, proof_of_work, or evm: the contracts on an in-process chain",
        "",
        choices=("none", "proof_of_work", "evm"),
    )
    miners: int = key(15, "miners that compete for each block", "miners", least=1, most=1_000)
    difficulty: int = key(3, "leading zero digits of a block's hash, hexadecimal", "digits", least=1, most=6)
    block_size: int = key(50, "most transactions in a block", "transactions", least=2, most=100_000)
    reward: float = key(0.1, "for the miner of a block", "coins", least=0.0, most=1e6)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A community, its rules and the time it is watched.

    Attributes:
        name: Short name; the run folder is named after it.
    """

    name: str = key("community", "short name; the run folder is named after it", "")
    description: str = key("", "one sentence for the report", "")
    start: str = key(
        "",
        f"first interval, ISO time on the clock of `timezone`; where absent {DEFAULT_START}, or where the data begin",
        "ISO 8601",
    )
    timezone: str = key("UTC", "clock of the homes", "IANA name")
    steps: int = key(24, "number of intervals", "intervals", least=1, most=400_000)
    step_minutes: int = key(60, "length of an interval", "minutes", choices=STEP_MINUTES)
    carbon_kg_per_kwh: float = key(0.35, "emissions of grid energy", "kg CO2 per kWh", least=0.0, most=10.0)
    homes: Homes = field(default_factory=Homes)
    batteries: Batteries = field(default_factory=Batteries)
    prices: Prices = field(default_factory=Prices)
    market: Market = field(default_factory=Market)
    planning: Planning = field(default_factory=Planning)
    regulator: Regulator = field(default_factory=Regulator)
    credits: Credits = field(default_factory=Credits)
    ledger: Ledger = field(default_factory=Ledger)

    @classmethod
    def from_mapping(cls, document: Mapping[str, Any]) -> Self:
        """A scenario from a parsed TOML file; keys that are absent have their defaults.

        Raises:
            ScenarioError: an unknown key, a value of another kind or out of range; it names the key.
            UnknownNameError: a plug-in that does not exist.
        """
        scenario = read_section(cls, document, "")
        _check_name(scenario.name)
        _check_order("batteries.soc_min", scenario.batteries.soc_min, "batteries.soc_max", scenario.batteries.soc_max)
        return scenario

    def with_settings(self, settings: Mapping[str, str]) -> Self:
        """The scenario with keys such as `market.mechanism` set to values as typed.

        With another clearing rule, parameters of the former that the new one does not have are dropped.

        Raises:
            ScenarioError: as in `from_mapping`.
        """
        document = self.to_mapping()
        mechanism = settings.get(MECHANISM, "").replace("-", "_")
        if mechanism in plugins.names("mechanism") and mechanism != self.market.mechanism:
            known = parameters_of(mechanism)
            document["market"]["parameters"] = {n: v for n, v in self.market.parameters.items() if n in known}
        return type(self).from_mapping(replace_keys(document, settings))

    def checked(self) -> Self:
        """The scenario, read anew: one changed by `dataclasses.replace` keeps to the same rules as a file.

        Raises:
            ScenarioError: as in `from_mapping`.
        """
        return type(self).from_mapping(self.to_mapping())

    def to_mapping(self) -> dict[str, Any]:
        """The scenario as plain values, sections as nested mappings: what its TOML file holds."""
        return _plain(self)


def _plain(section: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for entry in fields(section):
        value = getattr(section, entry.name)
        if hasattr(value, "__dataclass_fields__"):
            values[entry.name] = _plain(value)
        else:
            values[entry.name] = (
                list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value
            )
    return values


def _check_name(name: str) -> None:
    """A run folder is named after it, so that it must not lead to another place."""
    if not name.strip() or name in {".", ".."} or len(name) > LONGEST_NAME or set(name) & set("/\\\0"):
        key = "name"
        raise ScenarioError(key, name, f"a name for a folder: 1 to {LONGEST_NAME} characters, no / and no \\")


def _check_order(low_name: str, low: float, high_name: str, high: float) -> None:
    if low > high:
        raise ScenarioError(low_name, low, f"at most {high_name}, {high:g}")
