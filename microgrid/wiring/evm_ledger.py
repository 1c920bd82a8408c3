"""The trades of a simulated run, settled once more on the contracts: same orders, same meters, same numbers.

Homes sign the orders of the run; `EnergyTrading` clears them on a chain in this process, `DeviceRegistry` takes what
the meters show, and the contracts bill every home. Each price, fill, amount and sum must be the simulator's, integer
for integer. The auction's reference price is the scenario's: the contracts' formula is pinned to it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np

from microgrid.assets.profile import Profiles
from microgrid.chain.backend import Backend
from microgrid.chain.client import MAX_READINGS, MarketChain
from microgrid.chain.deployment import MarketConfig
from microgrid.domain.arrays import IntArray
from microgrid.domain.blocks import ContractUse, LedgerHistory
from microgrid.domain.errors import InvariantError, ScenarioError
from microgrid.domain.intervals import SECONDS_PER_HOUR, Interval, interval_range
from microgrid.domain.plugins import load
from microgrid.domain.records import (
    AuctionResult,
    Order,
    OrderResult,
    PriceBand,
    Reading,
    ReadingResult,
    Settlement,
    Side,
    SignedOrder,
    order_nonce,
)
from microgrid.domain.run import Invariant
from microgrid.domain.units import WH_PER_KWH, micro
from microgrid.domain.wire import PAYLOAD_VERSION, Payload, decode_reading, encode_reading, sign_order
from microgrid.sim.results import Results
from microgrid.sim.scenario import Scenario
from microgrid.wiring.inputs import DEAREST_FEE, MOST_KW
from microgrid.wiring.market import HEADSTART_S, Market, Member, found_market

KIND = "evm"
INVARIANT = "contract"
MOST_HOMES = 200
GATE_LEAD_S, ORDER_LEAD_S = 60, 180
SETTLEMENT_DEADLINE_INTERVALS = 4
VOLTAGE_MV = 230_000
WATTS_PER_KW = 1_000


def check_scenario(scenario: Scenario) -> None:
    """Refuse a scenario whose rules the contracts do not have, before anything runs.

    Raises:
        ScenarioError: names the key.
    """
    market, count = scenario.market, scenario.homes.count
    rules: tuple[tuple[str, Any, bool, str], ...] = (
        ("market.mechanism", market.mechanism, market.mechanism == "tick_auction", "tick_auction, the contracts' rule"),
        ("market.orders", market.orders, market.orders == "measured", "measured"),
        ("market.parameters", dict(market.parameters), not market.parameters, "empty"),
        ("market.trading_fee", market.trading_fee, market.trading_fee <= DEAREST_FEE, f"at most {DEAREST_FEE:g}"),
        ("regulator.enabled", scenario.regulator.enabled, not scenario.regulator.enabled, "false"),
        (
            "batteries.model",
            scenario.batteries.model,
            scenario.batteries.model != "central",
            "another one than central",
        ),
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
        replay = _Replay(results, _market(backend, results))
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
        right = f"homes with at most {limit_kwh:g} kWh in an interval, not {profiles.home_ids[home]} with {most_kwh[home]:g}"
        key = "ledger.kind"
        raise ScenarioError(key, KIND, f"something else, or serve {right}")


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


@dataclass(frozen=True, slots=True)
class Difference:
    """A number of the contracts that is not the simulator's; `home` is empty for sums."""

    step: int
    what: str
    home: str
    contract: int | str
    simulated: int | str

    def __str__(self) -> str:
        where = f"step {self.step}" + (f", home {self.home}" if self.home else "")
        return f"{self.what} in {where}: {self.contract} on the contracts, {self.simulated} simulated"


