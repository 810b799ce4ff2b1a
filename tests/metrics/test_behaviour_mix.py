"""What `behaviour` says of the mix and of each origin: one count beside the other, and evidence that says a thing once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from pullstats.metrics.behaviour import classes
from pullstats.metrics.behaviour.feature_names import FEATURES, WORDS
from pullstats.metrics.behaviour.judging import CLASS, SCORE, describe_evidence
from pullstats.metrics.behaviour.pairs import KEPT
from pullstats.metrics.behaviour.requests import OWNER
from pullstats.metrics.behaviour.rules import bundled_rules
from pullstats.metrics.behaviour.streams import STREAM
from pullstats.store.store import open_store
from support.command import Said, pullstats
from support.labelled import answers
from support.labelled.build import build
from support.labelled.world import WORLDS

NUMBER = re.compile(r"[0-9][0-9.,]*(?: [a-zµ%]+)?")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return answers.take_in(build(WORLDS[0].smaller(0.05, 10), 2), tmp_path_factory.mktemp("mix"))


def ask(store: Path, *words: str) -> Said:
    return pullstats("behaviour", "--window", "all", "--store", store, *words)


def read_classes(row: dict[str, str]) -> dict[str, int]:
    return {name: int(count) for name, count in (text.rsplit(" ", 1) for text in row["classes"].split(", "))}


def test_the_mix_and_the_list_count_the_same_origins(town: Path) -> None:
    mix = {row["class"]: row["origins"] for row in ask(town, "--by", "class", "--format", "json").rows}
    rows = ask(town, "--format", "json").rows
    listed = Counter(name for row in rows for name in read_classes(row))
    assert listed == Counter({name: count for name, count in mix.items() if count})
    several = sum(len(read_classes(row)) > 1 for row in rows)
    assert several > 0
    assert sum(mix.values()) > len(rows)
    assert f"{several} of {len(rows)} origins are of several, and counted in each of these rows" in ask(town).words


def test_where_every_origin_is_of_one_class_nothing_is_said_of_several(town: Path) -> None:
    said = ask(town, "--class", "production")
    assert "of several" not in said.words
    rows = ask(town, "--class", "production", "--format", "json").rows
    assert {row["class"] for row in rows} == {"production"}


def test_a_limit_names_no_others_among_the_classes(town: Path) -> None:
    whole, cut = (ask(town, "--limit", str(limit)).words for limit in (0, 2))
    told = whole.split(" class ")[0].split(": ")[1].split(", ")
    assert "other" not in cut.split(" class ")[0]
    assert all(part in told for part in cut.split(" class ")[0].split(": ")[1].split(", "))


def test_evidence_says_nothing_twice_and_groups_its_digits(town: Path) -> None:
    rows = ask(town, "--format", "json").rows
    assert len(rows) > 20
    for row in rows:
        facts = [tuple(NUMBER.findall(part)) for part in row["evidence"].split("; ")]
        told = [fact for fact in facts if len(fact) > 1]
        assert len(told) == len(set(told)), row["evidence"]
        assert not re.search(r"[0-9]{4,}", row["evidence"]), row["evidence"]


@pytest.mark.parametrize("count", [0, 1, 7, 999, 1000, 1001, 9999, 12_345, 999_999, 1_000_000, 1_020_003, 999_999_999, 1_000_000_000, 2_003_004_005])
def test_counts_are_written_as_python_writes_them(count: int) -> None:
    frame = pl.DataFrame({"heads": [count], "visits": [count]})
    heads, visits = frame.select(WORDS["heads"].alias("heads"), WORDS["visits"].alias("visits")).row(0)
    assert heads == f"{count:,}"
    assert visits == ("no visits" if not count else f"{count:,} visit{'s' * (count != 1)}")


def classify(store: Path) -> classes.Classes:
    silences = pl.DataFrame(schema={"since": pl.Int64, "until": pl.Int64})
    return classes.classify([open_store(store).scan_events], bundled_rules(), silences)


def tell(found: classes.Classes) -> pl.DataFrame:
    """Give class, score, stream, evidence and features of every pair."""
    rows = found.describe(found.pairs).sort(OWNER)
    names = [name for name in FEATURES if name in rows.columns]
    return rows.select(OWNER, CLASS, STREAM, pl.col(SCORE).round(9), describe_evidence(rows, found.rules), pl.col(names).cast(pl.Float64).round(9))


def test_many_slices_answer_as_one_does(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = classify(town)
    monkeypatch.setattr(classes, "SLICE", 50)
    sliced = classify(town)
    assert tell(sliced).equals(tell(whole))
    assert sliced.streams.equals(whole.streams)
    assert whole.streams.height > 0
    ordered = [found.origins.sort("origin_id").select("origin_id", CLASS, pl.col(SCORE).round(9)) for found in (whole, sliced)]
    assert ordered[0].equals(ordered[1])


def test_what_is_made_again_of_thin_pairs_is_what_is_kept_of_others(town: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = classify(town)
    assert 0 < narrow.paced.height < narrow.pairs.height
    assert set(narrow.pairs.columns) == {*KEPT, CLASS, SCORE, STREAM}
    told = tell(narrow)
    monkeypatch.setattr(classes, "is_thin", lambda: pl.lit(value=False))
    wide = classify(town)
    assert wide.paced.height == wide.pairs.height
    assert told.equals(tell(wide))
    assert narrow.streams.equals(wide.streams)
