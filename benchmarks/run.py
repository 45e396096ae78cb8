"""What we promise to be fast, measured as ratios side by side in one run: `make bench`.

A ratio against a yardstick on the same machine at the same moment says something on any machine; seconds do not.
"""

from __future__ import annotations

import importlib
import sys

from rich.console import Console
from rich.table import Table

BENCHMARKS = ("synthesis", "validation", "preparation", "rewards", "commands")


def main() -> int:
    """Run every benchmark, or those named on the command line; exit status 1 when a promise is broken."""
    table = Table("what", "measured", "yardstick", "promise", "kept", title="Benchmarks")
    broken = 0
    for name in sys.argv[1:] or BENCHMARKS:
        for result in importlib.import_module(f"benchmarks.{name}").measure():
            kept = "-" if result.kept is None else "yes" if result.kept else "NO"
            table.add_row(result.what, result.measured, result.yardstick, result.promise, kept)
            broken += result.kept is False
    Console(width=150).print(table)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
