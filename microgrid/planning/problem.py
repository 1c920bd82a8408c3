"""What a plan is made for: loads, PV, prices, batteries, loads that can wait, and the limits of the wires."""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from microgrid.assets.battery import BatteryFleet
from microgrid.assets.flexible import FlexibleLoads
from microgrid.domain.arrays import BoolArray, FloatArray, IntArray, frozen_floats
from microgrid.domain.errors import PlanError

Metering = Literal["separate", "shared"]
PRICE_TOLERANCE = 1e-12


@dataclass(frozen=True, eq=False, slots=True)
class Problem:
    """T intervals of N homes.

    Attributes:
        dt_hours: Length of an interval.
        load_kwh: Energy that the homes use in any case, shape (T, N).
        pv_kwh: Energy that the panels give, shape (T, N).
        import_price: Price of energy from the grid, currency per kWh, shape (T,), or (T, N) where homes are metered
            separately and pay different prices; kept as (T, 1) or (T, N).
        export_price: Price of energy to the grid; never above the import price, or money could be made by sending
            energy in a circle.
        batteries: The batteries.
        flexible: Loads that can wait.
        metering: "separate" where each home has its own meter, "shared" where all are netted on one.
        pv_curtailable: Whether PV may be left unused.
        grid_resale: Whether a battery may sell what it bought (see `optimisers/_resale.py`).
        cycle_cost_per_kwh: Wear of a battery for each kWh charged and each kWh discharged.
        home_import_limit_kw: Largest power that each home takes, shape (N,); infinite where there is no limit.
        home_export_limit_kw: Largest power that each home gives, shape (N,).
        community_import_limit_kw: Largest power that all homes together take.
        community_export_limit_kw: Largest power that all homes together give.
        solar0_kwh: Energy in each battery at the start that may be sold without grid resale, shape (B,); all of it
            where not given.

    Raises:
        PlanError: an array of a wrong shape, a value that is no number, a negative load, an export price above the
            import price; the message names interval and home.
    """

    dt_hours: float
    load_kwh: FloatArray
    pv_kwh: FloatArray
    import_price: FloatArray
    export_price: FloatArray
    batteries: BatteryFleet = field(default_factory=BatteryFleet.none)
    flexible: FlexibleLoads = field(default_factory=FlexibleLoads.none)
    metering: Metering = "separate"
    pv_curtailable: bool = False
    grid_resale: bool = True
    cycle_cost_per_kwh: float = 0.0
    home_import_limit_kw: FloatArray | float = np.inf
    home_export_limit_kw: FloatArray | float = np.inf
    community_import_limit_kw: float = np.inf
    community_export_limit_kw: float = np.inf
    solar0_kwh: FloatArray | None = None

    def __post_init__(self) -> None:
        for name in ("load_kwh", "pv_kwh", "import_price", "export_price"):
            object.__setattr__(self, name, frozen_floats(getattr(self, name)))
        _check_shapes(self)
        for name in ("import_price", "export_price"):
            prices = getattr(self, name)
            object.__setattr__(self, name, prices[:, None] if prices.ndim == 1 else prices)
        for name in ("home_import_limit_kw", "home_export_limit_kw"):
            limit = np.asarray(getattr(self, name), dtype=np.float64)
            object.__setattr__(self, name, np.broadcast_to(limit, (self.homes,)))
        if self.solar0_kwh is not None:
            object.__setattr__(self, "solar0_kwh", frozen_floats(self.solar0_kwh))
            _check_solar(self)
        _check_values(self)

    @property
    def intervals(self) -> int:
        """T."""
        return len(self.load_kwh)

    @property
    def homes(self) -> int:
        """N."""
        return int(self.load_kwh.shape[1])

    @property
    def meters(self) -> int:
        """M: as many as homes, or one where they share it."""
        return 1 if self.metering == "shared" else self.homes

    @property
    def meter_of_home(self) -> IntArray:
        """Index of each home's meter, shape (N,)."""
        return np.zeros(self.homes, np.int64) if self.metering == "shared" else np.arange(self.homes)

    @property
    def home_limits_kwh(self) -> tuple[FloatArray, FloatArray]:
        """Most energy that each home takes and gives in an interval, two arrays of shape (N,)."""
        dt = self.dt_hours
        return np.asarray(self.home_import_limit_kw) * dt, np.asarray(self.home_export_limit_kw) * dt

    @property
    def community_limits_kwh(self) -> tuple[float, float]:
        """Most energy that all homes together take and give in an interval."""
        return self.community_import_limit_kw * self.dt_hours, self.community_export_limit_kw * self.dt_hours

    @property
    def solar_at_start_kwh(self) -> FloatArray:
        """Energy in each battery at the start that counts as solar, shape (B,)."""
        return self.batteries.soc0_kwh if self.solar0_kwh is None else self.solar0_kwh

    @property
    def has_community_limit(self) -> bool:
        """Whether a limit ties the homes together."""
        return bool(np.isfinite(self.community_limits_kwh).any())

    @property
    def has_home_limit(self) -> bool:
        """Whether a home's own connection is limited."""
        return bool(np.isfinite(np.concatenate(self.home_limits_kwh)).any())

    @property
    def prices(self) -> tuple[FloatArray, FloatArray]:
        """Import and export price at each meter, two arrays of shape (T, M)."""
        shape = (self.intervals, self.meters)
        return np.broadcast_to(self.import_price, shape), np.broadcast_to(self.export_price, shape)

    @property
    def net_kwh(self) -> FloatArray:
        """Load minus PV of each meter, shape (T, M)."""
        return self.by_meter(self.load_kwh - self.pv_kwh)

    def by_meter(self, by_home: FloatArray) -> FloatArray:
        """Sums of an array (T, N) over the homes of each meter, shape (T, M)."""
        return by_home.sum(axis=1, keepdims=True) if self.metering == "shared" else by_home

    def of_home(self, home: int) -> "Problem":
        """One separately metered home alone, without the community's limits."""
        column = slice(home, home + 1)
        mine, flexible = self.batteries.home == home, self.flexible.home == home
        here = np.zeros(int(mine.sum()), np.int64), np.zeros(int(flexible.sum()), np.int64)
        return replace(
            self,
            load_kwh=self.load_kwh[:, column],
            pv_kwh=self.pv_kwh[:, column],
            import_price=self.prices[0][:, column],
            export_price=self.prices[1][:, column],
            batteries=self.batteries.select(mine, here[0]),
            solar0_kwh=None if self.solar0_kwh is None else self.solar0_kwh[mine],
            flexible=self.flexible.select(flexible, here[1]) if self.flexible.count else self.flexible,
            home_import_limit_kw=np.asarray(self.home_import_limit_kw)[column],
            home_export_limit_kw=np.asarray(self.home_export_limit_kw)[column],
            community_import_limit_kw=np.inf,
            community_export_limit_kw=np.inf,
        )

    def window(
        self,
        start: int,
        stop: int,
        soc_kwh: FloatArray,
        flexed_kwh: FloatArray,
        solar_kwh: FloatArray | None = None,
    ) -> "Problem":
        """The intervals start…stop - 1, from a state in between, so that what comes later stays possible.

        Args:
            start: First interval.
            stop: The one after the last.
            soc_kwh: State of charge of the batteries before `start`, shape (B,).
            flexed_kwh: Energy that loads that can wait have taken before `start`, shape (F,).
            solar_kwh: Energy in the batteries that they may sell, shape (B,); all of it where not given.
        """
        rows, fleet, dt = slice(start, stop), self.batteries, self.dt_hours
        final = np.maximum(fleet.floor_kwh(self.intervals - stop, dt), fleet.soc_min_kwh)
        return replace(
            self,
            load_kwh=self.load_kwh[rows],
            pv_kwh=self.pv_kwh[rows],
            import_price=self.import_price[rows],
            export_price=self.export_price[rows],
            batteries=fleet.starting_at(soc_kwh, final),
            solar0_kwh=solar_kwh,
            flexible=self.flexible.window(start, stop, flexed_kwh, dt),
        )

    def expecting(
        self,
        load_kwh: FloatArray,
        pv_kwh: FloatArray,
        import_price: FloatArray | None = None,
        export_price: FloatArray | None = None,
    ) -> "Problem":
        """The same problem with other load and PV, shape (T, N), and other prices where given."""
        return replace(
            self,
            load_kwh=load_kwh,
            pv_kwh=pv_kwh,
            import_price=self.import_price if import_price is None else import_price,
            export_price=self.export_price if export_price is None else export_price,
        )

    def on_one_meter(self) -> "Problem":
        """All homes netted on one meter that buys at the lowest and sells at the highest price among them."""
        return replace(
            self,
            metering="shared",
            import_price=self.import_price.min(axis=1),
            export_price=self.export_price.max(axis=1),
        )

    def without_batteries(self) -> "Problem":
        """The same homes with no battery."""
        return replace(self, batteries=BatteryFleet.none(), solar0_kwh=None)


