"""The development node, as other programs meet it: web3 over HTTP, plain JSON-RPC, Foundry's cast."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from hexbytes import HexBytes
from village import START_S, open_market
from web3 import HTTPProvider, Web3
from web3.exceptions import Web3RPCError
from web3.types import Wei

from microgrid.chain import artifacts
from microgrid.chain.backend import dev_key
from microgrid.chain.backends import rpc
from microgrid.chain.node import NodeServer
from microgrid.chain.remote import RemoteBackend
from microgrid.domain.errors import PortTakenError
from microgrid.domain.wire import keccak256

CAST_PATTERN = "contracts/node_modules/@foundry-rs/cast-*/bin/cast"
PROJECT = Path(__file__).parents[2]
FIRST_ADDRESSES = ["0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]
Call = Callable[..., Any]


@pytest.fixture
def url() -> Iterator[str]:
    server = NodeServer(start_s=START_S)
    thread = threading.Thread(target=server.serve)
    thread.start()
    yield server.url
    server.stop()
    thread.join()
    server.close()


@pytest.fixture
def node(url: str) -> Iterator[RemoteBackend]:
    backend = rpc.connect(url)
    yield backend
    backend.close()


def post(url: str, body: bytes) -> Any:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", "Connection": "close"})  # noqa: S310
    with urllib.request.urlopen(request) as response:  # noqa: S310
        content = response.read()
    return json.loads(content) if content else None


def call(url: str, method: str, *params: Any) -> Any:
    """Result of one method; fails on an error."""
    return post(url, json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode())["result"]


class TestJsonRpc:
    def test_a_batch_is_answered_item_by_item_and_notifications_are_not(self, url: str) -> None:
        batch = [
            {"jsonrpc": "2.0", "id": "a", "method": "eth_chainId"},
            {"jsonrpc": "2.0", "method": "evm_mine"},
            {"jsonrpc": "2.0", "id": 7, "method": "eth_blockNumber", "params": []},
        ]
        assert post(url, json.dumps(batch).encode()) == [
            {"jsonrpc": "2.0", "id": "a", "result": "0x7a69"},
            {"jsonrpc": "2.0", "id": 7, "result": "0x1"},
        ]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", -32700),
            (b"[]", -32600),
            (b'{"id": 1}', -32600),
            (b'{"id": 1, "method": "eth_mystery"}', -32601),
            (b'{"id": 1, "method": "eth_getBalance"}', -32602),
            (b'{"id": 1, "method": "eth_getBalance", "params": ["0xzz", "latest"]}', -32602),
            (b'{"id": 1, "method": "eth_getBalance", "params": ["0x00", "0x999"]}', -32000),
            (b'{"id": 1, "method": "eth_sendRawTransaction", "params": ["0x1234"]}', -32000),
        ],
    )
    def test_what_cannot_be_answered_gets_the_specified_code(self, url: str, body: bytes, code: int) -> None:
        assert post(url, body)["error"]["code"] == code

    def test_identity_and_accounts(self, url: str) -> None:
        assert call(url, "net_version") == "31337"
        assert call(url, "web3_clientVersion").startswith("microgrid/")
        assert call(url, "eth_accounts")[:2] == FIRST_ADDRESSES
        assert call(url, "eth_syncing") is False

    def test_fee_history_has_one_more_base_fee_than_blocks(self, url: str) -> None:
        for _ in range(3):
            call(url, "evm_mine")
        history = call(url, "eth_feeHistory", "0x2", "latest", [25, 75])
        assert history["oldestBlock"] == "0x2"
        assert (len(history["baseFeePerGas"]), len(history["gasUsedRatio"]), len(history["reward"])) == (3, 2, 2)

    def test_snapshots_bring_state_and_height_back(self, url: str, node: RemoteBackend) -> None:
        before = call(url, "evm_snapshot")
        self._pay(node, FIRST_ADDRESSES[1])
        assert node.web3.eth.block_number == 1
        assert call(url, "evm_revert", before) is True
        assert node.web3.eth.block_number == 0
        assert node.web3.eth.get_balance(FIRST_ADDRESSES[1]) == 10**24  # type: ignore[arg-type]
        assert call(url, "evm_revert", before) is False
        self._pay(node, FIRST_ADDRESSES[1])
        assert node.web3.eth.block_number == 1

    def test_the_clock_can_be_set_and_moved(self, url: str, node: RemoteBackend) -> None:
        call(url, "evm_setNextBlockTimestamp", START_S + 1_000)
        call(url, "evm_mine")
        assert node.now_s() == START_S + 1_000
        call(url, "evm_increaseTime", 500)
        call(url, "evm_mine")
        assert START_S + 1_500 <= node.now_s() < START_S + 1_560

    def test_a_paid_transaction_is_found_by_hash_in_block_and_receipt(self, node: RemoteBackend) -> None:
        transaction_hash = HexBytes(self._pay(node, FIRST_ADDRESSES[1]))
        eth = node.web3.eth
        sent, receipt = eth.get_transaction(transaction_hash), eth.get_transaction_receipt(transaction_hash)
        assert (sent["from"], sent["to"], sent["value"]) == (*FIRST_ADDRESSES, 5)
        assert (receipt["status"], receipt["gasUsed"], receipt["type"], receipt["logs"]) == (1, 21_000, 2, [])
        block = eth.get_block(receipt["blockHash"], full_transactions=True)
        (only,) = block["transactions"]
        assert isinstance(only, Mapping)
        assert only["hash"] == transaction_hash
        assert eth.get_block("pending")["number"] == receipt["blockNumber"] + 1

    def test_an_access_list_is_shown_as_it_was_sent(self, node: RemoteBackend) -> None:
        accessed = [{"address": FIRST_ADDRESSES[1], "storageKeys": ["0x" + "00" * 31 + "07"]}]
        sent = self._pay(node, FIRST_ADDRESSES[1], accessList=accessed, gas=40_000)
        (shown,) = node.web3.eth.get_transaction(HexBytes(sent))["accessList"]
        assert (shown["address"].lower(), len(shown["storageKeys"])) == (FIRST_ADDRESSES[1].lower(), 1)
        assert int.from_bytes(HexBytes(shown["storageKeys"][0])) == 7

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"nonce": 5}, "nonce too high"),
            ({"chainId": 1}, "invalid chain id"),
            ({"value": 10**30}, "insufficient funds"),
            ({"gas": 20_000}, "gas"),
        ],
    )
    def test_refusals_are_worded_as_by_other_nodes(
        self, node: RemoteBackend, changes: dict[str, int], words: str
    ) -> None:
        with pytest.raises(Exception, match=words):
            self._pay(node, FIRST_ADDRESSES[1], **changes)

    def test_a_transaction_sent_twice_is_already_known(self, node: RemoteBackend) -> None:
        self._pay(node, FIRST_ADDRESSES[1])
        with pytest.raises(Exception, match="already known"):
            self._pay(node, FIRST_ADDRESSES[1], nonce=0)

    @staticmethod
    def _pay(node: RemoteBackend, to: str, **changes: Any) -> bytes:
        account = Account.from_key(dev_key(0).secret)
        nonce = node.web3.eth.get_transaction_count(account.address)
        fields = {"type": 2, "chainId": 31_337, "nonce": nonce, "to": to, "value": 5, "gas": 21_000}
        fees = {"maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 0}
        return bytes(
            node.web3.eth.send_raw_transaction(account.sign_transaction({**fields, **fees, **changes}).raw_transaction)
        )


class TestContractsOverHttp:
    def test_calls_estimates_logs_and_reverts(self, url: str, node: RemoteBackend) -> None:
        market = open_market(node)
        registry, home = market.registry.contract, FIRST_ADDRESSES[1]
        call_data = registry.encode_abi("registerMember", [home])
        message = {"from": FIRST_ADDRESSES[0], "to": registry.address, "data": call_data}
        estimate = int(call(url, "eth_estimateGas", message), 16)
        market.register_home(home)
        used = market.gas_used[-1].gas
        assert used <= estimate <= used * 1.1
        (log,) = registry.events.MemberRegistered().get_logs(from_block=0, argument_filters={"account": home})
        assert log["args"]["memberId"] == 1
        assert registry.events.MemberRegistered().get_logs(from_block=0, argument_filters={"memberId": 2}) == []
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_call", "params": [message, "latest"]}).encode()
        error = post(url, body)["error"]
        expected = keccak256(b"MemberAlreadyRegistered(address)")[:4] + bytes.fromhex(home[2:]).rjust(32, b"\0")
        assert (error["code"], error["data"]) == (3, "0x" + expected.hex())
        assert "execution reverted" in error["message"]

    def test_the_nodes_own_accounts_send_without_a_key(self, url: str, node: RemoteBackend) -> None:
        """As web3's `transact` does, middleware and all."""
        address = open_market(node).registry.contract.address
        session = requests.Session()
        web3 = Web3(HTTPProvider(url, session=session))
        registry = web3.eth.contract(address=address, abi=artifacts.load("DeviceRegistry").abi)
        sent = registry.functions.registerMember(FIRST_ADDRESSES[1]).transact({"from": FIRST_ADDRESSES[0]})
        assert web3.eth.wait_for_transaction_receipt(sent)["status"] == 1
        assert registry.functions.memberCount().call() == 1
        web3.eth.send_transaction({"from": FIRST_ADDRESSES[1], "to": FIRST_ADDRESSES[0], "value": Wei(7)})
        with pytest.raises(Web3RPCError, match="unknown account"):
            web3.eth.send_transaction({"from": address, "to": FIRST_ADDRESSES[0], "value": Wei(7), "gas": 21_000})
        session.close()

    def test_state_of_earlier_blocks_is_kept(self, node: RemoteBackend) -> None:
        market = open_market(node)
        before = node.web3.eth.block_number
        market.register_home(FIRST_ADDRESSES[1])
        count = market.registry.contract.functions.memberCount()
        assert (count.call(block_identifier=before), count.call()) == (0, 1)


