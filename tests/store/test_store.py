"""The store: what goes in comes out once, in one snapshot, and nothing half-done is ever seen."""

from __future__ import annotations

import errno
import json
import os
import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from polars.testing import assert_frame_equal

from pullstats.errors import InternalError, StoreError
from pullstats.events import EVENT_SCHEMA, FIELD_BY_NAME, TIMESTAMP
from pullstats.store import REJECT_SCHEMA, RUN_SCHEMA, SourceProgress, Store, open_store, replay
from pullstats.store import compact as compaction
from pullstats.store.failures import explain_failure
from pullstats.store.log import TableLog
from pullstats.store.replay import read_snapshot
from pullstats.store.snapshot import COMMIT_ID
from pullstats.store.tables import EVENTS, REJECTS, RUNS
from support.effort import SOAK

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOURCE = "ab" * 16


def make_events(count: int, start: datetime = NOON, step: timedelta = timedelta(seconds=1), source: str = SOURCE) -> pl.DataFrame:
    times = [start + step * i for i in range(count)]
    return pl.DataFrame(
        {"timestamp": times, "source_id": [source] * count, "source_offset": list(range(count)), "user_agent_name": ["pip"] * count},
        schema_overrides={"timestamp": TIMESTAMP},
    )


def make_rejects(offsets: list[int]) -> pl.DataFrame:
    return pl.DataFrame({"source_id": [SOURCE] * len(offsets), "source_offset": offsets, "reason": ["not-a-line"] * len(offsets)})


def make_run(run_id: str = "r1", **counts: int) -> pl.DataFrame:
    row = {"run_id": run_id, "source_id": SOURCE, "name": "access.log", "started": NOON, "finished": NOON, **counts}
    return pl.DataFrame([row], schema_overrides={"started": TIMESTAMP, "finished": TIMESTAMP})


def add(store: Store, events: pl.DataFrame, end_offset: int, **more: Any) -> None:
    with store.lock():
        store.commit(store.write_events(events), [SourceProgress(SOURCE, end_offset, end_offset)], **more)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store", create=True)


def test_events_come_out_as_they_went_in(store: Store) -> None:
    add(store, make_events(3), 3)
    read = open_store(store.path).scan_events().collect()
    assert read.schema == EVENT_SCHEMA
    assert read["timestamp"].to_list() == [NOON, NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)]
    assert read["source_offset"].to_list() == [0, 1, 2]
    assert read["url_path"].null_count() == 3


def test_a_store_without_events_reads_as_an_empty_frame(store: Store) -> None:
    assert store.scan_events().collect().equals(pl.DataFrame(schema=EVENT_SCHEMA))
    assert store.scan_rejects().collect().schema == REJECT_SCHEMA
    assert store.runs().schema == RUN_SCHEMA
    assert store.status().events == 0


def test_a_frame_over_midnight_is_split_by_utc_day_and_sorted(store: Store) -> None:
    late = make_events(4, datetime(2026, 11, 1, 23, 59, 58, tzinfo=UTC))
    with store.lock():
        parts = store.write_events(late.reverse())
        store.commit(parts, [])
    assert [(part.day, part.rows) for part in parts] == [(date(2026, 11, 1), 2), (date(2026, 11, 2), 2)]
    assert store.scan_events(["timestamp", "date"]).collect()["date"].to_list() == [date(2026, 11, 1)] * 2 + [date(2026, 11, 2)] * 2
    assert store.scan_events().collect()["timestamp"].is_sorted()


def test_equal_times_keep_the_order_of_their_lines(store: Store) -> None:
    events = make_events(2).with_columns(timestamp=pl.lit(NOON, TIMESTAMP))
    early = make_events(1, NOON - timedelta(hours=1)).with_columns(source_offset=pl.lit(9, pl.Int64))
    add(store, pl.concat([events, early]), 3)
    assert store.scan_events().collect()["source_offset"].to_list() == [9, 0, 1]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(None, None, 6), (0, None, 6), (1, None, 5), (None, 1, 1), (24, 25, 1), (25, 24, 0), (3000, None, 0)],
)
def test_a_window_holds_its_start_and_not_its_end(store: Store, start: int | None, end: int | None, expected: int) -> None:
    add(store, make_events(6, step=timedelta(hours=12)), 6)  # hours 0, 12, 24, 36, 48, 60 after noon
    bounds = [None if hours is None else NOON + timedelta(hours=hours) for hours in (start, end)]
    assert store.scan_events(["timestamp"], *bounds).collect().height == expected


