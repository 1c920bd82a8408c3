"""Solidity's errors as Python's, from every shape in which nodes and libraries hand revert data over."""

import warnings
from typing import Any

import pytest
from eth_abi.abi import encode
from village import START_S, open_market
from web3 import EthereumTesterProvider, Web3
from web3.exceptions import ContractCustomError, ContractLogicError, Web3RPCError

from microgrid.chain import artifacts
from microgrid.chain.backends import eth_tester
from microgrid.chain.reverts import RevertDecoder, contract_errors, named, revert_data, typed
from microgrid.domain.errors import ChainError, ContractRevertError
from microgrid.domain.wire import keccak256

ACCOUNT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def revert(signature: str, *values: object) -> bytes:
    """Revert data written by hand from an error's signature."""
    types = signature[signature.index("(") + 1 : -1]
    return keccak256(signature.encode())[:4] + encode(types.split(",") if types else [], list(values))


def response(**error: object) -> Any:
    """A JSON-RPC response with an error."""
    return {"jsonrpc": "2.0", "id": 1, "error": error}


GATE = revert("GateClosed(uint64,uint64)", 7, 25_200)
GATE_HEX = "0x" + GATE.hex()


def test_one_class_a_name_below_the_platforms_error() -> None:
    assert named("GateClosed") is named("GateClosed")
    assert issubclass(named("GateClosed"), ContractRevertError)
    assert not issubclass(named("GateClosed"), named("GateStillOpen"))


@pytest.mark.parametrize(
    ("data", "name", "values"),
    [
        (GATE, "GateClosed", {"interval": 7, "gateClosure": 25_200}),
        (revert("UnknownMember(address)", ACCOUNT), "UnknownMember", {"account": ACCOUNT}),
        (
            revert("InsufficientBalance(address,int256,uint256)", ACCOUNT, -5, 9),
            "InsufficientBalance",
            {"account": ACCOUNT, "balance": -5, "needed": 9},
        ),
        (revert("DeviceNotFound(bytes32)", b"\x01" * 32), "DeviceNotFound", {"deviceId": "0x" + "01" * 32}),
        (revert("ZeroAmount()"), "ZeroAmount", {}),
        (revert("AccessManagedUnauthorized(address)", ACCOUNT), "AccessManagedUnauthorized", {"caller": ACCOUNT}),
        (
            revert("ERC20InsufficientBalance(address,uint256,uint256)", ACCOUNT, 1, 2),
            "ERC20InsufficientBalance",
            {"sender": ACCOUNT, "balance": 1, "needed": 2},
        ),
        (revert("EnforcedPause()"), "EnforcedPause", {}),
        (revert("Error(string)", "no reason at all"), "Error", {"message": "no reason at all"}),
        (revert("Panic(uint256)", 0x11), "Panic", {"code": 0x11}),
        (b"\xde\xad\xbe\xef" + b"\x01" * 5, "UnknownRevert", {"data": "0xdeadbeef0101010101"}),
        (GATE[:-40], "UnknownRevert", {"data": "0x" + GATE[:-40].hex()}),
    ],
)
def test_revert_data_becomes_the_error_of_that_name(data: bytes, name: str, values: dict[str, object]) -> None:
    error = contract_errors().decode(data)
    assert (type(error).__name__, type(error), error.values) == (name, named(name), values)


def test_every_declared_error_is_known() -> None:
    declared = {i["name"] for n in artifacts.names() for i in artifacts.load(n).abi if i["type"] == "error"}
    assert contract_errors().names == declared | {"Error", "Panic"}
    assert {"BatchOutOfOrder", "BackstopUnfunded", "InvalidBand", "NothingToClaim"} <= declared


def test_structs_count_by_their_parts() -> None:
    parts = [{"name": "a", "type": "uint8"}, {"name": "b", "type": "address"}]
    declared = {"type": "error", "name": "Odd", "inputs": [{"name": "pair", "type": "tuple[]", "components": parts}]}
    data = keccak256(b"Odd((uint8,address)[])")[:4] + encode(["(uint8,address)[]"], [[(3, ACCOUNT)]])
    assert RevertDecoder([[declared]]).decode(data).values == {"pair": ((3, ACCOUNT.lower()),)}


@pytest.mark.parametrize(
    "error",
    [
        ContractCustomError(GATE_HEX, data=GATE_HEX),
        ContractLogicError("execution reverted", data=GATE_HEX),
        ContractLogicError("execution reverted", data={"data": GATE_HEX, "message": "reverted"}),
        ContractLogicError("execution reverted", data={"data": {"result": GATE_HEX}}),  # type: ignore[dict-item]
        ContractLogicError(f"Reverted {GATE_HEX}"),
        Web3RPCError("x", rpc_response=response(code=3, message="execution reverted", data=GATE_HEX)),
        RuntimeError(f"execution reverted: {GATE!r}"),
        RuntimeError(GATE),
    ],
    ids=["custom", "logic", "data.data", "data.data.result", "parity", "rpc response", "eth-tester text", "bytes"],
)
def test_revert_data_is_found_wherever_it_is_put(error: Exception) -> None:
    assert revert_data(error) == GATE


def test_an_error_without_revert_data_stays_a_chain_error() -> None:
    refusal = Web3RPCError("x", rpc_response=response(code=-32000, message="insufficient funds"))
    assert revert_data(refusal) is None
    assert str(typed(refusal)) == "the chain node refused: insufficient funds"
    assert type(typed(ContractLogicError("execution reverted"))) is ChainError


def test_eth_testers_own_provider_is_understood() -> None:
    """A restricted function called by a stranger, through web3's EthereumTesterProvider."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        web3 = Web3(EthereumTesterProvider())
    accounts: list[Any] = list(web3.eth.accounts)
    owner, stranger = accounts[:2]
    manager, token = artifacts.load("AccessManager"), artifacts.load("PaymentToken")

    def create(artifact: artifacts.Artifact, *args: str) -> str:
        call = web3.eth.contract(abi=artifact.abi, bytecode=artifact.bytecode).constructor(*args)
        return str(web3.eth.wait_for_transaction_receipt(call.transact({"from": owner}))["contractAddress"])

    address = web3.to_checksum_address(create(token, create(manager, owner)))
    money = web3.eth.contract(address=address, abi=token.abi)
    with pytest.raises(Exception, match="revert") as caught:
        money.functions.mint(stranger, 1).call({"from": stranger})
    data = revert_data(caught.value)
    assert data is not None
    error = contract_errors().decode(data)
    assert type(error) is named("AccessManagedUnauthorized")
    assert error.values == {"caller": stranger}


def test_a_mined_transaction_that_failed_raises_what_it_failed_with() -> None:
    market = open_market(eth_tester.connect(None, START_S))
    market.register_home(market.transactor.address)
    with pytest.raises(named("InsufficientBalance")) as caught:
        market.trading.withdraw(10**12)
    assert caught.value.values == {"account": market.transactor.address, "balance": 0, "needed": 10**12}
    assert market.gas_used[-1].operation == "withdraw"
