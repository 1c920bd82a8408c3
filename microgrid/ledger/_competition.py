"""Miners racing for a block.

Time passes in rounds. In a round every miner tries as many nonces as it has power, in a nonce space of its own and on
a header of its own: the coinbase under its Merkle root pays itself. A miner that finds a block stops; the others hear
of it at the end of the round, so their hashes up to there are spent, and a block they find meanwhile is stale. Of
several finders the one that was earliest in the round wins: tries / power is its time; then fewer tries, then the
lower number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from microgrid.domain.blocks import BlockWork
from microgrid.ledger._encoding import NONCE

HASH_BITS = 256
BITS_PER_DIGIT = 4
COUNTER_BITS = 32


@dataclass(frozen=True, slots=True)
class Racer:
    """One miner at work on one block.

    Attributes:
        power: Nonces it tries in a round.
        first_nonce: Where its nonce space begins.
        header_prefix: Its header without the nonce.
    """

    power: int
    first_nonce: int
    header_prefix: bytes


@dataclass(frozen=True, slots=True)
class Find:
    """The end of a race.

    Attributes:
        winner: Number of the miner that found the block.
        nonce: What it found.
        digest: Hash of its header.
        hashes: Hashes of each miner in the whole race.
        stale: Numbers of the miners that found one in the same round, but later.
        work: Their sums.
    """

    winner: int
    nonce: int
    digest: bytes
    hashes: tuple[int, ...]
    stale: tuple[int, ...]
    work: BlockWork


@dataclass(frozen=True, slots=True)
class _Hit:
    tries: int
    nonce: int
    digest: bytes


def race(racers: Sequence[Racer], difficulty: int) -> Find:
    """Let miners compete until a hash begins with `difficulty` zeros, hexadecimal digits."""
    limit = (1 << HASH_BITS - BITS_PER_DIGIT * difficulty).to_bytes(HASH_BITS // 8, "big")
    rounds, hits = 0, dict[int, _Hit]()
    while not hits:
        for number, racer in enumerate(racers):
            hit = _search(racer, rounds, limit)
            if hit:
                hits[number] = hit
        rounds += 1
    return _judge(racers, rounds, hits)


def _search(racer: Racer, rounds: int, limit: bytes) -> _Hit | None:
    """First nonce of a miner's round whose digest is below the limit: bytes of one length compare as numbers do."""
    first_nonce = racer.first_nonce + rounds * racer.power
    copy, pack = sha256(racer.header_prefix).copy, NONCE.pack
    for nonce in range(first_nonce, first_nonce + racer.power):
        attempt = copy()
        attempt.update(pack(nonce))
        digest = attempt.digest()
        if digest < limit:
            return _Hit(nonce - first_nonce + 1, nonce, digest)
    return None


def _judge(racers: Sequence[Racer], rounds: int, hits: dict[int, _Hit]) -> Find:
    winner = min(hits, key=lambda number: (hits[number].tries / racers[number].power, hits[number].tries, number))
    hashes = tuple(
        (rounds - 1) * racer.power + (hits[number].tries if number in hits else racer.power)
        for number, racer in enumerate(racers)
    )
    stale = tuple(number for number in hits if number != winner)
    work = BlockWork(rounds, sum(hashes), sum(hashes) - hashes[winner], len(stale))
    return Find(winner, hits[winner].nonce, hits[winner].digest, hashes, stale, work)
