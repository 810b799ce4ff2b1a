"""Run pullstats from the command line: `pullstats …` or `python -m pullstats …`."""

from __future__ import annotations

import gc
import sys

from pullstats.cli import run

GC_THRESHOLD = 100_000
"""Logs make millions of small tuples and no cycles: looking for cycles as often as Python does costs a sixth of the time."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(GC_THRESHOLD)
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
