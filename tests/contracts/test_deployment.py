"""Deployment: where things are, what they cost, and that they fit."""

import json
from dataclasses import replace

import pytest
from contract_market import CONFIG, World
from eth_account import Account

from microgrid.chain import artifacts
from microgrid.chain.deployment import Deployment, MarketConfig, Parties, deploy
from microgrid.domain.errors import BadInputError, ChainError

MAX_CODE_BYTES = 24_576
MAX_TRANSACTION_GAS = 16_777_216


def test_a_deployment_survives_json(world: World) -> None:
    document = json.loads(json.dumps(world.deployment.to_dict()))
    assert Deployment.from_dict(document) == world.deployment


@pytest.mark.parametrize("document", [{}, {"chain_id": 1}, {"surprise": 1}], ids=str)
def test_what_is_no_deployment_is_refused(document: dict[str, int]) -> None:
    with pytest.raises(BadInputError, match="expected the fields chain_id, block, access_manager"):
        Deployment.from_dict(document)


def test_every_contract_is_below_the_size_limit(world: World) -> None:
    for address in world.deployment.addresses.values():
        assert 0 < len(world.web3.eth.get_code(address)) <= MAX_CODE_BYTES


def test_no_transaction_of_a_deployment_is_over_the_gas_cap(world: World) -> None:
    eth = world.web3.eth
    # One for each contract but the one that the market creates itself, and one for the wiring.
    sent = len(world.deployment.addresses)
    blocks = range(1, sent + 1)
    receipts = [eth.get_transaction_receipt(tx) for block in blocks for tx in eth.get_block(block)["transactions"]]
    assert len(receipts) == sent
    assert max(receipt["gasUsed"] for receipt in receipts) < MAX_TRANSACTION_GAS
    assert sum(receipt["gasUsed"] for receipt in receipts) == world.deployment.gas_used


def test_addresses_go_by_the_names_of_the_contracts(world: World) -> None:
    assert set(artifacts.names()) - set(world.deployment.addresses) == {"CommunityGovernor", "TimelockController"}


def test_the_default_configuration_can_be_deployed_by_one_hand(world: World) -> None:
    account = Account.from_key(b"\x07" * 32)
    eth = world.web3.eth
    eth.send_transaction({"from": eth.accounts[0], "to": account.address, "value": 10**20, "gas": 21_000})
    parties = Parties.one(account.address, backstop=eth.accounts[1], treasury=eth.accounts[2])
    deployment = deploy(world.web3, account.key, MarketConfig(), parties)
    grid = deployment.contract(world.web3, "GridBalance")
    found = [grid.functions.timeOfDayMultiplier(24 * 20_000 + hour).call() for hour in range(24)]
    assert tuple(found) == MarketConfig().time_of_day_multipliers_wad
    grid.functions.openIntervals(600_000, [1], [2]).transact({"from": eth.accounts[0], "gas": 10**6})
    assert grid.functions.band(600_000).call()[3] is False


def test_a_configuration_that_the_contracts_refuse_is_an_error(world: World) -> None:
    account = Account.from_key(b"\x08" * 32)
    eth = world.web3.eth
    eth.send_transaction({"from": eth.accounts[0], "to": account.address, "value": 10**20, "gas": 21_000})
    parties = Parties.one(account.address, backstop=eth.accounts[1], treasury=eth.accounts[2])
    with pytest.raises(ChainError, match="failed"):
        deploy(world.web3, account.key, replace(CONFIG, min_order_wh=0), parties)
