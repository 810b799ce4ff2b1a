"""Run pullstats from the command line: `pullstats …` or `python -m pullstats …`."""

from __future__ import annotations

import gc
import io
import os
import sys

from pullstats.cli import run

GC_THRESHOLD = 100_000
"""Logs make millions of small tuples and no cycles: looking for cycles as often as Python does costs a sixth of the time."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    gc.set_threshold(GC_THRESHOLD)
    _hold_streams()
    sys.exit(run(sys.argv[1:]))


def _hold_streams() -> None:
    """Make sure of standard output and error: closed ones must not become a file's, and any encoding can print any text."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_WRONLY if descriptor == 2 else os.O_RDONLY)  # takes the lowest free number; writing to the screen fails
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
