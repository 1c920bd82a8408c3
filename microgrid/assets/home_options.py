"""What a simulated community is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from microgrid.assets.clouds import FAIR, Climate
from microgrid.assets.home_types import HOME_TYPES, Range
from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import CommunityError, UnknownNameError

SHARES: Final = ("pv_share", "battery_share", "ev_share", "heat_pump_share")
RANGES: Final = ("base_kwh_per_hour", "pv_kw", "battery_kwh")
SKIES: Final = ("plain", "pvlib")


@dataclass(frozen=True, slots=True)
class HomeOptions:
    """What a community is made of; None leaves a value to the home types.

    Attributes:
        mix: Weight of each home type by name; types that are not named do not occur.
        base_kwh_per_hour: Range of the base consumption of all homes.
        pv_share: Share of homes with panels.
        pv_kw: Range of the panels' size.
        battery_share: Share of homes with a battery.
        battery_kwh: Range of the batteries' size.
        ev_share: Share of homes with an electric car.
        heat_pump_share: Share of homes with a heat pump.
        climate: How cloudy it is.
        mean_air_c: Mean temperature of the air.
        sky: `plain` works the sun and the clear sky out in numpy, `pvlib` asks pvlib, which takes a second to load.

    Raises:
        CommunityError: a share outside 0…1, a range that is none, a mix that sums to nothing.
        UnknownNameError: no home type of that name.
    """

    mix: Mapping[str, float] | None = None
    base_kwh_per_hour: Range | None = None
    pv_share: float | None = None
    pv_kw: Range | None = None
    battery_share: float | None = None
    battery_kwh: Range | None = None
    ev_share: float | None = None
    heat_pump_share: float | None = None
    climate: Climate = FAIR
    mean_air_c: float = 18.0
    sky: Literal["plain", "pvlib"] = "plain"

    def __post_init__(self) -> None:
        for name in SHARES:
            share = getattr(self, name)
            if share is not None and not 0.0 <= share <= 1.0:
                raise CommunityError(what=name, found=share, right="from 0 to 1")
        for name in RANGES:
            limits = getattr(self, name)
            if limits is not None and not 0.0 < limits[0] <= limits[1]:
                raise CommunityError(what=name, found=limits, right="two numbers above 0, the smaller one first")
        if self.sky not in SKIES:
            raise UnknownNameError(kind="sky", name=self.sky, known=SKIES)
        self.type_weights()

    def type_weights(self) -> FloatArray:
        """Weight of each home type, shape (10,).

        Raises:
            UnknownNameError: the mix names a type that is not there.
            CommunityError: a weight below zero, or none above it.
        """
        if self.mix is None:
            return np.array([kind.share for kind in HOME_TYPES])
        names = [kind.name for kind in HOME_TYPES]
        for name, weight in self.mix.items():
            if name not in names:
                raise UnknownNameError(kind="home type", name=name, known=names)
            if not weight >= 0.0:
                raise CommunityError(what=f"the weight of {name} in the mix", found=weight, right="0 or more")
        if not sum(self.mix.values()):
            raise CommunityError(what="the mix of home types", found="empty", right="weights of which one is above 0")
        return np.array([self.mix.get(name, 0.0) for name in names])
