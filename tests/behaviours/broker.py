"""What every MQTT broker does behind the broker port; a test class inherits this and has a fixture `url`."""

from collections.abc import Callable, Iterator

import pytest

from microgrid.broker import MqttBroker
from microgrid.domain.records import Frame
from microgrid.ports import Broker, Delivery

TOPIC = "mg/1/north/meter-0/up/r"
PATIENCE_S = 60.0
Connect = Callable[[str], MqttBroker]


def receive(broker: Broker, count: int) -> list[Delivery]:
    """Exactly `count` deliveries, or a failure that says how many came."""
    found: list[Delivery] = []
    while len(found) < count:
        arrived = broker.receive(count - len(found), PATIENCE_S)
        assert arrived, f"{len(found)} of {count} came"
        found += arrived
    return found


def contents(deliveries: list[Delivery]) -> list[bytes]:
    return [delivery.frame.data for delivery in deliveries]


class BrokerBehaviour:
    @pytest.fixture
    def connect(self, url: str) -> Iterator[Connect]:
        """Opens clients and closes them in the end."""
        opened: list[MqttBroker] = []

        def open_client(client_id: str) -> MqttBroker:
            opened.append(MqttBroker(url, client_id=client_id))
            return opened[-1]

        yield open_client
        for client in opened:
            client.close()

    def test_a_frame_arrives_byte_for_byte_with_its_topic(self, connect: Connect) -> None:
        oracle, device = connect("oracle"), connect("device")
        oracle.subscribe("mg/1/north/+/up/r")
        frame = Frame(TOPIC, bytes(range(256)) * 3)
        device.publish(frame)
        (delivery,) = receive(oracle, 1)
        assert delivery.frame == frame

    def test_only_what_matches_the_filter_arrives(self, connect: Connect) -> None:
        oracle, device = connect("oracle"), connect("device")
        oracle.subscribe("mg/1/north/+/up/r")
        for topic in ("mg/1/south/meter-0/up/r", "mg/1/north/meter-0/down/rcpt", TOPIC):
            device.publish(Frame(topic, topic.encode()))
        assert contents(receive(oracle, 1)) == [TOPIC.encode()]

    def test_frames_of_one_client_arrive_in_order_and_in_portions(self, connect: Connect) -> None:
        oracle, device = connect("oracle"), connect("device")
        oracle.subscribe(TOPIC)
        sent = [b"%d" % number for number in range(300)]
        for data in sent:
            device.publish(Frame(TOPIC, data))
        found: list[bytes] = []
        while len(found) < len(sent):
            portion = oracle.receive(64, PATIENCE_S)
            assert 0 < len(portion) <= 64
            oracle.acknowledge(portion)
            found += contents(portion)
        assert found == sent

    def test_receive_comes_back_empty_handed_when_nothing_arrives(self, connect: Connect) -> None:
        oracle = connect("oracle")
        oracle.subscribe(TOPIC)
        assert oracle.receive(10, 0.0) == []

    def test_two_filters_at_once(self, connect: Connect) -> None:
        oracle, device = connect("oracle"), connect("device")
        oracle.subscribe("mg/1/a/+/up/r")
        oracle.subscribe("mg/1/b/+/up/r")
        for site in "ab":
            device.publish(Frame(f"mg/1/{site}/meter/up/r", site.encode()))
        assert sorted(contents(receive(oracle, 2))) == [b"a", b"b"]

    def test_a_client_that_is_closed_twice_does_not_mind(self, connect: Connect) -> None:
        client = connect("oracle")
        client.close()
        client.close()
