"""Who has what, by a chain alone."""

from collections import Counter
from collections.abc import Mapping

from microgrid.domain.blocks import Chain

NOBODY = ""


def balances_micro(chain: Chain) -> Mapping[str, int]:
    """What each account received minus what it paid, micro; the sum over all is what miners were rewarded.

    Rewards come from nobody, who has no account.
    """
    balances: Counter[str] = Counter()
    for block in chain.blocks:
        for transaction in block.transactions:
            balances[transaction.payee] += transaction.amount_micro
            balances[transaction.payer] -= transaction.amount_micro
    del balances[NOBODY]
    return balances
