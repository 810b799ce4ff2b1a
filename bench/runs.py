"""Short runs, as a user or cron makes them: whole processes, whose start is most of what they cost; and runs with fewer processors."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from contestants import PULLSTATS, Contestant, pullstats_ingest
from measure import Run, Series

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SHORT_LINES = 200
ROUNDS = 7
"""A short run is over in less than a second: so many rounds at least."""

WORKERS = r"""
import sys
from pathlib import Path
from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan
log, store, workers = sys.argv[1:]
ingest(IngestPlan((log,), Path(store), workers=int(workers)))
"""


def short_contestants(log: Path, work: Path, environment: Mapping[str, str]) -> list[Contestant]:
    """List a log that is known, 200 lines into a new store, and a report on these; the store that two of them read is made here."""
    short, known, fresh = work / "short.log", work / "store-known", work / "store-fresh"
    with log.open("rb") as lines:
        short.write_bytes(b"".join(next(lines) for _ in range(SHORT_LINES)))
    shutil.rmtree(known, ignore_errors=True)
    again = (*PULLSTATS, "ingest", str(short), "--store", str(known), "--quiet")
    subprocess.run(again, check=True, env=dict(environment))
    return [
        Contestant("pullstats ingest, a log that is known", again),
        pullstats_ingest("pullstats ingest, 200 lines into a new store", short, 0, fresh),
        Contestant("pullstats report on it", (*PULLSTATS, "report", "--by", "client", "--store", str(known), "--quiet")),
        Contestant(
            "GoAccess, the same 200 lines",
            ("goaccess", str(short), "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", str(work / "short.json")),
            missing="" if shutil.which("goaccess") else "not installed: apt install goaccess",
        ),
    ]


def scaling_contestants(log: Path, lines: int, work: Path) -> list[Contestant]:
    """List the same ingest with one and with two blocks side by side, polars' own threads as many."""
    store = work / "store-scaling"
    return [
        Contestant(
            f"pullstats ingest, {count} worker{'s' if count > 1 else ''}",
            ("env", f"POLARS_MAX_THREADS={count}", sys.executable, "-c", WORKERS, str(log), str(store), str(count)),
            lines,
            store,
            shown=f"POLARS_MAX_THREADS={count} python -c WORKERS {log} {store} {count}",
        )
        for count in (1, 2)
    ]


def write_distinct(target: Path, lines: int, seed: int) -> None:
    """Write a log in which no path, agent or address comes twice."""
    if target.exists():
        return
    rng = random.Random(seed)
    hosts = rng.sample(range(1 << 24, 223 << 24), lines)
    with target.open("w") as out:
        for number, host in enumerate(hosts):
            address = ".".join(str(host >> shift & 255) for shift in (24, 16, 8, 0))
            clock = f"{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
            path = f"/packages/{number % 251:02x}/demo{number}-1.{number % 97}.{number % 13}-py3-none-any.whl"
            agent = f'pip/24.{number % 9} {{"ci":null,"cpu":"x86_64","installer":{{"name":"pip","version":"24.{number}"}}}}'.replace('"', "'")
            out.write(f'{address} - - [{1 + number // 86400 % 28:02d}/Jun/2025:{clock} +0000] "GET {path} HTTP/1.1" 200 {number} "-" "{agent}"\n')


def measure_appends(script: Path, log: Path, work: Path, environment: Mapping[str, str]) -> list[Series]:
    """Run `appends.py`, and give what it says as if each were a contestant."""
    command = (sys.executable, str(script), "--log", str(log), "--work", str(work))
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(environment))
    names = {
        "first": "an append of 20 lines, the first of 1,000",
        "last": "the last of them",
        "report_after_appends": "pullstats report after 300 appends",
        "report_after_one": "pullstats report after one ingest of the same lines",
    }
    if done.returncode:
        return [Series(name, note=f"failed: {done.stderr.strip().rpartition(chr(10))[2][:120]}") for name in names.values()]
    said = json.loads(done.stdout)
    return [Series(name, runs=[Run(said[key], 0.0, 0, 0, "")]) for key, name in names.items()]
