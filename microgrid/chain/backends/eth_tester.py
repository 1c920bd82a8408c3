"""The default backend: a chain in this process, eth-tester's py-evm under Cancun rules."""

import time
from collections.abc import Sequence
from typing import Any

from web3 import Web3
from web3.providers import BaseProvider
from web3.types import RPCEndpoint, RPCResponse

from microgrid.chain.evm import CHAIN_ID, LocalChain
from microgrid.chain.jsonrpc import JsonRpc
from microgrid.domain.wire import SigningKey

HEADSTART_S = 3_600


class LocalProvider(BaseProvider):
    """Hands web3's requests to the chain without a socket between."""

    def __init__(self, rpc: JsonRpc) -> None:
        super().__init__()
        self._rpc = rpc

    def make_request(self, method: RPCEndpoint, params: Sequence[Any]) -> RPCResponse:
        """Answer one request."""
        response: RPCResponse = self._rpc.call(method, list(params))  # type: ignore[assignment]
        return response

    def is_connected(self, show_traceback: bool = False) -> bool:  # noqa: ARG002, FBT001, FBT002
        """Always."""
        return True


class EthTesterBackend:
    """A chain of its own; each block is one second after its parent unless time is advanced."""

    def __init__(self, start_s: int) -> None:
        self.chain = LocalChain(start_s)
        self.web3 = Web3(LocalProvider(JsonRpc(self.chain)), middleware=[])
        self.chain_id = CHAIN_ID

    def now_s(self) -> int:
        """Time of the latest block, Unix seconds."""
        return int(self.chain.head.timestamp)

    def advance_to(self, time_s: int) -> None:
        """Mine an empty block at this time, unless the chain is there."""
        if time_s > self.now_s():
            self.chain.set_next_timestamp(time_s)
            self.chain.mine()

    def funded_key(self) -> SigningKey:
        """The first well-known account."""
        return self.chain.keys[0]

    def close(self) -> None:
        """Nothing is left behind."""


def connect(url: str | None = None, start_s: int | None = None) -> EthTesterBackend:  # noqa: ARG001
    """A new chain whose first block is an hour before `start_s` (now by default), to leave time for deployment."""
    begin_s = int(time.time()) if start_s is None else start_s
    return EthTesterBackend(begin_s - HEADSTART_S)
