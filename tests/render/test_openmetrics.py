"""What is written for Prometheus is read by both of its parsers, whatever a stranger wrote, and holds the numbers of the report."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_prometheus

from pullstats.errors import UsageError
from pullstats.render import RenderOptions, render
from pullstats.render.sanitise import HIDDEN
from pullstats.reports import Column, Report
from support.command import pullstats
from support.effort import examples
from support.places import DATA

WINDOW = {"window": {"label": "30d"}, "counting_rule": "pullstats@2"}
TEXTS = [
    str(case["bytes"]).encode("latin-1").decode("utf-8", "backslashreplace")
    for case in map(json.loads, (DATA / "hostile_inputs.jsonl").read_text().splitlines())
    if case["where"] in {"user_agent", "path", "referer"} and "format" not in case
]
PARSERS: tuple[Any, ...] = (read_openmetrics, read_prometheus)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def write(values: list[Any], **kinds: Any) -> str:
    frame = pl.DataFrame({"client": pl.Series(values, dtype=pl.String), "requests": range(len(values))}, strict=False)
    columns = (Column("client", "client", "dimension"), Column("requests", kinds.get("title", "requests"), "count"))
    return str(render(Report(frame, columns, meta=WINDOW), "openmetrics", RenderOptions()))


def read(text: str) -> Samples:
    """Read with both parsers, which must agree."""
    found: list[Samples] = []
    for parser in PARSERS:
        families = list(parser(text))
        assert {family.type for family in families} <= {"gauge"}
        samples = [sample for family in families for sample in family.samples]
        found.append({(one.name, tuple(sorted(one.labels.items()))): one.value for one in samples})
        assert len(found[-1]) == len(samples)
    assert found[0] == found[1]
    return found[0]


def labels_of(text: str) -> list[str]:
    return [dict(labels)["client"] for _, labels in read(text)]


def test_every_hostile_text_is_a_label_of_its_own() -> None:
    texts = list(dict.fromkeys(TEXTS))
    written = write([*texts, None])
    assert not re.search(f"[{HIDDEN}]", written.replace("\n", ""))
    assert len(written.splitlines()) == len(texts) + 1 + 3
    assert len(set(labels_of(written))) == len(texts) + 1


@examples(100)
@given(
    st.lists(
        st.text(st.sampled_from('ab\\"\n\r\x1bxu0 {},=#') | st.characters(codec="utf-8"), max_size=8) | st.none(),
        unique=True,
        max_size=6,
    )
)
def test_no_two_texts_are_one_label(values: list[str | None]) -> None:
    assert len(set(labels_of(write(values)))) == len(values)


def test_numbers_are_written_as_what_they_are() -> None:
    kinds = {"requests": "count", "size": "bytes", "part": "share", "rate": "ratio", "last": "time", "left": "number"}
    moment = datetime(2026, 11, 1, 0, 0, 0, 500_000, UTC)
    frame = pl.DataFrame(
        {"requests": [12, None], "size": [5, 6], "part": [0.5, None], "rate": [0.25, float("nan")], "last": [moment, None], "left": [1.5, 2.0]}
    ).with_columns(is_ci=pl.Series([True, None]))
    columns = [Column("is_ci", "ci", "dimension"), *(Column(name, name, kind) for name, kind in kinds.items())]  # type: ignore[arg-type]
    text = str(render(Report(frame, tuple(columns), meta=WINDOW), "openmetrics", RenderOptions()))
    known = {(name, dict(labels)["is_ci"]): value for (name, labels), value in read(text).items()}
    assert known == {
        ("pullstats_requests", "true"): 12,
        ("pullstats_size_bytes", "true"): 5,
        ("pullstats_size_bytes", ""): 6,
        ("pullstats_part_ratio", "true"): 0.5,
        ("pullstats_rate_ratio", "true"): 0.25,
        ("pullstats_last_timestamp_seconds", "true"): moment.timestamp(),
        ("pullstats_left", "true"): 1.5,
        ("pullstats_left", ""): 2,
    }
    assert {family.name: family.unit for family in PARSERS[0](text)} == {
        "pullstats_requests": "",
        "pullstats_size_bytes": "bytes",
        "pullstats_part_ratio": "ratio",
        "pullstats_rate_ratio": "ratio",
        "pullstats_last_timestamp_seconds": "seconds",
        "pullstats_left": "",
    }
    assert text.endswith("# EOF\n")


def test_what_says_what_a_gauge_is_depends_on_its_name_alone() -> None:
    """The textfile collector puts the files of a folder together, and refuses a name that is told in two ways."""
    assert write(["a"]).splitlines()[:2] == [
        "# HELP pullstats_requests requests, in the window that the label names",
        "# TYPE pullstats_requests gauge",
    ]
    assert "# HELP pullstats_requests re qu x0a ests, in" in write(["a"], title='re"qu\n\\ests')


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"bucket": "bucket", "requests": "count"}, "over time"),
        ({"date": "dimension", "requests": "count"}, "over time"),
        ({"client": "dimension"}, "no number"),
        ({"a-b": "count", "a_b": "count"}, "one name"),
        ({"requests": "count"}, "same labels"),
    ],
)
def test_what_is_no_set_of_gauges_is_refused(columns: dict[str, Any], says: str) -> None:
    frame = pl.DataFrame({name: ["1", "2"] if kind in {"dimension", "bucket"} else [1, 2] for name, kind in columns.items()})
    report = Report(frame, tuple(Column(name, name, kind) for name, kind in columns.items()))
    with pytest.raises(UsageError, match=says):
        render(report, "openmetrics", RenderOptions())


def test_a_report_gives_its_numbers(sample_store: Path, tmp_path: Path) -> None:
    words = ("report", "--by", "package,client", "--metric", "downloads,origins,bytes", "--window", "all", "--store", sample_store)
    pullstats(*words, "-o", tmp_path / "pullstats.prom")
    found = read((tmp_path / "pullstats.prom").read_text())
    told: Samples = {}
    for row in pullstats(*words, "--format", "json").rows:
        labels = {"window": "all", "rule": "pullstats@2", "package": row["package"] or "", "client": row["client"] or ""}
        told |= {
            (f"pullstats_{name}", tuple(sorted(labels.items()))): row[name] for name in ("downloads", "origins", "bytes") if row[name] is not None
        }
    assert found == told


def test_the_window_is_the_one_asked_for(tmp_path: Path) -> None:
    """A table of an old log counts back from its end and says so; a gauge says what is there now: nothing."""
    (tmp_path / "a.log").write_text('192.0.2.1 - - [02/Mar/2020:00:00:01 +0000] "GET /x HTTP/1.1" 200 1 "-" "curl/8.0"\n')
    pullstats("ingest", "-q", tmp_path / "a.log", "--store", tmp_path / "store")
    words = ("report", "--by", "client", "--metric", "requests", "--window", "7d", "--store", tmp_path / "store")
    assert [row["requests"] for row in pullstats(*words, "--format", "json").rows] == [1]
    assert read(pullstats(*words, "--format", "openmetrics", code=4).out) == {}
    assert "# TYPE pullstats_requests gauge" in pullstats(*words, "-o", tmp_path / "x.prom", code=4).out + (tmp_path / "x.prom").read_text()


def test_the_logs_of_a_store_tell_how_fresh_they_are(sample_store: Path) -> None:
    found = read(pullstats("status", "--store", sample_store, "--format", "openmetrics").out)
    rows = pullstats("status", "--store", sample_store, "--format", "json").rows
    last = {dict(labels)["source"]: value for (name, labels), value in found.items() if name == "pullstats_last_timestamp_seconds"}
    assert last == {row["source"]: datetime.fromisoformat(row["last"]).timestamp() for row in rows if row["last"]}
