"""Stores of layout 1, whose ids were whole hashes: read as they are, brought up to date once, whatever comes in between."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deltalake
import polars as pl
import pyarrow.parquet as pq
import pytest

from pullstats.errors import StoreError
from pullstats.events import ID_COLUMNS, conform
from pullstats.ids import make_id
from pullstats.store import migrate as migration
from pullstats.store import open_store
from pullstats.store.layout import MARKER_NAME, find_store
from pullstats.store.log import TableLog
from pullstats.store.parts import PendingFile, write_part
from pullstats.store.repair import repair_store
from pullstats.store.snapshot import COMMIT_ID
from pullstats.store.tables import EVENTS, OLD_EVENTS, REJECTS, RUNS
from pullstats.store.verify import verify_store
from support.command import pullstats

DAYS = 6
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
CHANCE = random.Random(64)
HASHES = {name: [CHANCE.randbytes(16) for _ in range(9)] for name in ID_COLUMNS}


def _rows(day: int) -> pl.DataFrame:
    """Make a day's events, their ids whole hashes; some have none."""
    times = [START + timedelta(days=day, minutes=number) for number in range(40)]
    plain = conform(
        pl.DataFrame({"timestamp": pl.Series(times, dtype=pl.Datetime("us", "UTC")), "source_line": range(40), "source_offset": range(40)})
    )
    chance = random.Random(day)
    ids = [pl.Series(name, [chance.choice([*HASHES[name], None]) for _ in times], pl.Binary) for name in ID_COLUMNS]
    return plain.with_columns(*ids, pl.lit("ab" * 16).alias("source_id"), pl.lit("GET").alias("http_request_method"))


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Make a store of layout 1, a file a day."""
    store = tmp_path / "store"
    find_store(store, create=True)
    log, *_ = [TableLog(store, table) for table in (OLD_EVENTS, REJECTS, RUNS)]
    for day in range(DAYS):
        rows = _rows(day)
        date = (START + timedelta(days=day)).date()
        place = f"date={date}/part-{day}.parquet"
        size, crc = write_part(log.folder, place, rows, OLD_EVENTS, "rules")
        times = rows["timestamp"]
        log.commit(
            [PendingFile("events", place, size, rows.height, date, times[0], times[-1], crc, ((day + 1, day + 1),), "rules")],
            transactions={COMMIT_ID: day + 1},
        )
    (store / MARKER_NAME).write_text('{"format": "pullstats-store", "layout_version": 1}\n')
    return store


def _expected() -> pl.DataFrame:
    """Give the events as they should be read, by plain Python."""
    rows = pl.concat([_rows(day) for day in range(DAYS)])
    ids = [pl.Series(name, [None if one is None else make_id(one) for one in rows[name]], pl.Int64) for name in ID_COLUMNS]
    return rows.with_columns(ids)


def _events(store: Path) -> pl.DataFrame:
    return open_store(store).scan_events().collect().sort("timestamp")


def _files(store: Path) -> set[str]:
    return {path.relative_to(store).as_posix() for path in store.rglob("*") if path.is_file()} - {"writer.lock"}


def _assert_new(store: Path) -> None:
    """Check that a store is as one that was never of an older layout, for us and for other readers."""
    assert _events(store).equals(_expected())
    assert not (store / migration.JOURNAL_NAME).exists()
    assert '"layout_version": 2' in (store / MARKER_NAME).read_text()
    assert verify_store(store).problems == []
    table = deltalake.DeltaTable(store / "events")
    assert {field.name: field.type.type for field in table.schema().fields if field.name in ID_COLUMNS} == dict.fromkeys(ID_COLUMNS, "long")
    parts = [pq.read_table(store / "events" / path, partitioning=None) for path in table.file_uris()]
    assert sum(part.num_rows for part in parts) == 40 * DAYS
    assert {str(part.schema.field("origin_id").type) for part in parts} == {"int64"}


def test_a_store_of_the_older_layout_is_read_as_it_is(old: Path) -> None:
    before = _files(old)
    assert _events(old).equals(_expected())
    assert verify_store(old).is_clean
    question = ["report", "--by", "origin,user", "--metric", "requests,origins,networks", "--window", "all", "--format", "csv", "--store", str(old)]
    told = pullstats(*question).out
    assert _files(old) == before
    with open_store(old).lock():
        pass
    assert pullstats(*question).out == told


def test_a_writer_brings_it_up_to_date_once_and_says_so(old: Path) -> None:
    said: list[str] = []
    with open_store(old).lock(said.append):
        pass
    assert said == ["the store is brought to its new layout, once: 240 events in 6 files"]
    _assert_new(old)
    with open_store(old).lock(said.append):
        pass
    assert len(said) == 1


def test_readers_that_began_before_finish(old: Path) -> None:
    store = open_store(old)
    lazy = store.scan_events()
    with open_store(old).lock():
        pass
    assert lazy.collect().sort("timestamp").equals(_expected())


DIE = """
import os, signal, sys
from pullstats.store import migrate, open_store
from pullstats.store.log import TableLog

