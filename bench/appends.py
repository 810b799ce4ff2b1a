"""What many short runs cost, as cron makes them: the 1,000th append beside the first, and a report after them beside one of a single ingest.

    python bench/appends.py --log access.log --work FOLDER

Every append is a log of its own in one process, so that what is measured is the store and not the start. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan

if TYPE_CHECKING:
    from collections.abc import Sequence

APPENDS = 1_000
REPORTED = 300
LINES = 20
SIDE = 20
"""Appends at each end whose median is taken."""
ROUNDS = 5


def append_all(pieces: Sequence[bytes], work: Path, store: Path) -> list[float]:
    """Ingest logs one after the other, and give the seconds each took; a report is asked after `REPORTED` of them."""
    took = []
    for number, piece in enumerate(pieces):
        log = work / "append.log"
        log.write_bytes(piece)
        begun = time.perf_counter()
        ingest(IngestPlan((str(log),), store))
        took.append(time.perf_counter() - begun)
        if number + 1 == REPORTED:
            shutil.copytree(store, work / "store-300")
    return took


def report(store: Path) -> float:
    """Give the median seconds of a report, a whole process."""
    took = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        subprocess.run(
            (sys.executable, "-m", "pullstats", "report", "--by", "client", "--store", str(store), "--quiet"), check=True, stdout=subprocess.DEVNULL
        )
        took.append(time.perf_counter() - begun)
    return statistics.median(took)


def main() -> None:
    """Append, report, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--log", type=Path, required=True, help="log of at least 20,000 lines")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--appends", type=int, default=APPENDS)
    options = parser.parse_args()
    lines = options.log.read_bytes().splitlines(keepends=True)
    pieces = [b"".join(lines[number * LINES : (number + 1) * LINES]) for number in range(options.appends)]
    work = options.work / "appends"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    took = append_all(pieces, work, work / "store")
    (work / "whole.log").write_bytes(b"".join(pieces[:REPORTED]))
    ingest(IngestPlan((str(work / "whole.log"),), work / "store-whole"))
    said = {
        "first": statistics.median(took[1 : SIDE + 1]),  # the very first makes the store
        "last": statistics.median(took[-SIDE:]),
        "report_after_appends": report(work / "store-300"),
        "report_after_one": report(work / "store-whole"),
    }
    print(json.dumps(said))
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
