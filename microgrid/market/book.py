"""The order book of one interval as arrays; the order within a side is time priority."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar, overload

import numpy as np

from microgrid.domain.arrays import FloatArray, IntArray
from microgrid.domain.errors import BookError
from microgrid.market.quanta import to_quanta

AnyArray = TypeVar("AnyArray", FloatArray, IntArray)

LARGEST_PRICE = 1e9
LARGEST_SIDE_KWH = 1e9


@dataclass(frozen=True, slots=True)
class NumberedIds(Sequence[str]):
    """The names of orders that were given none: b0, b1, … without a string in memory until one is asked for."""

    prefix: str
    orders: int

    def __len__(self) -> int:
        return self.orders

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        chosen = range(self.orders)[index]
        if isinstance(chosen, int):
            return f"{self.prefix}{chosen}"
        return tuple(f"{self.prefix}{number}" for number in chosen)


@dataclass(frozen=True, eq=False)  # without slots: the quanta are computed once and kept
class Book:
    """Bids and asks, both divisible. The arrays become read-only.

    Attributes:
        bid_price: Limit prices of the buyers, currency per kWh, shape (bids,).
        bid_quantity: Energy wanted, kWh, shape (bids,).
        ask_price: Limit prices of the sellers, currency per kWh, shape (asks,).
        ask_quantity: Energy offered, kWh, shape (asks,).
        bid_ids: Name of each bid; b0, b1, … where none are given.
        ask_ids: Name of each ask; s0, s1, … where none are given.

    Raises:
        BookError: arrays of different lengths, a value that is no finite number, a negative quantity, an id used twice.
    """

    bid_price: FloatArray
    bid_quantity: FloatArray
    ask_price: FloatArray
    ask_quantity: FloatArray
    bid_ids: Sequence[str] = ()
    ask_ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, prefix in (("bid", "b"), ("ask", "s")):
            price, quantity = (self._frozen_array(f"{name}_{column}") for column in ("price", "quantity"))
            ids: Sequence[str] = getattr(self, f"{name}_ids") or NumberedIds(prefix, len(price))
            object.__setattr__(self, f"{name}_ids", ids)
            _check_side(name, ids, price, quantity)

    @classmethod
    def from_lists(
        cls,
        bids: Sequence[tuple[float, float]],
        asks: Sequence[tuple[float, float]],
        bid_ids: Sequence[str] = (),
        ask_ids: Sequence[str] = (),
    ) -> "Book":
        """A book from (price, quantity) pairs; without ids they are b0, b1, … and s0, s1, …."""
        return cls(*_columns(bids), *_columns(asks), tuple(bid_ids), tuple(ask_ids))

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

    @cached_property
    def bid_quanta(self) -> IntArray:
        """Energy wanted in whole quanta, shape (bids,)."""
        return _read_only(to_quanta(self.bid_quantity))

    @cached_property
    def ask_quanta(self) -> IntArray:
        """Energy offered in whole quanta, shape (asks,)."""
        return _read_only(to_quanta(self.ask_quantity))

    def _frozen_array(self, name: str) -> FloatArray:
        array: FloatArray = _read_only(np.asarray(getattr(self, name), dtype=np.float64))
        object.__setattr__(self, name, array)
        return array


def _read_only(array: AnyArray) -> AnyArray:
    array.setflags(write=False)
    return array


def _columns(pairs: Sequence[tuple[float, float]]) -> tuple[FloatArray, FloatArray]:
    table = np.array(pairs, dtype=np.float64).reshape(-1, 2)
    return table[:, 0].copy(), table[:, 1].copy()


def _check_side(side: str, ids: Sequence[str], price: FloatArray, quantity: FloatArray) -> None:
    if not len(ids) == len(price) == len(quantity):
        raise BookError(what=f"a {side} array", found="of another length", right="one id, price and quantity an order")
    _check_ids(side, ids)
    _check_values(side, ids, "price", price, (-LARGEST_PRICE, LARGEST_PRICE), "a number up to 1e9")
    _check_values(side, ids, "qty", quantity, (0, np.finfo(np.float64).max), "a number of kWh, not negative")
    if quantity.sum() > LARGEST_SIDE_KWH:
        raise BookError(what=f"the sum of all {side}s", found=quantity.sum(), right=f"at most {LARGEST_SIDE_KWH:g} kWh")


def _check_ids(side: str, ids: Sequence[str]) -> None:
    if isinstance(ids, NumberedIds) or len(set(ids)) == len(ids):
        return
    twice = next(name for name, count in Counter(ids).items() if count > 1)
    raise BookError(what=f"id of {side} {twice!r}", found="there twice", right="one order's own")


def _check_values(
    side: str, ids: Sequence[str], name: str, values: FloatArray, bounds: tuple[float, float], right: str
) -> None:
    """NaN compares false with everything, and the smallest of numbers with a NaN is NaN."""
    lowest, highest = bounds
    if not len(values) or (values.min() >= lowest and values.max() <= highest):
        return
    index = int(np.flatnonzero(~((values >= lowest) & (values <= highest)))[0])
    raise BookError(what=f"{name} of {side} {ids[index]!r}", found=f"{values[index]:g}", right=right)


JSON_KINDS: Mapping[type, str] = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a number",
    float: "a number",
    bool: "true or false",
}
"""What a file holds, in the words of who wrote it."""


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
    return "missing" if value is None else JSON_KINDS.get(type(value), "of another kind")


def _number(entry: Mapping[object, object], key: str, side: str, identity: str) -> float:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        shown = "missing" if value is None else f"{value!r}"
        raise BookError(what=f'{key} of {identity!r} in "{side}"', found=shown, right="a number")
    try:
        return float(value)
    except OverflowError as error:
        raise BookError(what=f'{key} of {identity!r} in "{side}"', found="too large", right="up to 1e9") from error
