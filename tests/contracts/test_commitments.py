"""Committed readings: the quorum of oracle keys, the roots, and the proofs that let a reading in."""

from dataclasses import replace
from typing import Any

import pytest
from contract_market import FIRST, HOUR, START, Home, World, packed_reading, reverts
from eth_account import Account
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from microgrid.chain.bindings.reading_words import short_signature, told_readings
from microgrid.domain.merkle import MerkleTree, commitment_digest, reading_leaf
from microgrid.domain.records import Reading
from microgrid.domain.wire import SigningDomain, SigningKey, keccak256, reading_digest

KEYS = sorted((SigningKey(keccak(text=f"oracle-{n}")) for n in range(3)), key=lambda key: int(key.address, 16))
STRANGER = SigningKey(keccak(text="stranger"))
UINT64 = st.integers(0, 2**64 - 1)
BAD_SIGNATURE, STALE_SEQUENCE = 3, 4


def domain(world: World) -> SigningDomain:
    return SigningDomain("DeviceRegistry", world.web3.eth.chain_id, world.registry.address)


def reading(world: World, home: Home, sequence: int, timestamp_s: int, import_wh: int, export_wh: int) -> Reading:
    """A reading signed by its device."""
    unsigned = Reading("m", home.device_id, 0, sequence, timestamp_s, import_wh, export_wh, 0, 0, 0, b"payload", b"")
    digest = reading_digest(unsigned, domain(world))
    return replace(unsigned, signature=SigningKey(bytes(home.meter.key)).sign(digest))


def five_words(item: Reading) -> tuple[Any, ...]:
    numbers = (item.chain_sequence, item.timestamp_s, item.import_wh, item.export_wh)
    return packed_reading((item.device_id, *numbers, keccak256(item.payload)), item.signature)


def set_keys(world: World, threshold: int = 2) -> None:
    call = world.registry.functions.setOracleKeys([key.address for key in KEYS], threshold)
    world.send(call, world.parties.governance)


def signatures(world: World, interval: int, root: bytes, count: int, *keys: SigningKey) -> list[tuple[bytes, bytes]]:
    digest = commitment_digest(interval, root, count, domain(world))
    return [short_signature(key.sign(digest)) for key in keys or KEYS[:2]]


def commit(world: World, readings: list[Reading], interval: int = FIRST) -> MerkleTree:
    """Baselines are in; commits readings of an interval by two of three oracle keys."""
    tree = MerkleTree(reading_leaf(item, interval, domain(world)) for item in readings)
    set_keys(world)
    world.at((interval + 1) * HOUR)
    signed = signatures(world, interval, tree.root, len(readings))
    call = world.registry.functions.commitReadings(interval, tree.root, len(readings), signed)
    receipt = world.send(call, world.homes[0].address)
    (event,) = world.events(receipt, world.registry, "ReadingsCommitted")
    assert event == {"interval": interval, "root": tree.root, "count": len(readings)}
    return tree


def prove(world: World, tree: MerkleTree, item: Reading, sender: str, interval: int = FIRST) -> list[dict[str, Any]]:
    proof = tree.proof(reading_leaf(item, interval, domain(world)))
    receipt = world.send(world.registry.functions.proveReading(five_words(item), proof), sender)
    return world.events(receipt, world.registry, "ReadingProven")


@pytest.fixture
def metered(world: World) -> list[Reading]:
    """Readings that end the first interval, after base lines at its start."""
    world.at(START)
    world.submit([(home, (5, START, 1_000, 2_000)) for home in world.homes])
    return [reading(world, home, 6, START + HOUR, 1_000 + 100 * n, 2_000 + n) for n, home in enumerate(world.homes)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.tuples(UINT64, st.integers(1, 2**40 - 1), UINT64, UINT64), device=st.binary(min_size=32, max_size=32))