class _Replay:
    """The run once more, interval by interval, as signed orders and meter readings."""

    def __init__(self, results: Results, market: Market) -> None:
        self._results, self._members = results, market.members
        self.chain = market.chain
        self.compared = 0
        energy = results.energy
        start = np.zeros((1, results.homes), dtype=np.int64)
        self._import_wh, self._export_wh = (
            np.concatenate([start, np.cumsum(flow, axis=0)]) for flow in (energy.import_wh, energy.export_wh)
        )

    def differences(self) -> Iterator[Difference]:
        """Run all intervals and compare each once it is settled."""
        results = self._results
        first, steps = results.first, results.steps
        self.chain.advance_to(first.start_s - HEADSTART_S // 4)
        self._open()
        for step, interval in enumerate(interval_range(first, steps)):
            yield from self._trade(step, interval)
            yield from self._meter(step, interval.start_s)
        yield from self._meter(steps, first.start_s + steps * first.seconds)

    def _open(self) -> None:
        """Publish the grid's prices; the reference of a band is what the formula gives when it is opened."""
        grid, first = self._results.grid, self._results.first
        columns = (column.tolist() for column in (grid.feed_in_micro, grid.retail_micro, grid.reference_micro))
        bands = [PriceBand(*prices) for prices in zip(*columns, strict=True)]
        index = first.index
        for reference, group in groupby(bands, key=lambda band: band.reference):
            together = list(group)
            self.chain.grid.pin_price(reference)
            self.chain.open_intervals(Interval(index, first.seconds), together)
            index += len(together)

    def _trade(self, step: int, interval: Interval) -> Iterator[Difference]:
        self.chain.advance_to(interval.start_s - ORDER_LEAD_S)
        signed = self._orders(step, interval)
        for order, result in zip(signed, self.chain.submit_orders(list(signed.values())), strict=True):
            if result is not OrderResult.ACCEPTED:
                yield Difference(step, "order", self._results.home_ids[order], result.name.lower(), "accepted")
        self.chain.advance_to(interval.start_s)
        yield from self._compare_auction(step, self.chain.clear(interval.index))

    def _orders(self, step: int, interval: Interval) -> dict[int, SignedOrder]:
        """Signed orders by home, in the order in which the simulator takes them."""
        trading = self._results.trading
        return {
            home: self._sign(self._members[home], interval, int(trading.order_wh[step, home]), limit)
            for home, limit in enumerate(trading.limit_micro[step].tolist())
            if trading.order_wh[step, home]
        }

    def _sign(self, member: Member, interval: Interval, net_wh: int, limit_micro: int) -> SignedOrder:
        side = Side.BUY if net_wh > 0 else Side.SELL
        order = Order(
            trader=member.key.address,
            interval=interval.index,
            side=side,
            energy_wh=abs(net_wh),
            price_micro_per_kwh=limit_micro,
            nonce=order_nonce(interval.index, side),
            deadline_s=interval.start_s,
        )
        return sign_order(order, member.key, self.chain.order_domain)

    def _meter(self, step: int, time_s: int) -> Iterator[Difference]:
        """Hand in all meters' readings at the beginning of a step; the one before can be settled then."""
        self.chain.advance_to(time_s)
        readings = [self._reading(step, home, time_s) for home in range(self._results.homes)]
        for begin in range(0, len(readings), MAX_READINGS):
            number = self.chain.registry.next_batch(self.chain.transactor.address)
            raw = self.chain.prepare_readings(number, readings[begin : begin + MAX_READINGS])
            for home, result in enumerate(self.chain.send_readings(raw), begin):
                if result is not ReadingResult.ACCEPTED:
                    yield Difference(step, "reading", self._results.home_ids[home], result.name.lower(), "accepted")
        if step:
            settled = self.chain.settle(self._results.first.index + step - 1)
            yield from self._compare_settlement(step - 1, settled)

    def _reading(self, step: int, home: int, time_s: int) -> Reading:
        first, member = self._results.first, self._members[home]
        import_wh, export_wh = (int(register[step, home]) for register in (self._import_wh, self._export_wh))
        before = max(0, step - 1)
        net_wh = import_wh - export_wh - int(self._import_wh[before, home] - self._export_wh[before, home])
        payload = Payload(
            v=PAYLOAD_VERSION,
            dev=member.meter,
            ep=first.start_s,
            seq=step,
            ts=time_s,
            imp=import_wh,
            exp=export_wh,
            w=net_wh * SECONDS_PER_HOUR // first.seconds,
            v_mv=VOLTAGE_MV,
            q=0,
        )
        return decode_reading(encode_reading(payload, member.meter_key, self.chain.reading_domain))

    def _compare_auction(self, step: int, auction: AuctionResult) -> Iterator[Difference]:
        """Price and volume, and what each home bought and sold; without a trade there is no price."""
        trades, trading = self._results.trades, self._results.trading
        here = trades.step == step
        volume = int(trades.energy_wh[here].sum())
        yield from self._sums(step, "volume, Wh", auction.volume_wh, volume)
        for price in np.unique(trades.seller_micro[here]).tolist():
            yield from self._sums(step, "price, micro per kWh", auction.price_micro_per_kwh, price)
        accounts = [member.key.address for member in self._members]
        for what, fills, simulated in (
            ("bought, Wh", auction.bought_wh, trading.bought_wh[:, step].sum(axis=0)),
            ("sold, Wh", auction.sold_wh, trading.sold_wh[:, step].sum(axis=0)),
        ):
            yield from self._homes(step, what, [fills.get(account, 0) for account in accounts], simulated)

    def _compare_settlement(self, step: int, settled: Settlement) -> Iterator[Difference]:
        """What each home gets, and where the money of the interval went."""
        amounts = {statement.account: statement.amount_micro for statement in settled.statements}
        found = [amounts.get(member.key.address) for member in self._members]
        yield from self._homes(step, "amount, micro", found, self._results.trading.amount_micro[step])
        simulated, contract = self._results.money, settled.money
        pairs = {
            "homes": (contract.homes_micro, simulated.homes_micro),
            "grid": (contract.grid_micro, simulated.grid_micro),
            "fees": (contract.fees_micro, simulated.operator_micro),
            "dust": (contract.dust_micro, simulated.dust_micro),
        }
        for name, (told, by_step) in pairs.items():
            yield from self._sums(step, f"{name}, micro", told, int(by_step[step]))

    def _homes(self, step: int, what: str, contract: Sequence[int | None], simulated: IntArray) -> Iterator[Difference]:
        self.compared += len(contract)
        for home, told, expected in zip(self._results.home_ids, contract, simulated.tolist(), strict=True):
            if told != expected:
                yield Difference(step, what, home, "nothing" if told is None else told, expected)

    def _sums(self, step: int, what: str, contract: int, simulated: int) -> Iterator[Difference]:
        self.compared += 1
        if contract != simulated:
            yield Difference(step, what, "", contract, simulated)
