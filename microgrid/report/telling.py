"""An explanation of a bill or an interval in sentences, for people."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

MOST_TRADES = 12
Document = Mapping[str, Any]


def bill_lines(told: Document) -> Iterator[str]:
    """The whole bill."""
    currency = told["currency"]
    kind = f" ({told['home_type'].replace('_', ' ')})" if told.get("home_type") else ""
    yield f"{told['home_id']}{kind} {_pays(told['bill'], currency, past=True)} in all:"
    yield from _parts(told)
    yield f"With the grid alone it would have been {told['bill_without_market']} {currency}: {_saving(told)}."
    if "bill_baseline" in told:
        yield f"Without its battery too, and with no load shifted: {told['bill_baseline']} {currency}."
    yield from _partners(told)
    for ban in told.get("bans", ()):
        yield f"Banned from step {ban['first']} for {ban['steps']} steps: {ban['reason']}."
    yield from told.get("notes", ())


def step_lines(told: Document) -> Iterator[str]:
    """One interval."""
    currency, grid = told["currency"], told["grid"]
    yield f"{told['home_id']} in step {told['step']}, from {told['interval_start']}:"
    yield from _energy(told["energy"])
    yield f"The grid asked {grid['retail_per_kwh']} and paid {grid['feed_in_per_kwh']} {currency} per kWh."
    yield _order(told)
    for trade in told["trades"][:MOST_TRADES]:
        amount = f"{trade['energy_kwh']} kWh at {trade['price_per_kwh']} {currency} per kWh"
        yield f"It {trade['side']} {trade['partner']} {amount} ({trade['market'].replace('_', ' ')}): {trade['why']}."
    if len(told["trades"]) > MOST_TRADES:
        yield f"And {len(told['trades']) - MOST_TRADES} further trades; --json lists them."
    yield f"It {_pays(told['bill'], currency, past=True)}:"
    yield from _parts(told)
    yield f"With the grid alone it would have been {told['bill_without_market']} {currency}: {_saving(told)}."
    for ban in told.get("bans_decided", ()):
        yield f"The regulator then banned it for {ban['steps']} steps from step {ban['first']}: {ban['reason']}."


def _pays(bill: str, currency: str, *, past: bool) -> str:
    amount = Decimal(bill)
    words = ("paid", "received") if past else ("pays", "receives")
    return f"{words[amount < 0]} {abs(amount)} {currency}"


def _saving(told: Document) -> str:
    saving = Decimal(told["saving"])
    if not saving:
        return "no difference"
    return f"{abs(saving)} {told['currency']} {'saved' if saving > 0 else 'lost'}"


def _parts(told: Document) -> Iterator[str]:
    """An account whose lines add up to the last one."""
    rows = [(part["part"], part["amount"], _kwh(part)) for part in told["parts"]]
    width = max([len("bill"), *(len(name) for name, _, _ in rows)])
    amounts = max(len(amount) for amount in (told["bill"], *(amount for _, amount, _ in rows)))
    for name, amount, energy in rows:
        yield f"  {name:<{width}}  {amount:>{amounts}}{energy}"
    yield f"  {'bill':<{width}}  {told['bill']:>{amounts}}"


def _kwh(part: Document) -> str:
    return f"  for {part['energy_kwh']} kWh" if "energy_kwh" in part else ""


def _partners(told: Document) -> Iterator[str]:
    for side in ("bought from", "sold to"):
        partners = [partner for partner in told.get("partners", ()) if partner["side"] == side]
        if partners:
            shown = ", ".join(
                f"{p['partner']} {p['energy_kwh']} kWh at {p['mean_price_per_kwh']}" for p in partners[:MOST_TRADES]
            )
            more = f" and {len(partners) - MOST_TRADES} more" if len(partners) > MOST_TRADES else ""
            yield f"It {side} {shown}{more}."


def _energy(energy: Mapping[str, str]) -> Iterator[str]:
    if energy.get("load_kwh"):
        flexible = energy.get("flexible_kwh", "0")
        moved = f" ({flexible} of it car or heat pump)" if Decimal(flexible) else ""
        yield f"It used {energy['load_kwh']} kWh{moved} and generated {energy['pv_kwh'] or '0'} kWh."
    if "soc_kwh" in energy and any(Decimal(energy[f"{name}_kwh"]) for name in ("charge", "discharge", "soc")):
        flow = f"took in {energy['charge_kwh']} and gave {energy['discharge_kwh']} kWh"
        yield f"Its battery {flow}; {energy['soc_kwh']} kWh were left in it."
    yield f"Its meter counted {energy['import_kwh']} kWh in and {energy['export_kwh']} kWh out."


def _order(told: Document) -> str:
    order, currency = told["order"], told["currency"]
    if order is None:
        return "It was banned and could not trade." if told.get("banned") else "It placed no order."
    verb, bound = ("buy", "at most") if order["side"] == "buy" else ("sell", "at least")
    return (
        f"It ordered to {verb} {order['energy_kwh']} kWh for {bound} {order['limit_price_per_kwh']} {currency} per kWh."
    )
