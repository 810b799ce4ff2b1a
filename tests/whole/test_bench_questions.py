"""What is measured side by side is one question: the SQL's answer is ours, row by row."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.store import open_store
from support.command import pullstats, take_into
from support.places import ROOT

duckdb = pytest.importorskip("duckdb")
BENCH = ROOT / "bench"
NAMES = (
    *("country", "dimensions", "downloads", "sessions", "versions", "versions-pypi", "adoption-pypi", "lag-pypi", "platforms"),
    *("cohorts", "year"),
)


@pytest.fixture(scope="module", name="bench")
def _bench() -> Iterator[dict[str, Any]]:
    """The modules of `bench/`, imported the way running one as a script does."""
    sys.path.insert(0, str(BENCH))
    try:
        yield {name: importlib.import_module(name) for name in ("answers", "generate", "questions")}
    finally:
        sys.path.remove(str(BENCH))


@pytest.fixture(scope="module", name="store")
def _store(bench: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("questions")
    with (folder / "a.log").open("wb") as log, pytest.MonkeyPatch.context() as patch:
        patch.setattr(importlib.import_module("visits"), "VISITS_PER_FAMILY", 1_000)
        bench["generate"].write_log(log, 2_500, 3, "combined")
    take_into(folder / "store", folder / "a.log", key_file=folder / "key")
    return folder / "store"


@pytest.mark.parametrize("name", NAMES)
def test_the_sql_that_is_measured_asks_the_same(name: str, bench: dict[str, Any], store: Path) -> None:
    questions = bench["questions"]
    assert set(NAMES) == {name for name, question in questions.QUESTIONS.items() if question.query}
    ours, _ = questions.question_contestants(name, store, store.parent)
    arguments = ours.command[ours.command.index(questions.QUESTIONS[name].asked.split()[0]) :]
    said = pullstats(*arguments)
    files = open_store(store).event_files()
    found = duckdb.execute(
        questions.QUESTIONS[name].query.replace("EVENTS", "read_parquet($files, union_by_name = true)"), {"files": [str(file) for file in files]}
    )
    heads = [column[0] for column in found.description]
    rows = [dict(zip(heads, row, strict=True)) for row in found.fetchall()]
    assert bench["answers"].same_answer(said.out, json.dumps(rows)).startswith("equal")


def test_the_sql_beside_a_question_finds_what_polls(bench: dict[str, Any], tmp_path: Path) -> None:
    instants = pl.datetime_range(pl.datetime(2025, 6, 1), pl.datetime(2025, 6, 2), "10m", time_zone="UTC", eager=True)
    seen = {"origin_id": 1, "package_type": "oci", "package_name": "acme/app"}
    pl.DataFrame({"timestamp": instants}).with_columns(pl.lit(value).alias(name) for name, value in seen.items()).write_parquet(
        tmp_path / "a.parquet"
    )
    query = bench["questions"].QUESTIONS["behaviour"].beside.replace("EVENTS", "read_parquet($files, union_by_name = true)")
    assert duckdb.execute(query, {"files": [str(tmp_path / "a.parquet")]}).fetchall() == [(1, 1)]
