"""Reading events out of logs, by name and contract."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eth_typing import HexStr
from web3.contract import Contract
from web3.types import LogReceipt


def events(contract: Contract, name: str, logs: Iterable[LogReceipt]) -> Iterator[Mapping[str, Any]]:
    """Arguments of every event of that name that the contract emitted, in order."""
    return (args for _, args in events_of(contract, (name,), logs))


def events_of(
    contract: Contract, names: Iterable[str], logs: Iterable[LogReceipt]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Name and arguments of every event of those names that the contract emitted, in order."""
    by_topic = {contract.events[name]().topic: contract.events[name]() for name in names}
    for log in logs:
        if log["address"] != contract.address or not log["topics"]:
            continue
        event = by_topic.get(HexStr("0x" + bytes(log["topics"][0]).hex()))
        if event is not None:
            yield event.event_name, event.process_log(log)["args"]
