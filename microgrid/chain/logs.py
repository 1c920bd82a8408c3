"""Which logs an `eth_getLogs` query asks for."""

from dataclasses import dataclass
from typing import Any

from eth_bloom.bloom import BloomFilter

from microgrid.chain.shapes import data_bytes


@dataclass(frozen=True)
class LogFilter:
    """Which logs a query asks for: any of some addresses, and at each topic's place any of some values."""

    addresses: frozenset[str]
    topics: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, query: dict[str, Any]) -> "LogFilter":
        """The filter in an `eth_getLogs` query."""
        return cls(_lower_set(query.get("address")), tuple(_lower_set(topic) for topic in query.get("topics") or ()))

    def may_match(self, bloom: int) -> bool:
        """Whether a block or receipt with this bloom filter can hold such a log."""
        seen = BloomFilter(bloom)
        wanted = [names for names in (self.addresses, *self.topics) if names]
        return bool(bloom) and all(any(data_bytes(name) in seen for name in names) for names in wanted)

    def matches(self, log: dict[str, Any]) -> bool:
        """Whether a log, in JSON shape, is asked for."""
        if self.addresses and log["address"] not in self.addresses:
            return False
        if len(log["topics"]) < len(self.topics):
            return False
        return all(not wanted or topic in wanted for wanted, topic in zip(self.topics, log["topics"], strict=False))


def _lower_set(value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    return frozenset(item.lower() for item in ([value] if isinstance(value, str) else value))
