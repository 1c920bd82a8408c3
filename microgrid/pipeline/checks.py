"""What must hold in every run, each as a number that is zero when it does."""

from collections.abc import Mapping, Sequence

from microgrid.domain.run import HomeInfo, IntervalOutcome, Invariant, ReadingCounts
from microgrid.market.mechanisms.tick_auction import auction
from microgrid.pipeline.agents import HomeAgent
from microgrid.settlement.statement import MeteredEnergy, settle


def check_run(
    agents: Sequence[HomeAgent],
    outcomes: Sequence[IntervalOutcome],
    readings: ReadingCounts,
    deposits_micro: Mapping[str, int],
    balances_micro: Mapping[str, int],
    offered_micro: Mapping[str, int],
) -> tuple[Invariant, ...]:
    """All invariants of a run.

    Args:
        agents: The homes with the net energy that their meters were fed.
        outcomes: Every interval, as the contracts settled it.
        readings: Where the readings went.
        deposits_micro: Money paid in by account (`grid` for the supplier).
        balances_micro: Money in every account now, from the contract's state.
        offered_micro: Money that open offers of direct deals lock, by account; it is no part of the balances.
    """
    homes = [agent.home for agent in agents]
    owned_micro = {account: amount + offered_micro.get(account, 0) for account, amount in balances_micro.items()}
    return (
        _money_per_interval(outcomes),
        _money_in_total(deposits_micro, owned_micro),
        _statements_are_balances(homes, outcomes, deposits_micro, owned_micro),
        _bought_is_sold(outcomes),
        _energy_is_the_profile(agents, outcomes),
        _readings_once(readings),
        _clearing_agrees(outcomes),
        _settlement_agrees(outcomes),
    )


def _money_per_interval(outcomes: Sequence[IntervalOutcome]) -> Invariant:
    error = sum(abs(outcome.settlement.money.error_micro) for outcome in outcomes)
    return Invariant(
        "money_per_interval", error, "Homes, grid, fees and dust of each interval sum to zero in the contract (micro)."
    )


def _money_in_total(deposits: Mapping[str, int], owned: Mapping[str, int]) -> Invariant:
    error = abs(sum(owned.values()) - sum(deposits.values()))
    return Invariant(
        "money_in_total", error, "All balances in the contract, and what open offers lock, sum to all deposits (micro)."
    )


def _statements_are_balances(
    homes: Sequence[HomeInfo],
    outcomes: Sequence[IntervalOutcome],
    deposits: Mapping[str, int],
    owned: Mapping[str, int],
) -> Invariant:
    credited = {home.account: deposits[home.account] for home in homes}
    for outcome in outcomes:
        for statement in outcome.settlement.statements:
            credited[statement.account] += statement.amount_micro
    error = sum(abs(owned[account] - amount) for account, amount in credited.items())
    return Invariant(
        "bills_are_balances",
        error,
        "Each home's money, what its open offers lock included, moved by exactly the sum of its bills (micro).",
    )


def _bought_is_sold(outcomes: Sequence[IntervalOutcome]) -> Invariant:
    error = sum(
        abs(sum(s.bought_wh for s in o.settlement.statements) - sum(s.sold_wh for s in o.settlement.statements))
        for o in outcomes
    )
    return Invariant("bought_is_sold", error, "Energy bought equals energy sold in each interval (Wh).")


def _energy_is_the_profile(agents: Sequence[HomeAgent], outcomes: Sequence[IntervalOutcome]) -> Invariant:
    """Missed readings shift energy to a later interval, so the sums are compared up to each metered interval."""
    error = 0
    for agent in agents:
        behind = 0
        for step, outcome in enumerate(outcomes):
            statement = next(s for s in outcome.settlement.statements if s.account == agent.home.account)
            behind += int(agent.net_wh[step]) - (statement.import_wh - statement.export_wh)
            error += abs(behind) if statement.metered else 0
    return Invariant(
        "energy_is_the_profile", error, "Import less export on chain equals load less PV, home by home (Wh)."
    )


def _readings_once(readings: ReadingCounts) -> Invariant:
    error = abs(readings.sent - readings.stored) + abs(readings.stored - readings.on_chain)
    return Invariant("readings_once", error, "Readings sent = stored = on chain, each once (readings).")


def _clearing_agrees(outcomes: Sequence[IntervalOutcome]) -> Invariant:
    error = sum(auction(o.interval.index, o.orders, o.band) != o.auction for o in outcomes)
    return Invariant(
        "clearing_agrees", error, "The contract's clearing equals the Python mechanism's, to the Wh (intervals)."
    )


def _settlement_agrees(outcomes: Sequence[IntervalOutcome]) -> Invariant:
    error = sum(_recomputed(outcome) for outcome in outcomes)
    return Invariant(
        "settlement_agrees", error, "Every bill recomputed in Python equals the contract's, to the micro (intervals)."
    )


def _recomputed(outcome: IntervalOutcome) -> bool:
    metered = {
        s.account: MeteredEnergy(s.import_wh, s.export_wh) if s.metered else None for s in outcome.settlement.statements
    }
    return settle(outcome.auction, metered, outcome.band, outcome.band.fee, outcome.deals) != outcome.settlement
