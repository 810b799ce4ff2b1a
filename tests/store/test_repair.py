"""Damage set aside, and lost lines read again: exactly those, in whatever the log lies, and never a line twice."""

from __future__ import annotations

import gzip
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from pullstats.cli import run
from pullstats.pipeline.answer import store_overview
from pullstats.pipeline.plan import IngestSummary
from pullstats.pipeline.verify import verify
from pullstats.store import Store, open_store
from pullstats.store.repair import repair_store
from support.command import pullstats, take_into
from support.effort import across, some

LINE = '{address} - - [{day:02d}/Nov/2025:10:00:{second:02d} +0000] "GET /v2/acme/app/manifests/{tag} HTTP/1.1" 200 {size} "-" "docker/24.0.7"\n'
TakeIn = Callable[..., IngestSummary]


def lines(count: int, start: int = 0) -> str:
    """Give lines over three days, every seventh of them one that is refused."""
    rows = [LINE.format(address=f"192.0.2.{n % 250}", day=1 + n % 3, second=n % 60, tag=f"v{n}", size=n) for n in range(start, start + count)]
    return "".join(f"refused {n}\n" if (start + n) % 7 == 6 else row for n, row in enumerate(rows))


def everything(path: Path) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Give the place, line and path of all events, and the place, line and text of all rejects."""
    store = open_store(path)
    events = store.scan_events(["source_id", "source_offset", "source_line", "url_path"]).collect().sort(pl.all())
    rejects = store.scan_rejects().select("source_id", "source_offset", "source_line", "line").collect().sort(pl.all())
    return events.rows(), rejects.rows()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, home: None) -> Path:
    """Ingest two logs, one compressed, the other in two runs, once for all tests, which damage copies."""
    folder = tmp_path_factory.mktemp("repair")
    plain, packed = folder / "access.log", folder / "other.log.gz"
    plain.write_text(lines(40))
    packed.write_bytes(gzip.compress(lines(60, 1000).encode()))
    take_into(folder / "store", plain, packed, block_size=4_000)
    plain.write_text(lines(70))
    take_into(folder / "store", plain, block_size=4_000)
    return folder


@pytest.fixture
def logs(tmp_path: Path, made: Path) -> list[Path]:
    """Give the two logs, and `store` beside them, which took them in."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return [tmp_path / "access.log", tmp_path / "other.log.gz"]


def data_files(store: Path, table: str) -> list[Path]:
    """List the files that the table is made of; those that a compaction has retired lie beside them for a while."""
    return sorted(Path(uri) for uri in DeltaTable(store / table).file_uris())


@pytest.mark.parametrize(("table", "is_merged"), across(["events", "rejects"], [False, True]))
def test_lost_lines_are_read_again_exactly(tmp_path: Path, take_in: TakeIn, logs: list[Path], table: str, *, is_merged: bool) -> None:
    path = tmp_path / "store"
    if is_merged:
        store = open_store(path)
        with store.lock():
            store.compact()
    truth = everything(path)
    for target in data_files(path, table)[:2]:
        os.truncate(target, 100)
    assert not verify(path).left.is_clean
    verdict = verify(path, is_repair=True)
    assert verdict.left.is_clean
    assert {place.split("/")[0] for place in verdict.repair.moved} == {table} if verdict.repair else False
    assert everything(path) != truth
    assert "were lost; ingest the log again" in " ".join(store_overview(path).warnings)
    summary = take_in(*logs, block_size=4_000)
    assert summary.total("events") == 0
    assert everything(path) == truth
    assert store_overview(path).warnings == []
    assert verify(path).found.is_clean
    take_in(*logs)
    assert everything(path) == truth


def test_a_commit_that_lost_its_end_is_undone_and_read_again(tmp_path: Path, take_in: TakeIn, logs: list[Path]) -> None:
    path = tmp_path / "store"
    truth = everything(path)
    commits = sorted((path / "events" / "_delta_log").glob("*.json"))
    whole = commits[-1].read_bytes().splitlines(keepends=True)
    for count in some(range(len(whole)), 9, first=1):
        copy = tmp_path / f"copy{count}"
        shutil.copytree(path, copy)
        (copy / "events" / "_delta_log" / commits[-1].name).write_bytes(b"".join(whole[:count]))
        assert run(["report", "--window", "all", "--store", str(copy)]) == 2
        assert run(["ingest", "-q", str(logs[0]), "--store", str(copy)]) == 2
        assert verify(copy, is_repair=True).left.is_clean
        assert "were lost; ingest the log again" in " ".join(store_overview(copy).warnings)
        take_in(*logs, store=copy, block_size=4_000)
        assert everything(copy) == truth
        assert store_overview(copy).warnings == []
        shutil.rmtree(copy)


