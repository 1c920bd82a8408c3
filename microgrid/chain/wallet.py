"""The node's own accounts: signs what clients send without a key, as development nodes do."""

from collections.abc import Iterable, Mapping
from typing import Any

from eth_account import Account

from microgrid.domain.errors import RejectedTransactionError
from microgrid.domain.wire import SigningKey

PASSED_ON = ("to", "value", "data", "gas", "nonce", "accessList", "maxFeePerGas", "maxPriorityFeePerGas", "gasPrice")
FEES = ("maxFeePerGas", "maxPriorityFeePerGas", "gasPrice")


def sign(keys: Iterable[SigningKey], call: Mapping[str, Any], defaults: Mapping[str, Any]) -> bytes:
    """A raw transaction from an unsigned one in JSON shape.

    Args:
        keys: The accounts that may sign.
        call: The transaction; `from` names the account.
        defaults: Fields for those that it lacks.

    Raises:
        RejectedTransactionError: none of the accounts is `from`.
    """
    sender = str(call.get("from", "")).lower()
    key = next((key for key in keys if key.address.lower() == sender), None)
    if key is None:
        message = f"unknown account {sender or '(no from given)'}: sign the transaction and send it raw"
        raise RejectedTransactionError(message)
    named = {name: value for name, value in call.items() if name in PASSED_ON and value not in (None, "", "0x")}
    if "input" in call:
        named["data"] = call["input"]
    has_fees = any(name in named for name in FEES)
    filled = {name: value for name, value in defaults.items() if not (has_fees and name in FEES)}
    return bytes(Account.from_key(key.secret).sign_transaction({**filled, **named}).raw_transaction)
