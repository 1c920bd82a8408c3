"""Made-up homes for a scenario: consumption and generation by home type, batteries, cars, heat pumps, prices."""

import numpy as np

from microgrid.assets.clouds import CHANGEABLE, FAIR, Climate
from microgrid.assets.ev import ev_demand
from microgrid.assets.flexible import FlexibleLoads
from microgrid.assets.heat_pump import heat_pump_demand
from microgrid.assets.home_options import HomeOptions
from microgrid.assets.homes import HomeCommunity, build_homes
from microgrid.assets.site import Site
from microgrid.domain.arrays import FloatArray
from microgrid.domain.intervals import Interval
from microgrid.sim.inputs import Inputs, Past, bands_of, before, clock, first_interval, fleet, past_steps, price_columns
from microgrid.sim.scenario import Scenario
from microgrid.sim.streams import stream

CLEAR = Climate(mean=30.0, weather_sd=0.0, clouds_sd=0.0)
CLIMATES = {"fair": FAIR, "changeable": CHANGEABLE, "clear": CLEAR}


def make_inputs(scenario: Scenario, seed: int) -> Inputs:
    """Homes and prices of a scenario, and the days before it that forecasters learn from.

    Raises:
        ScenarioError: a time that cannot be.
        CommunityError: homes that cannot be.
        UnknownNameError: no such home type.
    """
    first, past = first_interval(scenario), past_steps(scenario)
    built = _build(scenario, first, scenario.steps, seed, "run")
    start = before(first, past)
    earlier = _build(scenario, start, past, seed, "past") if past else None
    flexible, plain = _flexible(scenario, built, seed)
    nothing = np.zeros((0, len(built.home_ids)))
    return Inputs(
        home_ids=built.home_ids,
        home_types=built.type_names,
        first=first,
        load_kwh=built.load_kwh,
        pv_kwh=built.pv_kwh,
        bands=bands_of(scenario, first, scenario.steps),
        past=Past(
            earlier.load_kwh if earlier else nothing,
            earlier.pv_kwh if earlier else nothing,
            price_columns(bands_of(scenario, start, past)),
        ),
        batteries=fleet(scenario.batteries, built.battery_kwh),
        flexible=flexible,
        plain_flexible_kwh=plain,
        carbon_kg_per_kwh=np.full(scenario.steps, scenario.carbon_kg_per_kwh),
    )


def _build(scenario: Scenario, first: Interval, steps: int, seed: int, period: str) -> HomeCommunity:
    """The same homes in every period, each with chances of its own."""
    homes, batteries = scenario.homes, scenario.batteries
    options = HomeOptions(
        mix=homes.mix or None,
        base_kwh_per_hour=homes.base_kwh_per_hour,
        pv_share=homes.pv_share,
        pv_kw=homes.pv_kw,
        battery_share=batteries.share,
        battery_kwh=batteries.capacity_kwh,
        ev_share=homes.ev_share,
        heat_pump_share=homes.heat_pump_share,
        climate=CLIMATES[homes.climate],
        mean_air_c=homes.mean_air_c,
        sky="pvlib" if homes.sky == "pvlib" else "plain",
    )
    return build_homes(
        homes.count,
        first,
        steps,
        stream(seed, "homes"),
        options,
        site=Site(homes.latitude, homes.longitude, homes.altitude_m),
        timezone=clock(scenario),
        days=stream(seed, period),
    )


def _flexible(scenario: Scenario, built: HomeCommunity, seed: int) -> tuple[FlexibleLoads, FloatArray]:
    """Cars and heat pumps, and what these take if they run at once, kWh, shape (T, F)."""
    steps, zone = len(built.load_kwh), clock(scenario)
    cars = ev_demand(built.ev_charger_kw, built.ev_km_per_day, built.first, steps, stream(seed, "cars"), timezone=zone)
    pumps = heat_pump_demand(built.heat_loss_kw_per_k, built.air_c, built.first)
    both = [np.concatenate([getattr(cars, name), getattr(pumps, name)], axis=-1) for name in COLUMNS]
    home, lower, upper, power, plain = both
    return FlexibleLoads(home, lower, upper, power), plain


COLUMNS = ("home", "lower_kwh", "upper_kwh", "power_kw", "uncontrolled_kwh")
