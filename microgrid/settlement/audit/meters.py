"""Metered energy from signed readings, booked as the registry books it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from microgrid.domain.errors import AuditError, WireError
from microgrid.domain.journal import REGISTER_FIELDS, JournalEvent, device_name, reading_name
from microgrid.domain.records import DeviceClass
from microgrid.domain.wire import SigningDomain, recover, registers_digest
from microgrid.settlement.statement import NOTHING, MeteredEnergy

KEPT_INTERVALS = 32
RING_MEMBERS = 6
CHAIN = "the chain"


@dataclass
class _Device:
    member_id: int
    key: str
    is_meter: bool
    registers: tuple[int, int, int, int] | None = None
    carried: MeteredEnergy = NOTHING


@dataclass
class MeterBook:
    """Devices, their last registers, and the energy of each member's last 32 intervals.

    As on chain, six members share a ring: who enters a new interval clears the one 32 before it for all six, and
    energy of an interval that the ring has left behind is not kept.
    """

    interval_seconds: int
    deadline_seconds: int
    domain: SigningDomain
    readings: int = 0
    _devices: dict[str, _Device] = field(default_factory=dict)
    _history: dict[tuple[int, int], tuple[int, dict[int, MeteredEnergy]]] = field(default_factory=dict)

    def register(self, args: Mapping[str, Any]) -> None:
        """A device was registered."""
        is_meter = args["class"] == DeviceClass.SMART_METER
        self._devices[args["deviceId"]] = _Device(args["memberId"], args["key"], is_meter)

    def rotate(self, args: Mapping[str, Any]) -> None:
        """A device got another key."""
        self._devices[args["deviceId"]].key = args["newKey"]

    def replace(self, args: Mapping[str, Any]) -> None:
        """A registered device goes on where another stood; its sequence begins anew."""
        old, new = self._devices[args["deviceId"]], self._devices[args["newDeviceId"]]
        if old.registers is not None:
            new.registers, new.carried = (0, *old.registers[1:]), old.carried

    def accept(self, event: JournalEvent) -> None:
        """A reading was accepted: check who signed it and that it follows the last one, then book its energy.

        Raises:
            AuditError: it was not signed by the device, or goes back, or its signature is not known.
        """
        args: Mapping[str, Any] = event.args
        identity = args["deviceId"]
        device = self._devices[identity]
        if "signature" not in args:
            raise AuditError(device_name(identity, "signature of a reading"), "unknown", "needed", CHAIN)
        registers = (args["sequence"], args["timestamp"], args["importWh"], args["exportWh"])
        self._check_signer(device, registers, args)
        interval = (args["timestamp"] - 1) // self.interval_seconds
        if interval != args["interval"]:
            raise AuditError(device_name(identity, "interval of a reading"), args["interval"], interval, CHAIN)
        if device.registers is not None:
            self._check_rises(identity, device.registers, registers)
            if device.is_meter:
                self._book(device, device.registers, registers, args["taken"])
        device.registers = registers
        self.readings += 1

    def _check_signer(self, device: _Device, registers: tuple[int, int, int, int], args: Mapping[str, Any]) -> None:
        identity, detail = (bytes.fromhex(args[name][2:]) for name in ("deviceId", "detail"))
        try:
            signer = recover(
                registers_digest(identity, registers, detail, self.domain), bytes.fromhex(args["signature"][2:])
            )
        except WireError:
            signer = "nobody"
        if signer != device.key:
            what = device_name(args["deviceId"], f"signer of {reading_name(registers[0])}")
            raise AuditError(what, signer, device.key, CHAIN)

    def _check_rises(self, identity: str, last: tuple[int, ...], registers: tuple[int, ...]) -> None:
        least = (last[0] + 1, last[1] + 1, last[2], last[3])
        for name, value, bound in zip(REGISTER_FIELDS, registers, least, strict=True):
            if value < bound:
                raise AuditError(device_name(identity, name), value, f"at least {bound}", CHAIN)

    def _book(
        self, device: _Device, last: tuple[int, int, int, int], registers: tuple[int, int, int, int], taken_s: int
    ) -> None:
        """Energy since the last interval's end belongs to the interval that a reading ends, if it comes in time.

        Else the home may be billed without it, and the energy goes on to the next reading's interval.
        """
        energy = MeteredEnergy(
            device.carried.import_wh + registers[2] - last[2], device.carried.export_wh + registers[3] - last[3]
        )
        interval, within = divmod(registers[1], self.interval_seconds)
        carried = bool(within) or taken_s > registers[1] + self.deadline_seconds
        device.carried = energy if carried else NOTHING
        if not carried:
            self._keep(device.member_id, interval - 1, energy)

    def _keep(self, member_id: int, interval: int, energy: MeteredEnergy) -> None:
        place = _place(member_id, interval)
        kept, energies = self._history.get(place, (-1, {}))
        if kept < interval:
            self._history[place] = (interval, {member_id: energy})
        elif kept == interval:
            energies[member_id] = energy

    def energy(self, member_id: int, interval: int) -> MeteredEnergy | None:
        """Metered energy of a member's interval, None where no reading ended it or it is too long ago."""
        kept, energies = self._history.get(_place(member_id, interval), (-1, {}))
        return energies.get(member_id) if kept == interval else None

    def state(self) -> Iterator[tuple[str, int]]:
        """Last registers of each device."""
        for identity, device in self._devices.items():
            values = device.registers or (0, 0, 0, 0)
            yield from zip((device_name(identity, name) for name in REGISTER_FIELDS), values, strict=True)


def _place(member_id: int, interval: int) -> tuple[int, int]:
    return member_id // RING_MEMBERS, interval % KEPT_INTERVALS
