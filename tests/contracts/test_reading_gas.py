"""What readings cost on the chain: the whole transaction's gas, shared among its readings."""

from random import Random

import pytest
from contract_market import FIRST, HOUR, START, World
from eth_utils.crypto import keccak

from microgrid.chain.bindings.reading_words import short_signature
from microgrid.domain.merkle import MerkleTree, commitment_digest
from microgrid.domain.wire import SigningDomain, SigningKey

BATCH = 50
MAX_GAS_PER_READING = 18_000
EPOCH = 7 << 32
KEPT = 32


def submit_hour(world: World, hour: int, sequence: int, registers: list[tuple[int, int]]) -> int:
    """Gas of a batch of all homes' readings at the end of an hour."""
    world.at(START + hour * HOUR)
    values = [(EPOCH + sequence, START + hour * HOUR, *energies) for energies in registers]
    receipt = world.submit(list(zip(world.homes, values, strict=True)))
    assert world.results(receipt) == []
    return int(receipt["gasUsed"])


def test_a_reading_in_a_batch_of_50_costs_at_most_18000_gas_in_the_long_run(world: World) -> None:
    """Every storage word has been written before, the history has gone round, and every meter is on time."""
    for number in range(len(world.homes), BATCH):
        world.homes.append(world.add_home(number))
    rng = Random(7)  # noqa: S311  energy, not secrets
    registers = [(rng.randrange(10**6, 10**7), rng.randrange(10**6, 10**7)) for _ in world.homes]
    for sequence, hour in enumerate((0, 1, KEPT)):
        submit_hour(world, hour, sequence, registers)
    later = [(imported + rng.randrange(3_000), exported + rng.randrange(3_000)) for imported, exported in registers]
    gas = submit_hour(world, KEPT + 1, 3, later)
    assert gas / BATCH <= MAX_GAS_PER_READING
    grown = [(new[0] - old[0], new[1] - old[1]) for new, old in zip(later, registers, strict=True)]
    booked = world.registry.functions.intervalEnergies(FIRST + KEPT, 1, BATCH).call()
    assert booked == [1 << 128 | imported << 64 | exported for imported, exported in grown]


@pytest.mark.parametrize(("readings", "most_each"), [(50, 1_000), (1_000, 60)])
def test_a_committed_reading_costs_next_to_nothing(world: World, readings: int, most_each: int) -> None:
    """Two of three oracles sign a root over all of them, once the ring of roots has gone round."""
    keys = sorted((SigningKey(keccak(text=f"oracle-{n}")) for n in range(3)), key=lambda key: int(key.address, 16))
    functions = world.registry.functions
    world.send(functions.setOracleKeys([key.address for key in keys], 2), world.parties.governance)
    domain = SigningDomain("DeviceRegistry", world.web3.eth.chain_id, world.registry.address)
    for interval in (FIRST, FIRST + KEPT):
        world.at((interval + 1) * HOUR)
        tree = MerkleTree(keccak(text=f"{interval} {n}") for n in range(readings))
        digest = commitment_digest(interval, tree.root, readings, domain)
        signed = [short_signature(key.sign(digest)) for key in keys[:2]]
        call = functions.commitReadings(interval, tree.root, readings, signed)
        gas = world.send(call, world.homes[0].address)["gasUsed"]
    assert gas / readings <= most_each
