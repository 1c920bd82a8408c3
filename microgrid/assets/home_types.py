"""Ten types of home: how many there are, how much they use and when, and what they own.

| type          | share | base kWh/h  | panels kW       | battery kWh   | EV   | heat pump |
|---------------|-------|-------------|-----------------|---------------|------|-----------|
| single        | 12 %  | 0.35 - 0.65 | none            | 65 %:  5 -  7 | 10 % |  0 %      |
| student_flat  |  6 %  | 0.35 - 0.60 | none            | 40 %:  5 -  6 |  0 % |  0 %      |
| couple        | 18 %  | 0.50 - 0.90 | 50 %: 2.5 - 3.5 | 80 %:  5 - 10 | 25 % | 15 %      |
| young_family  | 14 %  | 0.65 - 1.10 | 50 %: 2.5 - 3.5 | 80 %:  6 - 12 | 30 % | 15 %      |
| family        | 18 %  | 0.80 - 1.30 | 60 %: 2.5 - 4.5 | 85 %:  8 - 14 | 35 % | 20 %      |
| large_family  |  6 %  | 1.00 - 1.50 | 60 %: 3.5 - 5.5 | 90 %: 10 - 18 | 40 % | 20 %      |
| retired       | 14 %  | 0.45 - 0.85 | 50 %: 2.5 - 3.0 | 80 %:  5 - 10 | 10 % | 15 %      |
| home_office   |  6 %  | 0.60 - 1.10 | 70 %: 2.5 - 4.5 | 90 %:  6 - 12 | 30 % | 25 %      |
| electric_home |  4 %  | 0.70 - 1.20 | all: 4.0 - 7.0  | all:  10 - 20 | all  | all       |
| farmhouse     |  2 %  | 1.00 - 1.50 | all: 5.0 - 7.0  | all:  12 - 20 | 50 % | 50 %      |

The base is the consumption of a home's busiest hour on a mean working day; the shape says what part of it another hour
has. Electric cars and heat pumps are not in it. The table is made up, not measured; its sizes and shares are those of a
common simulation benchmark (0.35…1.50 kWh an hour, panels of 2.5…7 kW, batteries of 5…20 kWh in four homes of five).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import HOURS_PER_DAY

QUARTERS_PER_DAY: Final = 96
MORNING_WIDTH_H, MIDDAY_WIDTH_H, EVENING_WIDTH_H = 1.1, 2.5, 1.8
MIDDAY_HOUR = 13.0

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DailyShape:
    """Consumption over the day, relative to the busiest time of a working day.

    s(h) = night + morning g(h - morning_hour, 1.1) + midday g(h - 13, 2.5) + evening g(h - evening_hour, 1.8), divided
    by its largest value, with g(d, w) = exp(-d² / (2 w²)) and d the distance on the clock. On Saturdays and Sundays
    `weekend_midday` takes the place of `midday`.
    """

    night: float
    morning: float
    midday: float
    evening: float
    weekend_midday: float
    morning_hour: float = 7.5
    evening_hour: float = 19.5

    def quarters(self) -> FloatArray:
        """The shape at the middle of each quarter of an hour, shape (2, 96): working days, weekends."""
        hours = (np.arange(QUARTERS_PER_DAY) + 0.5) * HOURS_PER_DAY / QUARTERS_PER_DAY
        peaks = self.morning * _bump(hours, self.morning_hour, MORNING_WIDTH_H)
        peaks += self.evening * _bump(hours, self.evening_hour, EVENING_WIDTH_H)
        noon = _bump(hours, MIDDAY_HOUR, MIDDAY_WIDTH_H)
        days = np.stack([self.night + peaks + level * noon for level in (self.midday, self.weekend_midday)])
        shape: FloatArray = days / days[0].max()
        return shape


def _bump(hours: FloatArray, centre: float, width_h: float) -> FloatArray:
    half_day = HOURS_PER_DAY / 2
    distance = (hours - centre + half_day) % HOURS_PER_DAY - half_day
    bump: FloatArray = np.exp(-(distance**2) / (2 * width_h**2))
    return bump


@dataclass(frozen=True, slots=True)
class HomeType:
    """One row of the table.

    Attributes:
        name: What people call it.
        share: Of all homes.
        base_kwh_per_hour: Consumption in the busiest hour of a mean working day, from the smallest to the largest home.
        shape: Its hours.
        pv_share: Part of these homes that have panels; 0 for consumers.
        pv_kw: Size of the panels.
        battery_share: Part that own a battery.
        battery_kwh: Size of the battery.
        ev_share: Part that charge a car at home.
        heat_pump_share: Part that heat with a heat pump.
    """

    name: str
    share: float
    base_kwh_per_hour: Range
    shape: DailyShape
    pv_share: float
    pv_kw: Range
    battery_share: float
    battery_kwh: Range
    ev_share: float
    heat_pump_share: float


NO_PANELS: Final = (0.0, 0.0)
COMMUTING = DailyShape(night=0.09, morning=0.45, midday=0.10, evening=0.80, weekend_midday=0.20)
LATE = DailyShape(0.11, 0.25, 0.15, 0.75, 0.20, morning_hour=9.0, evening_hour=21.0)
SCHOOL = DailyShape(night=0.09, morning=0.50, midday=0.15, evening=0.80, weekend_midday=0.26, morning_hour=7.0)
AT_HOME = DailyShape(0.11, 0.40, 0.34, 0.65, 0.36, morning_hour=8.5, evening_hour=18.5)
AT_DESK = DailyShape(night=0.11, morning=0.40, midday=0.38, evening=0.65, weekend_midday=0.32, morning_hour=8.0)
FARM = DailyShape(0.14, 0.60, 0.30, 0.60, 0.30, morning_hour=6.0, evening_hour=18.0)

HOME_TYPES: Final = (
    HomeType("single", 0.12, (0.35, 0.65), COMMUTING, 0.0, NO_PANELS, 0.65, (5.0, 7.0), 0.10, 0.0),
    HomeType("student_flat", 0.06, (0.35, 0.60), LATE, 0.0, NO_PANELS, 0.40, (5.0, 6.0), 0.0, 0.0),
    HomeType("couple", 0.18, (0.50, 0.90), COMMUTING, 0.50, (2.5, 3.5), 0.80, (5.0, 10.0), 0.25, 0.15),
    HomeType("young_family", 0.14, (0.65, 1.10), AT_HOME, 0.50, (2.5, 3.5), 0.80, (6.0, 12.0), 0.30, 0.15),
    HomeType("family", 0.18, (0.80, 1.30), SCHOOL, 0.60, (2.5, 4.5), 0.85, (8.0, 14.0), 0.35, 0.20),
    HomeType("large_family", 0.06, (1.00, 1.50), SCHOOL, 0.60, (3.5, 5.5), 0.90, (10.0, 18.0), 0.40, 0.20),
    HomeType("retired", 0.14, (0.45, 0.85), AT_HOME, 0.50, (2.5, 3.0), 0.80, (5.0, 10.0), 0.10, 0.15),
    HomeType("home_office", 0.06, (0.60, 1.10), AT_DESK, 0.70, (2.5, 4.5), 0.90, (6.0, 12.0), 0.30, 0.25),
    HomeType("electric_home", 0.04, (0.70, 1.20), AT_DESK, 1.0, (4.0, 7.0), 1.0, (10.0, 20.0), 1.0, 1.0),
    HomeType("farmhouse", 0.02, (1.00, 1.50), FARM, 1.0, (5.0, 7.0), 1.0, (12.0, 20.0), 0.50, 0.50),
)
