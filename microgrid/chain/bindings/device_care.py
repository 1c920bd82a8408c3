"""DeviceRegistry beside its readings: performance, maintenance alerts, replacement, commitments."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from web3.contract import Contract

from microgrid.chain.bindings.reading_words import packed, short_signature
from microgrid.chain.events import events
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.records import Reading

CARE = GasBudget(250_000)
REPLACE_DEVICE = GasBudget(450_000)
COMMIT_READINGS = GasBudget(120_000, 10_000)
PROVE_READING = GasBudget(300_000)
SET_ORACLE_KEYS = GasBudget(150_000, 60_000)


class AlertStatus(IntEnum):
    """Where a maintenance alert stands."""

    NONE = 0
    RAISED = 1
    ACKNOWLEDGED = 2
    RESOLVED = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """A maintenance alert; times are Unix seconds, `kind` is a number of the oracle's own list."""

    alert_id: int
    device_id: bytes
    raised_at_s: int
    changed_at_s: int
    status: AlertStatus
    kind: int


@dataclass(frozen=True, slots=True)
class Performance:
    """How well a device reports; times are Unix seconds and zero for never, uptime is in 1e-4."""

    accepted: int
    refused: int
    missed: int
    gaps: int
    first_seen_s: int
    last_seen_s: int
    uptime_bps: int


class DeviceCare:
    """The registry's care for devices, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor) -> None:
        self.contract, self._transactor = contract, transactor

    def performance(self, device_id: bytes) -> Performance:
        """How well a device reports."""
        return Performance(*self._read("performance", device_id))

    def raise_alert(self, device_id: bytes, kind: int, detail: bytes = bytes(32)) -> int:
        """Raise an alert; returns its number."""
        args = [device_id, kind, detail]
        receipt = self._transactor.execute("raiseAlert", self.contract, "raiseAlert", args, CARE)
        return int(next(events(self.contract, "AlertRaised", receipt["logs"]))["alertId"])

    def acknowledge_alert(self, alert_id: int) -> None:
        """Take an alert on."""
        self._transactor.execute("acknowledgeAlert", self.contract, "acknowledgeAlert", [alert_id], CARE)

    def resolve_alert(self, alert_id: int) -> None:
        """Settle an alert."""
        self._transactor.execute("resolveAlert", self.contract, "resolveAlert", [alert_id], CARE)

    def alert(self, alert_id: int) -> Alert:
        """An alert by its number.

        Raises:
            ContractRevertError: `AlertNotFound`.
        """
        device_id, raised_at_s, changed_at_s, status, kind = self._read("alert", alert_id)
        return Alert(alert_id, device_id, raised_at_s, changed_at_s, AlertStatus(status), kind)

    def alerts(self) -> list[Alert]:
        """All alerts ever raised, oldest first."""
        return [self.alert(number) for number in range(self._read("alertCount"))]

    def approve_replacement(self, device_id: bytes, new_device_id: bytes, new_key: str) -> None:
        """Agree, as the device's owner, that another takes its place."""
        self._replacement("approveReplacement", device_id, new_device_id, new_key)

    def replace(self, device_id: bytes, new_device_id: bytes, new_key: str) -> None:
        """Put another device in the place of one, as its owner agreed; the registers go on."""
        self._replacement("replaceDevice", device_id, new_device_id, new_key)

    def _replacement(self, name: str, *args: Any) -> None:
        self._transactor.execute(name, self.contract, name, args, REPLACE_DEVICE)

    def set_oracle_keys(self, keys: Sequence[str], threshold: int) -> None:
        """Set who signs commitments and how many must; the addresses are sorted here."""
        args = [sorted(keys, key=lambda key: int(key, 16)), threshold]
        self._transactor.execute("setOracleKeys", self.contract, "setOracleKeys", args, SET_ORACLE_KEYS, len(keys))

    def commit_readings(self, interval: int, root: bytes, count: int, signatures: Sequence[bytes]) -> None:
        """Commit the readings of an interval; signatures (65 bytes) by rising address of the signer."""
        short = [short_signature(signature) for signature in signatures]
        args = [interval, root, count, short]
        self._transactor.execute("commitReadings", self.contract, "commitReadings", args, COMMIT_READINGS, len(short))

    def prove_reading(self, reading: Reading, proof: Sequence[bytes]) -> None:
        """Hand in a committed reading."""
        args = [packed(reading), list(proof)]
        self._transactor.execute("proveReading", self.contract, "proveReading", args, PROVE_READING)

    def oracle_quorum(self) -> tuple[list[str], int, int]:
        """Who signs commitments, how many must, and the last interval committed (0 before the first)."""
        keys, threshold, latest = self._read("oracleQuorum")
        return list(keys), threshold, latest

    def commitment(self, interval: int) -> bytes:
        """Root of an interval's readings, zeros where none is kept."""
        return bytes(self._read("commitment", interval))

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)
