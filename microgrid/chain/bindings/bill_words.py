"""Bills of homes as the market's `HomesSettled` tells them: two words for each home."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MEMBER_SHIFT, BOUGHT_SHIFT, SOLD_SHIFT, METERED_SHIFT, IMPORT_SHIFT = 224, 180, 136, 128, 64
TRADED, REGISTER = (1 << 44) - 1, (1 << 64) - 1
SIGN, WORD = 1 << 255, 1 << 256


def bills(args: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The homes of one event's arguments: interval, memberId, boughtWh, soldWh, importWh, exportWh, metered, amount."""
    words: Sequence[int] = args["bills"]
    for word, amount in zip(words[::2], words[1::2], strict=True):
        yield {
            "interval": args["interval"],
            "memberId": word >> MEMBER_SHIFT,
            "boughtWh": word >> BOUGHT_SHIFT & TRADED,
            "soldWh": word >> SOLD_SHIFT & TRADED,
            "importWh": word >> IMPORT_SHIFT & REGISTER,
            "exportWh": word & REGISTER,
            "metered": bool(word >> METERED_SHIFT & 1),
            "amount": amount - WORD if amount & SIGN else amount,
        }
