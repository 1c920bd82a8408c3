"""The registry as the oracle knows it: a copy of what the chain says, with a short life."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic

from microgrid.domain.records import DeviceRecord
from microgrid.ports import Chain

LIFETIME_S = 10.0


@dataclass
class DeviceDirectory:
    """Devices by name; a suspension or a new key on chain is heeded after `lifetime_s` seconds at the latest."""

    chain: Chain
    lifetime_s: float = LIFETIME_S
    _devices: Mapping[str, DeviceRecord] = field(default_factory=dict, init=False, repr=False)
    _read_at_s: float = field(default=float("-inf"), init=False, repr=False)

    def __call__(self) -> Mapping[str, DeviceRecord]:
        """The registry, read anew where the copy is too old."""
        if monotonic() - self._read_at_s >= self.lifetime_s:
            self._devices = {record.device: record for record in self.chain.devices()}
            self._read_at_s = monotonic()
        return self._devices