def test_a_log_that_is_gone_leaves_a_named_gap(tmp_path: Path, take_in: TakeIn, logs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store"
    data_files(path, "events")[0].unlink()
    assert run(["verify", "--repair", "--store", str(path)]) == 0
    capsys.readouterr()
    assert run(["report", "--by", "status", "--window", "2025-11-01", "--format", "json", "--meta", "--store", str(path)]) == 0
    out, err = capsys.readouterr()
    (warning,) = json.loads(out)["meta"]["warnings"]
    assert warning in err
    assert "between 2025-11-01 10:00:" in warning
    # Downloads look a day back, requests do not.
    assert (
        run(["report", "--by", "status", "--metric", "requests", "--window", "2025-11-02", "--format", "json", "--meta", "--store", str(path)]) == 0
    )
    out, err = capsys.readouterr()
    assert (json.loads(out)["meta"]["warnings"], err) == ([], "")


def test_lost_records_of_runs_are_counted_anew(tmp_path: Path, logs: list[Path]) -> None:
    path = tmp_path / "store"
    counts = pl.col("lines", "events", "rejected", "ignored").sum()
    before = open_store(path).runs().select(counts).row(0)
    for target in data_files(path, "runs"):
        target.write_bytes(b"PAR1" * 9)
    verdict = verify(path, is_repair=True)
    assert verdict.left.is_clean
    assert open_store(path).runs().select(counts).row(0) == before


@pytest.mark.parametrize("table", ["rejects", "runs"])
def test_the_end_of_another_tables_log_is_mended(tmp_path: Path, take_in: TakeIn, logs: list[Path], table: str) -> None:
    path = tmp_path / "store"
    truth = everything(path)
    max((path / table / "_delta_log").glob("*.json")).unlink()
    assert run(["status", "--store", str(path)]) == 2
    assert verify(path, is_repair=True).left.is_clean
    take_in(*logs, block_size=4_000)
    assert everything(path) == truth
    assert store_overview(path).warnings == []


def test_a_table_without_a_log_is_set_aside_whole(tmp_path: Path, take_in: TakeIn, logs: list[Path]) -> None:
    path = tmp_path / "store"
    truth = everything(path)
    shutil.rmtree(path / "events" / "_delta_log")
    assert run(["report", "--window", "all", "--store", str(path)]) == 2
    assert verify(path, is_repair=True).left.is_clean
    assert list((path / "damaged" / "events").glob("date=*/*.parquet"))
    take_in(*logs, block_size=4_000)
    assert everything(path) == truth


def test_a_repair_and_a_recovery_that_die_are_simply_run_again(
    tmp_path: Path, take_in: TakeIn, logs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "store"
    truth = everything(path)
    target = data_files(path, "events")[1]
    target.write_bytes(random.Random(3).randbytes(target.stat().st_size))

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    for owner, name in ((Path, "rename"), (Store, "close_losses")):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, die)
            with pytest.raises(KeyboardInterrupt):
                repair_store(path) if owner is Path else take_in(*logs, block_size=4_000)
        if owner is Path:
            repair_store(path)
            repair_store(path)
    take_in(*logs, block_size=4_000)
    assert everything(path) == truth
    assert store_overview(path).warnings == []


def test_verify_says_in_one_line_that_all_is_well(tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", "--store", str(tmp_path / "store")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("all is well: ")
    assert (out.count("\n"), err) == (1, "")
    found = pullstats("verify", "--format", "json", "--store", tmp_path / "store").rows
    assert (found["clean"], found["problems"], found["files_without_checksum"]) == (True, [], 0)


def test_verify_names_each_damage(tmp_path: Path, logs: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "store"
    first, second, *_ = data_files(path, "events")
    first.unlink()
    os.truncate(second, 9)
    assert run(["verify", "--store", str(path)]) == 2
    out, err = capsys.readouterr()
    assert first.name in out
    assert second.name in out
    assert "damaged in 2 places" in err


@pytest.mark.parametrize(("table", "count"), across(["events", "rejects", "runs"], [0, 1, -1]))
def test_a_first_commit_is_made_anew_and_nothing_is_lost(tmp_path: Path, logs: list[Path], table: str, count: int) -> None:
    path = tmp_path / "store"
    truth = everything(path)
    first = path / table / "_delta_log" / f"{0:020}.json"
    first.write_bytes(b"".join(first.read_bytes().splitlines(keepends=True)[:count]))
    assert not verify(path).found.is_clean
    assert verify(path, is_repair=True).left.is_clean
    assert everything(path) == truth
    assert store_overview(path).warnings == []


@pytest.mark.parametrize(
    ("table", "flip"),
    across(["events", "rejects", "runs"], [(b'"modificationTime"', b'"modificathonTime"'), (b'"dataChange"', b'"dadaChange"')]),
)
def test_a_flip_that_only_the_library_stumbles_over_is_named_and_mended(
    tmp_path: Path, logs: list[Path], table: str, flip: tuple[bytes, bytes]
) -> None:
    path = tmp_path / "store"
    truth = everything(path)
    commit = path / table / "_delta_log" / f"{1:020}.json"
    commit.write_bytes(commit.read_bytes().replace(*flip, 1))
    assert commit.name in pullstats("ingest", "-q", logs[0], "--store", path, code=2).err
    assert run(["verify", "--store", str(path)]) == 2
    assert verify(path, is_repair=True).left.is_clean
    assert run(["ingest", "-q", str(logs[0]), "--store", str(path)]) == 0
    assert everything(path) == truth


def test_a_newest_commit_that_is_gone_is_a_named_gap_until_its_lines_are_read_again(tmp_path: Path, take_in: TakeIn, logs: list[Path]) -> None:
    path = tmp_path / "store"
    truth = everything(path)
    max((path / "events" / "_delta_log").glob("*.json")).unlink()
    (warning,) = store_overview(path).warnings
    assert "were lost; ingest the log again" in warning
    take_in(logs[1])
    assert store_overview(path).warnings == [warning]
    take_in(logs[0], block_size=4_000)
    assert everything(path) == truth
    assert store_overview(path).warnings == []
