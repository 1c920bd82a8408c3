"""`microgrid deploy`: put the contracts on a chain and write down where they are."""

import json
from pathlib import Path

import rich_click as click

from microgrid.chain.backend import Backend, dev_key
from microgrid.chain.bindings.energy_trading import NO_ACCOUNT
from microgrid.chain.deployment import Deployment, MarketConfig, Parties, deploy
from microgrid.chain.evm import CHAIN_ID
from microgrid.cli._chain import check_writable, key_options, open_node, show, write_whole
from microgrid.cli._types import Account, Money
from microgrid.config import load_settings
from microgrid.domain.errors import BadInputError
from microgrid.domain.units import MICRO_PER_UNIT, WAD, decimal_units

DEV_BACKSTOP, DEV_TREASURY = 8, 9
DEAREST_FEE_MICRO = MICRO_PER_UNIT  # the contract's own limit
LONGEST_LEAD_S = 7 * 86_400
LONGEST_STEP_S = 365 * 86_400
MOST_TOKENS = MarketConfig().reward_cap_wad // WAD


@click.command()
@key_options
@click.option("--out", type=click.Path(path_type=Path), help="File to write. [default: deployment.json]")
@click.option(
    "--interval-seconds",
    type=click.IntRange(60, 86_400),
    default=3_600,
    show_default=True,
    help="Length of an interval.",
)
@click.option(
    "--gate-lead-seconds",
    type=click.IntRange(0, LONGEST_LEAD_S),
    default=300,
    show_default=True,
    help="Orders close this long before delivery.",
)
@click.option(
    "--fee", type=Money(), default="0.001", show_default=True, help="Trading fee per bought kWh, currency units."
)
@click.option(
    "--backstop", type=Account(), help="Account of the grid supplier. [default on a development chain: account 8]"
)
@click.option("--treasury", type=Account(), help="Account that fees go to. [default on a development chain: account 9]")
@click.option("--governance", is_flag=True, help="Let holders of reward tokens decide: a governor and a timelock.")
@click.option(
    "--voting-delay",
    type=click.IntRange(0, LONGEST_STEP_S),
    default=86_400,
    show_default=True,
    help="Seconds from a proposal to its vote.",
)
@click.option(
    "--voting-period",
    type=click.IntRange(1, LONGEST_STEP_S),
    default=259_200,
    show_default=True,
    help="Seconds that a vote lasts.",
)
@click.option(
    "--timelock-delay",
    type=click.IntRange(0, LONGEST_STEP_S),
    default=86_400,
    show_default=True,
    help="Seconds from queueing to execution.",
)
@click.option(
    "--min-quorum",
    type=click.IntRange(0, MOST_TOKENS),
    default=100,
    show_default=True,
    help="Least number of votes of a quorum, whole tokens.",
)
def command(
    *,
    rpc_url: str | None,
    key_file: Path | None,
    out: Path | None,
    interval_seconds: int,
    gate_lead_seconds: int,
    fee: int,
    backstop: str | None,
    treasury: str | None,
    governance: bool,
    voting_delay: int,
    voting_period: int,
    timelock_delay: int,
    min_quorum: int,
    as_json: bool,
) -> None:
    """Deploy and wire all contracts; the key's account gets every role, but for what --governance leaves to votes.

    Example: microgrid deploy --rpc http://127.0.0.1:8545

    Example: microgrid deploy --rpc https://rpc.example.org --key-file operator.key --backstop 0x… --treasury 0x… --json
    """
    _check_fee(fee)
    path = load_settings(deployment=out).deployment
    check_writable(path)
    config = MarketConfig(
        interval_seconds=interval_seconds,
        gate_lead_seconds=gate_lead_seconds,
        settlement_deadline_seconds=4 * interval_seconds,
        fee_micro_per_kwh=fee,
        with_governance=governance,
        voting_delay_seconds=voting_delay,
        voting_period_seconds=voting_period,
        timelock_delay_seconds=timelock_delay,
        min_quorum_wad=min_quorum * WAD,
    )
    with open_node(rpc_url, key_file) as (backend, key):
        parties = Parties.one(
            key.address,
            backstop=backstop or _dev_account(backend, DEV_BACKSTOP, "--backstop"),
            treasury=treasury or _dev_account(backend, DEV_TREASURY, "--treasury"),
        )
        _check_parties(parties)
        deployment = deploy(backend.web3, key.secret, config, parties)
    write_whole(path, json.dumps(deployment.to_dict(), indent=1) + "\n")
    show(deployment.to_dict() | {"file": str(path)}, as_json=as_json, text=_report(deployment, path))


def _check_fee(fee_micro_per_kwh: int) -> None:
    """The contract would fail to deploy without a word."""
    if fee_micro_per_kwh > DEAREST_FEE_MICRO:
        fee, most = decimal_units(fee_micro_per_kwh), decimal_units(DEAREST_FEE_MICRO)
        message = f"--fee {fee} is out of range: a trading fee is 0 to {most} currency units per kWh"
        raise BadInputError(message)


def _check_parties(parties: Parties) -> None:
    """The contract that keeps their accounts comes late among those that are deployed."""
    if parties.backstop == parties.treasury:
        message = f"--backstop and --treasury are both {parties.backstop}: they must be two accounts"
        raise BadInputError(message)
    if NO_ACCOUNT in (parties.backstop, parties.treasury):
        message = f"{NO_ACCOUNT} is nobody's account: money that goes there is lost"
        raise BadInputError(message)


def _dev_account(backend: Backend, index: int, option: str) -> str:
    if backend.chain_id != CHAIN_ID:
        message = f"chain {backend.chain_id} is no development chain: name the account with {option}"
        raise BadInputError(message)
    return dev_key(index).address


def _report(deployment: Deployment, path: Path) -> str:
    lines = [f"{name:18} {address}" for name, address in deployment.addresses.items()]
    return "\n".join([*lines, f"{deployment.gas_used:,} gas; addresses written to {path}"])