def test_files_outside_the_window_are_not_opened(store: Store) -> None:
    add(store, make_events(3, step=timedelta(days=1)), 3)
    for path in store.event_files()[1:]:
        path.unlink()
    assert store.scan_events(None, NOON, NOON + timedelta(hours=1)).collect().height == 1


def test_categorical_columns_are_stored_as_plain_text(store: Store) -> None:
    coded = make_events(3).with_columns(
        pl.col("user_agent_name").cast(pl.Categorical), action=pl.Series(["get", None, "get"], dtype=pl.Enum(["get"]))
    )
    add(store, coded, 3)
    (path,) = store.event_files()
    field = pq.read_schema(path).field("user_agent_name")
    assert str(field.type) == "large_string"
    assert field.metadata[b"origin"] == b"user_agent.name"
    assert field.metadata[b"help"].decode() == FIELD_BY_NAME["user_agent_name"].help
    assert pq.read_table(path).column("action").to_pylist() == ["get", None, "get"]
    assert pl.read_parquet_schema(path).items() <= EVENT_SCHEMA.items()
    assert b"pullstats.schema_version" in pq.read_metadata(path).metadata


def test_what_a_file_has_nothing_of_reads_as_null_for_every_reader(store: Store) -> None:
    """A column that is null throughout a file is not in it; the next file may have it."""
    duckdb = pytest.importorskip("duckdb", reason="an extra of the bench")
    said: tuple[dict[str, list[Any]], ...] = ({"url_path": ["/a", None]}, {"user_id": [-5, 7], "is_ci": [None, True]}, {})
    for number, values in enumerate(said):
        rows = make_events(2, NOON + timedelta(days=number)).with_columns(
            pl.Series(name, found, EVENT_SCHEMA[name]) for name, found in values.items()
        )
        add(store, rows, 2 * number + 2)
    files = [str(file) for file in store.event_files()]
    assert [set(pq.read_schema(file).names) & {"url_path", "user_id", "is_ci"} for file in files] == [{*values} for values in said]
    columns = ["timestamp", "url_path", "user_id", "is_ci"]
    expected = [("/a", None, None), (None, None, None), (None, -5, None), (None, 7, True), (None, None, None), (None, None, None)]
    assert store.scan_events(columns).sort("timestamp").collect().drop("timestamp").rows() == expected
    table = pl.from_arrow(DeltaTable(store.path / "events").to_pyarrow_table())
    assert isinstance(table, pl.DataFrame)
    assert {*table.columns} == {*EVENT_SCHEMA.names(), "date"}
    assert table.sort("timestamp").select(columns[1:]).rows() == expected
    asked = "SELECT url_path, user_id, is_ci FROM read_parquet($files, union_by_name = true) ORDER BY timestamp"
    assert duckdb.execute(asked, {"files": files}).fetchall() == expected


def test_delta_readers_see_the_same_table(store: Store) -> None:
    add(store, make_events(3, step=timedelta(days=1)), 3)
    table = DeltaTable(store.path / "events")
    assert sorted(table.file_uris()) == [str(path) for path in store.event_files()]
    assert table.transaction_version(SOURCE) == 3
    assert table.to_pyarrow_table().num_rows == 3
    assert [field.name for field in table.schema().fields] == [*EVENT_SCHEMA.names(), "date"]
    stats = pl.DataFrame(table.get_add_actions(flatten=True))
    assert stats["num_records"].to_list() == [1, 1, 1]
    assert stats["min.timestamp"].to_list() == stats["max.timestamp"].to_list()


def test_the_log_holds_no_values_that_a_client_sent(store: Store) -> None:
    add(store, make_events(1).with_columns(url_path=pl.lit("/secret-path"), client_address=pl.lit("192.0.2.77")), 1)
    with store.lock():
        TableLog(store.path, EVENTS).trim()
    log = b"".join(path.read_bytes() for path in (store.path / "events" / "_delta_log").iterdir() if path.is_file())
    assert b"192.0.2.77" not in log
    assert b"secret-path" not in log


