"""Where trades are written down, one file each: `build(generator, **parameters)` makes a `domain.interfaces.Ledger`.

What can be done with a chain of blocks, whoever made it: `validate` it, `prove` that it holds a transaction, add up its
`balances_micro`, and take it `to_json` and back.
"""

from microgrid.ledger._balances import balances_micro
from microgrid.ledger._json import chain_from_json, chain_to_json
from microgrid.ledger._proof import InclusionProof, is_included, prove
from microgrid.ledger._validation import validate

__all__ = [
    "InclusionProof",
    "balances_micro",
    "chain_from_json",
    "chain_to_json",
    "is_included",
    "prove",
    "validate",
]
