"""Many devices in one process: one thread, one event loop, one connection each."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from iot_sim.device import Device
from iot_sim.faults import FaultInjector
from iot_sim.publisher import Publisher
from microgrid.domain.addresses import BrokerAddress, parse_broker_url
from microgrid.domain.errors import UnreachableError
from microgrid.domain.wire import device_id, topic_device

CONNECTING_AT_ONCE = 8
TEND_S = 5.0
MQTT_BROKER = "MQTT broker"

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Resend:
    """When a reading without a receipt is sent again.

    Attributes:
        first_s: After this long at first.
        most_s: It doubles up to this; a receipt that covers something sets it back.
        window: So many of the oldest at once.
    """

    first_s: float = 2.0
    most_s: float = 60.0
    window: int = 32


class _Node:
    """A device, its connection and its resend timer; lives in the fleet's thread."""

    def __init__(self, device: Device, resend: Resend, loop: asyncio.AbstractEventLoop) -> None:
        self.device = device
        self.publisher: Publisher
        self.ready = False
        self._resend, self._loop = resend, loop
        self._delay_s = resend.first_s
        self._timer: asyncio.TimerHandle | None = None
        # Spread over a quarter of the delay by the device's id, so that devices do not resend all at once.
        self._spread = 1.0 + device_id(device.name)[0] / 1_024

    def hear(self, data: bytes) -> None:
        """Take a receipt."""
        if self.device.hear(data):
            self._delay_s = self._resend.first_s
            self.stop()
            self.watch()

    def come_up(self) -> None:
        """The connection is there (again): what has no receipt goes out at once."""
        self.ready = True
        self.stop()
        self._send_oldest()

    def stop(self) -> None:
        """Stop watching."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def watch(self) -> None:
        """Send again later what has no receipt by then."""
        if self._timer is None and len(self.device.outbox):
            self._timer = self._loop.call_later(self._delay_s * self._spread, self._send_again)

    def _send_again(self) -> None:
        self._timer = None
        self._delay_s = min(2 * self._delay_s, self._resend.most_s)
        self._send_oldest()

    def _send_oldest(self) -> None:
        for frame in self.device.unconfirmed(self._resend.window):
            self.publisher.publish(frame)
        self.watch()


class SimulatedFleet:
    """Devices that read themselves and publish until a receipt covers it; offers what `microgrid.ports.Fleet` asks for.

    Args:
        devices: The devices; names are unique.
        broker_url: Where they publish.
        resend: When they publish again.
        faults: What happens to readings on their first way out; resent ones get through.
        timeout_s: How long connecting all devices may take.

    Raises:
        BrokerUrlError: the URL is none.
        UnreachableError: not every device got a connection in time.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        broker_url: str,
        *,
        resend: Resend | None = None,
        faults: FaultInjector | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        address = parse_broker_url(broker_url)
        self._faults = faults
        self._problem = "no answer"
        self._all_ready = Event()
        self._loop = asyncio.new_event_loop()
        self._executor = ThreadPoolExecutor(CONNECTING_AT_ONCE, "fleet-connect")
        self._nodes = {device.name: _Node(device, resend or Resend(), self._loop) for device in devices}
        self._thread = Thread(target=self._run, name="fleet", daemon=True)
        self._thread.start()
        self._call(self._open(address))
        if self._nodes and not self._all_ready.wait(timeout_s):
            self.close()
            raise UnreachableError(MQTT_BROKER, str(address), self._problem)

    def tick(self, end_s: int) -> None:
        """Every device reads its registers at this time (Unix s) and publishes."""
        self._call(self._tick(end_s))

    def outstanding(self) -> int:
        """Readings without a receipt."""
        return sum(len(node.device.outbox) for node in self._nodes.values())

    def registers(self) -> Mapping[str, tuple[int, int]]:
        """Cumulative import and export in Wh by device name, as the devices have them."""
        return {name: node.device.registers_wh for name, node in self._nodes.items()}

    def sent(self) -> int:
        """Readings made so far."""
        return sum(node.device.sent for node in self._nodes.values())

    def close(self) -> None:
        """Disconnect all and end the thread."""
        if self._thread.is_alive():
            self._call(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._executor.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _call(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self, address: BrokerAddress) -> None:
        for node in self._nodes.values():
            node.publisher = self._publisher(node, address)
            node.publisher.connect()
        self._loop.call_later(TEND_S, self._tend)

    def _publisher(self, node: _Node, address: BrokerAddress) -> Publisher:
        return Publisher(
            address,
            node.device.client_id,
            node.device.receipt_topic,
            loop=self._loop,
            executor=self._executor,
            on_frame=node.hear,
            on_ready=self._ready(node),
            on_problem=self._note_problem,
        )

    def _ready(self, node: _Node) -> Callable[[], None]:
        def come_up() -> None:
            node.come_up()
            if not self._all_ready.is_set() and all(other.ready for other in self._nodes.values()):
                self._all_ready.set()

        return come_up

    def _note_problem(self, reason: str) -> None:
        self._problem = reason

    async def _tick(self, end_s: int) -> None:
        frames = [node.device.read(end_s) for node in self._nodes.values()]
        for frame in self._faults.apply(frames) if self._faults else frames:
            self._nodes[topic_device(frame.topic)].publisher.publish(frame)
        for node in self._nodes.values():
            node.watch()

    def _tend(self) -> None:
        for node in self._nodes.values():
            node.publisher.tend()
        self._loop.call_later(TEND_S, self._tend)

    async def _close(self) -> None:
        for node in self._nodes.values():
            node.stop()
        await asyncio.gather(*(node.publisher.close() for node in self._nodes.values()))
