"""GridMonitor: reports of grid sensors, faults, energy per feeder zone."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum, IntFlag
from typing import Any

from web3.contract import Contract

from microgrid.chain.events import events_of
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.wire import SigningKey

SUBMIT_REPORTS = GasBudget(400_000, 400_000)
TALLY_ZONES = GasBudget(100_000, 100_000)
MAX_TALLY = 160


class ReportResult(IntEnum):
    """Why a device's report was refused, in the order of the checks."""

    ACCEPTED = 0
    UNKNOWN_DEVICE = 1
    WRONG_CLASS = 2
    INACTIVE_DEVICE = 3
    BAD_SIGNATURE = 4
    STALE_SEQUENCE = 5
    STALE_TIMESTAMP = 6
    FUTURE_TIMESTAMP = 7
    TOO_OLD = 8
    IMPLAUSIBLE = 9
    NO_ROOM = 10


class Fault(IntFlag):
    """Faults that a sensor sees."""

    FREQUENCY_LOW = 1
    FREQUENCY_HIGH = 2
    VOLTAGE_LOW = 4
    VOLTAGE_HIGH = 8
    DISTORTION = 16


@dataclass(frozen=True, slots=True)
class GridReport:
    """What a grid sensor signs: time (Unix s), frequency (mHz), voltage (mV), harmonic distortion (permille)."""

    device_id: bytes
    sequence: int
    timestamp_s: int
    frequency_millihertz: int
    voltage_mv: int
    thd_permille: int


@dataclass(frozen=True, slots=True)
class SensorState:
    """The last accepted report of a sensor, its severity (permille) and the faults that stand."""

    sequence: int
    timestamp_s: int
    frequency_millihertz: int
    voltage_mv: int
    thd_permille: int
    severity_permille: int
    faults: Fault
    fresh: bool


class GridMonitor:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def sign(self, report: GridReport, key: SigningKey) -> bytes:
        """A sensor's signature."""
        return key.sign(bytes(self._read("hashReport", astuple(report))))

    def submit(self, reports: Sequence[GridReport], signatures: Sequence[bytes]) -> list[ReportResult]:
        """Hand in signed reports; one result each."""
        args = [[astuple(report) for report in reports], list(signatures)]
        receipt = self._transactor.execute(
            "submitReports", self.contract, "submitReports", args, SUBMIT_REPORTS, len(reports)
        )
        told = events_of(self.contract, ("GridReported", "ReportRefused"), receipt["logs"])
        return [
            ReportResult(args["result"]) if name == "ReportRefused" else ReportResult.ACCEPTED for name, args in told
        ]

    def tally_zones(self, interval: int, first: int, last: int) -> None:
        """Add the readings of members `first` to `last` to their zones."""
        for begin in range(first, last + 1, MAX_TALLY):
            end = min(last, begin + MAX_TALLY - 1)
            args = [interval, begin, end]
            self._transactor.execute("tallyZones", self.contract, "tallyZones", args, TALLY_ZONES, end + 1 - begin)

    def zone_totals(self, zone: int, interval: int) -> tuple[int, int, int] | None:
        """Import and export (Wh) of a zone's meters and their number; None while nothing is known."""
        import_wh, export_wh, readings = self._read("zoneTotals", zone, interval)
        return (import_wh, export_wh, readings) if readings else None

    def severity(self) -> int | None:
        """The grid's severity in permille, None while no sensor has a fresh report."""
        permille, known = self._read("severity")
        return int(permille) if known else None

    def sensors(self) -> list[bytes]:
        """Ids of the sensors that count."""
        return [bytes(identity) for identity in self._read("sensors")]

    def sensor(self, device_id: bytes) -> SensorState | None:
        """A sensor's last report, None before the first."""
        values, fresh = self._read("sensor", device_id)
        sequence, timestamp_s, frequency, voltage_mv, thd, severity, faults = values
        state = SensorState(sequence, timestamp_s, frequency, voltage_mv, thd, severity, Fault(faults), fresh)
        return state if timestamp_s else None

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)
