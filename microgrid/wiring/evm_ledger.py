"""The trades of a simulated run, settled once more on the contracts: same orders, same meters, same numbers.

Homes sign the orders of the run; `EnergyTrading` clears them on a chain in this process, `DeviceRegistry` takes what
the meters show, and the contracts bill every home. Each price, fill, amount and sum must be the simulator's, integer
for integer. The auction's reference price is the scenario's: the contracts' formula is pinned to it.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from microgrid.assets.profile import Profiles
from microgrid.chain.backend import Backend
from microgrid.chain.client import MarketChain
from microgrid.chain.deployment import MarketConfig
from microgrid.domain.blocks import ContractUse, LedgerHistory
from microgrid.domain.errors import InvariantError, ScenarioError
from microgrid.domain.plugins import load
from microgrid.domain.run import Invariant
from microgrid.domain.units import WH_PER_KWH, micro
from microgrid.sim.results import Results
from microgrid.sim.scenario import Scenario
from microgrid.wiring.evm_replay import Replay
from microgrid.wiring.inputs import DEAREST_FEE, MOST_KW
from microgrid.wiring.market import HEADSTART_S, Market, found_market

KIND = "evm"
INVARIANT = "contract"
MOST_HOMES = 200
GATE_LEAD_S = 60
SETTLEMENT_DEADLINE_INTERVALS = 4


def check_scenario(scenario: Scenario) -> None:
    """Refuse a scenario whose rules the contracts do not have, before anything runs.

    Raises:
        ScenarioError: names the key.
    """
    market, regulated = scenario.market, scenario.regulator.enabled
    batteries, count = scenario.batteries.model, scenario.homes.count
    rules: tuple[tuple[str, Any, bool, str], ...] = (
        ("market.mechanism", market.mechanism, market.mechanism == "tick_auction", "tick_auction, the contracts' rule"),
        ("market.orders", market.orders, market.orders == "measured", "measured"),
        ("market.parameters", dict(market.parameters), not market.parameters, "empty"),
        ("market.trading_fee", market.trading_fee, market.trading_fee <= DEAREST_FEE, f"at most {DEAREST_FEE:g}"),
        ("regulator.enabled", regulated, not regulated, "false"),
        ("batteries.model", batteries, batteries != "central", "another one than central"),
        ("homes.count", count, count <= MOST_HOMES, f"at most {MOST_HOMES}"),
    )
    for key, found, holds, right in rules:
        if not holds:
            raise ScenarioError(key, found, f"{right}, where ledger.kind is {KIND}")


def settle_on_contracts(results: Results) -> Results:
    """Settle a finished run on the contracts, too.

    Args:
        results: A run of a scenario that `check_scenario` lets through.

    Returns:
        The results with the invariant `contract`, and with what the contracts took as their ledger.

    Raises:
        ScenarioError: rules that the contracts do not have, or a meter or order too large for them.
        InvariantError: a number of the contracts is not the simulator's.
    """
    check_scenario(results.scenario)
    backend = load("backend", "eth_tester").connect(None, results.first.start_s - HEADSTART_S)
    try:
        replay = Replay(results, _market(backend, results))
        differences = list(replay.differences())
        history = LedgerHistory(KIND, contracts=_use(replay.chain))
    finally:
        backend.close()
    if differences:
        raise InvariantError(INVARIANT, len(differences), f"between contracts and simulator, first {differences[0]}")
    description = f"differences between {replay.compared} prices, fills, amounts and sums of contracts and simulator"
    return replace(results, ledger=history, invariants=(*results.invariants, Invariant(INVARIANT, 0, description)))


def _market(backend: Backend, results: Results) -> Market:
    energy, first = results.energy, results.first
    config = MarketConfig(
        interval_seconds=first.seconds,
        gate_lead_seconds=GATE_LEAD_S,
        settlement_deadline_seconds=SETTLEMENT_DEADLINE_INTERVALS * first.seconds,
        fee_micro_per_kwh=micro(results.scenario.market.trading_fee),
    )
    profiles = Profiles(results.home_ids, first, energy.import_wh / WH_PER_KWH, energy.export_wh / WH_PER_KWH)
    _check_sizes(profiles, config)
    dearest = int(results.grid.retail_micro.max())
    return found_market(backend, backend.funded_key(), config, profiles, dearest, results.seed)


def _check_sizes(profiles: Profiles, config: MarketConfig) -> None:
    """What a meter and an order can hold."""
    most_kwh = (profiles.import_kwh + profiles.export_kwh).max(axis=0)
    home = int(np.argmax(most_kwh))
    limit_kwh = min(config.max_order_wh / WH_PER_KWH, (MOST_KW - 1) * profiles.first.hours)
    if most_kwh[home] > limit_kwh:
        found = f"{profiles.home_ids[home]} has {most_kwh[home]:g} kWh in an interval"
        key = "ledger.kind"
        raise ScenarioError(key, KIND, f"another one: {found}, and the contracts take {limit_kwh:g} at most")


def _use(chain: MarketChain) -> ContractUse:
    gas, calls = Counter({"deploy": chain.deployment.gas_used}), Counter[str]()
    for use in chain.gas_used:
        gas[use.operation] += use.gas
        calls[use.operation] += 1
    eth = chain.backend.web3.eth
    return ContractUse(
        chain_id=chain.deployment.chain_id,
        blocks=eth.block_number,
        transactions=eth.get_transaction_count(chain.transactor.address),
        gas=dict(gas),
        calls=dict(calls),
        addresses=chain.deployment.addresses,
    )
