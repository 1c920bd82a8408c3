"""`python -m microgrid` is the `microgrid` command."""

from microgrid.cli import main

main()