place, number, done = sys.argv[2], int(sys.argv[3]), []

def dying(name, work):
    def work_or_die(*args, **kwargs):
        if name == place and len(done) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        found = work(*args, **kwargs)
        done.append(name) if name == place else None
        return found
    return work_or_die

migrate._write = dying("file", migrate._write)
migrate.raise_marker = dying("marker", migrate.raise_marker)
TableLog.commit = dying("commit", TableLog.commit)
if place == "torn":
    write = migrate.rewrite_part
    def tear(folder, name, *rest):
        found = write(folder, name, *rest)
        if len(done) == number:
            os.truncate(folder / name, 1000)
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(name)
        return found
    migrate.rewrite_part = tear
if place == "journal":
    unlink = type(open_store(sys.argv[1]).path).unlink
    type(open_store(sys.argv[1]).path).unlink = lambda path, **kwargs: os.kill(os.getpid(), signal.SIGKILL) if path.name == migrate.JOURNAL_NAME else unlink(path, **kwargs)
with open_store(sys.argv[1]).lock():
    pass
"""


@pytest.mark.parametrize(
    ("place", "number", "left"), [("file", 0, 6), ("file", 4, 2), ("torn", 3, 3), ("marker", 0, 0), ("commit", 0, 0), ("journal", 0, 0)]
)
def test_one_that_is_killed_goes_on(old: Path, place: str, number: int, left: int, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    died = subprocess.run([sys.executable, "-c", DIE, str(old), place, str(number)], env=environment, check=False, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    assert _events(old).equals(_expected())
    assert verify_store(old).is_clean
    written: list[str] = []
    rewrite = vars(migration)["rewrite_part"]

    def note(folder: Path, place: str, *rest: object) -> object:
        written.append(place)
        return rewrite(folder, place, *rest)

    monkeypatch.setattr(migration, "rewrite_part", note)
    with open_store(old).lock():
        pass
    assert len(written) == left
    _assert_new(old)


def test_what_a_dead_run_left_is_not_believed(old: Path) -> None:
    """Journals and drafts lie on the disk for a while, where anything may happen to them."""
    for content in (b"", b"\xff\x00{", b'{"path": "date=2026-03-01/part-0.parquet", "size": 1, "crc": 2}\n[1]\nnull\n' + b"[" * 9000):
        shutil.rmtree(old.parent / "copy", ignore_errors=True)
        copy = shutil.copytree(old, old.parent / "copy")
        (copy / migration.JOURNAL_NAME).write_bytes(content)
        for file in TableLog(copy, OLD_EVENTS).state.files.values():
            (copy / "events" / migration.new_place(file)).write_bytes(b"PAR1 nonsense")
        with open_store(copy).lock():
            pass
        assert _events(copy).equals(_expected())


def test_files_that_nobody_counted_are_counted(old: Path) -> None:
    """Another tool may have written a file, or its action, without the number of its rows."""
    log = TableLog(old, OLD_EVENTS)
    files = [replace(file, rows=None) for file in log.state.files.values()]
    migration.migrate(old, TableLog(old, EVENTS), files, lambda _: None)
    assert open_store(old).status().events == 40 * DAYS
    _assert_new(old)


def test_a_full_disk_leaves_it_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _files(old)
    rewrite, done = vars(migration)["rewrite_part"], list[object]()

    def fill(*args: object) -> object:
        if len(done) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done.append(args)
        return rewrite(*args)

    monkeypatch.setattr(migration, "rewrite_part", fill)
    with pytest.raises(StoreError, match="No space left on device; it is as it was"), open_store(old).lock():
        pass
    assert _files(old) == before
    assert _events(old).equals(_expected())
    monkeypatch.undo()
    with open_store(old).lock():
        pass
    _assert_new(old)


def test_a_damaged_one_is_mended_first(old: Path) -> None:
    damaged = next(old.glob("events/date=2026-03-02/*.parquet"))
    damaged.write_bytes(damaged.read_bytes()[:-100])
    assert _events(old).height == 40 * (DAYS - 1)
    with pytest.raises(StoreError, match="run: pullstats verify --repair, then this again"), open_store(old).lock():
        pass
    assert _events(old).height == 40 * (DAYS - 1)
    assert repair_store(old).moved
    with open_store(old).lock():
        pass
    assert _events(old).equals(_expected().filter(pl.col("timestamp").dt.day() != 2))


def test_an_older_program_refuses_the_new_layout(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(old).lock():
        pass
    monkeypatch.setattr("pullstats.store.layout.STORE_VERSION", 1)
    with pytest.raises(StoreError, match="has layout version 2, this pullstats knows 1; upgrade pullstats"):
        open_store(old)
