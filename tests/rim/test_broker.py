"""The MQTT client on the embedded broker, the embedded broker itself, and what is said when nobody answers."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from threading import Event, Thread

import pytest
from behaviours.broker import PATIENCE_S, TOPIC, BrokerBehaviour, contents, receive
from hypothesis import given
from hypothesis import strategies as st

from microgrid.broker import BrokerFaults, EmbeddedBroker, MqttBroker
from microgrid.broker.mqtt import BUFFERED
from microgrid.domain.addresses import BrokerAddress, parse_broker_url, without_password
from microgrid.domain.errors import BadInputError, BrokerUrlError, PortTakenError, UnreachableError
from microgrid.domain.records import Frame

SUBSCRIBE_A = b"\x82\x06\x00\x01\x00\x01a\x01"
PUBLISH_A = b"\x32\x07\x00\x01a\x00\x02xx"


class TestEmbedded(BrokerBehaviour):
    @pytest.fixture
    def url(self) -> Iterator[str]:
        with EmbeddedBroker() as broker:
            yield broker.url


def test_the_embedded_broker_listens_on_loopback_alone() -> None:
    with EmbeddedBroker() as broker, socket.create_connection(("127.0.0.1", broker.port)) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"
        assert broker.url == f"mqtt://127.0.0.1:{broker.port}"


def test_a_taken_port_is_named() -> None:
    with EmbeddedBroker() as broker, pytest.raises(PortTakenError, match=f"port {broker.port} on 127.0.0.1 is taken"):
        EmbeddedBroker(broker.port)


def test_the_embedded_broker_survives_garbage() -> None:
    with EmbeddedBroker() as broker:
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 50, b"\x10\xff\xff\xff\x7f", b"\x00"):
            with socket.create_connection(("127.0.0.1", broker.port)) as connection:
                connection.sendall(garbage)
        client = MqttBroker(broker.url)
        client.subscribe(TOPIC)
        client.publish(Frame(TOPIC, b"still there"))
        assert contents(receive(client, 1)) == [b"still there"]
        client.close()


def connect_packet(client: bytes) -> bytes:
    """MQTT 3.1.1, section 3.1: clean session, keep alive 60 s."""
    body = b"\x00\x04MQTT\x04\x02\x00\x3c" + len(client).to_bytes(2, "big") + client
    return b"\x10" + bytes([len(body)]) + body


@pytest.mark.parametrize("connected_at_least", [0, 5, 50])
def test_the_embedded_broker_closes_while_clients_keep_connecting(connected_at_least: int) -> None:
    """Each client says all at once and reads nothing, so some are cut off in the middle of their first packets."""
    broker, enough, closed = EmbeddedBroker(), Event(), Event()

    def keep_connecting() -> None:
        opened = []
        with suppress(OSError):
            while not closed.is_set() and len(opened) < 500:
                client = socket.create_connection(("127.0.0.1", broker.port), PATIENCE_S)
                opened.append(client)
                client.sendall(connect_packet(b"client-%d" % (len(opened) % 3)) + SUBSCRIBE_A + PUBLISH_A)
                if len(opened) >= connected_at_least:
                    enough.set()
        for client in opened:
            client.close()

    threads = [Thread(target=keep_connecting) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert enough.wait(PATIENCE_S)
    Thread(target=lambda: (broker.close(), closed.set()), daemon=True).start()
    assert closed.wait(PATIENCE_S), "close() did not return"
    for thread in threads:
        thread.join()
    with EmbeddedBroker(broker.port) as again:
        assert again.port == broker.port


def test_a_part_of_the_broker_that_will_not_end_does_not_hold_up_its_close(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never_ends(*_: object) -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()

    monkeypatch.setattr("amqtt.broker.Broker._client_connected", never_ends)
    broker, closed = EmbeddedBroker(), Event()
    with socket.create_connection(("127.0.0.1", broker.port)) as client:
        client.settimeout(PATIENCE_S)
        Thread(target=lambda: (broker.close(), closed.set()), daemon=True).start()
        assert closed.wait(PATIENCE_S), "close() did not return"
        with suppress(ConnectionResetError):
            assert client.recv(1) == b""


def test_faults_lose_and_double_the_share_they_say_and_the_same_ones_each_time() -> None:
    def run() -> list[bytes]:
        with EmbeddedBroker(faults=BrokerFaults(drop=0.2, duplicate=0.2, seed=5)) as broker:
            client = MqttBroker(broker.url)
            client.subscribe(TOPIC)
            for number in range(200):
                client.publish(Frame(TOPIC, b"%d" % number))
            found: list[bytes] = []
            while b"199" not in found:
                arrived = client.receive(500, PATIENCE_S)
                client.acknowledge(arrived)
                found += contents(arrived)
            client.close()
            return sorted(found)

    first = run()
    lost, doubled = 200 - len(set(first)), len(first) - len(set(first))
    assert 20 <= lost <= 60
    assert 20 <= doubled <= 60
    assert set(run()) == set(first)


def test_the_client_comes_back_to_a_broker_that_was_restarted_empty() -> None:
    broker = EmbeddedBroker()
    client = MqttBroker(broker.url)
    client.subscribe(TOPIC)
    client.publish(Frame(TOPIC, b"before"))
    before = receive(client, 1)
    broker.close()
    with EmbeddedBroker(broker.port) as again:
        other = MqttBroker(again.url, client_id="device")
        found: list[bytes] = []
        while b"after" not in found:
            other.publish(Frame(TOPIC, b"after"))
            found += contents(client.receive(10, 0.2))
        client.acknowledge(before)  # packet numbers of the old connection mean nothing now
        other.close()
        client.close()


def test_the_client_stops_reading_while_its_buffer_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("microgrid.broker.mqtt.BUFFERED", 10)
    assert BUFFERED > 10
    with EmbeddedBroker() as broker:
        client, device = MqttBroker(broker.url), MqttBroker(broker.url, client_id="device")
        client.subscribe(TOPIC)
        for number in range(100):
            device.publish(Frame(TOPIC, b"%d" % number))
        found: list[bytes] = []
        while len(found) < 100:
            arrived = client.receive(100, PATIENCE_S)
            assert 0 < len(arrived) <= 10 + 1
            client.acknowledge(arrived)
            found += contents(arrived)
        assert found == [b"%d" % number for number in range(100)]
        client.close()
        device.close()


def test_a_topic_that_is_no_text_arrives_as_no_topic_and_harms_nobody() -> None:
    """Not every broker refuses bytes that are no UTF-8."""
    bad, good = (b"\x00\x04" + topic + b"\x00\x07" + b"data" for topic in (b"mg\xff\xfe", b"mg/1"))
    with socket.create_server(("127.0.0.1", 0)) as server:

        def play_broker() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1_024)
                connection.sendall(b"\x20\x02\x00\x00")  # connection accepted
                for packet in (bad, good):
                    connection.sendall(bytes([0x32, len(packet)]) + packet)  # publish, quality of service 1
                connection.recv(1_024)

        thread = Thread(target=play_broker)
        thread.start()
        client = MqttBroker(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
        assert [delivery.frame for delivery in receive(client, 2)] == [Frame("", b"data"), Frame("mg/1", b"data")]
        client.close()
        thread.join()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_broker_that_is_not_there_is_named_without_the_password() -> None:
    port = _free_port()
    with pytest.raises(UnreachableError, match=f"mqtt://user@127.0.0.1:{port} cannot be reached") as caught:
        MqttBroker(f"mqtt://user:secret@127.0.0.1:{port}", timeout_s=0.5)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, BadInputError)


def test_a_server_that_accepts_and_says_nothing_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UnreachableError, match="no answer"):
            MqttBroker(f"mqtt://127.0.0.1:{port}", timeout_s=0.5)


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_tls_is_not_given_up_for_a_server_that_speaks_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        received: list[bytes] = []

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                received.append(connection.recv(3))
                connection.sendall(b"\x20\x02\x00\x00")

        thread = Thread(target=answer)
        thread.start()
        with pytest.raises(UnreachableError):
            MqttBroker(f"mqtts://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.5)
        thread.join()
    assert received == [b"\x16" + ssl.TLSVersion.TLSv1.to_bytes(2, "big")]


ADDRESSES = {
    "mqtt://localhost": BrokerAddress("localhost", 1883),
    "mqtt://10.0.0.7:2000/": BrokerAddress("10.0.0.7", 2000),
    "mqtts://broker.example": BrokerAddress("broker.example", 8883, tls=True),
    "mqtt://[::1]:1884": BrokerAddress("::1", 1884),
    "mqtt://u:p@host": BrokerAddress("host", 1883, username="u", password="p"),  # noqa: S106
    "mqtt://u:p%40:%C3%BC@host": BrokerAddress("host", 1883, username="u", password="p@:ü"),  # noqa: S106
    "mqtt://u:p@ss@host": BrokerAddress("host", 1883, username="u", password="p@ss"),  # noqa: S106
    "mqtt://u@host:1": BrokerAddress("host", 1, username="u"),
}


@pytest.mark.parametrize(("url", "address"), ADDRESSES.items(), ids=ADDRESSES.keys())
def test_a_broker_url_is_read(url: str, address: BrokerAddress) -> None:
    assert parse_broker_url(url) == address
    assert (address.password or "\0") not in str(address).removeprefix("mqtt")


@pytest.mark.parametrize(
    "url", ["", "localhost", "http://host", "mqtt://", "mqtt://host:0", "mqtt://host:65536", "mqtt://u:hidden@:1"]
)
def test_another_url_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(BrokerUrlError, match=r"expected mqtt://\[user:password@\]host\[:port\]") as caught:
        parse_broker_url(url)
    assert "hidden" not in str(caught.value)


@given(password=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=8, max_size=20))
def test_a_password_is_never_shown(password: str) -> None:
    url = f"mqtt://operator:{password}@broker:1883"
    address = parse_broker_url(url)
    assert address.password == password
    assert password not in f"{address} {address!r} {without_password(url)}"


def test_a_connection_lost_before_a_subscription_is_confirmed_costs_only_the_time_to_come_back() -> None:
    """The first connection ends with the subscription unanswered; the second one's answer is for whoever waits."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        answers = Thread(target=_answer_the_second_subscription, args=(server,))
        answers.start()
        broker = MqttBroker(f"mqtt://127.0.0.1:{port}", timeout_s=PATIENCE_S)
        broker.subscribe("mg/1/north/+/up/r")
        broker.close()
        answers.join()


def _answer_the_second_subscription(server: socket.socket) -> None:
    for answer in (False, True):
        connection, _ = server.accept()
        with connection:
            connection.recv(4_096)
            connection.sendall(b"\x20\x02\x00\x00")  # CONNACK, accepted
            subscribe = connection.recv(4_096)
            if answer:
                connection.sendall(b"\x90\x03" + subscribe[2:4] + b"\x01")  # SUBACK of the same packet, QoS 1
                connection.recv(4_096)
