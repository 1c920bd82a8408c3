"""One device's MQTT connection, on an event loop that all share: no thread each, no select(), no limit of 1024."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from microgrid.domain.addresses import BrokerAddress
from microgrid.domain.records import Frame

KEEPALIVE_S = 60
CONNECT_TIMEOUT_S = 5.0
FIRST_RETRY_S = 0.1
LONGEST_RETRY_S = 10.0
IN_FLIGHT = 64


class Publisher:
    """Publishes a device's frames and hands over what arrives on the one topic it hears.

    All methods, and the callbacks, run in the loop's thread; only opening a connection, which blocks, runs in the
    executor. Nothing is queued while there is no connection: the device's outbox holds it.

    Args:
        hears: Topic to subscribe.
        on_frame: Called with what arrives there.
        on_ready: Called whenever a connection is up and subscribed.
        on_problem: Called with the reason when a connection fails.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        hears: str,
        *,
        loop: asyncio.AbstractEventLoop,
        executor: Executor,
        on_frame: Callable[[bytes], None],
        on_ready: Callable[[], None],
        on_problem: Callable[[str], None],
    ) -> None:
        self._address, self._hears, self._loop, self._executor = address, hears, loop, executor
        self._on_frame, self._on_ready, self._on_problem = on_frame, on_ready, on_problem
        self._retry_s = FIRST_RETRY_S
        self._closing = False
        self._connecting: asyncio.Task[None] | None = None
        self._client = self._make_client(client_id)

    def connect(self) -> None:
        """Connect, and again whenever the connection ends, until `close`."""
        if not self._closing and (self._connecting is None or self._connecting.done()):
            self._connecting = self._loop.create_task(self._connect())

    def publish(self, frame: Frame) -> None:
        """Send with quality of service 1, if there is a connection."""
        if self._client.is_connected():
            self._client.publish(frame.topic, frame.data, qos=1)

    def tend(self) -> None:
        """Keep the connection alive; to be called every few seconds."""
        if self._client.socket() is not None:
            self._client.loop_misc()

    async def close(self) -> None:
        """Disconnect and stop trying."""
        self._closing = True
        if self._connecting is not None:
            await asyncio.gather(self._connecting, return_exceptions=True)
        self._client.disconnect()
        self._client.loop_write()
        left_open = self._client.socket()
        if left_open is not None:  # the farewell did not fit
            self._unwatch(self._client, None, left_open)
            left_open.close()

    def _make_client(self, client_id: str) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, client_id, clean_session=True)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(IN_FLIGHT)
        client.max_queued_messages_set(IN_FLIGHT)
        client.username_pw_set(self._address.username, self._address.password)
        if self._address.tls:
            client.tls_set_context(ssl.create_default_context())
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_subscribe, client.on_message = self._subscribed, self._message
        client.on_socket_register_write, client.on_socket_unregister_write = self._watch_write, self._unwatch_write
        client.on_socket_open, client.on_socket_close = _send_at_once, self._unwatch
        client.connect_async(self._address.host, self._address.port, KEEPALIVE_S)
        return client

    async def _connect(self) -> None:
        while not self._closing:
            try:
                await self._loop.run_in_executor(self._executor, self._client.reconnect)
            except (OSError, ValueError) as error:
                self._on_problem(str(error))
                await asyncio.sleep(self._retry_s)
                self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
            else:
                self._watch_read()
                return

    def _watch_read(self) -> None:
        connection = self._client.socket()
        if connection is not None:
            self._loop.add_reader(connection, self._client.loop_read)

    def _watch_write(self, _client: paho.Client, _data: Any, connection: Any) -> None:
        # The executor's thread comes here too, with the first packet of a connection.
        self._loop.call_soon_threadsafe(self._write_when_possible, connection)

    def _write_when_possible(self, connection: Any) -> None:
        current = self._client.socket()
        if current is not None and current is connection and self._client.want_write():
            self._loop.add_writer(current, self._client.loop_write)

    def _unwatch_write(self, _client: paho.Client, _data: Any, connection: Any) -> None:
        self._loop.remove_writer(connection)

    def _unwatch(self, _client: paho.Client, _data: Any, connection: Any) -> None:
        self._loop.remove_reader(connection)
        self._loop.remove_writer(connection)

    def _connected(self, _client: paho.Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if reason.is_failure:
            self._on_problem(str(reason))
        else:
            self._client.subscribe(self._hears, qos=1)

    def _subscribed(self, *_details: Any) -> None:
        self._retry_s = FIRST_RETRY_S
        self._on_ready()

    def _disconnected(self, *_details: Any) -> None:
        if not self._closing:
            self._loop.call_later(self._retry_s, self.connect)
            self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)

    def _message(self, _client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        self._on_frame(bytes(message.payload))


def _send_at_once(_client: paho.Client, _data: Any, connection: Any) -> None:
    # Otherwise small packets wait for the acknowledgement of earlier ones, up to 40 ms each.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
