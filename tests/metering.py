"""A metered site for tests: devices with known keys, the registry's view of them, frames made to order."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from iot_sim.device import Device
from iot_sim.devices.smart_meter import SmartMeter
from iot_sim.profile import EnergyProfile
from microgrid.domain.records import DeviceClass, DeviceRecord, DeviceStatus, Frame, Reading
from microgrid.domain.wire import (
    Payload,
    SigningDomain,
    SigningKey,
    decode_reading,
    device_id,
    encode_reading,
    reading_topic,
)
from microgrid.oracle import Verifier

SITE = "north"
HOUR_S = 3_600
START_S = 1_700_000_000 // HOUR_S * HOUR_S
EPOCH = START_S
RATED_W = 10_000
DOMAIN = SigningDomain("DeviceRegistry", 1337, "0x" + "ab" * 20)
ORACLE = SigningKey(b"\x07" * 32)


@dataclass
class StoppedClock:
    """A clock that somebody sets."""

    time_s: int = START_S

    def now_s(self) -> int:
        return self.time_s


def meter_key(number: int) -> SigningKey:
    return SigningKey((number + 1_000).to_bytes(32, "big"))


def record(name: str, key: SigningKey, status: DeviceStatus = DeviceStatus.ACTIVE) -> DeviceRecord:
    owner = "0x" + "11" * 20
    return DeviceRecord(name, device_id(name), key.address, owner, 1, DeviceClass.SMART_METER, status, RATED_W)


def payload(
    sequence: int,
    *,
    name: str = "meter-0",
    epoch: int = EPOCH,
    time_s: int | None = None,
    import_wh: int | None = None,
    export_wh: int = 0,
    quality: int = 0,
) -> Payload:
    """Hourly readings that grow by 100 Wh each, unless told otherwise."""
    stamp = START_S + sequence * HOUR_S if time_s is None else time_s
    drawn = 100 * sequence if import_wh is None else import_wh
    return Payload(1, name, epoch, sequence, stamp, drawn, export_wh, 100, 230_000, quality)


def frame_of(
    body: Payload, key: SigningKey | None = None, *, domain: SigningDomain = DOMAIN, site: str = SITE
) -> Frame:
    return Frame(reading_topic(site, body.dev), encode_reading(body, key or meter_key(0), domain))


def reading_of(body: Payload, key: SigningKey | None = None) -> Reading:
    return decode_reading(frame_of(body, key).data)


@dataclass
class Memory:
    """What a store would answer, for a verifier without one."""

    payloads: dict[tuple[str, int, int], bytes] = field(default_factory=dict)

    def stored(self, device: str, epoch: int, sequence: int) -> bytes | None:
        return self.payloads.get((device, epoch, sequence))

    def keep(self, reading: Reading) -> None:
        self.payloads[reading.device, reading.epoch, reading.sequence] = reading.payload

    def verifier(self) -> Verifier:
        return Verifier(SITE, DOMAIN, self.stored)


def profiles(count: int, intervals: int, seed: int = 1) -> list[EnergyProfile]:
    rng = np.random.default_rng(seed)
    return [
        EnergyProfile.of_load_and_pv(START_S, HOUR_S, rng.uniform(0, 0.9, intervals), rng.uniform(0, 0.9, intervals))
        for _ in range(count)
    ]


def meters(
    energy: Sequence[EnergyProfile], *, domain: SigningDomain = DOMAIN, oracle: SigningKey = ORACLE
) -> list[Device]:
    return [
        Device(
            f"meter-{number}",
            meter_key(number),
            SmartMeter(profile, np.random.default_rng(number)),
            site=SITE,
            domain=domain,
            oracle=oracle.address,
        )
        for number, profile in enumerate(energy)
    ]


def registry(devices: Sequence[Device]) -> dict[str, DeviceRecord]:
    return {device.name: record(device.name, device.key) for device in devices}
