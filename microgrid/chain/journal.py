"""The journal of a market, read from a chain: events, what their transactions' call data add, and the state."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import Any

from eth_typing import HexStr
from hexbytes import HexBytes
from web3.contract import Contract
from web3.exceptions import Web3Exception

from microgrid.chain.bindings.bill_words import bills
from microgrid.chain.client import MarketChain
from microgrid.chain.journal_readings import ACCEPTED, READING_CALLS, accepted_readings
from microgrid.chain.reverts import typed_errors
from microgrid.domain.errors import ChainError
from microgrid.domain.journal import (
    CLEARING_FIELDS,
    HOME_SETTLED,
    LIABILITIES,
    MONEY_FIELDS,
    REGISTER_FIELDS,
    Journal,
    JournalEvent,
    State,
    Value,
    balance_name,
    delivered_names,
    device_name,
    named_fields,
)

ATTEMPTS = 5
Told = Sequence[tuple[str, Mapping[str, Any]]]
CALLS = {
    **READING_CALLS,
    "OrderCreated": ("submitOrders", "createOrder", "createOrderAt"),
}


def read_journal(market: MarketChain) -> Journal:
    """All events since the deployment and the contracts' state at the same block.

    Raises:
        ChainError: the node does not answer, or the chain never stands still.
    """
    eth = market.backend.web3.eth
    for _ in range(ATTEMPTS):
        with typed_errors():
            last = eth.block_number
            events = tuple(_events(market, last))
            state = _state(market, events)
            if eth.block_number == last:
                return Journal(
                    chain_id=market.deployment.chain_id,
                    registry=market.registry.contract.address,
                    trading=market.trading.contract.address,
                    backstop=market.grid_account,
                    treasury=market.fee_account,
                    interval_seconds=market.registry.interval_seconds(),
                    reading_deadline_seconds=market.registry.reading_deadline_seconds(),
                    events=events,
                    state=state,
                )
    message = "the chain moves on faster than it can be read; audit while nobody trades"
    raise ChainError(message)


def _events(market: MarketChain, last: int) -> Iterator[JournalEvent]:
    parts = (market.registry, market.grid, market.trading, market.direct)
    contracts = {part.contract.address: part.contract for part in parts}
    logs = market.backend.web3.eth.get_logs(
        {"fromBlock": market.deployment.block, "toBlock": last, "address": list(contracts)}
    )
    decoders = {address: _decoders(contract) for address, contract in contracts.items()}
    ordered = sorted(logs, key=lambda log: (log["blockNumber"], log["logIndex"]))
    told = [
        (log, event)
        for log in ordered
        if log["topics"] and (event := decoders[log["address"]].get(_hexadecimal(log["topics"][0]))) is not None
    ]
    by_transaction: dict[bytes, list[tuple[str, Mapping[str, Any]]]] = {}
    for log, event in told:
        items = by_transaction.setdefault(bytes(log["transactionHash"]), [])
        items.append((event.event_name, event.process_log(log)["args"]))
    seconds, devices = market.registry.interval_seconds(), market.registry.device_ids()
    accepted = partial(accepted_readings, device_ids=devices, interval_seconds=seconds)
    finished = {
        sent: deque(_finished(accepted, items, *_wanted_call(market, contracts, sent, items)))
        for sent, items in by_transaction.items()
    }
    time_of = cache(lambda block: int(market.backend.web3.eth.get_block(block)["timestamp"]))
    for log, _ in told:
        block = log["blockNumber"]
        for name, args in finished[bytes(log["transactionHash"])].popleft():
            more = {"taken": time_of(block)} if name == ACCEPTED else {}
            yield JournalEvent(block, log["logIndex"], name, args | more)


def _decoders(contract: Contract) -> dict[str, Any]:
    """Events by their first topic."""
    names = [item["name"] for item in contract.abi if item["type"] == "event"]
    return {HexStr(contract.events[name]().topic): contract.events[name]() for name in names}


def _finished(
    accepted: Callable[..., Iterable[dict[str, Value]]], items: Told, name: str, call: Mapping[str, Any]
) -> Iterator[list[tuple[str, dict[str, Value]]]]:
    """For each event of a transaction what the journal tells of it, readings and homes one by one."""
    extras = _order_extras(call, items) if name == "submitOrders" else _direct_order_extras(name, call, items)
    for (event, args), more in zip(items, extras, strict=True):
        if event in READING_CALLS:
            known = call if name in READING_CALLS[event] else {}
            yield [(ACCEPTED, reading) for reading in accepted(args, known)]
        elif event == "HomesSettled":
            yield [(HOME_SETTLED, home) for home in bills(args)]
        else:
            yield [(event, _flat({key: _plain(value) for key, value in args.items()}) | more)]


def _wanted_call(
    market: MarketChain, contracts: Mapping[Any, Contract], sent: bytes, items: Told
) -> tuple[str, Mapping[str, Any]]:
    """Name and arguments of a transaction's call where they say more of its events, else nothing."""
    wanted = {name for event, _ in items for name in CALLS.get(event, ())}
    if not wanted:
        return "", {}
    transaction = market.backend.web3.eth.get_transaction(HexBytes(sent))
    contract = contracts.get(transaction.get("to"))
    name, call = _call(contract, transaction["input"]) if contract else ("", {})
    return (name, call) if name in wanted else ("", {})


