"""A small store is asked in one piece, a large one in streams, and both answer the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pullstats.pipeline import asking
from pullstats.store import Store
from support.command import pullstats

LARGE = 1 << 40
QUESTIONS = (
    ("report", "--by", "package,country"),
    ("report", "--metric", "downloads,origins,bytes", "--by", "client"),
    ("series",),
    ("explain",),
    ("versions",),
    ("behaviour",),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=" ".join)
def test_a_small_store_answers_in_one_piece_as_it_would_in_streams(
    question: tuple[str, ...], sample_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for limit in (LARGE, -1):
        monkeypatch.setattr(asking, "SMALL", limit)
        found.append(pullstats(*question, "--store", sample_store, "--format", "json").out)
    assert found[0] == found[1]


@pytest.mark.parametrize(("limit", "engine"), [(LARGE, "in-memory"), (-1, None)])
def test_what_one_store_is_asked_with_holds_for_no_other(limit: int, engine: str | None, sample_store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "SMALL", limit)

    def name_engine(store: Store) -> str | None:
        return os.environ.get("POLARS_ENGINE_AFFINITY")

    before = os.environ.get("POLARS_ENGINE_AFFINITY")
    assert asking.ask_store(sample_store, name_engine)[0] == (engine or before)
    assert os.environ.get("POLARS_ENGINE_AFFINITY") == before
