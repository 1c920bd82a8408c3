"""Solidity sources to artifacts, and the proof that the shipped artifacts are theirs.

The compiler is a native `solc` of the pinned version where one is found, else npm's solc-js behind
`contracts/bin/solc.js`.
Both get the same standard JSON with every source in it, so that the result depends on nothing else.
"""

import json
import posixpath
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from os import environ
from pathlib import Path
from subprocess import CalledProcessError
from typing import Any

from microgrid.chain.artifacts import MANIFEST, Artifact, Manifest, read_artifact, read_manifest
from microgrid.domain.errors import ArtifactError, BadInputError, CompilationError, MissingPartError

SOLC_VERSION = "0.8.28"
SETTINGS: Mapping[str, Any] = {
    "evmVersion": "cancun",
    "optimizer": {"enabled": True, "runs": 200},
    "viaIR": True,
    "metadata": {"bytecodeHash": "none"},
}
DEPLOYABLE: Mapping[str, str] = {
    "AccessManager": "@openzeppelin/contracts/access/manager/AccessManager.sol",
    "DemandResponse": "grid/DemandResponse.sol",
    "CommunityGovernor": "governance/CommunityGovernor.sol",
    "DeviceRegistry": "DeviceRegistry.sol",
    "DirectTrading": "DirectTrading.sol",
    "EmergencyControl": "grid/EmergencyControl.sol",
    "EnergyCredits": "EnergyCredits.sol",
    "EnergyTrading": "EnergyTrading.sol",
    "GappedQueues": "libraries/GappedQueues.sol",
    "GridBalance": "GridBalance.sol",
    "GridMonitor": "grid/GridMonitor.sol",
    "PaymentToken": "tokens/PaymentToken.sol",
    "Regulator": "rewards/Regulator.sol",
    "RewardSystem": "RewardSystem.sol",
    "RewardToken": "tokens/RewardToken.sol",
    "StorageRegistry": "grid/StorageRegistry.sol",
    "Staking": "rewards/Staking.sol",
    "TimelockController": "@openzeppelin/contracts/governance/TimelockController.sol",
}
MOCKS: Mapping[str, str] = {
    "AuctionHarness": "mocks/AuctionHarness.sol",
    "BookHarness": "mocks/BookHarness.sol",
    "FeeToken": "mocks/FeeToken.sol",
    "SignatureHarness": "mocks/SignatureHarness.sol",
}
PACKAGES = "node_modules"
_IMPORT = re.compile(r"^\s*import\s+(?:[^\"';]*\sfrom\s+)?[\"']([^\"']+)[\"']", re.MULTILINE)
_NPM_REMEDY = "install Node.js and run `npm ci` in the contracts folder"


@dataclass(frozen=True, slots=True)
class Compiled:
    """Artifacts and what they were made of."""

    artifacts: Mapping[str, Artifact]
    manifest: Manifest


def compile_contracts(folder: Path, contracts: Mapping[str, str] = DEPLOYABLE) -> Compiled:
    """Compile contracts.

    Args:
        folder: The contracts folder.
        contracts: Source of each contract, relative to the folder or to its npm packages.

    Raises:
        BadInputError: the folder holds no such source.
        MissingPartError: no compiler, or no npm packages.
        CompilationError: the compiler found errors.
    """
    sources = gather_sources(folder, contracts)
    wanted = {source: {name: ["abi", "evm.bytecode.object", "userdoc"]} for name, source in contracts.items()}
    output = _run(
        find_compiler(folder),
        {
            "language": "Solidity",
            "sources": {name: {"content": text} for name, text in sources.items()},
            "settings": {**SETTINGS, "outputSelection": wanted},
        },
    )
    artifacts = {name: _artifact(name, output["contracts"][source][name]) for name, source in contracts.items()}
    hashes = {name: sha256(text.encode()).hexdigest() for name, text in sorted(sources.items())}
    return Compiled(artifacts, Manifest(output["compiler"], SETTINGS, hashes, dict(contracts)))


def gather_sources(folder: Path, contracts: Mapping[str, str] = DEPLOYABLE) -> dict[str, str]:
    """Text of the contracts' sources and of all that they import, by source name.

    Raises:
        BadInputError: the folder holds no such source.
        MissingPartError: an npm package is not installed.
    """
    sources: dict[str, str] = {}
    open_names = list(contracts.values())
    while open_names:
        name = open_names.pop()
        if name not in sources:
            sources[name] = _read_source(folder, name)
            open_names.extend(_imports(name, sources[name]))
    return sources