def _call(contract: Contract, data: bytes) -> tuple[str, Mapping[str, Any]]:
    try:
        function, args = contract.decode_function_input(data)
    except (ValueError, Web3Exception):
        return "", {}
    return function.fn_name, args


def _direct_order_extras(name: str, call: Mapping[str, Any], items: Told) -> Iterator[dict[str, Value]]:
    """A home's own order stands in the call with its price."""
    for event, _ in items:
        yield {"limit": call["price"]} if event == "OrderCreated" and name in CALLS[event] else {}


def _order_extras(call: Mapping[str, Any], items: Told) -> Iterator[dict[str, Value]]:
    """The contract tells of each order in turn: of a refusal once, of an accepted one once for each interval."""
    given = zip(call["orders"], call["signatures"], strict=True)
    left, more = 0, {}
    for event, _ in items:
        if event == "OrderRefused":
            next(given)
            yield {}
        elif event == "OrderCreated":
            if not left:
                order, signature = next(given)
                left, more = order["duration"], _order_fields(order, signature)
            left -= 1
            yield more
        else:
            yield {}


def _order_fields(order: Mapping[str, Any], signature: bytes) -> dict[str, Value]:
    return {
        "limit": order["price"],
        "first": order["interval"],
        "duration": order["duration"],
        "nonce": order["nonce"],
        "deadline": order["deadline"],
        "signature": _hexadecimal(signature),
    }


def _state(market: MarketChain, events: Iterable[JournalEvent]) -> State:
    trading = market.trading
    homes = market.homes()
    state: dict[str, int] = {}
    for account in (market.grid_account, market.fee_account, trading.contract.address):
        state[balance_name(account)] = trading.balance_micro(account)
    for account in homes:
        balance, *delivered = trading.account(account)
        state[balance_name(account)] = balance
        state |= dict(zip(delivered_names(account), delivered, strict=True))
    state[LIABILITIES] = trading.liabilities_micro()
    for interval in sorted({int(e.args["interval"]) for e in events if e.name == "IntervalCleared"}):
        auction, (money, _) = trading.auction(interval), trading.money(interval)
        state |= dict(named_fields(auction, CLEARING_FIELDS, interval))
        state |= dict(named_fields(money, MONEY_FIELDS, interval))
    for identity in market.registry.device_ids():
        label = "0x" + identity.hex()
        names = (device_name(label, field) for field in REGISTER_FIELDS)
        state |= dict(zip(names, market.registry.registers(identity), strict=True))
    return state


def _flat(args: Mapping[str, Any]) -> dict[str, Value]:
    """Structures and lists are settings that no balance depends on."""
    return {name: value for name, value in args.items() if isinstance(value, int | str | bool)}


def _plain(value: Any) -> Any:
    return _hexadecimal(value) if isinstance(value, bytes) else value


def _hexadecimal(value: bytes) -> str:
    return "0x" + bytes(value).hex()
