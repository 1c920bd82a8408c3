"""Accepted readings, one by one: a batch's event tells of all in packed words, its call data what devices signed."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, Final

from microgrid.chain.bindings.reading_words import long_signature, told_readings
from microgrid.domain.journal import Value

READING_CALLS: Final = {"ReadingsTaken": ("submitReadings",), "ReadingProven": ("proveReading",)}
ACCEPTED: Final = "ReadingAccepted"


def accepted_readings(
    args: Mapping[str, Any], call: Mapping[str, Any], device_ids: Sequence[bytes], interval_seconds: int
) -> Iterator[dict[str, Value]]:
    """Fields of each accepted reading of a batch, or of a proven one.

    Args:
        args: The event's.
        call: Arguments of the call, empty where another contract made it; then detail and signature are not known.
        device_ids: Ids of all devices, in order of registration.
        interval_seconds: Length of an interval.
    """
    words = args["readings"] if "readings" in args else [args["reading"]]
    given = call.get("readings", [call["reading"]] if "reading" in call else [])
    for told, signed in zip_longest(told_readings(words), given):
        if told.refused:
            continue
        yield {
            "deviceId": _hexadecimal(device_ids[told.device_number]),
            "interval": (told.timestamp_s - 1) // interval_seconds,
            "sequence": told.sequence,
            "timestamp": told.timestamp_s,
            "importWh": told.import_wh,
            "exportWh": told.export_wh,
        } | (_signed(signed) if signed else {})


def _signed(reading: Mapping[str, Any]) -> dict[str, Value]:
    signature = long_signature(bytes(reading["r"]), bytes(reading["vs"]))
    return {"detail": _hexadecimal(reading["detail"]), "signature": _hexadecimal(signature)}


def _hexadecimal(value: bytes) -> str:
    return "0x" + bytes(value).hex()
