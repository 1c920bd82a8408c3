"""The oracle's MQTT client: persistent session, acknowledgement by hand, bounded buffer.

One thread owns the paho client; others post jobs to it. It waits in a selector, not in select(), so that it also works
in a process with thousands of sockets. While the buffer is full it does not read: the broker holds the rest.
"""

import selectors
import socket
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Condition, Event, Thread
from time import monotonic
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from microgrid.domain.addresses import parse_broker_url
from microgrid.domain.errors import UnreachableError
from microgrid.domain.records import Frame
from microgrid.ports import Delivery

BUFFERED = 5_000
QUEUED_RECEIPTS = 10_000
KEEPALIVE_S = 60
HOUSEKEEPING_S = 1.0
LINGER_S = 0.005
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 5.0
MQTT_BROKER = "MQTT broker"


@dataclass(frozen=True, slots=True)
class _Token:
    """A message's packet number, and the connection it came by: after a reconnect numbers are used again."""

    connection: int
    packet: int


class MqttBroker:
    """Implements `microgrid.ports.Broker`.

    Args:
        url: `mqtt://[user:password@]host[:port]`, `mqtts://` for TLS checked against the system's certificates.
        client_id: Fixed, so that the broker keeps the session while this client is away.
        keep_session: Whether the broker keeps messages while this client is away.
        timeout_s: How long connecting and subscribing may take.

    Raises:
        BrokerUrlError: the URL is none.
        UnreachableError: no broker answers there in time, or it refuses this client.
    """

    def __init__(
        self, url: str, *, client_id: str = "microgrid-oracle", keep_session: bool = True, timeout_s: float = 10.0
    ) -> None:
        self._address = parse_broker_url(url)
        self._timeout_s = timeout_s
        self._arrived = Condition()
        self._buffer: deque[Delivery] = deque()
        self._jobs: deque[Callable[[], object]] = deque()
        self._filters: dict[str, Event] = {}
        self._subscribed: dict[int, Event] = {}
        self._connection = 0
        self._connected, self._closing = Event(), Event()
        self._problem = "no answer"
        self._wake_receiver, self._wake_sender = socket.socketpair()
        for end in (self._wake_receiver, self._wake_sender):
            end.setblocking(False)
        self._client = self._make_client(client_id, keep_session=keep_session)
        self._thread = Thread(target=self._run, name="mqtt-oracle", daemon=True)
        self._thread.start()
        if not self._connected.wait(timeout_s):
            self.close()
            raise UnreachableError(MQTT_BROKER, str(self._address), self._problem)

    def subscribe(self, topic_filter: str) -> None:
        """Ask for all frames whose topic matches, quality of service 1; survives reconnects.

        Raises:
            UnreachableError: the broker did not confirm in time.
        """
        granted = Event()
        self._post(lambda: self._subscribe(topic_filter, granted))
        if not granted.wait(self._timeout_s):
            problem = f"no answer to subscribing {topic_filter!r}"
            raise UnreachableError(MQTT_BROKER, str(self._address), problem)

    def receive(self, most: int, timeout_s: float) -> list[Delivery]:
        """Up to `most` deliveries; waits up to `timeout_s` for the first, a moment more for others."""
        with self._arrived:
            if self._arrived.wait_for(lambda: self._buffer, timeout_s):
                self._arrived.wait_for(lambda: len(self._buffer) >= most, LINGER_S)
            taken = [self._buffer.popleft() for _ in range(min(most, len(self._buffer)))]
        if taken:
            self._wake()
        return taken

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the broker that these are stored, in order of arrival; tokens of an earlier connection are ignored."""
        tokens = [delivery.token for delivery in deliveries]
        self._post(lambda: self._acknowledge(tokens))

    def publish(self, frame: Frame) -> None:
        """Send with quality of service 1; does not wait. Dropped when too much is queued: who needs it asks again."""
        if len(self._jobs) < QUEUED_RECEIPTS:
            self._post(lambda: self._client.publish(frame.topic, frame.data, qos=1))

    def close(self) -> None:
        """Disconnect."""
        if not self._closing.is_set():
            self._closing.set()
            self._wake()
            self._thread.join()
            self._wake_sender.close()

    def _make_client(self, client_id: str, *, keep_session: bool) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=not keep_session, manual_ack=True)
        client.max_inflight_messages_set(500)
        client.max_queued_messages_set(QUEUED_RECEIPTS)
        client.connect_timeout = max(min(self._timeout_s, 5.0), 0.1)
        client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect, client.on_subscribe, client.on_message = (
            self._on_connect,
            self._on_subscribe,
            self._on_message,
        )
        client.on_socket_open = _send_at_once
        # With this hook paho leaves all writing to the thread below.
        client.on_socket_register_write = lambda *_: None
        client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        return client

    def _post(self, job: Callable[[], object]) -> None:
        self._jobs.append(job)
        self._wake()

    def _wake(self) -> None:
        # A full pipe wakes as well as one more byte would; a closed one has nobody to wake.
        with suppress(OSError):
            self._wake_sender.send(b"w")

    # Everything below runs in the client's own thread.

    def _run(self) -> None:
        retry_s = FIRST_RETRY_S
        while not self._closing.is_set():
            try:
                self._client.reconnect()
            except (OSError, ValueError) as error:
                self._problem = str(error)
            else:
                before = self._connection
                self._serve()
                retry_s = FIRST_RETRY_S if self._connection > before else retry_s
            self._closing.wait(retry_s)
            retry_s = min(2 * retry_s, LONGEST_RETRY_S)
        self._wake_receiver.close()

    def _serve(self) -> None:
        """Until the connection ends."""
        connection = self._client.socket()
        if connection is None:
            return
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake_receiver, selectors.EVENT_READ)
            selector.register(connection, selectors.EVENT_READ)
            tended_s = monotonic()
            while self._client.socket() is connection and not self._closing.is_set():
                self._step(selector, connection)
                if monotonic() - tended_s >= HOUSEKEEPING_S:
                    self._client.loop_misc()
                    tended_s = monotonic()
        if self._closing.is_set():
            self._leave()

    def _step(self, selector: selectors.BaseSelector, connection: Any) -> None:
        wanted = self._wanted_events()
        _watch(selector, connection, wanted)
        # TLS may hold decrypted bytes that no selector sees.
        readable = bool(getattr(connection, "pending", lambda: 0)())
        for key, events in selector.select(0 if readable else HOUSEKEEPING_S):
            if key.fileobj is self._wake_receiver:
                self._wake_receiver.recv(4_096)
            else:
                readable = readable or bool(events & selectors.EVENT_READ)
        if readable and wanted & selectors.EVENT_READ:
            self._read()
        self._run_jobs()
        if self._client.want_write():
            self._client.loop_write()

    def _read(self) -> None:
        """As long as messages come and fit; paho takes one packet a call."""
        before = -1
        while before < len(self._buffer) < BUFFERED:
            before = len(self._buffer)
            self._client.loop_read()

    def _wanted_events(self) -> int:
        read = selectors.EVENT_READ if len(self._buffer) < BUFFERED else 0
        return read | (selectors.EVENT_WRITE if self._client.want_write() else 0)

    def _run_jobs(self) -> None:
        for _ in range(len(self._jobs)):
            self._jobs.popleft()()

    def _leave(self) -> None:
        """Send what is left to send; paho closes the socket once it has written the farewell."""
        self._run_jobs()
        self._client.disconnect()
        self._client.loop_write()

    def _subscribe(self, topic_filter: str, granted: Event) -> None:
        self._filters[topic_filter] = granted
        self._request(topic_filter, granted)

    def _request(self, topic_filter: str, granted: Event) -> None:
        status, packet = self._client.subscribe(topic_filter, qos=1)
        if status is MQTTErrorCode.MQTT_ERR_SUCCESS and packet is not None:
            self._subscribed[packet] = granted

    def _acknowledge(self, tokens: Sequence[object]) -> None:
        for token in tokens:
            if isinstance(token, _Token) and token.connection == self._connection:
                self._client.ack(token.packet, 1)

    def _on_connect(self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._problem = str(reason)
            return
        self._connection += 1
        # A connection may be lost before its subscriptions are confirmed; whoever waits hears of the next ones.
        self._subscribed.clear()
        for topic_filter, granted in self._filters.items():
            self._request(topic_filter, granted)
        self._connected.set()

    def _on_subscribe(self, _client: paho.Client, _data: Any, packet: int, reasons: Any, _properties: Any) -> None:
        granted = self._subscribed.pop(packet, None)
        if granted is not None and not any(reason.is_failure for reason in reasons):
            granted.set()

    def _on_message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        delivery = Delivery(Frame(_topic(message), bytes(message.payload)), _Token(self._connection, message.mid))
        with self._arrived:
            self._buffer.append(delivery)
            self._arrived.notify()


def _topic(message: paho.MQTTMessage) -> str:
    try:
        return message.topic
    except UnicodeDecodeError:  # not every broker refuses it; an empty topic belongs to no device
        return ""


def _send_at_once(_client: paho.Client, _data: Any, connection: Any) -> None:
    # Otherwise small packets wait for the acknowledgement of earlier ones, up to 40 ms each.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _watch(selector: selectors.BaseSelector, connection: Any, events: int) -> None:
    """Wait for these events; a selector knows no "none", so the socket is taken out then."""
    known = connection in selector.get_map()
    if known and events:
        selector.modify(connection, events)
    elif known:
        selector.unregister(connection)
    elif events:
        selector.register(connection, events)
