"""The order book of one interval as arrays; the order within a side is time priority."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from microgrid.domain.errors import BookError

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

QUANTA_PER_KWH = 10**9
"""Quantities are compared and paired in whole 1e-9 kWh, so that 0.1 + 0.2 kWh meets 0.3 kWh exactly."""
LARGEST_PRICE = 1e9
LARGEST_SIDE_KWH = 1e9


@dataclass(frozen=True, eq=False, slots=True)
class Book:
    """Bids and asks, both divisible.

    Attributes:
        bid_price: Limit prices of the buyers, currency per kWh, shape (bids,).
        bid_quantity: Energy wanted, kWh, shape (bids,).
        ask_price: Limit prices of the sellers, currency per kWh, shape (asks,).
        ask_quantity: Energy offered, kWh, shape (asks,).
        bid_ids: Name of each bid.
        ask_ids: Name of each ask.

    Raises:
        BookError: arrays of different lengths, a value that is no finite number, a negative quantity, an id used twice.
    """

    bid_price: FloatArray
    bid_quantity: FloatArray
    ask_price: FloatArray
    ask_quantity: FloatArray
    bid_ids: tuple[str, ...]
    ask_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_side("bid", self.bid_ids, self.bid_price, self.bid_quantity)
        _check_side("ask", self.ask_ids, self.ask_price, self.ask_quantity)
        for array in (self.bid_price, self.bid_quantity, self.ask_price, self.ask_quantity):
            array.setflags(write=False)

    @classmethod
    def from_lists(
        cls,
        bids: Sequence[tuple[float, float]],
        asks: Sequence[tuple[float, float]],
        bid_ids: Sequence[str] | None = None,
        ask_ids: Sequence[str] | None = None,
    ) -> "Book":
        """A book from (price, quantity) pairs; without ids they are b0, b1, … and s0, s1, …."""
        bid_price, bid_quantity = _columns(bids)
        ask_price, ask_quantity = _columns(asks)
        return cls(
            bid_price,
            bid_quantity,
            ask_price,
            ask_quantity,
            tuple(bid_ids if bid_ids is not None else (f"b{i}" for i in range(len(bids)))),
            tuple(ask_ids if ask_ids is not None else (f"s{i}" for i in range(len(asks)))),
        )

    @classmethod
    def from_document(cls, document: object) -> "Book":
        """A book from the parsed form of `{"bids": [{"id", "price", "qty"}], "asks": […]}`.

        Raises:
            BookError: another form, or a value that no order can have.
        """
        if not isinstance(document, Mapping):
            raise BookError(
                what="the document", found=_kind(document), right='an object with the lists "bids" and "asks"'
            )
        bid_ids, bids = _read_side(document, "bids", "b")
        ask_ids, asks = _read_side(document, "asks", "s")
        return cls.from_lists(bids, asks, bid_ids, ask_ids)

    @property
    def bid_quanta(self) -> IntArray:
        """Energy wanted in whole quanta, shape (bids,)."""
        return to_quanta(self.bid_quantity)

    @property
    def ask_quanta(self) -> IntArray:
        """Energy offered in whole quanta, shape (asks,)."""
        return to_quanta(self.ask_quantity)


def to_quanta(quantity_kwh: FloatArray) -> IntArray:
    """Energies in kWh as whole quanta, half to even."""
    return np.rint(quantity_kwh * QUANTA_PER_KWH).astype(np.int64)


def from_quanta(quanta: IntArray) -> FloatArray:
    """Energies in quanta as kWh."""
    return quanta / QUANTA_PER_KWH


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def _check_side(side: str, ids: tuple[str, ...], price: FloatArray, quantity: FloatArray) -> None:
    if not len(ids) == len(price) == len(quantity):
        raise BookError(what=f"a {side} array", found="of another length", right="one id, price and quantity an order")
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise BookError(what=f"id of {side} {twice[0]!r}", found="there twice", right="one order's own")
    _check_values(side, ids, "price", price, valid=np.abs(price) <= LARGEST_PRICE, right="a number up to 1e9")
    _check_values(side, ids, "qty", quantity, valid=quantity >= 0, right="a number of kWh, not negative")
    if quantity.sum() > LARGEST_SIDE_KWH:
        raise BookError(what=f"the sum of all {side}s", found=quantity.sum(), right=f"at most {LARGEST_SIDE_KWH:g} kWh")


def _check_values(
    side: str, ids: tuple[str, ...], name: str, values: FloatArray, *, valid: npt.NDArray[np.bool_], right: str
) -> None:
    """NaN compares false with everything, so it is valid nowhere."""
    wrong = np.flatnonzero(~(valid & np.isfinite(values)))
    if wrong.size:
        index = int(wrong[0])
        raise BookError(what=f"{name} of {side} {ids[index]!r}", found=f"{values[index]:g}", right=right)


def _read_side(
    document: Mapping[object, object], name: str, prefix: str
) -> tuple[list[str], list[tuple[float, float]]]:
    entries = document.get(name)
    if not isinstance(entries, list):
        raise BookError(what=f'"{name}"', found=_kind(entries), right='a list of {"id", "price", "qty"}')
    ids, pairs = [], []
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise BookError(
                what=f'entry {index} of "{name}"', found=_kind(entry), right='an object {"id", "price", "qty"}'
            )
        identity = str(entry.get("id", f"{prefix}{index}"))
        ids.append(identity)
        pairs.append((_number(entry, "price", name, identity), _number(entry, "qty", name, identity)))
    return ids, pairs


def _kind(value: object) -> str:
    return "missing" if value is None else f"a {type(value).__name__}"


def _number(entry: Mapping[object, object], key: str, side: str, identity: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = "missing" if value is None else f"{value!r}"
        raise BookError(what=f'{key} of {identity!r} in "{side}"', found=shown, right="a number")
    try:
        return float(value)
    except OverflowError as error:
        raise BookError(what=f'{key} of {identity!r} in "{side}"', found="too large", right="up to 1e9") from error
