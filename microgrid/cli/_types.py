"""What people write on the command line: addresses, money, energy."""

import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Any

import rich_click as click

from microgrid.domain.errors import BadInputError
from microgrid.domain.units import MICRO_PER_UNIT, WAD, WH_PER_KWH
from microgrid.domain.wire import checksum

ADDRESS_BYTES = 20
UNPRINTABLE = ("Cc", "Cs", "Cn")  # controls, and what UTF-8 or MQTT does not carry


class Account(click.ParamType[Any]):
    """An account's address, EIP-55 checksummed or in one case."""

    name = "address"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The checksummed form."""
        try:
            raw = bytes.fromhex(value.removeprefix("0x"))
        except ValueError:
            raw = b""
        if len(raw) != ADDRESS_BYTES:
            self.fail(f"{value!r} is no address: expected 0x and 40 hexadecimal digits", param, ctx)
        right = checksum(raw)
        if value.removeprefix("0x") not in {right[2:], right[2:].lower(), right[2:].upper()}:
            self.fail(f"{value!r} has a wrong checksum: a digit is mistyped, or it should be {right}", param, ctx)
        return right


class Money(click.ParamType[Any]):
    """An amount of money (or a price per kWh) in currency units, at most six decimals; becomes micro."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Whole micro."""
        return _scaled(self, value, MICRO_PER_UNIT, (param, ctx))


class Energy(click.ParamType[Any]):
    """Energy in kWh, at most three decimals; becomes Wh."""

    name = "kWh"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Whole Wh."""
        return _scaled(self, value, WH_PER_KWH, (param, ctx))


class Tokens(click.ParamType[Any]):
    """An amount of reward tokens, at most 18 decimals; becomes 1e-18 tokens."""

    name = "tokens"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Whole 1e-18 tokens."""
        return _scaled(self, value, WAD, (param, ctx))


Where = tuple[click.Parameter | None, click.Context | None]


def _scaled(kind: click.ParamType[Any], value: Any, scale: int, where: Where) -> int:
    if isinstance(value, int):  # a default that was converted before
        return value
    try:
        scaled = Decimal(value) * scale
    except InvalidOperation:
        scaled = Decimal("NaN")
    if not scaled.is_finite() or scaled != scaled.to_integral_value() or scaled < 0:
        kind.fail(f"{value!r} is no {kind.name}: expected a number from 0 in steps of {1 / Decimal(scale)}", *where)
    return int(scaled)


def check_device_name(name: str) -> None:
    """Refuse a name that cannot be a level of an MQTT topic.

    Raises:
        BadInputError: it is empty, or has a `/`, `+`, `#` or a control character.
    """
    if not name or any(char in "/+#" or unicodedata.category(char) in UNPRINTABLE for char in name):
        message = f"{name!r} cannot stand in an MQTT topic; use a name without /, +, # and control characters"
        raise BadInputError(message)
