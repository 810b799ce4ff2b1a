"""The recipes of CONTRIBUTING, each followed: what is appended in the one place it names works wherever it is asked for."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from crowd import NOON, Row, ask, request

from pullstats.cli import run
from pullstats.errors import UsageError
from pullstats.metrics import METRICS, Breakdown
from pullstats.metrics.metric import Metric
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.questions.concentration import Concentration
from pullstats.metrics.questions.explain import Explanation
from pullstats.metrics.questions.holders import Origins
from pullstats.pipeline.ingest import ingest
from pullstats.pipeline.plan import IngestPlan

LINE = '192.0.2.{who} - - [{day:02}/Jun/2025:12:00:00 +0000] "GET /f-{who}.whl HTTP/1.1" 200 {size} "-" "{client}"\n'
SIZES = {1: (7, 900), 2: (30, 40), 4: (5, 6)}
"""Answers by day of June 2025: on the third there is none."""


@pytest.fixture
def largest(monkeypatch: pytest.MonkeyPatch) -> str:
    """Append a metric that is neither a sum nor a count: one object."""
    metric = Metric("largest", "largest answer", "Most bytes of one answer.", pl.col("http_response_body_size"), "max", "bytes", unit="bytes")
    monkeypatch.setitem(METRICS, metric.name, metric)
    return metric.name


@pytest.fixture
def sized(tmp_path: Path) -> Path:
    """Give a store of the answers of `SIZES`, by two clients."""
    log = tmp_path / "access.log"
    lines = [
        LINE.format(who=who, day=day, size=size, client=("pip/25.0", "uv/0.7.0")[who % 2])
        for day, sizes in SIZES.items()
        for who, size in enumerate(sizes)
    ]
    log.write_text("".join(lines))
    ingest(IngestPlan((str(log),), tmp_path / "store", key_file=tmp_path / "key"))
    return tmp_path / "store"


def told(capfd: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run([*arguments, "--format", "json"]) == 0
    return json.loads(capfd.readouterr().out)


def test_a_metric_is_one_object(largest: str, sized: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A greatest value is one in every answer: rows, others, totals, buckets, spans that look back, CSV."""
    asked = ("--metric", largest, "--store", str(sized), "--window", "all")
    assert told(capfd, "report", "--by", "client", *asked) == [{"client": "uv", "largest": 900}, {"client": "pip", "largest": 30}]
    assert told(capfd, "report", "--by", "client", "--limit", "1", *asked)[1] == {"client": "other", "largest": 30}
    days = told(capfd, "series", *asked)
    assert [row["largest"] for row in days] == [900, 40, None, 6]
    rolling = told(capfd, "series", "--rolling", "2d", *asked)
    assert [row["largest"] for row in rolling] == [900, 900, 40, 6]
    assert run(["report", "--by", "client", "--total", "--format", "csv", *asked]) == 0
    assert capfd.readouterr().out.splitlines() == ["client,largest", "uv,900", "pip,30", "total,900"]
    assert told(capfd, "compare", "2025-06-01", "2025-06-02", *asked)[0] | {"verdict": None} == {
        "metric": "largest",
        "a": 900,
        "b": 40,
        "difference": -860,
        "change": -0.955556,
        "verdict": None,
        "low": None,
        "high": None,
        "smallest": None,
        "per": "window",
    }


def test_a_metric_of_nothing_is_unknown_and_not_nought(largest: str) -> None:
    rows = [request(NOON, 1, client="pip", size=5), request(NOON + timedelta(days=1), 2, client="uv", size=3)]
    found = ask(Comparison, rows, "2025-03-03", "2025-03-04", metrics=(largest, "requests"), dimensions=("client",)).frame
    sides = {(client, metric): (a, b) for client, metric, a, b, *_ in found.rows()}
    assert len(sides) == 4
    assert sorted(value is None for key, pair in sides.items() if key[1] == largest for value in pair) == [False, False, True, True]
    assert all(value is not None for key, pair in sides.items() if key[1] == "requests" for value in pair)


def test_a_metric_says_why_a_request_is_in_it(largest: str) -> None:
    rows = [request(NOON, 1, size=size) for size in (5, None, 7)]
    report = ask(Explanation, rows, metrics=(largest,))
    assert report.flat is not None
    said = [row for row in report.flat[0].rows() if row[0] == largest]
    assert said == [(largest, "in: the largest of these is told", 2), (largest, "out: tells nothing of it", 1)]
    assert report.flat[0]["what"][0] == "largest answer = 7 bytes. Most bytes of one answer. It is never added up: a total is computed anew."


def test_a_metric_that_does_not_add_up_is_not_concentrated_and_everybody_has_their_own(largest: str) -> None:
    rows = [request(NOON, who, size=size) for who, size in ((1, 5), (1, 9), (2, 7))]
    with pytest.raises(UsageError, match="adds one metric up"):
        ask(Concentration, rows, metrics=(largest,))
    assert ask(Origins, rows, None, None, metrics=(largest,)).frame["largest"].to_list() == [9, 7]


@pytest.mark.parametrize("name", list(METRICS))
def test_a_span_that_looks_back_is_the_answer_to_that_span(name: str) -> None:
    """Every metric, whatever it merges by: what a bucket shows over three days is what a report of these three days shows."""
    chance = random.Random(name)
    rows: list[Row] = [
        request(
            NOON + timedelta(hours=chance.randrange(24 * 8)),
            chance.randrange(9),
            status=chance.choice([200, 200, 304, 404]),
            size=chance.randrange(99),
        )
        for _ in range(60)
    ]
    series = ask(Breakdown, rows, metrics=(name,), every="d", rolling="3d").frame
    for bucket, value in list(zip(series["bucket"], series[METRICS[name].key], strict=True))[3:]:
        span = f"{NOON.date().replace(day=int(bucket[8:10]) - 2)}..{bucket[:10]}"
        assert ask(Breakdown, rows, metrics=(name,), window=span).frame.item() == value, bucket
