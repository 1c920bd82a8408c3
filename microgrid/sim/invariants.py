"""What must hold in every run, checked after it; one number each, zero where it holds."""

from collections.abc import Sequence

import numpy as np

from microgrid.domain import plugins
from microgrid.domain.run import Invariant
from microgrid.domain.units import micro, wh
from microgrid.ledger import validate
from microgrid.sim.credits import SUPPLY, replay
from microgrid.sim.outcome import Outcome

SOC_TOLERANCE_KWH = 1e-9
WAIVED = "individual rationality"


def check(result: Outcome, broken: Sequence[str]) -> tuple[Invariant, ...]:
    """Check a run.

    Args:
        result: The run.
        broken: Names of the invariants that any clearing broke.
    """
    return (
        Invariant(
            "energy", _energy(result), "load + charge + export = PV + discharge + import, each home and step, Wh"
        ),
        Invariant(
            "money", _money(result), "homes + grid + operator + regulator + dust = 0 with dust below a micro each"
        ),
        Invariant("state_of_charge", _soc(result), "batteries outside their limits, home-steps"),
        Invariant("trades", _trades(result), "energy of the trades = energy bought = energy sold, Wh"),
        Invariant("clearing", len(broken), f"rules broken by a clearing: {', '.join(broken) or 'none'}"),
        Invariant("limits", _limits(result), "trades through the limit price of an order"),
        Invariant("bans", _bans(result), "Wh ordered by homes while they were banned"),
        Invariant("ledger", _ledger(result), "faults that a full validation of the ledger finds"),
        Invariant("credits", _credits(result), "credit balances = start and log, and their sum never changes, Wh"),
    )


def _energy(result: Outcome) -> int:
    energy = result.energy
    into = energy.pv_wh + energy.discharge_wh + energy.import_wh
    out = energy.load_wh + energy.charge_wh + energy.export_wh
    return int(np.abs(into - out).sum())


def _money(result: Outcome) -> int:
    money = result.money
    total = money.homes_micro + money.grid_micro + money.operator_micro + money.regulator_micro + money.dust_micro
    trading = result.trading
    homes = (trading.amount_micro + trading.bonus_micro - trading.penalty_micro).sum(axis=1)
    misplaced = (money.dust_micro < 0) | (money.dust_micro > 2 * result.homes + 3)
    return int(np.abs(total).sum() + np.abs(homes - money.homes_micro).sum() + misplaced.sum())


def _soc(result: Outcome) -> int:
    energy = result.energy
    pairs = ((energy.soc_kwh, energy.soc_limits_kwh), (energy.central_soc_kwh, energy.central_limits_kwh))
    outside = [(soc < low - SOC_TOLERANCE_KWH) | (soc > high + SOC_TOLERANCE_KWH) for soc, (low, high) in pairs]
    return int(sum(wrong.sum() for wrong in outside))


def _trades(result: Outcome) -> int:
    """The central battery stands after the last home; what it trades is on one home's side alone."""
    trades, trading = result.trades, result.trading
    bought = trades.energy_wh[trades.buyer < result.homes].sum() - trading.bought_wh.sum()
    sold = trades.energy_wh[trades.seller < result.homes].sum() - trading.sold_wh.sum()
    return int(abs(bought) + abs(sold))


def _limits(result: Outcome) -> int:
    """A fee that buyers pay on top is not part of the price that the limit is about."""
    market, trades, limit = result.scenario.market, result.trades, result.trading.limit_micro
    if WAIVED in getattr(plugins.load("mechanism", market.mechanism), "WAIVES", ()):
        return 0
    between_homes = (trades.buyer < result.homes) & (trades.seller < result.homes)
    step, buyer, seller = (column[between_homes] for column in (trades.step, trades.buyer, trades.seller))
    dear = trades.buyer_micro[between_homes] - micro(market.trading_fee) > limit[step, buyer]
    cheap = trades.seller_micro[between_homes] < limit[step, seller]
    return int((dear | cheap).sum())


def _bans(result: Outcome) -> int:
    return int(np.abs(result.trading.order_wh)[result.trading.banned > 0].sum())


def _credits(result: Outcome) -> int:
    rules = result.scenario.credits
    if not rules.enabled:
        return len(result.transfers)
    start = dict.fromkeys(result.home_ids, wh(rules.start)) | {SUPPLY: wh(rules.supply)}
    expected = replay(start, result.transfers)
    wrong = sum(abs(expected[name] - balance) for name, balance in result.credits_wh.items())
    return wrong + abs(sum(start.values()) - sum(result.credits_wh.values()))


def _ledger(result: Outcome) -> int:
    """A full validation; the first fault ends it."""
    history = result.ledger
    return int(history is not None and history.chain is not None and validate(history.chain) is not None)
