"""Compiling the contracts: the shim, the artifacts, and the command that compares them."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from microgrid.chain import artifacts
from microgrid.chain.compiler import (
    DEPLOYABLE,
    MOCKS,
    SOLC_VERSION,
    Compiled,
    check_artifacts,
    compile_contracts,
    find_compiler,
    gather_sources,
    write_artifacts,
)
from microgrid.cli.contracts import command
from microgrid.domain.errors import ArtifactError, BadInputError, CompilationError, MissingPartError, UnknownNameError

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "contracts"
SHIM = SOURCES / "bin" / "solc.js"
LIBRARY = "0x" + "ab" * 20
SIMPLE = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.28;\ncontract A { uint256 public x = 7; }\n"


@pytest.fixture
def shipped() -> Compiled:
    """What the package ships, as if it had just been compiled."""
    return Compiled({name: artifacts.load(name) for name in artifacts.names()}, artifacts.manifest())


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A contracts folder on a machine without compilers."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("SOLCX_BINARY_PATH", str(tmp_path))
    (tmp_path / "A.sol").write_text(SIMPLE)
    return tmp_path


def test_every_contract_has_an_artifact() -> None:
    assert artifacts.names() == sorted(DEPLOYABLE)
    for name in artifacts.names():
        artifact = artifacts.load(name)
        assert artifact.name == name
        assert len(bytes.fromhex(artifacts.linked(artifact, {"GappedQueues": LIBRARY})[2:])) > 1_000
        library = DEPLOYABLE[name].startswith("libraries/")  # what only contracts can call has no place in an interface
        assert library or {"constructor", "function"} <= {item["type"] for item in artifact.abi}


def test_a_library_is_linked_where_the_compiler_left_room_for_it() -> None:
    code = artifacts.linked(artifacts.load("EnergyTrading"), {"GappedQueues": LIBRARY})
    assert code.count(LIBRARY[2:]) > 0
    assert len(code) == len(artifacts.load("EnergyTrading").bytecode)


@pytest.mark.node
def test_the_room_for_a_library_is_named_as_the_compiler_names_it(small: Path) -> None:
    (small / "B.sol").write_text(
        "// SPDX-License-Identifier: MIT\npragma solidity 0.8.28;\n"
        "library L { function f() external pure returns (uint256) { return 1; } }\n"
        "contract B { function g() external pure returns (uint256) { return L.f(); } }\n"
    )
    code = compile_contracts(small, {"B": "B.sol"}).artifacts["B"].bytecode
    assert artifacts.placeholder("B.sol", "L") in code


def test_an_unknown_contract_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="known are AccessManager, CommunityGovernor, DemandResponse"):
        artifacts.load("Nothing")


def test_artifacts_survive_writing(shipped: Compiled, tmp_path: Path) -> None:
    write_artifacts(shipped, tmp_path)
    check_artifacts(shipped, tmp_path)


def test_own_sources_are_those_of_the_manifest() -> None:
    """A change of a contract without new artifacts shows even where there is no compiler."""
    committed = artifacts.manifest().sources
    compiled = Compiled({}, replace(artifacts.manifest(), sources=_own_hashes()))
    assert {name: value for name, value in committed.items() if not name.startswith("@")} == compiled.manifest.sources


def _own_hashes() -> dict[str, str]:
    from hashlib import sha256  # noqa: PLC0415  only here

    places = [
        SOURCES,
        *(
            d
            for d in SOURCES.iterdir()
            if d.is_dir() and d.name not in {"node_modules", "mocks", "test", "out", "cache"}
        ),
    ]
    files = [file for place in places for file in place.glob("*.sol")]
    return {file.relative_to(SOURCES).as_posix(): sha256(file.read_bytes()).hexdigest() for file in files}


@pytest.mark.parametrize("part", ["abi", "bytecode"])
def test_a_changed_artifact_is_named(shipped: Compiled, tmp_path: Path, part: str) -> None:
    write_artifacts(shipped, tmp_path)
    file = tmp_path / "GridBalance.json"
    document = json.loads(file.read_text())
    document[part] = document[part][:-2]
    file.write_text(json.dumps(document))
    with pytest.raises(ArtifactError, match=f"GridBalance: the {part} differs"):
        check_artifacts(shipped, tmp_path)


def test_a_changed_source_is_named(shipped: Compiled, tmp_path: Path) -> None:
    sources = {**artifacts.manifest().sources, "libraries/TickAuction.sol": "0" * 64}
    write_artifacts(replace(shipped, manifest=replace(shipped.manifest, sources=sources)), tmp_path)
    with pytest.raises(ArtifactError, match=r"libraries/TickAuction\.sol: this source is not the one"):
        check_artifacts(shipped, tmp_path)


def test_other_compiler_settings_are_named(shipped: Compiled, tmp_path: Path) -> None:
    write_artifacts(replace(shipped, manifest=replace(shipped.manifest, settings={})), tmp_path)
    with pytest.raises(ArtifactError, match="settings: the manifest says otherwise"):
        check_artifacts(shipped, tmp_path)


def test_a_missing_artifact_is_named(shipped: Compiled, tmp_path: Path) -> None:
    write_artifacts(shipped, tmp_path)
    (tmp_path / "RewardToken.json").unlink()
    with pytest.raises(ArtifactError, match=r"RewardToken\.json: the file is missing"):
        check_artifacts(shipped, tmp_path)


def test_without_a_compiler_the_remedy_is_named(bare: Path) -> None:
    with pytest.raises(MissingPartError, match=r"solc 0\.8\.28 is not installed; install Node\.js and run `npm ci`"):
        compile_contracts(bare, {"A": "A.sol"})


def test_without_npm_packages_the_remedy_is_named(bare: Path) -> None:
    (bare / "B.sol").write_text('import {X} from "@openzeppelin/contracts/X.sol";\n')
    with pytest.raises(MissingPartError, match="npm package @openzeppelin/contracts is not installed"):
        gather_sources(bare, {"B": "B.sol"})


def test_a_folder_without_the_sources_is_bad_input(bare: Path) -> None:
    with pytest.raises(BadInputError, match=r"holds no contract source C\.sol"):
        gather_sources(bare, {"C": "C.sol"})


def test_a_native_compiler_of_the_pinned_version_is_preferred(bare: Path) -> None:
    native = bare / "solc"
    native.write_text(f"#!/bin/sh\necho 'Version: {SOLC_VERSION}+commit.7893614a.Linux.g++'\n")
    native.chmod(0o755)
    assert find_compiler(bare) == native


def test_a_native_compiler_of_another_version_is_passed_over(bare: Path) -> None:
    native = bare / "solc"
    native.write_text("#!/bin/sh\necho 'Version: 0.8.29+commit.ab55807c.Linux.g++'\n")
    native.chmod(0o755)
    with pytest.raises(MissingPartError):
        find_compiler(bare)


def test_list_and_abi_show_what_is_shipped() -> None:
    rows = json.loads(CliRunner().invoke(command, ["list", "--json"]).stdout)
    assert [row["name"] for row in rows] == artifacts.names()
    abi = json.loads(CliRunner().invoke(command, ["abi", "EnergyTrading", "--json"]).stdout)
    assert abi == artifacts.load("EnergyTrading").abi
    shown = CliRunner().invoke(command, ["abi", "EnergyTrading"]).stdout
    assert "function    clear(uint64 interval)" in shown
    assert "EnergyTrading" in CliRunner().invoke(command, ["list"]).stdout


@pytest.mark.parametrize("name", ["", "compile", "verify", "list", "abi"])
def test_help_has_an_example(name: str) -> None:
    shown = CliRunner().invoke(command, [*name.split(), "--help"])
    assert shown.exit_code == 0
    assert "Example: microgrid contracts" in " ".join(shown.stdout.split())


# With Node


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiler cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A contracts folder with one small contract and this project's compiler."""
    folder = tmp_path / "small"
    (folder / "bin").mkdir(parents=True)
    shutil.copy(SHIM, folder / "bin")
    (folder / "node_modules").symlink_to(SOURCES / "node_modules")
    (folder / "A.sol").write_text(SIMPLE)
    return folder


