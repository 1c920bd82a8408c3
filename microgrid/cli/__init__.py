"""The `microgrid` command. Each other file here is one command or group: its `command` object, found by file name."""

import importlib
import pkgutil
import signal
import sys
from typing import NoReturn

import rich_click as click

from microgrid import __version__
from microgrid.domain.errors import BadInputError, MicrogridError

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_TERMINATED = 128 + signal.SIGTERM


class CommandFolder(click.RichGroup):
    """A group whose commands are imported only when named, so that `--help` and small commands start fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names of the command files."""
        return sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(__path__) if m.name[0] != "_")

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The `command` of the file of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{__name__}.{cmd_name.replace('-', '_')}").command
        command.name = cmd_name  # every file calls it `command`; the list of commands shows this name
        return command


@click.command(cls=CommandFolder, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="microgrid")
def root() -> None:
    """Homes with solar panels trade energy; contracts clear and settle; every bill can be recomputed.

    Example: microgrid demo
    """


def main() -> NoReturn:
    """Run the command; a known error is one sentence on stderr and exit code 2 (bad input) or 1 (failed job)."""
    # By default the process would end on the spot and leave scratch files, an Anvil and open sessions behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(EXIT_TERMINATED))
    try:
        root(standalone_mode=True)
    except BadInputError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)
    except MicrogridError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(EXIT_FAILED)
    sys.exit(0)
