"""Writers killed with SIGKILL at any moment: what they committed stays, the rest is as if it never was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from pullstats.store import open_store
from support.effort import SOAK

# Continues where the store says it stands: 40 blocks of 50 lines, of which 3 are rejected and 2 ignored.
WRITER = """
import os, signal, sys
from datetime import UTC, datetime, timedelta
import polars as pl
from pullstats.events import TIMESTAMP
from pullstats.store import SourceProgress, open_store

from pullstats.store.log import TableLog

SOURCE, BLOCKS, DIE_AT = "ab" * 16, 40, int(sys.argv[3])
write, writes = TableLog._write, []

def write_or_die(*args, **kwargs):
    if len(writes) == DIE_AT:
        os.kill(os.getpid(), signal.SIGKILL)
    writes.append(write(*args, **kwargs))

TableLog._write = write_or_die
START = datetime(2026, 11, 1, tzinfo=UTC)
store = open_store(sys.argv[1], create=True)
with store.lock():
    store.sweep()
    done = store.progress(SOURCE)
    print("locked", flush=True)
    for block in range(done.end_offset if done else 0, BLOCKS):
        lines = range(block * 50, block * 50 + 45)
        frame = pl.DataFrame({"timestamp": [START + timedelta(minutes=n) for n in lines], "source_line": lines,
                              "source_id": [SOURCE] * 45}, schema_overrides={"timestamp": TIMESTAMP, "source_line": pl.Int64})
        rejects = pl.DataFrame({"source_id": [SOURCE] * 3, "source_line": [block * 50 + k for k in (45, 46, 47)]})
        run = pl.DataFrame({"run_id": [sys.argv[2]], "source_id": [SOURCE], "lines": [50], "events": [45], "ignored": [2], "rejected": [3]})
        parts = store.write_events(frame)
        store.commit(parts, [SourceProgress(SOURCE, block + 1, 50 * (block + 1))], rejects, run)
        if block % 10 == 9:
            store.compact()
"""
BLOCKS = 40


def _start(store: Path, run: int, die_at: int = -1) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WRITER, str(store), f"run-{run}", str(die_at)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})


def _assert_consistent(path: Path) -> int:
    """Check the law of lines against the rows themselves; return the committed blocks."""
    store = open_store(path)
    progress = store.progress("ab" * 16)
    blocks = progress.end_offset if progress else 0
    events = store.scan_events(["source_line"]).collect()["source_line"].sort().to_list()
    rejects = store.scan_rejects().collect()["source_line"].sort().to_list()
    assert events == [line for block in range(blocks) for line in range(block * 50, block * 50 + 45)]
    assert rejects == [block * 50 + k for block in range(blocks) for k in (45, 46, 47)]
    totals = store.runs().select(pl.col("lines", "events", "ignored", "rejected").sum()).row(0)
    assert totals == (50 * blocks, 45 * blocks, 2 * blocks, 3 * blocks)
    return blocks


def test_a_writer_killed_anywhere_is_continued_exactly_once(tmp_path: Path) -> None:
    store = tmp_path / "store"
    chance = random.Random(20261101)
    runs = 6 if SOAK else 2
    for run in range(runs):
        writer = _start(store, run)
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(chance.uniform(0.0, 0.35))
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        _assert_consistent(store)
    writer = _start(store, runs)
    writer.communicate()
    assert writer.returncode == 0
    assert _assert_consistent(store) == BLOCKS


@pytest.mark.parametrize(
    ("die_at", "blocks"),
    [
        pytest.param(3, 1, id="before-rejects"),
        pytest.param(4, 1, id="between-rejects-and-runs"),
        pytest.param(5, 1, id="between-runs-and-events"),
        pytest.param(6, 2, id="after-events"),
    ],
)
def test_a_writer_killed_between_two_tables_leaves_no_half_commit(tmp_path: Path, die_at: int, blocks: int) -> None:
    store = tmp_path / "store"
    writer = _start(store, 0, die_at)
    writer.communicate()
    assert writer.returncode == -signal.SIGKILL
    assert _assert_consistent(store) == blocks
    writer = _start(store, 1, 7)  # taking back is one write, so this is at least one block further
    writer.communicate()
    assert _assert_consistent(store) > blocks


def test_a_killed_writers_lock_is_free_at_once(tmp_path: Path) -> None:
    writer = _start(tmp_path / "store", 0)
    assert writer.stdout is not None
    writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    with open_store(tmp_path / "store").lock():
        pass