def test_a_taken_port_is_named(url: str) -> None:
    port = int(url.rsplit(":", 1)[1])
    with pytest.raises(PortTakenError, match=f"port {port} on 127.0.0.1 is taken"):
        NodeServer(port=port)


class TestCommand:
    @pytest.fixture
    def process(self) -> Iterator[subprocess.Popen[str]]:
        words = [
            sys.executable,
            "-m",
            "microgrid",
            "node",
            "--port",
            "0",
            "--start",
            "2016-08-01T00:00",
            "--accounts",
            "2",
        ]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        ) as started:
            yield started
            started.kill()

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_it_shows_its_accounts_serves_and_ends_cleanly(self, process: subprocess.Popen[str], number: int) -> None:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or not lines[-1].startswith("Listening on "):
            lines.append(process.stdout.readline())
            assert lines[-1], "it ended before it listened"
        assert FIRST_ADDRESSES[1] in "".join(lines)
        url = lines[-1].split()[2]
        assert int(call(url, "eth_getBlockByNumber", "pending", False)["timestamp"], 16) >= START_S
        process.send_signal(number)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""

    def test_a_taken_port_is_exit_code_2_and_one_sentence(self, url: str) -> None:
        words = [sys.executable, "-m", "microgrid", "node", "--port", url.rsplit(":", 1)[1]]
        ended = subprocess.run(words, capture_output=True, text=True, check=False)
        assert ended.returncode == 2
        assert ended.stderr.startswith("Error: port ")
        assert "Traceback" not in ended.stderr

    @pytest.mark.anvil
    def test_anvil_is_served_by_the_same_command(self) -> None:
        port = NodeServer()
        number = port.url.rsplit(":", 1)[1]
        port.close()
        words = [sys.executable, "-m", "microgrid", "node", "--backend", "anvil", "--port", number]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while "Listening on" not in (line := process.stdout.readline()):
                assert line or process.poll() is None
            assert call(f"http://127.0.0.1:{number}", "web3_clientVersion").startswith("anvil/")
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.mark.node
class TestCast:
    """Foundry's cast, from npm's @foundry-rs/cast."""

    @pytest.fixture
    def cast(self, url: str) -> Call:
        (binary,) = PROJECT.glob(CAST_PATTERN)

        def run(*words: str, code: int = 0) -> str:
            command = [str(binary), *words, "--rpc-url", url]
            ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
            assert ended.returncode == code, ended.stderr
            return (ended.stdout + ended.stderr).strip()

        return run

    def test_it_reads_the_chain(self, cast: Call) -> None:
        assert cast("chain-id") == "31337"
        assert cast("block-number") == "0"
        assert cast("balance", FIRST_ADDRESSES[1]) == str(10**24)
        assert json.loads(cast("block", "latest", "--json"))["number"] == "0x0"
        assert cast("nonce", FIRST_ADDRESSES[0]) == "0"

    @pytest.mark.parametrize("kind", [[], ["--legacy"]], ids=["EIP-1559", "legacy"])
    def test_it_pays(self, cast: Call, kind: list[str]) -> None:
        key = "0x" + dev_key(0).secret.hex()
        sent = json.loads(cast("send", FIRST_ADDRESSES[1], "--value", "1ether", "--private-key", key, "--json", *kind))
        assert sent["status"] == "0x1"
        assert cast("balance", FIRST_ADDRESSES[1]) == str(10**24 + 10**18)
        assert json.loads(cast("tx", sent["transactionHash"], "--json"))["value"] == hex(10**18)
        assert json.loads(cast("receipt", sent["transactionHash"], "--json"))["gasUsed"] == "0x5208"

    def test_it_calls_sends_to_and_reads_the_logs_of_contracts(self, cast: Call, node: RemoteBackend) -> None:
        registry = open_market(node).registry.contract.address
        key = "0x" + dev_key(0).secret.hex()
        assert cast("call", registry, "memberCount()(uint32)") == "0"
        cast("send", registry, "registerMember(address)", FIRST_ADDRESSES[1], "--private-key", key)
        assert cast("call", registry, "memberCount()(uint32)") == "1"
        assert cast("call", registry, "accountOf(uint32)(address)", "1") == FIRST_ADDRESSES[1]
        assert cast("code", registry).startswith("0x60")
        logs = json.loads(
            cast(
                "logs",
                "--json",
                "--from-block",
                "0",
                "--address",
                registry,
                "MemberRegistered(uint32 indexed,address indexed)",
            )
        )
        assert len(logs) == 1

    def test_it_is_told_the_revert_data(self, cast: Call, node: RemoteBackend) -> None:
        registry = open_market(node).registry.contract.address
        words = ["call", registry, "registerMember(address)", FIRST_ADDRESSES[1], "--from", FIRST_ADDRESSES[1]]
        data = keccak256(b"AccessManagedUnauthorized(address)")[:4].hex()
        told = cast(*words, code=1)
        assert data in told or "AccessManagedUnauthorized" in told