def _check_shapes(problem: Problem) -> None:
    shape = problem.load_kwh.shape
    if problem.load_kwh.ndim != 2 or not problem.load_kwh.size:  # noqa: PLR2004 - intervals and homes
        raise PlanError(
            what="load_kwh", found=f"of shape {shape}", right="of shape (intervals, homes) with at least one of each"
        )
    if problem.pv_kwh.shape != shape:
        raise PlanError(
            what="pv_kwh", found=f"of shape {problem.pv_kwh.shape}", right=f"of the shape of load_kwh, {shape}"
        )
    if problem.metering not in {"separate", "shared"}:
        raise PlanError(what="metering", found=repr(problem.metering), right='"separate" or "shared"')
    fitting = {(shape[0],), (shape[0], 1), (shape[0], problem.meters)}
    for name in ("import_price", "export_price"):
        if getattr(problem, name).shape not in fitting:
            right = f"of shape {' or '.join(str(one) for one in sorted(fitting))}"
            raise PlanError(what=name, found=f"of shape {getattr(problem, name).shape}", right=right)
    if problem.flexible.count and len(problem.flexible.lower_kwh) != shape[0]:
        raise PlanError(
            what="flexible", found=f"for {len(problem.flexible.lower_kwh)} intervals", right=f"for {shape[0]}"
        )