def test_progress_is_known_after_reopening(store: Store) -> None:
    mine = SourceProgress(SOURCE, 700, 7, (1 << 62) - 1, 0, 5)
    with store.lock():
        store.commit([], [mine, SourceProgress("cd" * 16, 5, 1)])
    again = open_store(store.path)
    assert again.progress(SOURCE) == mine
    assert again.progress("cd" * 16) == SourceProgress("cd" * 16, 5, 1)
    assert again.progress("ef" * 16) is None


def test_offsets_never_go_back(store: Store) -> None:
    add(store, make_events(3), 3)
    with store.lock(), pytest.raises(InternalError, match="cannot go back"):
        store.commit([], [SourceProgress(SOURCE, 2, 3)])


def test_progress_survives_checkpoint_and_log_cleaning(store: Store) -> None:
    for offset in (1, 2, 3):
        add(store, make_events(1), offset)
    log = store.path / "events" / "_delta_log"
    with store.lock():
        TableLog(store.path, EVENTS).trim()
    for commit in log.glob("*.json"):  # as cleaning does when their hour is over
        if int(commit.stem) < 3:
            commit.unlink()
    assert open_store(store.path).progress(SOURCE) == SourceProgress(SOURCE, 3, 3)
    assert open_store(store.path).status().events == 3
    add(store, make_events(1), 4)
    assert open_store(store.path).status().events == 4


def test_our_snapshot_equals_the_librarys_at_every_version(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "EXCESS_LIMIT", 0)
    for offset in range(1, 8):
        add(store, make_events(2, step=timedelta(days=offset % 3)), offset)
        if offset in {3, 6}:
            with store.lock():
                store.tidy()
        table = DeltaTable(store.path / "events")
        snapshot = read_snapshot(store.path / "events")
        assert snapshot.version == table.version()
        assert sorted(str(store.path / "events" / name) for name in snapshot.files) == sorted(table.file_uris())
        assert snapshot.transactions[COMMIT_ID] == table.transaction_version(COMMIT_ID) == offset
        assert sum(file.rows or 0 for file in snapshot.files.values()) == 2 * offset


def test_an_ingest_merges_no_more_rows_at_once_than_it_may(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "EXCESS_LIMIT", 0)
    monkeypatch.setattr(compaction, "TIDY_ROWS", 5)
    for offset in range(1, 8):
        add(store, make_events(2), offset)
    with store.lock():
        assert store.tidy() == 6
    assert max(file.rows or 0 for file in read_snapshot(store.path / "events").files.values()) == 4


def test_a_reader_sees_one_snapshot_until_it_refreshes(store: Store) -> None:
    add(store, make_events(3), 3)
    reader = open_store(store.path)
    assert reader.status().events == 3
    add(store, make_events(3), 6)
    with store.lock():
        assert store.compact() == 2
    assert reader.scan_events().collect().height == 3  # retired files stay for an hour
    reader.refresh()
    assert reader.scan_events().collect().height == 6


def test_files_are_invisible_before_their_commit_and_gone_after_a_sweep(store: Store) -> None:
    with store.lock():
        parts = store.write_events(make_events(3))
        assert open_store(store.path).status().events == 0
        assert store.sweep() == 1
    assert not (store.path / "events" / parts[0].path).exists()


def test_a_sweep_keeps_live_and_freshly_retired_files(store: Store) -> None:
    add(store, make_events(1), 1, rejects=make_rejects([0]), run_rows=make_run(lines=2))
    add(store, make_events(1), 2)
    with store.lock():
        store.compact()
        assert store.sweep() == 0
        assert len(list((store.path / "events").glob("date=*/*.parquet"))) == 3
    assert store.scan_rejects().collect().height == 1


def test_compaction_keeps_every_row_and_the_progress(store: Store) -> None:
    for offset in range(1, 5):
        add(store, make_events(2, step=timedelta(days=1)), offset, rejects=make_rejects([offset]), run_rows=make_run(lines=3))
    before = store.scan_events().collect().sort("timestamp", "source_offset")
    with store.lock():
        assert store.compact() == 8 + 4 + 4
    after = open_store(store.path)
    assert_frame_equal(after.scan_events().collect().sort("timestamp", "source_offset"), before)
    assert len(after.event_files()) == 2
    assert after.progress(SOURCE) == SourceProgress(SOURCE, 4, 4)
    assert after.scan_rejects().collect()["source_offset"].sort().to_list() == [1, 2, 3, 4]
    assert after.runs()["lines"].to_list() == [12]


