"""Plain tables on the terminal."""

from collections.abc import Sequence


def print_table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows below a header; texts are shown as they are, brackets included."""
    from rich.console import Console  # noqa: PLC0415 - a run that prints JSON needs none
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    for row in rows:
        table.add_row(*row)
    Console(markup=False, highlight=False).print(table)
