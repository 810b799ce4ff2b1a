"""A folder of Parquet holds what one file would, a day each, and is written anew by the next run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from support.command import pullstats


@pytest.mark.parametrize("name", ["daily", "events"])
def test_the_days_of_a_folder_make_the_whole(name: str, few_store: Path, tmp_path: Path) -> None:
    words = ("export", "--set", name, "--store", few_store)
    folder, day = tmp_path / "all", tmp_path / "all" / "date=2001-01-01"
    for _ in range(2):
        pullstats(*words, "-o", f"{folder}/")
    pullstats(*words, "-o", tmp_path / "one.parquet")
    whole = pl.read_parquet(tmp_path / "one.parquet")
    dates = whole["date"] if name == "daily" else whole["timestamp"].dt.date()
    paths = sorted(folder.rglob("*.parquet"))
    assert [path.parent.name for path in paths] == [f"date={date}" for date in dates.unique().sort()]
    parts = pl.concat(pl.read_parquet(path, hive_partitioning=False) for path in paths)
    assert parts.equals(whole.drop("date", strict=False))
    day.mkdir()
    paths[0].rename(day / f"{name}.parquet")
    pullstats(*words, "-o", folder)
    assert pl.read_parquet(day / f"{name}.parquet", hive_partitioning=False).height == 0
    assert paths[0].exists()


def test_a_folder_that_cannot_be_written_is_one_sentence(few_store: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for words in (
        ("--set", "events", "-o", f"{tmp_path / 'file'}/"),
        ("--set", "events", "-o", "/proc/nowhere/"),
        ("--set", "rejects", "-o", tmp_path),
        ("--format", "csv", "-o", tmp_path),
        ("--incremental", "-o", tmp_path),
    ):
        (said,) = pullstats("export", *words, "--store", few_store, code=2).err.splitlines()
        assert "internal" not in said