def test_python_and_the_contract_compute_the_same_digest_and_leaf(
    world: World, numbers: tuple[int, int, int, int], device: bytes
) -> None:
    sequence, timestamp_s, import_wh, export_wh = numbers
    epoch, low = sequence >> 32, sequence & 0xFFFFFFFF
    item = Reading("m", device, epoch, low, timestamp_s, import_wh, export_wh, 0, 0, 0, device[:7], b"")
    plain = (device, *numbers, keccak256(item.payload))
    assert world.registry.functions.hashReading(plain).call() == reading_digest(item, domain(world))
    leaf = reading_leaf(item, (timestamp_s - 1) // HOUR, domain(world))
    assert world.registry.functions.hashLeaf(plain).call() == leaf


def test_a_proven_reading_counts_like_a_signed_one(world: World, metered: list[Reading]) -> None:
    tree = commit(world, metered)
    home = world.homes[2]
    functions = world.registry.functions
    assert functions.intervalEnergy(home.member_id, FIRST).call() == [0, 0, False]
    (event,) = prove(world, tree, metered[2], world.homes[0].address)
    (told,) = told_readings([event["reading"]])
    assert (event["deviceId"], event["interval"], event["detail"]) == (home.device_id, FIRST, keccak256(b"payload"))
    assert (told.device_number, told.sequence, told.import_wh) == (2, 6, 1_200)
    assert functions.intervalEnergy(home.member_id, FIRST).call() == [200, 2, True]
    assert world.registers(home) == (6, START + HOUR, 1_200, 2_002)
    assert world.grid.functions.totals(FIRST).call() == (200, 2, 1)


def test_a_reading_is_proven_once(world: World, metered: list[Reading]) -> None:
    tree = commit(world, metered)
    prove(world, tree, metered[0], world.parties.oracle)
    with reverts(world.registry, "ProvenReadingRefused", metered[0].device_id, STALE_SEQUENCE):
        prove(world, tree, metered[0], world.parties.oracle)


def test_no_quorum_can_make_a_reading_up(world: World, metered: list[Reading]) -> None:
    forged = replace(metered[0], import_wh=9_000)
    tree = commit(world, [forged, *metered[1:]])
    with reverts(world.registry, "ProvenReadingRefused", forged.device_id, BAD_SIGNATURE):
        prove(world, tree, forged, world.parties.oracle)


def test_what_was_not_committed_is_not_proven(world: World, metered: list[Reading]) -> None:
    tree = commit(world, metered[:2])
    proof = tree.proof(reading_leaf(metered[0], FIRST, domain(world)))
    with reverts(world.registry, "NotCommitted", metered[2].device_id, FIRST):
        world.send(world.registry.functions.proveReading(five_words(metered[2]), proof), world.parties.oracle)


def test_a_root_proves_nothing_of_another_interval(world: World, metered: list[Reading]) -> None:
    late = [reading(world, world.homes[0], 6, START + 33 * HOUR, 1_100, 2_000)]
    tree = commit(world, [*metered, *late])
    proof = tree.proof(reading_leaf(late[0], FIRST, domain(world)))
    world.at(START + 33 * HOUR)
    with reverts(world.registry, "NotCommitted", late[0].device_id, FIRST + 32):
        world.send(world.registry.functions.proveReading(five_words(late[0]), proof), world.parties.oracle)


def test_only_an_oracle_may_leave_readings_out(world: World, metered: list[Reading]) -> None:
    home = world.homes[0]
    skipping = reading(world, home, 7, START + HOUR, 1_050, 2_000)
    tree = commit(world, [skipping, *metered[1:]])
    with reverts(world.registry, "AccessManagedUnauthorized", home.address):
        prove(world, tree, skipping, home.address)
    assert len(prove(world, tree, skipping, world.parties.oracle)) == 1


def test_roots_are_kept_for_32_intervals(world: World, metered: list[Reading]) -> None:
    tree = commit(world, metered)
    functions = world.registry.functions
    assert functions.commitment(FIRST).call() == tree.root
    assert functions.commitment(FIRST + 1).call() == functions.commitment(FIRST - 1).call() == bytes(32)
    commit(world, metered, FIRST + 32)
    assert functions.commitment(FIRST).call() == bytes(32)
    assert functions.oracleQuorum().call() == [[key.address for key in KEYS], 2, FIRST + 32]


def test_a_quorum_is_needed(world: World) -> None:
    root = keccak(text="root")
    functions = world.registry.functions
    world.at(START + HOUR)
    with reverts(world.registry, "QuorumNotReached", 0, 0):
        world.send(functions.commitReadings(FIRST, root, 1, []), world.parties.oracle)
    set_keys(world)
    for keys in (KEYS[:1], KEYS):
        with reverts(world.registry, "QuorumNotReached", len(keys), 2):
            signed = signatures(world, FIRST, root, 1, *keys)
            world.send(functions.commitReadings(FIRST, root, 1, signed), world.parties.oracle)


@pytest.mark.parametrize(
    ("keys", "wrong"),
    [((0, 0), 0), ((1, 0), 0)],
    ids=["one signs twice", "falling order"],
)
def test_each_oracle_signs_once_and_in_order(world: World, keys: tuple[int, ...], wrong: int) -> None:
    set_keys(world)
    root = keccak(text="root")
    world.at(START + HOUR)
    signed = signatures(world, FIRST, root, 1, *(KEYS[n] for n in keys))
    with reverts(world.registry, "InvalidOracleSignature", KEYS[wrong].address):
        world.send(world.registry.functions.commitReadings(FIRST, root, 1, signed), world.parties.oracle)


def test_a_stranger_does_not_sign_nor_does_another_commitment_count(world: World) -> None:
    set_keys(world, 1)
    root = keccak(text="root")
    world.at(START + HOUR)
    signed = signatures(world, FIRST, root, 1, STRANGER)
    with reverts(world.registry, "InvalidOracleSignature", STRANGER.address):
        world.send(world.registry.functions.commitReadings(FIRST, root, 1, signed), world.parties.oracle)
    with reverts(world.registry, "InvalidOracleSignature", "0x" + "00" * 20):
        world.send(
            world.registry.functions.commitReadings(FIRST, root, 1, [(bytes(32), bytes(32))]), world.parties.oracle
        )


@pytest.mark.parametrize(("root", "count"), [(keccak(text="root"), 0), (bytes(32), 1)])
def test_nothing_is_not_committed(world: World, root: bytes, count: int) -> None:
    set_keys(world)
    with reverts(world.registry, "EmptyCommitment", FIRST):
        world.send(world.registry.functions.commitReadings(FIRST, root, count, []), world.parties.oracle)


@pytest.mark.parametrize("interval", [FIRST, FIRST + 1])
def test_intervals_are_committed_once_and_after_their_end(world: World, metered: list[Reading], interval: int) -> None:
    commit(world, metered)
    call = world.registry.functions.commitReadings(interval, keccak(text="root"), 1, [])
    with reverts(world.registry, "IntervalNotCommittable", interval, FIRST, FIRST + 1):
        world.send(call, world.parties.oracle)


@pytest.mark.parametrize(
    ("keys", "threshold"),
    [([KEYS[0].address], 2), ([KEYS[0].address], 0), ([], 1), ([KEYS[1].address, KEYS[0].address], 1)],
    ids=["too few", "no threshold", "no keys", "falling"],
)
def test_the_keys_must_fit_the_threshold(world: World, keys: list[str], threshold: int) -> None:
    with reverts(world.registry, "InvalidOracleKeys", len(keys), threshold):
        world.send(world.registry.functions.setOracleKeys(keys, threshold), world.parties.governance)


def test_there_are_at_most_31_keys(world: World) -> None:
    keys = sorted((Account.from_key(keccak(text=f"o{n}")).address for n in range(32)), key=lambda a: int(a, 16))
    with reverts(world.registry, "InvalidOracleKeys", 32, 1):
        world.send(world.registry.functions.setOracleKeys(keys, 1), world.parties.governance)


def test_keys_that_were_taken_away_sign_no_more(world: World) -> None:
    set_keys(world)
    receipt = world.send(world.registry.functions.setOracleKeys([KEYS[2].address], 1), world.parties.governance)
    (event,) = world.events(receipt, world.registry, "OracleKeysSet")
    assert event == {"oracles": [KEYS[2].address], "threshold": 1}
    world.at(START + HOUR)
    signed = signatures(world, FIRST, keccak(text="root"), 1, KEYS[0])
    with reverts(world.registry, "InvalidOracleSignature", KEYS[0].address):
        call = world.registry.functions.commitReadings(FIRST, keccak(text="root"), 1, signed)
        world.send(call, world.parties.oracle)
