"""MQTT: the oracle's client, and a broker that starts inside the process where none is given by URL."""

from microgrid.broker.embedded import BrokerFaults, EmbeddedBroker
from microgrid.broker.mqtt import MqttBroker

__all__ = ["BrokerFaults", "EmbeddedBroker", "MqttBroker"]
