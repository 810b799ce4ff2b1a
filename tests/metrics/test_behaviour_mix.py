"""What `behaviour` says of the mix and of each origin: one count beside the other, and evidence that says a thing once."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from pullstats.metrics.behaviour.feature_names import WORDS
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
