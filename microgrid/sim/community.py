"""Made-up homes for a scenario: consumption and generation by home type, batteries, cars, heat pumps, prices."""

import numpy as np

from microgrid.assets.clouds import CHANGEABLE, CLEAR, FAIR
from microgrid.assets.ev import ev_demand
from microgrid.assets.flexible import FlexibleLoads
from microgrid.assets.heat_pump import heat_pump_demand
from microgrid.assets.home_options import HomeOptions
from microgrid.assets.homes import HomeCommunity, build_homes
from microgrid.assets.site import Site
from microgrid.domain.arrays import FloatArray
from microgrid.domain.errors import ScenarioError
from microgrid.sim.inputs import Inputs, Past, bands_of, before, clock, first_interval, fleet, past_steps, price_columns
from microgrid.sim.scenario import Homes, Scenario
from microgrid.sim.streams import stream

CLIMATES = {"fair": FAIR, "changeable": CHANGEABLE, "clear": CLEAR}


def make_inputs(scenario: Scenario, seed: int) -> Inputs:
    """Homes and prices of a scenario, and the days before it that forecasters learn from.

    Raises:
        ScenarioError: a time or a home type that cannot be.
    """
    first, past = first_interval(scenario), past_steps(scenario)
    start, homes = before(first, past), scenario.homes
    built = build_homes(
        homes.count,
        start,
        past + scenario.steps,
        stream(seed, "homes"),
        _options(scenario),
        site=Site(homes.latitude, homes.longitude, homes.altitude_m),
        timezone=clock(scenario),
    )
    flexible, plain = _flexible(scenario, built, past, seed)
    return Inputs(
        home_ids=built.home_ids,
        home_types=built.type_names,
        first=first,
        load_kwh=built.load_kwh[past:],
        pv_kwh=built.pv_kwh[past:],
        bands=bands_of(scenario, first, scenario.steps),
        past=Past(built.load_kwh[:past], built.pv_kwh[:past], price_columns(bands_of(scenario, start, past))),
        batteries=fleet(scenario.batteries, built.battery_kwh),
        flexible=flexible,
        plain_flexible_kwh=plain,
        carbon_kg_per_kwh=np.full(scenario.steps, scenario.carbon_kg_per_kwh),
    )
