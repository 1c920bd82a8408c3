"""Conversions between the integers of the market and the decimals of people. The one place with powers of ten in it.

Energy is integer Wh, power integer W, money integer micro (1e-6 of the currency), prices integer micro per kWh. The
product of Wh and micro per kWh is "nano" (1e-9 of the currency); it is summed exactly and rounded once.
"""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

WH_PER_KWH: Final = 1_000
MICRO_PER_UNIT: Final = 1_000_000
NANO_PER_MICRO: Final = 1_000
WAD: Final = 10**18


def wh(energy_kwh: float) -> int:
    """Energy in kWh as whole Wh, half to even."""
    return round(energy_kwh * WH_PER_KWH)


def kwh(energy_wh: float) -> float:
    """Energy in Wh as kWh, for reports."""
    return energy_wh / WH_PER_KWH


def micro(amount: Decimal | float | str) -> int:
    """Money (or a price per kWh) in currency units as whole micro, half to even on the decimal that was written."""
    return int((Decimal(str(amount)) * MICRO_PER_UNIT).to_integral_value(ROUND_HALF_EVEN))


def units(amount_micro: float) -> float:
    """Money in micro (or a price in micro per kWh) as currency units, for reports."""
    return amount_micro / MICRO_PER_UNIT


def decimal_units(amount_micro: int) -> str:
    """Money in micro as an exact decimal string with six places: what CSV files hold."""
    sign = "-" if amount_micro < 0 else ""
    whole, fraction = divmod(abs(amount_micro), MICRO_PER_UNIT)
    return f"{sign}{whole}.{fraction:06d}"


def decimal_kwh(energy_wh: int) -> str:
    """Energy in Wh as an exact decimal string in kWh with three places: what CSV files hold."""
    sign = "-" if energy_wh < 0 else ""
    whole, fraction = divmod(abs(energy_wh), WH_PER_KWH)
    return f"{sign}{whole}.{fraction:03d}"


def decimal_wad(amount_wad: int) -> str:
    """A token amount with 18 decimals as an exact decimal string."""
    whole, fraction = divmod(amount_wad, WAD)
    return f"{whole}.{fraction:018d}"


def nano(energy_wh: int, price_micro_per_kwh: int) -> int:
    """Value of energy at a price, exact, in nano."""
    return energy_wh * price_micro_per_kwh


def floor_micro(amount_nano: int) -> int:
    """Nano as micro, rounded down (towards minus infinity): against the account that receives it."""
    return amount_nano // NANO_PER_MICRO


def ceil_micro(amount_nano: int) -> int:
    """Nano as micro, rounded up: what must be set aside to be able to pay."""
    return -(-amount_nano // NANO_PER_MICRO)
