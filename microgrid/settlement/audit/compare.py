"""Comparisons: recomputed state with the contracts', stored readings with those on chain."""

from collections.abc import Iterable, Mapping
from typing import Any

from microgrid.domain.errors import AuditError, WireError
from microgrid.domain.journal import Journal, State, device_name, reading_name
from microgrid.domain.records import Reading
from microgrid.domain.wire import keccak256, reading_digest, recover

CONTRACT = "the contract"
STORE = "the store"


def check_state(recorded: State, recomputed: State) -> None:
    """Compare what the contracts hold with what must be.

    Raises:
        AuditError: names the first number that differs.
    """
    for name, value in recomputed.items():
        found = recorded.get(name, "nothing")
        if found != value:
            raise AuditError(name, found, value, CONTRACT)
    for name in recorded.keys() - recomputed.keys():
        raise AuditError(name, recorded[name], "nothing", CONTRACT)


def check_stored(journal: Journal, stored: Iterable[tuple[Reading, bool]]) -> int:
    """Compare the readings that the oracle handed in with those that the chain took; returns their number.

    Args:
        journal: The chain's side.
        stored: Readings that the oracle handed in and that were not refused, True where the contract said it took them.

    Raises:
        AuditError: a stored reading is not the one that its device signed or that went on chain, or one is missing.
    """
    on_chain = {
        (str(event.args["deviceId"]), int(event.args["sequence"])): event.args
        for event in journal.events
        if event.name == "ReadingAccepted"
    }
    keys = _keys(journal)
    count = 0
    for reading, told in stored:
        identity = "0x" + reading.device_id.hex()
        taken = on_chain.pop((identity, reading.chain_sequence), None)
        label = f"{reading_name(reading.chain_sequence)} of {reading.device!r}"
        if taken is None and not told:
            continue
        if taken is None:
            raise AuditError(what="place", of=label, recorded="on chain", recomputed="not on chain", where=STORE)
        _check_reading(reading, taken, label)
        _check_signer(journal, reading, keys[identity], label)
        count += 1
    for identity, sequence in on_chain:
        raise AuditError(device_name(identity, reading_name(sequence)), "nothing", "on chain", STORE)
    return count


def _keys(journal: Journal) -> Mapping[str, set[str]]:
    """Every key that a device had."""
    keys: dict[str, set[str]] = {}
    for event in journal.events:
        if event.name in ("DeviceRegistered", "DeviceKeyRotated"):
            key = event.args["key" if event.name == "DeviceRegistered" else "newKey"]
            keys.setdefault(str(event.args["deviceId"]), set()).add(str(key))
    return keys


def _check_reading(reading: Reading, taken: Mapping[str, Any], label: str) -> None:
    for name, found, right in (
        ("import_wh", reading.import_wh, taken["importWh"]),
        ("export_wh", reading.export_wh, taken["exportWh"]),
        ("timestamp_s", reading.timestamp_s, taken["timestamp"]),
        ("payload hash", "0x" + keccak256(reading.payload).hex(), taken["detail"]),
    ):
        if found != right:
            raise AuditError(name, found, right, STORE, of=label)


def _check_signer(journal: Journal, reading: Reading, keys: set[str], label: str) -> None:
    try:
        signer = recover(reading_digest(reading, journal.reading_domain), reading.signature)
    except WireError:
        signer = "nobody"
    if signer not in keys:
        raise AuditError(what="signer", of=label, recorded=signer, recomputed=" or ".join(sorted(keys)), where=STORE)
