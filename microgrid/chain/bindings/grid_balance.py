"""GridBalance: tariffs of intervals, community totals, the price formula."""

from collections.abc import Sequence
from typing import Any

from web3.contract import Contract

from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.records import PriceBand

OPEN_INTERVALS = GasBudget(150_000, 60_000)
OPEN_INTERVAL = GasBudget(300_000)
REPORT_STRESS = GasBudget(150_000)
SET_PARAMETERS = GasBudget(150_000)


class GridBalance:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def open_intervals(self, first: int, bands: Sequence[PriceBand]) -> None:
        """Publish the tariff of consecutive intervals, in as many transactions as gas asks for."""
        for begin in range(0, len(bands), OPEN_INTERVALS.most_items):
            part = bands[begin : begin + OPEN_INTERVALS.most_items]
            args = [first + begin, [band.feed_in for band in part], [band.retail for band in part]]
            self._transactor.execute("openIntervals", self.contract, "openIntervals", args, OPEN_INTERVALS, len(part))

    def open_interval(self, interval: int) -> None:
        """Open an interval at the formula's price."""
        self._transactor.execute("openInterval", self.contract, "openInterval", [interval], OPEN_INTERVAL)

    def band(self, interval: int) -> PriceBand | None:
        """Prices of an interval, None while it is not open."""
        feed_in, retail, reference, is_open, fee = self._read("band", interval)
        return PriceBand(feed_in, retail, reference, fee) if is_open else None

    def trading_fee(self) -> int:
        """Trading fee of intervals opened from now on, micro on each kWh bought."""
        return int(self._read("tradingFee"))

    def energy_price(self, interval: int) -> int:
        """Price by the formula, micro per kWh."""
        return int(self._read("energyPrice", interval))

    def pin_price(self, price_micro_per_kwh: int) -> None:
        """Let the formula give this price whatever demand, stress and hour are: intervals opened now refer to it."""
        base, _, _, _, *others = self._read("priceParameters")
        args = [(base, 0, price_micro_per_kwh, price_micro_per_kwh, *others)]
        self._transactor.execute("setPriceParameters", self.contract, "setPriceParameters", args, SET_PARAMETERS)

    def report_stress(self, factor_wad: int) -> None:
        """Report the grid's stress, as an oracle; 1e18 is one."""
        self._transactor.execute("reportGridStress", self.contract, "reportGridStress", [factor_wad], REPORT_STRESS)

    def factors_wad(self, interval: int) -> tuple[int, int, int]:
        """Demand factor, stress factor and time-of-day multiplier of an interval; 1e18 is one."""
        demand, stress = int(self._read("demandFactor")), int(self._read("gridStressFactor"))
        return demand, stress, int(self._read("timeOfDayMultiplier", interval))

    def totals(self, interval: int) -> tuple[int, int, int]:
        """Import and export (Wh) of all meters in an interval, and their number."""
        import_wh, export_wh, readings = self._read("totals", interval)
        return import_wh, export_wh, readings

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)
