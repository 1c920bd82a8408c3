"""Compiled contracts as the package ships them: one JSON file for each contract, and a manifest of their sources."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from microgrid.domain.errors import UnknownNameError
from microgrid.domain.wire import keccak256

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract.

    Attributes:
        name: The contract's name.
        abi: Its interface, as Solidity's JSON ABI.
        bytecode: Creation code, 0x-prefixed hexadecimal; `linked` puts the addresses of libraries in.
        errors: What its errors mean, in the words of the sources, by their signatures.
    """

    name: str
    abi: list[dict[str, Any]]
    bytecode: str
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Of what, and by what, the artifacts were made.

    Attributes:
        compiler: Version of the compiler, with its commit.
        settings: Compiler settings.
        sources: SHA-256 of every source by its name, libraries included.
        contracts: Source of each contract that has an artifact.
    """

    compiler: str
    settings: Mapping[str, Any]
    sources: Mapping[str, str]
    contracts: Mapping[str, str]


def names() -> list[str]:
    """Names of the contracts that have an artifact."""
    return sorted(manifest().contracts)


@cache
def load(name: str) -> Artifact:
    """The artifact of a contract.

    Raises:
        UnknownNameError: no contract of that name.
    """
    if name not in manifest().contracts:
        kind = "contract"
        raise UnknownNameError(kind, name, names())
    return read_artifact(files(__name__) / f"{name}.json")


@cache
def manifest() -> Manifest:
    """The manifest of the shipped artifacts."""
    return read_manifest(files(__name__) / MANIFEST)


def linked(artifact: Artifact, libraries: Mapping[str, str]) -> str:
    """Creation code with the addresses of libraries, given by name, in place of solc's placeholders for them."""
    bytecode = artifact.bytecode
    for name, address in libraries.items():
        bytecode = bytecode.replace(placeholder(manifest().contracts[name], name), address[2:].lower())
    return bytecode


def placeholder(source: str, name: str) -> str:
    """What solc writes where a library's address belongs: 34 digits of the hash of its full name, as 20 bytes."""
    return f"__${keccak256(f'{source}:{name}'.encode()).hex()[:34]}$__"


def read_artifact(file: Traversable) -> Artifact:
    """An artifact from a file."""
    return Artifact(**json.loads(file.read_text(encoding="utf-8")))


def read_manifest(file: Traversable) -> Manifest:
    """A manifest from a file."""
    return Manifest(**json.loads(file.read_text(encoding="utf-8")))
