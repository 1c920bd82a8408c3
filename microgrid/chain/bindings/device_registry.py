"""DeviceRegistry: members, devices, signed readings."""

from collections.abc import Iterator, Sequence
from typing import Any

from web3.contract import Contract
from web3.types import TxReceipt

from microgrid.chain.bindings.reading_words import ToldReading, packed, told_readings
from microgrid.chain.events import events
from microgrid.chain.transactor import GasBudget, Transactor
from microgrid.domain.records import DeviceClass, DeviceRecord, DeviceStatus, Reading, ReadingResult
from microgrid.domain.wire import SigningDomain, keccak256

REGISTER_MEMBER = GasBudget(250_000)
REGISTER_DEVICE = GasBudget(400_000)
CHANGE_DEVICE = GasBudget(150_000)
SUBMIT_READINGS = GasBudget(250_000, 80_000)


class DeviceRegistry:
    """The contract, with one account to send from."""

    def __init__(self, contract: Contract, transactor: Transactor, chain_id: int, first_block: int) -> None:
        self.contract, self._transactor, self._first_block = contract, transactor, first_block
        self.domain = SigningDomain("DeviceRegistry", chain_id, contract.address)

    def register_member(self, account: str) -> int:
        """Admit a home; returns its member number."""
        receipt = self._transactor.execute(
            "registerMember", self.contract, "registerMember", [account], REGISTER_MEMBER
        )
        return int(next(events(self.contract, "MemberRegistered", receipt["logs"]))["memberId"])

    def register_device(
        self, device_id: bytes, owner: str, key: str, device_class: DeviceClass, rated_power_w: int, zone: int
    ) -> None:
        """Register a device of a member."""
        args = [device_id, owner, key, int(device_class), rated_power_w, zone]
        self._transactor.execute("registerDevice", self.contract, "registerDevice", args, REGISTER_DEVICE)

    def suspend(self, device_id: bytes) -> None:
        """Refuse a device's readings until it is activated."""
        self._change("suspendDevice", device_id)

    def activate(self, device_id: bytes) -> None:
        """Let a suspended device report again."""
        self._change("activateDevice", device_id)

    def retire(self, device_id: bytes) -> None:
        """End a device's life."""
        self._change("retireDevice", device_id)

    def rotate_key(self, device_id: bytes, key: str) -> None:
        """Replace a device's signing key."""
        self._change("rotateKey", device_id, key)

    def _change(self, name: str, *args: Any) -> None:
        self._transactor.execute(name, self.contract, name, args, CHANGE_DEVICE)

    def member_of(self, account: str) -> int:
        """Member number of an account, 0 for none."""
        return int(self._read("memberOf", account))

    def account_of(self, member_id: int) -> str:
        """Account of a member."""
        return str(self._read("accountOf", member_id))

    def member_count(self) -> int:
        """Number of members; they are numbered from 1."""
        return int(self._read("memberCount"))

    def device_ids(self) -> list[bytes]:
        """Ids of all devices, in order of registration."""
        return [bytes(self._read("deviceAt", index)) for index in range(self._read("deviceCount"))]

    def device(self, device_id: bytes, name: str) -> DeviceRecord:
        """What the registry knows of a device; status NONE for an unknown one."""
        owner, key, device_class, status, member_id, rated_power_w, zone = self._read("device", device_id)
        return DeviceRecord(
            device=name,
            device_id=device_id,
            key=key,
            owner=owner,
            member_id=member_id,
            device_class=DeviceClass(device_class),
            status=DeviceStatus(status),
            rated_power_w=rated_power_w,
            zone=zone,
        )

    def registers(self, device_id: bytes) -> tuple[int, int, int, int]:
        """Sequence, time (Unix s), cumulative import and export (Wh) of the last accepted reading."""
        sequence, timestamp_s, import_wh, export_wh = self._read("registers", device_id)
        return sequence, timestamp_s, import_wh, export_wh

    def interval_energy(self, member_id: int, interval: int) -> tuple[int, int] | None:
        """Import and export (Wh) of a member in an interval, None while unknown."""
        import_wh, export_wh, known = self._read("intervalEnergy", member_id, interval)
        return (import_wh, export_wh) if known else None

    def interval_seconds(self) -> int:
        """Length of an interval."""
        return int(self._read("intervalSeconds"))

    def reading_deadline_seconds(self) -> int:
        """How long after an interval's end its reading is booked on it; later ones carry their energy on."""
        return int(self._read("readingDeadlineSeconds"))

    def next_batch(self, oracle: str) -> int:
        """Number that the oracle's next batch must carry."""
        return int(self._read("nextBatch", oracle))

    def sign_batch(self, number: int, readings: Sequence[Reading]) -> bytes:
        """Signed raw transaction that submits readings as one batch."""
        args = [number, [packed(reading) for reading in readings]]
        return self._transactor.sign(self.contract, "submitReadings", args, SUBMIT_READINGS.limit(len(readings)))

    def batch_of(self, call_data: bytes) -> tuple[int, int]:
        """Number of the batch in some call data, and how many readings it holds."""
        _, args = self.contract.decode_function_input(call_data)
        return args["batchNumber"], len(args["readings"])

    def batch_results(self, receipt: TxReceipt) -> list[ReadingResult]:
        """The result of each reading of a batch, in its order: the batch's event tells of all in turn."""
        (told,) = events(self.contract, "ReadingsTaken", receipt["logs"])
        refused = events(self.contract, "ReadingRefused", receipt["logs"])
        return [
            ReadingResult(next(refused)["result"]) if reading.refused else ReadingResult.ACCEPTED
            for reading in told_readings(told["readings"])
        ]

    def readings_taken(self) -> Iterator[ToldReading]:
        """All readings that were handed in since the deployment, oldest first, refused ones included."""
        for log in self._transactor.logs(self.contract, "ReadingsTaken", self._first_block, {}):
            yield from told_readings(log["args"]["readings"])

    def batch_transaction(self, oracle: str, number: int) -> bytes | None:
        """Hash of the transaction that submitted a batch, None where none did."""
        filters = {"oracle": oracle, "batchNumber": number}
        found = self._transactor.logs(self.contract, "BatchSubmitted", self._first_block, filters)
        return bytes(found[0]["transactionHash"]) if found else None

    def _read(self, name: str, *args: Any) -> Any:
        return self._transactor.read(self.contract, name, *args)


def reading_tuple(reading: Reading) -> tuple[bytes, int, int, int, int, bytes]:
    """A reading as the contracts take it."""
    return (
        reading.device_id,
        reading.chain_sequence,
        reading.timestamp_s,
        reading.import_wh,
        reading.export_wh,
        keccak256(reading.payload),
    )