def find_compiler(folder: Path) -> Path:
    """A command that behaves as the pinned solc: a native one first, else the folder's own.

    Raises:
        MissingPartError: neither is there.
    """
    shim = folder / "bin" / "solc.js"
    for candidate in _native_compilers():
        if _version(candidate).startswith(f"{SOLC_VERSION}+"):
            return candidate
    if shutil.which("node") and shim.is_file() and (folder / PACKAGES / "solc").is_dir():
        return shim
    compiler = f"solc {SOLC_VERSION}"
    raise MissingPartError(compiler, f"{_NPM_REMEDY}, or put a native {compiler} on PATH")


def write_artifacts(compiled: Compiled, folder: Path) -> None:
    """Write one JSON file for each artifact, and the manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, artifact in compiled.artifacts.items():
        text = json.dumps(asdict(artifact), separators=(",", ":"))
        (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    text = json.dumps(asdict(compiled.manifest), indent=1)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def check_artifacts(compiled: Compiled, folder: Path) -> None:
    """Compare artifacts in a folder with freshly compiled ones.

    Raises:
        ArtifactError: names the first difference.
    """
    committed = read_manifest(_existing(folder / MANIFEST))
    for part in ("compiler", "settings", "contracts"):
        if getattr(committed, part) != getattr(compiled.manifest, part):
            raise ArtifactError(part, "the manifest says otherwise")
    for name in sorted({*committed.sources, *compiled.manifest.sources}):
        if committed.sources.get(name) != compiled.manifest.sources.get(name):
            raise ArtifactError(name, "this source is not the one that was compiled")
    for name, artifact in compiled.artifacts.items():
        shipped = read_artifact(_existing(folder / f"{name}.json"))
        for part in ("abi", "bytecode", "errors"):
            if getattr(shipped, part) != getattr(artifact, part):
                raise ArtifactError(name, f"the {part} differs")


def _existing(file: Path) -> Path:
    if not file.is_file():
        raise ArtifactError(file.name, "the file is missing")
    return file


def _read_source(folder: Path, name: str) -> str:
    packaged = name.startswith("@")
    file = folder / PACKAGES / name if packaged else folder / name
    if file.is_file():
        return file.read_text(encoding="utf-8")
    if packaged:
        package = "npm package " + "/".join(name.split("/")[:2])
        raise MissingPartError(package, _NPM_REMEDY)
    message = f"{folder} holds no contract source {name}; name the contracts folder with --sources"
    raise BadInputError(message)


def _imports(name: str, text: str) -> Iterator[str]:
    for path in _IMPORT.findall(text):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path.startswith(".") else path


def _native_compilers() -> Iterator[Path]:
    import solcx.install  # noqa: PLC0415  a heavy import that only compiling needs

    if (on_path := shutil.which("solc")) is not None:
        yield Path(on_path)
    for version in solcx.install.get_installed_solc_versions():
        if str(version) == SOLC_VERSION:
            yield solcx.install.get_executable(version)


def _version(compiler: Path) -> str:
    """Version and commit of a compiler; empty for what does not run or is none."""
    from solcx.exceptions import SolcError  # noqa: PLC0415  see above
    from solcx.wrapper import get_version_str_from_solc_binary  # noqa: PLC0415

    try:
        return str(get_version_str_from_solc_binary(compiler))
    except (OSError, CalledProcessError, SolcError):
        return ""


def _run(compiler: Path, standard_input: dict[str, Any]) -> dict[str, Any]:
    """Compile standard JSON, or take the result of the same input and compiler from the cache."""
    version = _version(compiler)
    key = sha256(json.dumps([version, standard_input], sort_keys=True).encode()).hexdigest()
    cached = _cache_folder() / f"{key}.json"
    if cached.is_file():
        return dict(json.loads(cached.read_text(encoding="utf-8")))
    output = {"compiler": version, "contracts": _compile(compiler, standard_input)}
    cached.parent.mkdir(parents=True, exist_ok=True)
    part = cached.with_suffix(".part")
    part.write_text(json.dumps(output), encoding="utf-8")
    part.replace(cached)
    return output


def _compile(compiler: Path, standard_input: dict[str, Any]) -> dict[str, Any]:
    import solcx  # noqa: PLC0415  see above
    from solcx.exceptions import SolcError  # noqa: PLC0415

    try:
        return dict(solcx.compile_standard(standard_input, solc_binary=compiler)["contracts"])
    except SolcError as error:
        raise CompilationError(error.message) from None  # the cause would print all of its input


def _cache_folder() -> Path:
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "microgrid" / "solc"


def _artifact(name: str, output: Mapping[str, Any]) -> Artifact:
    errors = {
        signature: " ".join(notices[0]["notice"].split())
        for signature, notices in output["userdoc"].get("errors", {}).items()
    }
    return Artifact(name, list(output["abi"]), "0x" + output["evm"]["bytecode"]["object"], errors)
