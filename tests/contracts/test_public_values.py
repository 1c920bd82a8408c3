"""What the contracts tell of their bounds and of each other, and the small views beside the main ones."""

import pytest
from contract_market import BUY, CONFIG, FEED_IN, FIRST, HOUR, RETAIL, World, reverts
from eth_utils.crypto import keccak

from microgrid.domain.merkle import commitment_digest
from microgrid.domain.wire import SigningDomain

DAY = 24 * HOUR
BOUNDS = {
    "EnergyTrading": {"MAX_PAUSE_SECONDS": DAY},
    "GridBalance": {"STRESS_SECONDS": DAY, "MEASURED_STRESS_SECONDS": HOUR},
    "DeviceRegistry": {
        "COMMITMENTS_KEPT": 32,
        "MAX_ORACLE_KEYS": 31,
        "MAX_RATED_POWER_W": 100_000_000,
        "MAX_SKEW_SECONDS": 60,
        "MAX_AGE_SECONDS": 7 * DAY,
        "readingDeadlineSeconds": CONFIG.settlement_deadline_seconds,
    },
    "GridMonitor": {
        "FREQUENCY_LOW": 1,
        "FREQUENCY_HIGH": 2,
        "VOLTAGE_LOW": 4,
        "VOLTAGE_HIGH": 8,
        "DISTORTION": 16,
        "FULL_SEVERITY": 1_000,
        "FAULT_ENDS_BELOW": 800,
        "ORDINARY_SEVERITY": 200,
        "FRESH_SECONDS": 900,
        "MAX_SENSORS": 16,
        "MAX_SKEW_SECONDS": 60,
        "MAX_AGE_SECONDS": DAY,
    },
    "StorageRegistry": {
        "MAX_CAPACITY_WH": 1_000_000_000,
        "WORN_PERMILLE": 800,
        "FRESH_SECONDS": HOUR,
        "MAX_SCHEDULE": 48,
        "MAX_SKEW_SECONDS": 60,
        "MAX_AGE_SECONDS": DAY,
    },
    "EmergencyControl": {"FULL_SEVERITY": 1_000, "MAX_STAGE": 3},
    "DemandResponse": {"MEASURE_INTERVALS": 6, "RECOVERY_INTERVALS": 1},
    "Regulator": {"MAX_BAN_SECONDS": 7 * DAY, "ARREARS_INTERVALS": 3, "MAX_TERM": 100 * 10**18},
    "RewardSystem": {"MAX_RATE": 100 * 10**18},
}
WIRES = [
    ("EnergyTrading", "gridBalance", "GridBalance"),
    ("EnergyTrading", "directTrading", "DirectTrading"),
    ("DeviceRegistry", "gridBalance", "GridBalance"),
    ("GridMonitor", "gridBalance", "GridBalance"),
    ("DemandResponse", "emergencyControl", "EmergencyControl"),
    ("DemandResponse", "paymentToken", "PaymentToken"),
    ("RewardSystem", "rewardToken", "RewardToken"),
    ("Staking", "rewardToken", "RewardToken"),
]


@pytest.mark.parametrize("contract", BOUNDS)
def test_a_contract_tells_its_bounds(world: World, contract: str) -> None:
    functions = world.deployment.contract(world.web3, contract).functions
    assert {name: functions[name]().call() for name in BOUNDS[contract]} == BOUNDS[contract]


@pytest.mark.parametrize(("contract", "name", "other"), WIRES)
def test_a_contract_tells_whom_it_works_with(world: World, contract: str, name: str, other: str) -> None:
    functions = world.deployment.contract(world.web3, contract).functions
    assert functions[name]().call() == world.deployment.addresses[other]


def test_only_the_registry_records_an_interval(world: World) -> None:
    stranger = world.homes[0].address
    with reverts(world.grid, "AccessManagedUnauthorized", stranger):
        world.send(world.grid.functions.recordInterval(FIRST, 1, 2, 1), stranger)


def test_oracles_sign_the_digest_that_the_registry_tells(world: World) -> None:
    root = keccak(text="root")
    domain = SigningDomain("DeviceRegistry", world.web3.eth.chain_id, world.registry.address)
    told = world.registry.functions.hashCommitment(FIRST, root, 50).call()
    assert told == commitment_digest(FIRST, root, 50, domain)


def test_an_accepted_offer_is_told_and_both_homes_deals_are_packed_for_settlement(world: World) -> None:
    """1 kWh at 0.20: the buyer locks 0.202 with the fee, the seller 0.10 against not delivering."""
    price, buyer, seller = 200_000, world.homes[0], world.homes[1]
    expiry = FIRST * HOUR - CONFIG.gate_lead_seconds - 1
    assert FEED_IN <= price <= RETAIL
    world.send(world.direct.functions.offer(seller.address, FIRST, 1_000, price, BUY, expiry), buyer.address)
    receipt = world.send(world.direct.functions.accept(1), seller.address)
    assert world.events(receipt, world.direct, "OfferAccepted") == [{"offerId": 1, "interval": FIRST}]
    payment = 1_000 * price
    bought = 202_000 << 160 | (2**96 - payment) << 64 | 1_000
    sold = 100_000 << 160 | payment << 64 | 1_000 << 32
    assert world.direct.functions.dealWords(FIRST, 1, 3).call() == [bought, sold, 0]
    assert world.direct.functions.dealWords(FIRST + 1, 1, 3).call() == []
