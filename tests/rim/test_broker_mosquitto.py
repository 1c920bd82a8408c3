"""The MQTT client on mosquitto, by URL: what only a broker with sessions, passwords and a full queue can show."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from behaviours.broker import PATIENCE_S, TOPIC, BrokerBehaviour, contents, receive
from mosquitto import free_port, mosquitto

from microgrid.broker import MqttBroker
from microgrid.domain.errors import UnreachableError
from microgrid.domain.records import Frame

pytestmark = pytest.mark.mosquitto


class TestMosquitto(BrokerBehaviour):
    @pytest.fixture
    def url(self, tmp_path: Path) -> Iterator[str]:
        port = free_port()
        with mosquitto(tmp_path, port):
            yield f"mqtt://127.0.0.1:{port}"


def test_what_was_not_acknowledged_comes_again_to_the_same_client_id(tmp_path: Path) -> None:
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    with mosquitto(tmp_path, port):
        first, device = MqttBroker(url), MqttBroker(url, client_id="device")
        first.subscribe(TOPIC)
        for number in range(4):
            device.publish(Frame(TOPIC, b"%d" % number))
        deliveries = receive(first, 4)
        first.acknowledge(deliveries[:2])
        first.close()
        device.publish(Frame(TOPIC, b"while away"))
        second = MqttBroker(url)
        assert contents(receive(second, 3)) == [b"2", b"3", b"while away"]
        second.close()
        device.close()


def test_an_acknowledgement_of_an_earlier_connection_says_nothing_about_this_one(tmp_path: Path) -> None:
    """Packet numbers are used again after a reconnect: an old token must not acknowledge a new message."""
    port = free_port()
    url = f"mqtt://127.0.0.1:{port}"
    with mosquitto(tmp_path, port):
        client, device = MqttBroker(url), MqttBroker(url, client_id="device")
        client.subscribe(TOPIC)
        device.publish(Frame(TOPIC, b"one"))
        old = receive(client, 1)
        # A second client with the same id takes the session over; the first reconnects and takes it back.
        rival = MqttBroker(url)
        rival.close()
        again = receive(client, 1)
        assert contents(again) == [b"one"]
        client.acknowledge(old)
        client.close()
        heir = MqttBroker(url)
        assert contents(receive(heir, 1)) == [b"one"]
        heir.close()
        device.close()


def test_user_and_password_of_the_url_are_used_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    command = ["mosquitto_passwd", "-b", "-c", str(passwords), "operator", "s3cret"]
    subprocess.run(command, check=True)
    passwords.chmod(0o644)
    tmp_path.chmod(0o755)
    port = free_port()
    with mosquitto(tmp_path, port, "allow_anonymous false", f"password_file {passwords}"):
        client = MqttBroker(f"mqtt://operator:s3cret@127.0.0.1:{port}")
        client.subscribe(TOPIC)
        client.publish(Frame(TOPIC, b"in"))
        assert contents(client.receive(1, PATIENCE_S)) == [b"in"]
        client.close()
        with pytest.raises(UnreachableError, match="Not authorized") as caught:
            MqttBroker(f"mqtt://operator:wr0ng@127.0.0.1:{port}", timeout_s=1.0)
        assert "wr0ng" not in str(caught.value)
