"""Agents that trade for the homes, and the meters on their walls."""

import numpy as np

from iot_sim.device import Device
from iot_sim.fleet import SimulatedFleet
from iot_sim.profile import EnergyProfile
from microgrid.domain.plugins import load
from microgrid.domain.run import HomeInfo
from microgrid.pipeline.agents import HomeAgent
from microgrid.wiring.inputs import DemoInputs, DemoRequest
from microgrid.wiring.market import Market, Member

STRATEGY_STREAM, METER_STREAM = 1, 2


def make_agents(request: DemoRequest, inputs: DemoInputs, market: Market) -> list[HomeAgent]:
    """One agent a home, each with a random stream of its own.

    Raises:
        UnknownNameError: no forecaster or strategy of that name.
    """
    forecasters, strategies = load("forecaster", request.forecaster), load("strategy", request.strategy)
    net_wh = inputs.profiles.metered_net_wh()
    return [
        HomeAgent(
            home=_info(member, inputs, number),
            key=member.key,
            net_wh=net_wh[:, number],
            history_wh=inputs.history_wh[:, number],
            forecaster=forecasters.build(inputs.profiles.first.seconds),
            strategy=strategies.build(np.random.default_rng([request.seed, STRATEGY_STREAM, number])),
        )
        for number, member in enumerate(market.members)
    ]


def _info(member: Member, inputs: DemoInputs, number: int) -> HomeInfo:
    feeds_in = bool(inputs.profiles.export_kwh[:, number].any())
    generates = inputs.profiles.pv_kwh is not None and bool(inputs.profiles.pv_kwh[:, number].any())
    return HomeInfo(member.home_id, member.key.address, member.member_id, member.meter, feeds_in or generates)


def make_fleet(
    site: str, request: DemoRequest, inputs: DemoInputs, market: Market, broker_url: str, oracle: str
) -> SimulatedFleet:
    """A smart meter a home, fed by its profile, all on one event loop.

    Raises:
        UnreachableError: the broker does not answer.
    """
    meters = load("device type", "smart_meter")
    profiles = inputs.profiles
    devices = [
        Device(
            member.meter,
            member.meter_key,
            meters.create(
                EnergyProfile(
                    profiles.first.start_s,
                    profiles.first.seconds,
                    profiles.import_kwh[:, number],
                    profiles.export_kwh[:, number],
                ),
                np.random.default_rng([request.seed, METER_STREAM, number]),
            ),
            site=site,
            domain=market.chain.reading_domain,
            oracle=oracle,
        )
        for number, member in enumerate(market.members)
    ]
    return SimulatedFleet(devices, broker_url)
