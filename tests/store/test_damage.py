"""Files of a store that are missing, cut, flipped or swapped: never unseen, never a number that is short without a word."""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from pullstats.cli import run
from pullstats.errors import DamagedStoreError, StoreError
from pullstats.events import TIMESTAMP
from pullstats.store import SourceProgress, Store, open_store
from pullstats.store.log import TableLog
from pullstats.store.replay import read_snapshot
from pullstats.store.snapshot import Snapshot
from pullstats.store.tables import EVENTS, TABLES

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
SOURCE = "ab" * 16


def fill(path: Path, commits: int = 3, *, is_checkpointed: bool = False) -> Store:
    """Make a store of a day, two events and a rejected line a commit."""
    store = open_store(path, create=True)
    for number in range(1, commits + 1):
        moments = [START + timedelta(days=number, seconds=n) for n in range(2)]
        offsets = [number * 10, number * 10 + 1]
        events = pl.DataFrame({"timestamp": moments, "source_id": [SOURCE] * 2, "source_offset": offsets}, schema_overrides={"timestamp": TIMESTAMP})
        rejects = pl.DataFrame({"source_id": [SOURCE], "source_offset": [number * 10 + 2], "reason": ["not-a-line"]})
        run_row = pl.DataFrame({"run_id": [f"r{number}"], "source_id": [SOURCE], "lines": [3], "events": [2], "rejected": [1]})
        with store.lock():
            store.commit(store.write_events(events), [SourceProgress(SOURCE, number * 10 + 3, number * 3)], rejects, run_row)
    if is_checkpointed:
        for table in TABLES:
            TableLog(path, table).trim()
    return open_store(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("damage") / "store").path


@pytest.fixture(scope="module")
def checkpointed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fill(tmp_path_factory.mktemp("damage") / "store", is_checkpointed=True).path


def copy(store: Path, tmp_path: Path) -> Path:
    shutil.rmtree(tmp_path / "copy", ignore_errors=True)
    return Path(shutil.copytree(store, tmp_path / "copy"))


