"""A simulated run once more, as signed orders and meter readings on the contracts, compared number by number."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from microgrid.chain.client import MAX_READINGS
from microgrid.domain.arrays import IntArray
from microgrid.domain.intervals import SECONDS_PER_HOUR, Interval, interval_range
from microgrid.domain.records import (
    AuctionResult,
    OrderResult,
    PriceBand,
    Reading,
    ReadingResult,
    Settlement,
    SignedOrder,
    order_for,
)
from microgrid.domain.wire import PAYLOAD_VERSION, Payload, decode_reading, encode_reading, sign_order
from microgrid.sim.results import Results
from microgrid.wiring.market import HEADSTART_S, Market, Member

ORDER_LEAD_S = 180
"""Orders are handed in this long before their interval, inside the one before, however short intervals are."""

VOLTAGE_MV = 230_000


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


class Replay:
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
        self.chain.advance_to(first.start_s - HEADSTART_S // 2)
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
        order = order_for(member.key.address, interval, net_wh, limit_micro)
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
