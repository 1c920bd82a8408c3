"""Contracts on a chain, homes and meters registered, money paid in: a market that is ready to open."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from microgrid.assets.profile import Profiles
from microgrid.chain.backend import Backend
from microgrid.chain.client import MarketChain
from microgrid.chain.deployment import MarketConfig, Parties, deploy
from microgrid.config import Settings
from microgrid.domain.plugins import load
from microgrid.domain.records import DeviceClass
from microgrid.domain.units import MICRO_PER_UNIT, ceil_micro, wh
from microgrid.domain.wire import SigningKey, keccak256
from microgrid.wiring.inputs import DemoInputs

LEAST_RATED_POWER_W = 25_000
HEADSTART_S = 7_200
MOST_UNSETTLED = 24
"""Intervals that wait for readings at most: the contracts keep 31 of them, and a pause may last 24."""
GRID = "grid"
FLOAT_MICRO = 10 * MICRO_PER_UNIT
LONGEST_NAME = 40


@dataclass(frozen=True)
class Member:
    """A home in the contracts."""

    home_id: str
    key: SigningKey
    meter: str
    meter_key: SigningKey
    member_id: int


@dataclass(frozen=True)
class Market:
    """What the pipeline and the fleet need to know of it.

    Attributes:
        deposits_micro: Money paid in by account, `grid` for the supplier; nothing yet for `fees` and `dust`.
    """

    chain: MarketChain
    members: tuple[Member, ...]
    deposits_micro: Mapping[str, int]
    settlement_deadline_s: int


def seeded_key(seed: int, *words: str) -> SigningKey:
    """A key for a run that must come out the same again; worth nothing outside of it."""
    return SigningKey(keccak256(f"microgrid run {seed} {' '.join(words)}".encode()))


def meter_name(home_id: str, member_id: int) -> str:
    """The meter's name; a home id that cannot stand in an MQTT topic (`flat 4/2`), or is long, gives part of it."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", home_id)[:LONGEST_NAME]
    # No plain id holds a tilde, so that two homes never share a name.
    return f"meter-{plain}" if plain == home_id else f"meter~{member_id}-{plain}"


@contextmanager
def open_market(settings: Settings, inputs: DemoInputs, *, seed: int, fee_micro_per_kwh: int) -> Iterator[Market]:
    """Connect, deploy, register and fund; the chain is let go at the end.

    Raises:
        BadInputError: the backend is unknown, missing or unreachable.
        ChainError: a transaction failed.
    """
    profiles = inputs.profiles
    connect = load("backend", settings.backend).connect
    backend = connect(_target(settings), profiles.first.start_s - HEADSTART_S)
    try:
        operator = _operator(settings) or backend.funded_key()
        seconds = profiles.first.seconds
        deadline_s = min(MarketConfig().settlement_deadline_seconds, MOST_UNSETTLED * seconds)
        config = MarketConfig(
            interval_seconds=seconds, settlement_deadline_seconds=deadline_s, fee_micro_per_kwh=fee_micro_per_kwh
        )
        yield found_market(backend, operator, config, profiles, max(band.retail for band in inputs.bands), seed)
    finally:
        backend.close()


def found_market(
    backend: Backend, operator: SigningKey, config: MarketConfig, profiles: Profiles, dearest: int, seed: int
) -> Market:
    """Deploy, register and fund.

    Args:
        backend: A chain.
        operator: Who deploys and then runs the market; has gas money.
        config: Rules of the market.
        profiles: The homes and what their meters will show.
        dearest: Highest retail price of the run, micro per kWh.
        seed: Source of all keys but the operator's.

    Raises:
        ChainError: a transaction failed.
    """
    grid, treasury = (seeded_key(seed, role).address for role in ("grid", "treasury"))
    parties = Parties.one(operator.address, backstop=grid, treasury=treasury)
    deployment = deploy(backend.web3, operator.secret, config, parties)
    chain = MarketChain(backend, deployment, operator)
    rated = _rated_power_w(profiles)
    members = tuple(_register(chain, seed, home, power) for home, power in zip(profiles.home_ids, rated, strict=True))
    deposits = _fund(chain, members, profiles, dearest)
    return Market(chain, members, deposits, config.settlement_deadline_seconds)


def _target(settings: Settings) -> str | None:
    """What the backend's `connect` takes: a URL for a node, a path for a program."""
    if settings.backend.replace("-", "_") == "rpc":
        return settings.rpc_url
    return str(settings.anvil) if settings.backend == "anvil" and settings.anvil else None


def _operator(settings: Settings) -> SigningKey | None:
    if settings.operator_key is None:
        return None
    return SigningKey.from_hex(settings.operator_key.get_secret_value(), "setting MICROGRID_OPERATOR_KEY")


def _rated_power_w(profiles: Profiles) -> list[int]:
    """Rating of each meter: a common household connection, or what the home's own peak needs."""
    peak_kwh = (profiles.import_kwh + profiles.export_kwh).max(axis=0)
    return [max(LEAST_RATED_POWER_W, wh(float(peak) / profiles.first.hours) + 1) for peak in peak_kwh]


def _register(chain: MarketChain, seed: int, home_id: str, rated_power_w: int) -> Member:
    key, meter_key = seeded_key(seed, "home", home_id), seeded_key(seed, "meter", home_id)
    member_id = chain.register_home(key.address)
    meter = meter_name(home_id, member_id)
    chain.register_device(meter, key.address, meter_key.address, DeviceClass.SMART_METER, rated_power_w, 0)
    return Member(home_id, key, meter, meter_key, member_id)


def _fund(chain: MarketChain, members: tuple[Member, ...], profiles: Profiles, dearest: int) -> dict[str, int]:
    """Each home pays in twice its dearest bill without a market and a float; the grid what it may have to pay out."""
    energy = profiles.import_kwh + profiles.export_kwh
    worst = [ceil_micro(wh(total) * dearest) for total in energy.sum(axis=0)]
    deposits = {
        member.key.address: 2 * micro_amount + FLOAT_MICRO for member, micro_amount in zip(members, worst, strict=True)
    }
    deposits[GRID] = sum(worst) + FLOAT_MICRO
    for account, amount_micro in deposits.items():
        chain.deposit(chain.grid_account if account == GRID else account, amount_micro)
    return deposits