def flip(path: Path, place: int, bit: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1 << bit
    path.write_bytes(data)


def swap(path: Path) -> None:
    """Put another valid file of the same table there."""
    other = next(found for found in sorted(path.parent.parent.rglob(f"*{path.suffix}")) if found != path)
    shutil.copy(other, path)


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: os.truncate(path, 0),
    "cut in the middle": lambda path: os.truncate(path, path.stat().st_size // 2),
    "cut by a byte": lambda path: os.truncate(path, path.stat().st_size - 1),
    "flipped in the header": lambda path: flip(path, 1, 3),
    "flipped in the data": lambda path: flip(path, 40, 0),
    "flipped in the middle": lambda path: flip(path, path.stat().st_size // 2, 7),
    "flipped in the footer": lambda path: flip(path, path.stat().st_size - 40, 1),
    "garbage": lambda path: path.write_bytes(random.Random(1).randbytes(path.stat().st_size)),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"x"),
    "swapped": swap,
    "a folder": make_folder,
    "a pipe": make_pipe,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_events_file_is_left_out_and_named(whole: Path, tmp_path: Path, damage: Callable[[Path], object]) -> None:
    path = copy(whole, tmp_path)
    target = next((path / "events").glob("date=2026-11-03/*.parquet"))
    damage(target)
    store = open_store(path)
    assert store.scan_events(["source_offset"]).collect()["source_offset"].to_list() == [10, 11, 30, 31]
    (warning,) = store.warnings()
    assert warning.startswith(f"2 events of 2026-11-03 are left out: events/date=2026-11-03/{target.name} ")
    assert warning.endswith("; run: pullstats verify --repair")
    elsewhere = open_store(path)
    assert elsewhere.scan_events(None, START + timedelta(days=2, hours=6)).collect().height == 2
    assert elsewhere.warnings() == []


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
@pytest.mark.parametrize("table", ["rejects", "runs"])
def test_a_damaged_file_of_the_other_tables_is_left_out_and_named(whole: Path, tmp_path: Path, table: str, damage: Callable[[Path], object]) -> None:
    path = copy(whole, tmp_path)
    damage(sorted((path / table).glob("*.parquet"))[1])
    store = open_store(path)
    read = store.scan_rejects().collect() if table == "rejects" else store.runs()
    assert read.height == 2
    assert table in store.warnings()[0]


def test_any_flipped_bit_is_seen(whole: Path, tmp_path: Path) -> None:
    path = copy(whole, tmp_path)
    target = next((path / "events").glob("date=2026-11-03/*.parquet"))
    content = target.read_bytes()
    chance = random.Random(7)
    for place in [*range(12), *range(len(content) - 12, len(content)), *chance.sample(range(len(content)), 60)]:
        flip(target, place, chance.randrange(8))
        assert open_store(path).scan_events(["timestamp"]).collect().height == 4, place
        target.write_bytes(content)
    assert open_store(path).scan_events(["timestamp"]).collect().height == 6


def test_a_file_without_a_checksum_that_cannot_be_read_is_found_by_the_report(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copy(whole, tmp_path)
    for log in (path / "events" / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in log.read_text().splitlines()]
        kept = [action for action in actions if action.get("txn", {}).get("appId") != "pullstats:state"]
        for action in kept:
            action.get("commitInfo", {}).pop("pullstats", None)
            if add := action.get("add"):
                add["stats"] = json.dumps({"numRecords": 2})
        log.write_text("".join(json.dumps(action) + "\n" for action in kept))
    target = next((path / "events").glob("date=2026-11-03/*.parquet"))
    target.write_bytes(b"PAR1" + b"\xff" * (target.stat().st_size - 8) + b"PAR1")
    assert run(["report", "--by", "status", "--metric", "requests", "--window", "all", "--format", "json", "--store", str(path)]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)[0]["requests"] == 4
    assert f"events/date=2026-11-03/{target.name} cannot be read" in err


def attempt(folder: Path) -> Snapshot | StoreError:
    """Read a snapshot, or give what is raised in its place."""
    try:
        return read_snapshot(folder)
    except StoreError as error:
        return error


def read_all(store: Store) -> None:
    store.scan_rejects().collect()
    store.runs()


def damage_log(log: Path) -> list[bytes]:
    """Give what a file of the log may be after a fault: cut anywhere, flipped anywhere, without any of its lines."""
    content = log.read_bytes()
    lines = content.splitlines(keepends=True)
    cuts = [content[:length] for length in range(0, len(content), max(len(content) // 20, 1))]
    ends = [b"".join(lines[:count]) for count in range(len(lines))] + [b"".join(lines[:count]).rstrip(b"\n") for count in range(len(lines))]
    without = [b"".join(lines[:count] + lines[count + 1 :]) for count in range(len(lines))]
    chance = random.Random(len(content))
    flips = []
    for place in chance.sample(range(len(content)), 25):
        data = bytearray(content)
        data[place] ^= 1 << chance.randrange(8)
        flips.append(bytes(data))
    return [
        *cuts,
        *ends,
        *without,
        *flips,
        b"",
        b"\n",
        b"[1]\n",
        b"{}\n",
        b"null\n",
        b"[" * 100_000,
        b"\0" * 99,
        b'{"add": 1}',
        b'{"txn": {"appId": "x"}}',
    ]


@pytest.mark.parametrize("table", [table.name for table in TABLES])
@pytest.mark.parametrize("version", range(4))
def test_a_commit_that_is_cut_or_flipped_anywhere_never_passes_for_another(whole: Path, tmp_path: Path, table: str, version: int) -> None:
    folder = copy(whole, tmp_path) / table
    truth = read_snapshot(folder)
    log = folder / "_delta_log" / f"{version:020}.json"
    content = log.read_bytes()
    noticed = 0
    for damaged in damage_log(log):
        log.write_bytes(damaged)
        found = attempt(folder)
        if isinstance(found, StoreError):
            noticed += 1
            assert log.name in str(found) or "reader version" in str(found)
        else:
            assert (found.files, found.transactions, found.columns) == (truth.files, truth.transactions, truth.columns), damaged
    assert noticed > 30
    log.write_bytes(content)
    assert read_snapshot(folder).files == truth.files


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_a_checkpoint_that_is_damaged_anywhere_never_passes_for_another(checkpointed: Path, tmp_path: Path, table: str) -> None:
    folder = copy(checkpointed, tmp_path) / table
    truth = read_snapshot(folder)
    (checkpoint,) = (folder / "_delta_log").glob("*.checkpoint.parquet")
    content = checkpoint.read_bytes()
    for has_commits in (True, False):
        if not has_commits:
            for log in (folder / "_delta_log").glob("*.json"):
                log.unlink()
        for damaged in [b"", content[:100], content[:-1], *damage_log(checkpoint)[20:50]]:
            checkpoint.write_bytes(damaged)
            found = attempt(folder)
            if isinstance(found, StoreError):
                assert not has_commits
                assert checkpoint.name in str(found)
            else:
                assert (found.files, found.transactions) == (truth.files, truth.transactions)
                assert bool(found.warnings) <= has_commits


def test_a_hole_and_a_missing_end_of_the_other_tables_are_named(whole: Path, tmp_path: Path) -> None:
    for table in ("rejects", "runs"):
        path = copy(whole, tmp_path)
        (path / table / "_delta_log" / f"{3:020}.json").unlink()
        with pytest.raises(DamagedStoreError, match=rf"{table}/_delta_log/0+3\.json is missing"):
            read_all(open_store(path))
        with pytest.raises(DamagedStoreError, match=rf"{table}/_delta_log/0+3\.json is missing"), open_store(path).lock():
            pass


@pytest.mark.parametrize("hint", [b"", b"\0", b"[" * 9999, b'{"version": 99, "size": 1}', b'{"version": 1e999}', b'{"version": null}', None])
def test_a_pointer_that_leads_nowhere_does_not_stop_a_writer(checkpointed: Path, tmp_path: Path, hint: bytes | None) -> None:
    path = copy(checkpointed, tmp_path)
    pointer = path / "events" / "_delta_log" / "_last_checkpoint"
    pointer.unlink()
    if hint is not None:
        pointer.write_bytes(hint)
    with open_store(path).lock():
        pass
    assert open_store(path).scan_events().collect().height == 6


def test_a_table_that_another_tool_changed_is_no_damage(whole: Path, tmp_path: Path) -> None:
    path = copy(whole, tmp_path)
    DeltaTable(path / "events").delete("timestamp < '2026-11-03'")
    assert open_store(path).scan_events().collect().height == 4
    store = open_store(path)
    with store.lock():
        store.commit([], [SourceProgress("cd" * 16, 1, 1)])
    assert read_snapshot(path / EVENTS.name).is_whole


def test_drafts_of_killed_writers_are_swept(whole: Path, tmp_path: Path) -> None:
    path = copy(whole, tmp_path)
    drafts = [path / "events" / "_delta_log" / name for name in (f"{9:020}.json#1", "_last_checkpoint#2", f"{9:020}.checkpoint.parquet#1")]
    for draft in drafts:
        draft.write_bytes(b"half")
    with open_store(path).lock():
        pass
    assert not any(draft.exists() for draft in drafts)


@pytest.mark.parametrize("umask", [0o022, 0o000, 0o077])
@pytest.mark.parametrize(("told", "folders", "files"), [(None, 0o700, 0o600), (0o750, 0o750, 0o640), (0o2770, 0o2770, 0o660)])
def test_a_store_is_its_owners_alone_unless_its_folder_is_opened(tmp_path: Path, umask: int, told: int | None, folders: int, files: int) -> None:
    before = os.umask(umask)
    try:
        path = tmp_path / "store"
        if told is not None:
            path.mkdir()
            path.chmod(told)
        fill(path, 2, is_checkpointed=True)
    finally:
        os.umask(before)
    found = {(entry.is_dir(), stat.S_IMODE(entry.stat().st_mode)) for entry in [path, *path.rglob("*")]}
    assert found == {(True, folders), (False, files)}