def _check_values(problem: Problem) -> None:
    if not (problem.dt_hours > 0 and np.isfinite(problem.dt_hours)):
        raise PlanError(what="dt_hours", found=problem.dt_hours, right="above zero")
    if not (problem.cycle_cost_per_kwh >= 0 and np.isfinite(problem.cycle_cost_per_kwh)):
        raise PlanError(what="cycle_cost_per_kwh", found=problem.cycle_cost_per_kwh, right="0 or more")
    for name in ("load_kwh", "pv_kwh"):
        energy = getattr(problem, name)
        _check_everywhere(name, "home", energy, valid=np.isfinite(energy) & (energy >= 0), right="0 or more")
    for name in ("import_price", "export_price"):
        prices = getattr(problem, name)
        _check_everywhere(name, "meter", prices, valid=np.isfinite(prices), right="a number")
    bought, sold = problem.prices
    right = "at most the import price, or energy sent in a circle would earn money"
    _check_everywhere("export_price", "meter", sold, valid=sold <= bought + PRICE_TOLERANCE, right=right)
    for name in ("home_import_limit_kw", "home_export_limit_kw"):
        limits = np.asarray(getattr(problem, name))[None, :]
        _check_everywhere(name, "home", limits, valid=limits >= 0, right="0 or more")
    for name in ("community_import_limit_kw", "community_export_limit_kw"):
        if not getattr(problem, name) >= 0:
            raise PlanError(what=name, found=getattr(problem, name), right="0 or more")
    for name, homes in (("battery", problem.batteries.home), ("flexible load", problem.flexible.home)):
        if homes.size and not (homes.min() >= 0 and homes.max() < problem.homes):
            raise PlanError(
                what=f"home of a {name}", found=homes.max(), right=f"one of the {problem.homes} homes, counted from 0"
            )


def _check_solar(problem: Problem) -> None:
    solar = problem.solar_at_start_kwh
    if solar.shape != (problem.batteries.count,):
        right = f"one number for each of the {problem.batteries.count} batteries"
        raise PlanError(what="solar0_kwh", found=f"of shape {solar.shape}", right=right)
    _check_everywhere("solar0_kwh", "battery", solar[None], valid=solar[None] >= 0, right="0 or more")


def _check_everywhere(name: str, column: str, values: FloatArray, *, valid: BoolArray, right: str) -> None:
    if not valid.all():
        time, place = (int(index) for index in np.argwhere(~valid)[0])
        raise PlanError(
            what=f"{name} in interval {time} of {column} {place}", found=f"{values[time, place]:g}", right=right
        )