def _solc(*arguments: str, stdin: str = "", folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(SHIM), *arguments], input=stdin, text=True, capture_output=True, check=False, cwd=folder)


@pytest.mark.node
@pytest.mark.slow
def test_the_shipped_artifacts_are_what_the_sources_give(cache: Path) -> None:
    check_artifacts(compile_contracts(SOURCES), Path(artifacts.__file__).parent)
    check_artifacts(compile_contracts(SOURCES, MOCKS), ROOT / "tests" / "contracts" / "artifacts")


@pytest.mark.node
def test_the_same_input_is_compiled_once(cache: Path, small: Path) -> None:
    first = compile_contracts(small, {"A": "A.sol"})
    (entry,) = (cache / "microgrid" / "solc").iterdir()
    entry.write_text(entry.read_text().replace(first.artifacts["A"].bytecode[2:], "00"))
    assert compile_contracts(small, {"A": "A.sol"}).artifacts["A"].bytecode == "0x00"
    (small / "A.sol").write_text(SIMPLE.replace("7", "8"))
    assert len(compile_contracts(small, {"A": "A.sol"}).artifacts["A"].bytecode) > 100


@pytest.mark.node
def test_compiler_errors_are_passed_on(cache: Path, small: Path) -> None:
    (small / "A.sol").write_text(SIMPLE.replace("uint256", "uint257"))
    with pytest.raises(CompilationError, match="uint257"):
        compile_contracts(small, {"A": "A.sol"})


