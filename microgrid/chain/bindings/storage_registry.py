"""StorageRegistry: batteries, their charge, plans, cycles and health."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

from web3.contract import Contract

from microgrid.chain.bindings.grid_monitor import ReportResult
from microgrid.chain.events import events_of
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.wire import SigningKey

ENLIST = GasBudget(300_000)
SCHEDULE = GasBudget(150_000, 60_000)
SUBMIT_REPORTS = GasBudget(200_000, 300_000)


@dataclass(frozen=True, slots=True)
class BatteryReport:
    """What a battery signs: time (Unix s), energy stored, ever charged and ever discharged (Wh), health (permille)."""

    device_id: bytes
    sequence: int
    timestamp_s: int
    stored_wh: int
    charged_wh: int
    discharged_wh: int
    health_permille: int


@dataclass(frozen=True, slots=True)
class BatteryState:
    """Capacity and bounds (Wh), the last report, full equivalent cycles in thousandths, whether the report is fresh."""

    capacity_wh: int
    min_wh: int
    max_wh: int
    sequence: int
    timestamp_s: int
    stored_wh: int
    charged_wh: int
    discharged_wh: int
    health_permille: int
    milli_cycles: int
    fresh: bool


class StorageRegistry:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def enlist(self, device_id: bytes, capacity_wh: int, min_wh: int, max_wh: int) -> None:
        """Enlist a battery of this account, or change its bounds."""
        args = [device_id, capacity_wh, min_wh, max_wh]
        self._transactor.execute("enlist", self.contract, "enlist", args, ENLIST)

    def schedule(self, device_id: bytes, first_interval: int, powers_w: Sequence[int]) -> None:
        """Plan the mean power of consecutive intervals: positive charges, negative discharges."""
        args = [device_id, first_interval, list(powers_w)]
        self._transactor.execute("schedule", self.contract, "schedule", args, SCHEDULE, len(powers_w))

    def scheduled_w(self, device_id: bytes, interval: int) -> int | None:
        """Power planned for an interval, None without a plan."""
        power_w, planned = self._read("scheduled", device_id, interval)
        return int(power_w) if planned else None

    def sign(self, report: BatteryReport, key: SigningKey) -> bytes:
        """A battery's signature."""
        return key.sign(bytes(self._read("hashReport", astuple(report))))

    def submit(self, reports: Sequence[BatteryReport], signatures: Sequence[bytes]) -> list[ReportResult]:
        """Hand in signed reports; one result each."""
        args = [[astuple(report) for report in reports], list(signatures)]
        receipt = self._transactor.execute(
            "submitReports", self.contract, "submitReports", args, SUBMIT_REPORTS, len(reports)
        )
        told = events_of(self.contract, ("BatteryReported", "ReportRefused"), receipt["logs"])
        return [
            ReportResult(args["result"]) if name == "ReportRefused" else ReportResult.ACCEPTED for name, args in told
        ]

    def batteries(self) -> list[bytes]:
        """Ids of all enlisted batteries, in order."""
        return [bytes(self._read("batteryAt", index)) for index in range(self._read("batteryCount"))]

    def battery(self, device_id: bytes) -> BatteryState | None:
        """A battery, None where it is not enlisted."""
        capacity_wh, min_wh, max_wh = self._read("battery", device_id)
        values, fresh = self._read("charge", device_id)
        sequence, timestamp_s, stored_wh, charged_wh, discharged_wh, _, health = values
        cycles = self._read("milliCycles", device_id)
        last = (sequence, timestamp_s, stored_wh, charged_wh, discharged_wh, health, cycles, fresh)
        return BatteryState(capacity_wh, min_wh, max_wh, *last) if capacity_wh else None

    def available_wh(self, device_id: bytes) -> tuple[int, int] | None:
        """What a battery can give and take, None without a fresh report."""
        dischargeable_wh, chargeable_wh, known = self._read("available", device_id)
        return (dischargeable_wh, chargeable_wh) if known else None

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)
