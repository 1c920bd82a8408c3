"""Commands of `microgrid device` for committed readings: oracle keys, the root of an interval, proofs."""

from contextlib import closing
from pathlib import Path
from typing import Any

import rich_click as click

from microgrid.chain.client import MarketChain
from microgrid.cli._chain import Desk, at_market, interval_fields, named_interval, read_key
from microgrid.cli._device_care import known_id
from microgrid.cli._store import open_existing
from microgrid.cli._types import Account
from microgrid.domain.errors import BadInputError, WireError
from microgrid.domain.intervals import Interval
from microgrid.domain.merkle import MerkleTree, commitment_digest, reading_leaf
from microgrid.domain.records import Reading
from microgrid.domain.wire import decode_reading, reading_digest, recover

threshold_option = click.option(
    "--threshold", type=click.IntRange(1), help="How many keys must sign. [default: as many as before, at least one]"
)
readings_option = click.option(
    "--readings",
    "file",
    type=click.Path(path_type=Path),
    help="File of signed readings: a frame in hexadecimal digits (signature, then payload) on each line.",
)
store_option = click.option("--store", "store_url", help="URL of the oracle's database, instead of --readings.")


@click.command()
@at_market
def oracles(desk: Desk) -> None:
    """Show the oracle keys, how many of them must sign, and the last interval committed.

    Example: microgrid device oracles
    """
    _show_oracles(desk)


@click.command("add-oracle")
@click.argument("address", type=Account())
@threshold_option
@at_market
def add_oracle(desk: Desk, *, address: str, threshold: int | None) -> None:
    """Let the key of ADDRESS sign commitments.

    Example: microgrid device add-oracle 0x3C44…93BC --threshold 2
    """
    keys, present, _ = desk.market.care.oracle_quorum()
    if address in keys:
        message = f"{address} is an oracle key already"
        raise BadInputError(message)
    _set_oracles(desk, [*keys, address], threshold or max(present, 1))


@click.command("remove-oracle")
@click.argument("address", type=Account())
@threshold_option
@at_market
def remove_oracle(desk: Desk, *, address: str, threshold: int | None) -> None:
    """Take the key of ADDRESS its right to sign commitments.

    Example: microgrid device remove-oracle 0x3C44…93BC --threshold 1
    """
    keys, present, _ = desk.market.care.oracle_quorum()
    if address not in keys:
        message = f"{address} is no oracle key; those are: {', '.join(keys) or 'none'}"
        raise BadInputError(message)
    rest = [key for key in keys if key != address]
    _set_oracles(desk, rest, threshold or present if rest else 0)


@click.command("commit")
@click.argument("interval")
@readings_option
@store_option
@click.option(
    "--oracle-key-file",
    "key_files",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="File with the private key of an oracle; once for each that signs.",
)
@at_market
def commit_readings(
    desk: Desk, *, interval: str, file: Path | None, store_url: str | None, key_files: tuple[Path, ...]
) -> None:
    """Commit the readings that end or lie in INTERVAL by the root of their Merkle tree.

    INTERVAL is its index, or its start in ISO 8601.

    Example: microgrid device commit 2031-05-01T13:00 --readings hour.frames --oracle-key-file one.key
    """
    market, named = desk.market, named_interval(desk.market, interval)
    tree = _tree(market, named, _readings(market, named, file, store_url))
    count = len(tree.leaves)
    digest = commitment_digest(named.index, tree.root, count, market.reading_domain)
    keys = {key.address: key for key in map(read_key, key_files)}
    signatures = [keys[address].sign(digest) for address in sorted(keys, key=lambda text: int(text, 16))]
    market.care.commit_readings(named.index, tree.root, count, signatures)
    _show(desk, interval_fields(named) | {"root": "0x" + tree.root.hex(), "count": count, "signed_by": list(keys)})


