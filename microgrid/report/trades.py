"""Who bought from whom.

The auction is a pool: it fixes what each home buys and sells, and has no pairs. For the list of trades buyers and
sellers are paired one after the other, each side in the order in which its orders were submitted, until both are
exhausted. The pairing is deterministic and moves no money: all trades of an interval's auction have one price.
"""

from collections.abc import Mapping

from microgrid.domain.records import Trade
from microgrid.domain.run import IntervalOutcome


def pair_trades(outcome: IntervalOutcome) -> list[Trade]:
    """Pair the fills of one interval; sums per account equal the fills."""
    buyers = _queue(outcome, outcome.auction.bought_wh)
    sellers = _queue(outcome, outcome.auction.sold_wh)
    trades: list[Trade] = []
    while buyers and sellers:
        (buyer, wanted), (seller, offered) = buyers.pop(), sellers.pop()
        energy = min(wanted, offered)
        trades.append(Trade(buyer, seller, energy, outcome.auction.price_micro_per_kwh))
        if wanted > energy:
            buyers.append((buyer, wanted - energy))
        if offered > energy:
            sellers.append((seller, offered - energy))
    return trades


def _queue(outcome: IntervalOutcome, fills: Mapping[str, int]) -> list[tuple[str, int]]:
    """Positive fills, first submitted last, so that `pop` takes it; accounts without an order come after."""
    place = {order.trader: number for number, order in enumerate(outcome.orders)}
    queue = [(account, energy) for account, energy in fills.items() if energy > 0]
    return sorted(queue, key=lambda fill: (place.get(fill[0], len(place)), fill[0]), reverse=True)
