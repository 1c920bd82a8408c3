"""`microgrid device` for committed readings: oracle keys, roots and proofs, against a node in another thread."""

import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from rim.cli_chain import HOUR_S, Run, commands_in, open_market, put_back
from village import START_S, key

from microgrid.chain.backend import dev_key
from microgrid.chain.node import NodeServer
from microgrid.cli._chain import read_deployment
from microgrid.domain.errors import BadInputError, ContractRevertError
from microgrid.domain.merkle import is_proven, reading_leaf
from microgrid.domain.wire import Payload, SigningDomain, SigningKey, decode_reading, encode_reading
from microgrid.store import open_store

INTERVAL = START_S // HOUR_S
METERS = {name: key(name) for name in ("meter-01", "meter-02", "meter-03")}
ORACLES = [key(f"oracle-{number}") for number in range(3)]


@pytest.fixture(scope="module")
def prepared(server: NodeServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a market with three meters and the keys of three oracles."""
    folder = tmp_path_factory.mktemp("committed")
    with commands_in(folder, server) as run:
        for number, oracle in enumerate(ORACLES):
            Path(f"oracle-{number}.key").write_text(oracle.secret.hex())
        run("deploy")
        for number, (name, meter) in enumerate(METERS.items(), 1):
            run("device", "register", name, "--owner", dev_key(number).address, "--key", meter.address)
    return folder


@pytest.fixture
def metered(prepared: Path, run: Run) -> Run:
    put_back(prepared)
    return run


def domain() -> SigningDomain:
    known = read_deployment(Path("deployment.json"))
    return SigningDomain("DeviceRegistry", known.chain_id, known.device_registry)


def frame(name: str, sequence: int, import_wh: int, meter: SigningKey | None = None) -> bytes:
    """A signed reading at the end of an hour: the first at the node's start."""
    payload = Payload(1, name, 0, sequence, START_S + sequence * HOUR_S, import_wh, 0, 0, 230_000, 0)
    return encode_reading(payload, meter or METERS[name], domain())


def write(path: str, *frames: bytes) -> None:
    Path(path).write_text("".join(f"0x{data.hex()}\n" for data in frames))


def hour_passes(server: NodeServer) -> None:
    with open_market(server) as market:
        market.advance_to(START_S + HOUR_S)


@pytest.fixture
def committed(metered: Run, server: NodeServer) -> Run:
    """Two of three oracle keys committed the readings of an hour, in the file hour.frames."""
    for oracle in ORACLES:
        metered("device", "add-oracle", oracle.address, "--threshold", "1")
    metered("device", "remove-oracle", ORACLES[2].address)
    metered("device", "add-oracle", ORACLES[2].address, "--threshold", "2")
    hour_passes(server)
    write("hour.frames", *(frame(name, 1, 1_000 + number) for number, name in enumerate(METERS)))
    signers = ("--oracle-key-file", "oracle-2.key", "--oracle-key-file", "oracle-0.key")
    made = metered("device", "commit", str(INTERVAL), "--readings", "hour.frames", *signers)
    assert (made["interval"], made["count"]) == (INTERVAL, 3)
    assert set(made["signed_by"]) == {ORACLES[0].address, ORACLES[2].address}
    return metered


def test_oracle_keys_come_and_go_and_the_quorum_is_shown(metered: Run) -> None:
    assert metered("device", "oracles") == {"oracles": [], "threshold": 0, "latest_committed": None}
    assert metered("device", "add-oracle", ORACLES[0].address)["threshold"] == 1
    shown = metered("device", "add-oracle", ORACLES[1].address, "--threshold", "2")
    assert (set(shown["oracles"]), shown["threshold"]) == ({ORACLES[0].address, ORACLES[1].address}, 2)
    with pytest.raises(BadInputError, match="2 keys must sign but there would be 1"):
        metered("device", "remove-oracle", ORACLES[0].address)
    assert metered("device", "remove-oracle", ORACLES[0].address, "--threshold", "1")["oracles"] == [ORACLES[1].address]
    assert metered("device", "remove-oracle", ORACLES[1].address)["threshold"] == 0


def test_a_key_is_added_once_and_only_a_known_one_removed(metered: Run) -> None:
    metered("device", "add-oracle", ORACLES[0].address)
    with pytest.raises(BadInputError, match="is an oracle key already"):
        metered("device", "add-oracle", ORACLES[0].address)
    with pytest.raises(BadInputError, match=f"is no oracle key; those are: {ORACLES[0].address}"):
        metered("device", "remove-oracle", ORACLES[1].address)


def test_a_committed_reading_is_proven_and_moves_the_registers(committed: Run) -> None:
    shown = committed("device", "oracles")
    assert (len(shown["oracles"]), shown["threshold"], shown["latest_committed"]) == (3, 2, INTERVAL)
    proven = committed("device", "prove", "meter-02", str(INTERVAL), "--readings", "hour.frames")
    assert (proven["device"], proven["sequence"], proven["import_wh"]) == ("meter-02", 1, 1_001)
    assert committed("device", "show", "meter-02")["last_reading"]["import_wh"] == 1_001
    with pytest.raises(BadInputError, match="none of 'meter-02' that the chain does not have"):
        committed("device", "prove", "meter-02", str(INTERVAL), "--readings", "hour.frames")


def test_the_proof_shown_leads_to_the_root_on_the_chain(committed: Run, server: NodeServer) -> None:
    proven = committed("device", "prove", "meter-01", str(INTERVAL), "--readings", "hour.frames")
    leaf = reading_leaf(decode_reading(frame("meter-01", 1, 1_000)), INTERVAL, domain())
    proof = [bytes.fromhex(part[2:]) for part in proven["proof"]]
    with open_market(server) as market:
        assert is_proven(leaf, proof, market.care.commitment(INTERVAL))


def test_readings_may_come_from_the_oracles_database(metered: Run, server: NodeServer) -> None:
    metered("device", "add-oracle", ORACLES[0].address)
    hour_passes(server)
    with closing(open_store("sqlite:///readings.sqlite")) as store:
        store.record([decode_reading(frame("meter-01", number, 10 * number)) for number in (0, 1)], [])
    options = ("--store", "sqlite:///readings.sqlite")
    made = metered("device", "commit", str(INTERVAL), *options, "--oracle-key-file", "oracle-0.key")
    assert made["count"] == 1
    assert metered("device", "prove", "meter-01", str(INTERVAL), *options)["import_wh"] == 10


def test_only_what_was_committed_is_proven(committed: Run) -> None:
    write("hour.frames", frame("meter-01", 1, 9_999))
    with pytest.raises(BadInputError, match="not those that were committed for interval"):
        committed("device", "prove", "meter-01", str(INTERVAL), "--readings", "hour.frames")


def test_too_few_oracles_are_refused_by_the_contract(metered: Run, server: NodeServer) -> None:
    metered("device", "add-oracle", ORACLES[0].address)
    hour_passes(server)
    write("hour.frames", frame("meter-01", 1, 5))
    with pytest.raises(ContractRevertError, match="InvalidOracleSignature"):
        metered("device", "commit", str(INTERVAL), "--readings", "hour.frames", "--oracle-key-file", "oracle-1.key")


def test_what_is_wrong_with_the_readings_is_said_in_a_sentence(metered: Run) -> None:
    signer = ("--oracle-key-file", "oracle-0.key")
    write("stranger.frames", frame("meter-01", 1, 5, key("stranger")))
    write("later.frames", frame("meter-01", 2, 5))
    Path("broken.frames").write_text("0x1234\n")
    for words, sentence in (
        (("--readings", "stranger.frames"), "reading 1 of 'meter-01' is not signed by that device's key"),
        (("--readings", "later.frames"), "none of the 1 readings ends or lies in interval"),
        (("--readings", "broken.frames"), "broken.frames, line 1 is no signed reading"),
        (("--readings", "none.frames"), "none.frames cannot be read: No such file"),
        (("--store", "sqlite:///none.sqlite"), "names no file"),
        ((), "name where the readings are once"),
    ):
        with pytest.raises(BadInputError, match=sentence):
            metered("device", "commit", str(INTERVAL), *words, *signer)


def test_a_name_that_no_topic_carries_is_refused(metered: Run) -> None:
    meter = ("--key", key("new").address)
    for name in ("", "flat/4", "a+b", "#", "tab\there", "nul\0", "next\x85line"):
        with pytest.raises(BadInputError, match="cannot stand in an MQTT topic"):
            metered("device", "register", name, "--owner", dev_key(1).address, *meter)
        with pytest.raises(BadInputError, match="cannot stand in an MQTT topic"):
            metered("device", "replace", "meter-01", name, *meter)
    assert [device["device"] for device in metered("device", "list")] == list(METERS)


def test_bad_input_is_one_sentence_and_exit_code_2(metered: Run, server: NodeServer) -> None:
    for words in (
        ["register", "flat/4", "--owner", dev_key(1).address, "--key", key("new").address],
        ["commit", "0", "--oracle-key-file", "oracle-0.key"],
        ["remove-oracle", ORACLES[0].address],
    ):
        command = [sys.executable, "-m", "microgrid", "device", *words, "--rpc", server.url]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
