"""A chain behind a JSON-RPC address.

Time is simulated where the node lets its clock be set (Anvil, Hardhat, this platform's node), and waited for elsewhere.
"""

import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.exceptions import RequestException
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3Exception
from web3.types import RPCEndpoint, RPCResponse

from microgrid.chain.backend import dev_key
from microgrid.domain.errors import BadInputError, ChainError, ClockAheadError, UnreachableError
from microgrid.domain.wire import SigningKey

REQUEST_TIMEOUT_S = 60
LONGEST_NAP_S = 5.0
UNKNOWN_METHOD = {-32601, -32600, -32004}
NODE = "the chain node"


class _Provider(HTTPProvider):
    """HTTP whose failures are the platform's errors, wherever in web3 they happen."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        try:
            return super().make_request(method, params)
        except RequestException as error:
            raise UnreachableError(NODE, str(self.endpoint_uri), _reason(error)) from error


class RemoteBackend:
    """A node at a URL."""

    def __init__(self, url: str, start_s: int | None = None, *, timeout_s: float = REQUEST_TIMEOUT_S) -> None:
        self._url = _checked(url)
        self._session = requests.Session()
        self._provider = _Provider(
            url, request_kwargs={"timeout": timeout_s}, session=self._session, exception_retry_configuration=None
        )
        self.web3 = Web3(self._provider, middleware=[])
        try:
            self.chain_id = self._first_contact(start_s)
        except Exception:
            self._session.close()
            raise

    def _first_contact(self, start_s: int | None) -> int:
        try:
            chain_id, now_s = int(self.web3.eth.chain_id), self.now_s()
        except (Web3Exception, ValueError, KeyError) as error:
            reason = "what answers there is no JSON-RPC node"
            raise UnreachableError(NODE, self._url, reason) from error
        if start_s is not None and now_s > start_s:
            now, wanted = (datetime.fromtimestamp(time_s, UTC).isoformat() for time_s in (now_s, start_s))
            raise ClockAheadError(self._url, now, wanted, start_s)
        return chain_id

    def now_s(self) -> int:
        """Time of the latest block, Unix seconds."""
        return int(self.web3.eth.get_block("latest")["timestamp"])

    def advance_to(self, time_s: int) -> None:
        """Set the node's clock where it allows that, otherwise wait until its latest block is there."""
        if self.now_s() >= time_s:
            return
        if self._request("evm_setNextBlockTimestamp", [time_s]):
            self._request("evm_mine", [])
            return
        while (left_s := time_s - self.now_s()) > 0:
            time.sleep(min(left_s, LONGEST_NAP_S))

    def _request(self, method: str, params: list[Any]) -> bool:
        """Ask for something that only development nodes do; False where this node knows no such method.

        Raises:
            ChainError: it knows the method and refused.
        """
        error: Any = self._provider.make_request(RPCEndpoint(method), params).get("error")
        if error is None:
            return True
        if error.get("code") in UNKNOWN_METHOD:
            return False
        message = f"the chain node at {self._url} refused {method}: {error.get('message')}"
        raise ChainError(message)

    def mine_one_second_blocks(self) -> None:
        """Let each block be one second after its parent whatever the time of day (Anvil)."""
        self._request("anvil_setBlockTimestampInterval", [1])

    def funded_key(self) -> SigningKey:
        """The first well-known account, where this node funds it.

        Raises:
            BadInputError: it does not.
        """
        key = dev_key(0)
        if self.web3.eth.get_balance(self.web3.to_checksum_address(key.address)):
            return key
        message = (
            f"the chain at {self._url} funds no development account: name a key with gas money by --key-file or "
            "MICROGRID_OPERATOR_KEY"
        )
        raise BadInputError(message)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        message = f"{url!r} is no address of a chain node; one looks like http://127.0.0.1:8545"
        raise BadInputError(message)
    return url


def _reason(error: RequestException) -> str:
    text = str(error)
    if "refused" in text:
        return "connection refused; is a node running there? `microgrid node` starts one"
    return "timed out" if isinstance(error, requests.Timeout) else text or type(error).__name__
