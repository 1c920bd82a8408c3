"""What goes wrong between a device and its broker, and what an attacker would try. Same generator, same faults."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from microgrid.domain.records import Frame
from microgrid.domain.wire import SIGNATURE_BYTES

REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Share of messages that each fault hits, 0 to 1.

    Attributes:
        drop: Lost.
        duplicate: Sent twice.
        reorder: Sent after the message that follows it.
        tamper_payload: One digit of the payload changed.
        tamper_signature: One bit of the signature changed.
        replay: An earlier message sent again beside it.
    """

    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    tamper_payload: float = 0.0
    tamper_signature: float = 0.0
    replay: float = 0.0


class FaultInjector:
    """Does to a stream of frames what the rates say.

    Args:
        rng: Chance; the same seed gives the same faults.
    """

    def __init__(self, rates: FaultRates, rng: np.random.Generator) -> None:
        self._rates, self._rng = rates, rng
        self._earlier: deque[Frame] = deque(maxlen=REMEMBERED)

    def apply(self, frames: Sequence[Frame]) -> list[Frame]:
        """The frames as they get through."""
        return self._reordered([out for frame in frames for out in self._through(frame)])

    def _through(self, frame: Frame) -> list[Frame]:
        replayed = self._replayed()
        self._earlier.append(frame)
        if self._hits(self._rates.drop):
            return replayed
        if self._hits(self._rates.tamper_payload):
            return [tampered_payload(frame, self._rng), *replayed]
        if self._hits(self._rates.tamper_signature):
            return [tampered_signature(frame, self._rng), *replayed]
        copies = 2 if self._hits(self._rates.duplicate) else 1
        return [frame] * copies + replayed

    def _replayed(self) -> list[Frame]:
        if not self._earlier or not self._hits(self._rates.replay):
            return []
        return [self._earlier[int(self._rng.integers(len(self._earlier)))]]

    def _reordered(self, frames: list[Frame]) -> list[Frame]:
        for place in range(len(frames) - 1):
            if self._hits(self._rates.reorder):
                frames[place], frames[place + 1] = frames[place + 1], frames[place]
        return frames

    def _hits(self, rate: float) -> bool:
        return bool(self._rng.random() < rate)


def tampered_payload(frame: Frame, rng: np.random.Generator) -> Frame:
    """The frame with one digit of its payload changed: still JSON, no longer what was signed."""
    body = frame.data[SIGNATURE_BYTES:]
    digits = [place for place, byte in enumerate(body) if 0x31 <= byte <= 0x38]  # noqa: PLR2004 - '1' to '8'
    place = int(rng.choice(digits)) + SIGNATURE_BYTES
    return Frame(frame.topic, frame.data[:place] + bytes([frame.data[place] + 1]) + frame.data[place + 1 :])


def tampered_signature(frame: Frame, rng: np.random.Generator) -> Frame:
    """The frame with one bit of its signature's r or s changed."""
    place = int(rng.integers(SIGNATURE_BYTES - 1))
    flipped = frame.data[place] ^ 1 << int(rng.integers(8))
    return Frame(frame.topic, frame.data[:place] + bytes([flipped]) + frame.data[place + 1 :])
