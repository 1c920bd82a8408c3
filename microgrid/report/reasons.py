"""Why a home paid more than it would have without the market, in a sentence."""

from microgrid.domain.run import HomeTotal
from microgrid.domain.units import kwh, units


def worse_off_reason(total: HomeTotal, currency: str) -> str:
    """One sentence with the figures; empty when the home is not worse off."""
    if total.saving_micro >= 0:
        return ""
    gain, lost = total.value_micro("trading_gain_nano"), total.value_micro("imbalance_nano")
    if lost == 0 and gain >= 0:
        return "rounding: each interval is rounded down once, to a millionth, against the home"
    if lost == 0:
        return f"the price with the fee lay above the retail price: trading itself cost {_money(-gain, currency)}"
    missing = f" ({total.unmetered} intervals without a reading)" if total.unmetered else ""
    return (
        f"imbalance: {kwh(total.imbalance_wh):.3f} kWh sold but not delivered or bought but not used{missing} "
        f"cost {_money(lost, currency)}, more than the {_money(gain, currency)} that trading gained"
    )


def _money(amount_micro: int, currency: str) -> str:
    return f"{units(amount_micro):.3f} {currency}"