@pytest.mark.parametrize("days", [1, 5])
def test_a_report_never_reads_many_more_files_than_there_are_days(store: Store, days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many runs a store was filled by; and a merge comes only with so many of them."""
    monkeypatch.setattr(compaction, "EXCESS_LIMIT", 4)
    merges = 0
    runs = 24 if SOAK else 10
    for offset in range(1, runs + 1):
        add(store, make_events(days, step=timedelta(days=1)), offset, run_rows=make_run(lines=days))
        with store.lock():
            merges += store.tidy() > 0
        assert len(open_store(store.path).event_files()) <= 2 * days + 4
        assert len(read_snapshot(store.path / "runs").files) <= 2 + 4
    assert merges <= runs / 2
    assert open_store(store.path).status().events == runs * days
    assert open_store(store.path).runs()["lines"].sum() == runs * days


def test_runs_add_up_over_commits(store: Store) -> None:
    add(store, make_events(1), 1, run_rows=make_run(lines=4, events=1, rejected=3))
    add(store, make_events(1), 2, run_rows=make_run(lines=2, events=1, ignored=1))
    add(store, make_events(1), 3, run_rows=make_run("r2", lines=1, events=1))
    rows = store.runs().select("run_id", "name", "lines", "events", "ignored", "rejected").rows()
    assert rows == [("r1", "access.log", 6, 2, 1, 3), ("r2", "access.log", 1, 1, 0, 0)]


def test_rejects_of_a_commit_that_never_happened_do_not_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, make_events(1), 1, rejects=make_rejects([0]), run_rows=make_run(lines=2))
    honest = TableLog._write  # noqa: SLF001 - the point between the two commits has no other name

    def die_at_events(log: TableLog, *args: object, **kwargs: object) -> None:
        if log.table is EVENTS:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        honest(log, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(TableLog, "_write", die_at_events)
    with pytest.raises(StoreError, match="No space left on device; it is as it was"):
        add(store, make_events(1), 2, rejects=make_rejects([1]), run_rows=make_run(lines=2))
    monkeypatch.undo()
    reader = open_store(store.path)
    assert (reader.scan_rejects().collect().height, reader.runs()["lines"].to_list()) == (1, [2])
    assert len(list((store.path / "events").glob("date=*/*.parquet"))) == 1
    add(store, make_events(1), 2, rejects=make_rejects([1]), run_rows=make_run(lines=2))
    assert store.scan_rejects().collect()["source_offset"].to_list() == [0, 1]
    assert store.runs()["lines"].to_list() == [4]
    assert store.status().events == 2


def test_a_failure_after_the_commit_landed_keeps_its_files(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = TableLog._write  # noqa: SLF001 - stands for a checkpoint that fails behind a good commit

    def fail_late(log: TableLog, *args: object, **kwargs: object) -> None:
        honest(log, *args, **kwargs)  # type: ignore[arg-type]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(TableLog, "_write", fail_late)
    add(store, make_events(2), 2)
    assert open_store(store.path).scan_events().collect().height == 2


def test_a_failed_write_leaves_no_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_disk(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pl.DataFrame, "write_parquet", fill_disk)
    with store.lock(), pytest.raises(StoreError, match=r"cannot write to the store .*: No space left on device"):
        store.write_events(make_events(2))
    assert not list(store.path.rglob("part-*.parquet"))


def test_two_writers_that_got_past_the_lock_do_not_both_commit(store: Store, tmp_path: Path) -> None:
    other = Store(tmp_path / "store")
    with store.lock():
        (store.path / "writer.lock").unlink()  # a file system without locks
        with other.lock():
            other.commit(other.write_events(make_events(1)), [SourceProgress(SOURCE, 1, 1)])
            with pytest.raises(StoreError, match="another process wrote to it at the same time"):
                store.commit(store.write_events(make_events(1)), [SourceProgress(SOURCE, 1, 1)])
    assert open_store(store.path).status().events == 1


def test_the_second_writer_is_told_who_the_first_is(store: Store) -> None:
    with store.lock(), pytest.raises(StoreError, match=f"is being written to by process {os.getpid()} on .* since 20"), store.lock():
        pass
    with store.lock():
        pass


def test_writing_without_the_lock_is_a_bug(store: Store) -> None:
    with pytest.raises(InternalError, match="without its lock"):
        store.commit([], [])


@pytest.mark.parametrize(
    "text",
    [
        "parquet: File out of specification: underlying IO error: No space left on device (os error 28)",
        "Generic LocalFileSystem error\n  caused by: Os { code: 28, kind: StorageFull }",
    ],
)
def test_a_full_disk_is_named_however_a_library_wraps_it(text: str, tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match="cannot write to the store .*: No space left on device; it is as it was"),
        explain_failure("write to", tmp_path),
    ):
        raise DeltaError(text)


@pytest.mark.parametrize("name", [table.name for table in (EVENTS, REJECTS, RUNS)])
def test_a_hole_in_the_log_is_named(store: Store, name: str) -> None:
    for offset in (1, 2, 3):
        add(store, make_events(1), offset, rejects=make_rejects([offset]), run_rows=make_run(lines=2))
    (store.path / name / "_delta_log" / f"{2:020}.json").unlink()
    with pytest.raises(StoreError, match=rf"is damaged: .*{name}/_delta_log/0{{19}}2\.json is missing"):
        _read_everything(open_store(store.path))


def _read_everything(store: Store) -> None:
    store.scan_events().collect()
    store.scan_rejects().collect()
    store.runs()


def test_a_table_that_another_tool_upgraded_is_refused(store: Store) -> None:
    add(store, make_events(1), 1)
    commit = store.path / "events" / "_delta_log" / f"{2:020}.json"
    commit.write_text(json.dumps({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7}}))
    with pytest.raises(StoreError, match="upgraded to Delta reader version 3"):
        open_store(store.path).status()


def age(store: Store) -> None:
    """Make the log what a version before checksums and digests wrote."""
    for path in store.path.glob("*/_delta_log/*.json"):
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        kept = [action for action in actions if not action.get("txn", {}).get("appId", "").startswith("pullstats:")]
        for action in kept:
            action.get("commitInfo", {}).pop("pullstats", None)
            if add := action.get("add"):
                add["stats"] = json.dumps({key: value for key, value in json.loads(add["stats"]).items() if key != "pullstats"})
        path.write_text("".join(json.dumps(action) + "\n" for action in kept))


def test_columns_newer_than_the_table_are_added(store: Store) -> None:
    add(store, make_events(1), 1)
    age(store)
    old = DeltaTable(store.path / "events")
    log = store.path / "events" / "_delta_log" / f"{0:020}.json"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        if "metaData" in line:
            schema = json.loads(line["metaData"]["schemaString"])
            schema["fields"] = [field for field in schema["fields"] if field["name"] != "attributes"]
            line["metaData"]["schemaString"] = json.dumps(schema)
    log.write_text("\n".join(map(json.dumps, lines)))
    assert "attributes" not in {field.name for field in DeltaTable(store.path / "events").schema().fields}
    add(store, make_events(1), 2)
    assert {field.name for field in DeltaTable(store.path / "events").schema().fields} == {field.name for field in old.schema().fields}


def test_files_that_lack_a_column_read_as_null(store: Store) -> None:
    add(store, make_events(2), 2)
    age(store)
    (path,) = store.event_files()
    pl.read_parquet(path).drop("user_agent_name").with_columns(newer=pl.lit(1)).write_parquet(path)
    (commit,) = [log for log in (store.path / "events" / "_delta_log").glob("*.json") if "part-" in log.read_text()]
    commit.write_text(re.sub(r'"size": [0-9]+', f'"size": {path.stat().st_size}', commit.read_text()))
    read = open_store(store.path).scan_events().collect()
    assert read.schema == EVENT_SCHEMA
    assert read["user_agent_name"].null_count() == 2


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no store at .*nowhere"):
        open_store(tmp_path / "nowhere")


def test_a_folder_that_is_no_store_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    for create in (True, False):
        with pytest.raises(StoreError, match="is not a pullstats store"):
            open_store(tmp_path, create=create)
    with pytest.raises(StoreError, match="is not a store but a file"):
        open_store(tmp_path / "thesis.txt", create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_with_settings_only_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "pullstats.toml").write_text("")
    assert open_store(tmp_path, create=True).status().events == 0


def test_a_newer_store_is_refused(store: Store) -> None:
    (store.path / "pullstats-store.json").write_text('{"layout_version": 99}')
    with pytest.raises(StoreError, match="has layout version 99, this pullstats knows 2"):
        open_store(store.path)


VERSIONS = ("1e999", "NaN", "-1", "0", "true", "1.5", '"1"', "null", "[1]", "9" * 5000, "[" * 20_000, '{"a":' * 20_000)
MARKERS = [b"", b"\xff", b"\0" * 99, b"[1]", b"1", b'"x"', b"{}", b"[" * 100_000, b"{" * 9, b" " * (1 << 20)]
MARKERS += [f'{{"format": "pullstats-store", "layout_version": {version}}}'.encode() for version in VERSIONS]


@pytest.mark.parametrize("content", MARKERS, ids=range(len(MARKERS)))
@pytest.mark.parametrize("create", [True, False])
def test_a_damaged_marker_is_named(store: Store, content: bytes, *, create: bool) -> None:
    (store.path / "pullstats-store.json").write_bytes(content)
    with pytest.raises(StoreError, match=r"pullstats-store\.json is damaged"):
        open_store(store.path, create=create)


@pytest.mark.parametrize("kind", ["folder", "fifo", "loop"])
def test_a_marker_that_is_no_file_is_named(store: Store, kind: str) -> None:
    marker = store.path / "pullstats-store.json"
    marker.unlink()
    makers: dict[str, Callable[[], object]] = {"folder": marker.mkdir, "fifo": partial(os.mkfifo, marker), "loop": partial(marker.symlink_to, marker)}
    makers[kind]()
    with pytest.raises(StoreError, match=r"pullstats-store\.json is damaged|Too many levels of symbolic links"):
        open_store(store.path, create=True)


def test_a_column_of_a_wrong_type_is_a_bug(store: Store) -> None:
    with store.lock(), pytest.raises(InternalError, match="column 'source_offset' of events is Float64"):
        store.write_events(make_events(1).with_columns(pl.col("source_offset").cast(pl.Float64)))


def test_events_without_a_time_are_a_bug(store: Store) -> None:
    with store.lock(), pytest.raises(InternalError, match="1 events without a time"):
        store.write_events(make_events(1).with_columns(timestamp=pl.lit(None, TIMESTAMP)))


def test_a_log_that_did_not_change_is_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that changed, if only by a bit, is read again."""
    add(store, make_events(3), 30)
    folder = store.path / EVENTS.name
    commit = max((folder / "_delta_log").glob("*.json"))
    os.utime(commit, (1, 1))
    for other in (folder / "_delta_log").iterdir():
        os.utime(other, (1, 1))
    truth = read_snapshot(folder)
    with monkeypatch.context() as patched:
        patched.setattr(replay, "_replay", lambda _: pytest.fail("it was read again"))
        known = read_snapshot(folder)
        known.transactions.clear()
        assert read_snapshot(folder) == truth
    commit.write_bytes(commit.read_bytes().replace(b'"txn"', b'"tXn"'))
    with pytest.raises(StoreError):
        read_snapshot(folder)


def test_a_writer_waits_for_another_one_and_no_longer_than_it_may(store: Store) -> None:
    """The first ends when it hears that the second waits: no clock decides."""
    is_held, is_waited = threading.Event(), threading.Event()

    def hold() -> None:
        with open_store(store.path).lock():
            is_held.set()
            assert is_waited.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(60)
    with pytest.raises(StoreError, match="wait longer with --lock-timeout"), open_store(store.path).lock(timeout=0.1):
        pass
    said: list[str] = []

    def hear(text: str) -> None:
        said.append(text)
        is_waited.set()

    with open_store(store.path).lock(hear, timeout=60):
        holder.join()
    assert [text for text in said if f"being written to by process {os.getpid()}" in text and "waiting up to 60 s" in text]