@click.command("prove")
@click.argument("name")
@click.argument("interval")
@readings_option
@store_option
@at_market
def prove_reading(desk: Desk, *, name: str, interval: str, file: Path | None, store_url: str | None) -> None:
    """Hand in the next reading of the device NAME, proving it by the root that was committed for INTERVAL.

    The readings must be all that were committed: the proof is made of their tree.

    Example: microgrid device prove meter-01 2031-05-01T13:00 --readings hour.frames
    """
    market, named = desk.market, named_interval(desk.market, interval)
    identity = known_id(market, name)
    readings = _readings(market, named, file, store_url)
    tree = _tree(market, named, readings)
    if market.care.commitment(named.index) != tree.root:
        message = f"these readings are not those that were committed for interval {named.index}"
        raise BadInputError(message)
    reading = _next_of(market, identity, name, readings)
    proof = tree.proof(reading_leaf(reading, named.index, market.reading_domain))
    market.care.prove_reading(reading, proof)
    numbers = {"sequence": reading.chain_sequence, "import_wh": reading.import_wh, "export_wh": reading.export_wh}
    _show(desk, {"device": name} | interval_fields(named) | numbers | {"proof": ["0x" + part.hex() for part in proof]})


COMMANDS = (oracles, add_oracle, remove_oracle, commit_readings, prove_reading)


def _readings(market: MarketChain, interval: Interval, file: Path | None, store_url: str | None) -> list[Reading]:
    """The readings of an interval in a file or a database, each signed by its device.

    Raises:
        BadInputError: not one source, unreadable, none of this interval, or a signature that is not the device's.
    """
    if (file is None) == (store_url is None):
        message = "name where the readings are once: a file by --readings, or the oracle's database by --store"
        raise BadInputError(message)
    found = _stored(store_url) if store_url is not None else _framed(file or Path())
    readings = [item for item in found if (item.timestamp_s - 1) // interval.seconds == interval.index]
    if not readings:
        message = f"none of the {len(found)} readings ends or lies in interval {interval.index}"
        raise BadInputError(message)
    for reading in readings:
        _check_signature(market, reading)
    return readings


def _stored(url: str) -> list[Reading]:
    with closing(open_existing(url)) as store:
        return [*(reading for reading, _ in store.handed_in()), *store.pending_readings()]


def _framed(file: Path) -> list[Reading]:
    try:
        lines = file.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text file"
        message = f"readings {file} cannot be read: {reason}"
        raise BadInputError(message) from error
    return [_decoded(line, f"{file}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]


def _decoded(line: str, where: str) -> Reading:
    try:
        return decode_reading(bytes.fromhex(line.strip().removeprefix("0x")))
    except (ValueError, WireError) as error:
        message = f"{where} is no signed reading in hexadecimal digits: {error}"
        raise BadInputError(message) from error


def _check_signature(market: MarketChain, reading: Reading) -> None:
    key = market.registry.device(reading.device_id, reading.device).key
    try:
        signer = recover(reading_digest(reading, market.reading_domain), reading.signature)
    except WireError:
        signer = ""
    if signer != key:
        message = f"reading {reading.chain_sequence} of {reading.device!r} is not signed by that device's key"
        raise BadInputError(message)


def _tree(market: MarketChain, interval: Interval, readings: list[Reading]) -> MerkleTree:
    return MerkleTree({reading_leaf(item, interval.index, market.reading_domain) for item in readings})


def _next_of(market: MarketChain, identity: bytes, name: str, readings: list[Reading]) -> Reading:
    """The device's first reading after the last one on the chain."""
    last, timestamp_s, _, _ = market.registry.registers(identity)
    later = [
        item for item in readings if item.device_id == identity and (item.chain_sequence > last or not timestamp_s)
    ]
    if not later:
        message = f"these readings hold none of {name!r} that the chain does not have"
        raise BadInputError(message)
    return min(later, key=lambda item: item.chain_sequence)


def _set_oracles(desk: Desk, keys: list[str], threshold: int) -> None:
    if threshold > len(keys):
        message = f"{threshold} keys must sign but there would be {len(keys)}; say how many must by --threshold"
        raise BadInputError(message)
    desk.market.care.set_oracle_keys(keys, threshold)
    _show_oracles(desk)


def _show_oracles(desk: Desk) -> None:
    keys, threshold, latest = desk.market.care.oracle_quorum()
    _show(desk, {"oracles": keys, "threshold": threshold, "latest_committed": latest or None})


def _show(desk: Desk, fields: dict[str, Any]) -> None:
    lines = (
        f"{title:16} {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for title, value in fields.items()
    )
    desk.show(fields, "\n".join(lines))