@pytest.mark.node
def test_the_shim_tells_a_version_that_tools_can_read() -> None:
    assert _solc("--version").stdout.endswith("\nVersion: 0.8.28+commit.7893614a.Linux.g++\n")


@pytest.mark.node
def test_the_shim_resolves_remappings_and_paths(small: Path) -> None:
    (small / "lib").mkdir()
    (small / "lib" / "B.sol").write_text(SIMPLE.replace("contract A", "contract B"))
    (small / "C.sol").write_text('pragma solidity 0.8.28;\nimport {B} from "@b/B.sol";\ncontract C is B {}\n')
    options = ("--base-path", str(small), "--allow-paths", ".,/tmp", "--combined-json", "abi,bin,hashes,ast")
    run = _solc("@b/=lib/", str(small / "C.sol"), *options, "--optimize", "--evm-version", "cancun")
    document = json.loads(run.stdout)
    assert document["contracts"]["C.sol:C"]["hashes"] == {"x()": "0c55699c"}
    assert set(document["sourceList"]) == {"C.sol", "lib/B.sol"}
    assert document["sources"]["C.sol"]["AST"]["nodeType"] == "SourceUnit"


@pytest.mark.node
def test_the_shim_compiles_standard_json_from_stdin_and_from_urls(small: Path) -> None:
    settings = {"outputSelection": {"*": {"*": ["abi"]}}}
    source = {"urls": [str(small / "A.sol")]}
    document = {"language": "Solidity", "sources": {"A.sol": source}, "settings": settings}
    answer = json.loads(_solc("--standard-json", stdin=json.dumps(document)).stdout)
    assert answer["contracts"]["A.sol"]["A"]["abi"][0]["name"] == "x"


@pytest.mark.node
@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--nonsense"], "unrecognised option '--nonsense'"), ([], "give --standard-json"), (["bad.sol"], "ParserError")],
)
def test_the_shim_fails_with_a_message(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "bad.sol").write_text("contract {")
    if arguments == ["bad.sol"]:
        arguments = ["bad.sol", "--combined-json", "abi"]
    run = _solc(*arguments, folder=tmp_path)
    assert (run.returncode, run.stdout) == (1, "")
    assert message in run.stderr
