"""How JSON-RPC writes things: numbers as minimal hexadecimal, bytes as full hexadecimal, names in camel case."""

from collections.abc import Iterable
from typing import Any

RENAMED = {"coinbase": "miner"}


def quantity(number: int) -> str:
    """A number as JSON-RPC writes it."""
    return hex(number)


def hexadecimal(data: bytes) -> str:
    """Bytes as JSON-RPC writes them."""
    return "0x" + data.hex()


def data_bytes(text: str) -> bytes:
    """Bytes of a hexadecimal string."""
    return bytes.fromhex(text.removeprefix("0x"))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def json_shape(record: dict[str, Any], data_name: str = "data") -> dict[str, Any]:
    """One of eth-tester's records (block, transaction, receipt, log) as nodes write it.

    Args:
        record: Names in snake case, numbers and bytes as they are.
        data_name: What the field `data` is called: `input` in transactions.
    """
    names = {**RENAMED, "data": data_name}
    return {names.get(name, _camel(name)): _json_value(name, value, data_name) for name, value in record.items()}


def _json_value(name: str, value: Any, data_name: str) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return hexadecimal(value.to_bytes(256, "big")) if name == "logs_bloom" else quantity(value)
    if isinstance(value, bytes):
        return hexadecimal(value) if value or name not in {"to", "contract_address"} else None
    if isinstance(value, dict):
        return json_shape(value, data_name)
    if name == "access_list":
        return [{"address": hexadecimal(address), "storageKeys": _words(slots)} for address, slots in value]
    return [_json_value("", item, data_name) for item in value]


def _words(numbers: Iterable[int]) -> list[str]:
    return [hexadecimal(number.to_bytes(32, "big")) for number in numbers]
