"""`microgrid contracts`: Solidity sources and the artifacts made of them."""

import json
from dataclasses import asdict
from pathlib import Path

import rich_click as click

from microgrid.chain import artifacts
from microgrid.chain.compiler import check_artifacts, compile_contracts, write_artifacts

SHIPPED = Path(artifacts.__file__).parent

sources_option = click.option(
    "--sources",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("contracts"),
    show_default=True,
    help="Folder of the Solidity sources.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")


@click.group()
def command() -> None:
    """Compile the contracts, check and show what is shipped of them.

    Example: microgrid contracts verify --sources ./contracts
    """


@command.command("compile")
@sources_option
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default=SHIPPED, help="Folder of the artifacts."
)
def compile_command(sources: Path, out: Path) -> None:
    """Compile the sources and write the artifacts (into the package by default).

    Example: microgrid contracts compile --out build
    """
    compiled = compile_contracts(sources)
    write_artifacts(compiled, out)
    click.echo(f"{len(compiled.artifacts)} artifacts written to {out} by solc {compiled.manifest.compiler}")


@command.command("verify")
@sources_option
@json_option
def verify_command(sources: Path, *, as_json: bool) -> None:
    """Compile the sources anew and compare with the shipped artifacts; exit 1 names the first difference.

    Example: microgrid contracts verify --json
    """
    compiled = compile_contracts(sources)
    check_artifacts(compiled, SHIPPED)
    manifest, names = compiled.manifest, sorted(compiled.artifacts)
    if as_json:
        click.echo(json.dumps({"verified": True, "contracts": names, **asdict(manifest)}))
    else:
        click.echo(f"{len(names)} artifacts are what {len(manifest.sources)} sources give (solc {manifest.compiler})")


@command.command("list")
@json_option
def list_command(*, as_json: bool) -> None:
    """List the shipped contracts with their size.

    Example: microgrid contracts list
    """
    rows = [_row(artifacts.load(name)) for name in artifacts.names()]
    if as_json:
        click.echo(json.dumps(rows))
        return
    for row in rows:
        click.echo("{name:<16} {bytecode_bytes:>6} bytes  {functions:>3} functions  {source}".format(**row))


@command.command("abi")
@click.argument("name")
@json_option
def abi_command(name: str, *, as_json: bool) -> None:
    """Show the interface of contract NAME: readable signatures, or the ABI itself with --json.

    Example: microgrid contracts abi EnergyTrading --json
    """
    abi = artifacts.load(name).abi
    if as_json:
        click.echo(json.dumps(abi))
        return
    for item in abi:
        inputs = ", ".join(f"{part['type']} {part['name']}".strip() for part in item.get("inputs", []))
        click.echo(f"{item['type']:<11} {item.get('name', '')}({inputs})")


def _row(artifact: artifacts.Artifact) -> dict[str, object]:
    return {
        "name": artifact.name,
        "source": artifacts.manifest().contracts[artifact.name],
        "bytecode_bytes": len(artifact.bytecode) // 2 - 1,
        "functions": sum(item["type"] == "function" for item in artifact.abi),
        "events": sum(item["type"] == "event" for item in artifact.abi),
        "errors": sum(item["type"] == "error" for item in artifact.abi),
    }
