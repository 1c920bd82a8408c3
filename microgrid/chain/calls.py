"""Calls of the market's contracts as people write them: `GridBalance.setTradingFee(2000)`."""

import json
import re
from dataclasses import dataclass

from web3 import Web3
from web3.exceptions import Web3Exception

from microgrid.chain.deployment import Deployment
from microgrid.domain.errors import BadInputError

CALL = re.compile(r"^(\w+)\.(\w+)\((.*)\)$", re.DOTALL)
BARE_HEX = re.compile(r'(?<!["\w])0x[0-9a-fA-F]+')


@dataclass(frozen=True, slots=True)
class Action:
    """One call, ready to be made."""

    target: str
    data: bytes


def parse_call(web3: Web3, deployment: Deployment, text: str) -> Action:
    """A call as people write it; values are JSON, hexadecimal ones need no quotes.

    Raises:
        BadInputError: no such contract or function, or values that do not fit it.
    """
    found = CALL.match(text.strip())
    if found is None or found[1] not in deployment.addresses:
        known = ", ".join(deployment.addresses)
        message = f"{text!r} is no call: write Contract.function(values), where the contract is one of {known}"
        raise BadInputError(message)
    contract = deployment.contract(web3, found[1])
    try:
        values = json.loads("[" + BARE_HEX.sub(r'"\g<0>"', found[3]) + "]")
        return Action(contract.address, bytes.fromhex(contract.encode_abi(found[2], values)[2:]))
    except (Web3Exception, ValueError, TypeError) as error:
        message = f"{text!r} does not fit {found[1]}: `microgrid contracts abi {found[1]}` shows its functions"
        raise BadInputError(message) from error


def call_text(web3: Web3, deployment: Deployment, action: Action) -> str:
    """A call as `parse_call` takes it; raw where its target or function is none of the market's."""
    for name, address in deployment.addresses.items():
        if address == action.target:
            try:
                function, values = deployment.contract(web3, name).decode_function_input(action.data)
            except (Web3Exception, ValueError):
                break
            return f"{name}.{function.fn_name}({', '.join(str(value) for value in values.values())})"
    return f"{action.target} 0x{action.data.hex()}"
