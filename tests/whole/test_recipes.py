"""The recipes of CONTRIBUTING, each followed: what is appended in the one place it names works wherever it is asked for."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.cli import run
from pullstats.enrich import tables
from pullstats.enrich.agents import read_agent
from pullstats.enrich.packages import classify_paths
from pullstats.errors import UsageError
from pullstats.formats import FORMATS
from pullstats.formats.text_lines import text_format
from pullstats.metrics import COUNTING_RULES, DIMENSIONS, METRICS, Breakdown, Query, StoreEvents
from pullstats.metrics.counting import CountingRule, Reasons, Terms
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.metric import Metric
from pullstats.metrics.plan import resolve
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.questions.concentration import Concentration
from pullstats.metrics.questions.explain import Explanation
from pullstats.metrics.questions.origins import Origins
from pullstats.pipeline.answer import answer
from pullstats.render import RENDERERS, Renderer, RenderOptions
from pullstats.reports import Column, Report
from support.command import pullstats, take_into
from support.crowd import NOON, Row, ask, how_made, request
from support.effort import of_each, some
from support.places import ROOT

RECIPES = {
    "A client": "test_a_client_is_one_entry",
    "A form of path": "test_a_form_of_path_is_one_entry_and_an_ecosystem_one_file",
    "A text format of logs": "test_a_text_format_is_one_call",
    "A dimension": "test_a_dimension_is_one_object",
    "A metric": "test_a_metric_is_one_object",
    "A counting rule": "test_a_counting_rule_is_one_object",
    "An output": "test_an_output_is_one_function_and_what_it_can_do",
    "A question": "test_a_question_is_one_value_that_answers_for_itself",
}
LINE = '192.0.2.{who} - - [{day:02}/Jun/2025:12:00:00 +0000] "GET /f-{who}.whl HTTP/1.1" 200 {size} "-" "{client}"\n'
SIZES = {1: (7, 900), 2: (30, 40), 4: (5, 6)}
"""Answers by day of June 2025: on the third there is none."""


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_is_written_and_followed(recipe: str) -> None:
    written = (ROOT / "CONTRIBUTING.md").read_text()
    assert f"\n**{recipe}**" in written
    assert callable(globals()[RECIPES[recipe]])


@pytest.fixture
def largest(monkeypatch: pytest.MonkeyPatch) -> str:
    """Append a metric that is neither a sum nor a count: one object."""
    metric = Metric("largest", "largest answer", "Most bytes of one answer.", pl.col("http_response_body_size"), "max", "bytes", unit="bytes")
    monkeypatch.setitem(METRICS, metric.name, metric)
    return metric.name


@pytest.fixture(scope="module")
def sized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a store of the answers of `SIZES`, by two clients."""
    folder = tmp_path_factory.mktemp("sized")
    log = folder / "access.log"
    lines = [
        LINE.format(who=who, day=day, size=size, client=("pip/25.0", "uv/0.7.0")[who % 2])
        for day, sizes in SIZES.items()
        for who, size in enumerate(sizes)
    ]
    log.write_text("".join(lines))
    take_into(folder / "store", log, key_file=folder / "key")
    return folder / "store"


def told(*arguments: str) -> Any:
    return pullstats(*arguments, "--format", "json").rows


def test_a_metric_is_one_object(largest: str, sized: Path) -> None:
    """A greatest value is one in every answer: rows, others, totals, buckets, spans that look back, CSV."""
    asked = ("--metric", largest, "--store", str(sized), "--window", "all")
    assert told("report", "--by", "client", *asked) == [{"client": "uv", "largest": 900}, {"client": "pip", "largest": 30}]
    assert told("report", "--by", "client", "--limit", "1", *asked)[1] == {"client": "other", "largest": 30}
    days = told("series", *asked)
    assert [row["largest"] for row in days] == [900, 40, None, 6]
    rolling = told("series", "--rolling", "2d", *asked)
    assert [row["largest"] for row in rolling] == [900, 900, 40, 6]
    assert pullstats("report", "--by", "client", "--total", "--format", "csv", *asked).out.splitlines() == [
        "client,largest",
        "uv,900",
        "pip,30",
        "total,900",
    ]
    assert told("compare", "2025-06-01", "2025-06-02", *asked)[0] | {"verdict": None} == {
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


@pytest.mark.parametrize("name", of_each(METRICS, how_made))
def test_a_span_that_looks_back_is_the_answer_to_that_span(name: str) -> None:
    """Every metric, whatever it merges by: what a bucket shows over three days is what a report of these three days shows.

    Instances are read from all that is known at the window's end, so of them the last bucket alone asks the same.
    """
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
    told = list(zip(series["bucket"], series[METRICS[name].key], strict=True))[3:]
    for bucket, value in told[-1:] if METRICS[name].weight else some(told, 5, first=len(name) % 5):
        span = f"{NOON.date().replace(day=int(bucket[8:10]) - 2)}..{bucket[:10]}"
        assert ask(Breakdown, rows, metrics=(name,), window=span).frame[METRICS[name].key].item() == value, bucket


# --- rules in tables ---


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a copy of the bundled rules, which are read instead of them."""
    folder = tmp_path / "rules"
    shutil.copytree(Path(tables.__file__).parent / "rules", folder)
    monkeypatch.setattr(tables, "files", lambda _: folder)
    forget_rules()
    yield folder
    forget_rules()


def forget_rules() -> None:
    """Let every table be read anew."""
    for module in [module for name, module in sys.modules.items() if name.startswith("pullstats.enrich")]:
        for value in vars(module).values():
            if callable(getattr(value, "cache_clear", None)):
                value.cache_clear()


def append(path: Path, text: str) -> None:
    path.write_text(f"{path.read_text()}\n{text}")


def test_a_client_is_one_entry(rules: Path) -> None:
    assert read_agent("quux/1.2.3").kind == "unknown"
    append(rules / "agents" / "beam.toml", '[[agent]]\nclient = "quux"\nkind = "package-manager"\nstarts = ["quux/"]\nsamples = ["quux/1.2.3"]')
    forget_rules()
    found = read_agent("quux/1.2.3")
    assert (found.name, found.version, found.kind) == ("quux", "1.2.3", "package-manager")


def test_a_form_of_path_is_one_entry_and_an_ecosystem_one_file(rules: Path) -> None:
    paths = ["/crates/dl/pearcrate/0.1.0/quux", "/quux/lib-1.0.qx"]
    assert read_names(paths) == [(None, None, None), (None, None, None)]
    entry = '[[path]]\nname = "{0}-quux"\nfallback = 1\ncontains = "{1}"\npattern = \'{2}\'\naction = "download"\nsamples = ["{3}"]'
    append(rules / "packages" / "cargo.toml", entry.format("cargo", "/quux", "/(?P<name>[a-z]+)/(?P<version>[0-9.]+)/quux$", paths[0]))
    new = rules / "packages" / "quux.toml"
    new.write_text(
        'package_type = "quux"\nkeys = [".qx"]\n\n' + entry.format("quux", ".qx", r"/(?P<name>[a-z]+)-(?P<version>[0-9.]+)\.qx$", paths[1])
    )
    forget_rules()
    assert read_names(paths) == [("cargo", "pearcrate", "0.1.0"), ("quux", "lib", "1.0")]


def read_names(paths: list[str]) -> list[tuple[Any, ...]]:
    return classify_paths(pl.Series(paths)).select("package_type", "package_name", "package_version").rows()


# --- formats ---


def test_a_text_format_is_one_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Appended with a real line, it is detected, named and read; the lines of the others stay theirs."""
    sample = "<<2025-06-01T12:00:00+00:00>> 192.0.2.1 asked GET /f.whl -> 200 with pip/25.0"
    quux = text_format(
        "quux",
        "<<$time_iso8601>> $remote_addr asked $request_method $request_uri -> $status with $http_user_agent",
        "quux's text",
        "https://example.org",
        sample,
    )
    log = tmp_path / "quux.log"
    log.write_text(f"{sample}\n" * 9)
    assert FORMATS.get("quux") is None
    monkeypatch.setitem(FORMATS, quux.name, quux)
    assert [check["format"] for check in pullstats("formats", "detect", log, "--format", "json").rows] == ["quux"]
    assert "quux" in pullstats("formats", "list", "--format", "json").out
    take_into(tmp_path / "store", log, key_file=tmp_path / "key", workers=1)
    assert told("report", "--by", "client,status", "--metric", "requests", "--window", "all", "--store", str(tmp_path / "store")) == [
        {"client": "pip", "status": 200, "requests": 9}
    ]


# --- dimensions, counting rules, outputs, questions ---


def test_a_dimension_is_one_object(monkeypatch: pytest.MonkeyPatch, sized: Path) -> None:
    size = pl.when(pl.col("http_response_body_size") > 20).then(pl.lit("large")).otherwise(pl.lit("small"))
    monkeypatch.setitem(DIMENSIONS, "weight", Dimension("weight", lambda _: size, "Whether an answer was large."))
    asked = ("--metric", "requests", "--store", str(sized), "--window", "all")
    assert told("report", "--by", "weight", *asked) == [{"weight": "large", "requests": 3}, {"weight": "small", "requests": 3}]
    assert told("report", "--by", "client", "--where", "weight=large", *asked) == [
        {"client": "uv", "requests": 2},
        {"client": "pip", "requests": 1},
    ]
    assert {row["weight"] for row in told("series", "--by", "weight", *asked)} == {"large", "small"}


def test_a_counting_rule_is_one_object(monkeypatch: pytest.MonkeyPatch, sized: Path) -> None:
    """It counts, stands beside others, says why a request is in or out, and is shown with its text and source."""

    def count(events: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
        return events.filter(pl.col("url_path") == "/f-1.whl").select(*terms.kept, downloads=pl.lit(1, pl.Int64))

    reasons = {"downloads": Reasons((("is another file", pl.col("url_path") != "/f-1.whl"),))}
    rule = CountingRule("quux", 1, "Every request for one file.", "https://example.org", ("downloads",), count, reasons=reasons)
    monkeypatch.setitem(COUNTING_RULES, rule.label, rule)
    asked = ("--metric", "downloads", "--store", str(sized), "--window", "all")
    assert told("report", "--by", "client", "--count-as", "quux", *asked) == [{"client": "uv", "downloads": 3}]
    (both,) = told("report", "--by", "", "--count-as", "quux@1,raw", *asked)
    assert both == {"downloads_quux_1": 3, "downloads_raw_1": 6}
    said = [(row["what"], row["requests"]) for row in told("explain", "--count-as", "quux@1", *asked) if row["part"] == "downloads"]
    assert ("in: counts, each at the request that stands for it", 3) in said
    assert ("out: is another file", 3) in said
    assert "Every request for one file." in pullstats("counts", "show", "quux@1").out


def test_an_output_is_one_function_and_what_it_can_do(monkeypatch: pytest.MonkeyPatch, sized: Path) -> None:
    """Appended, it is offered and chosen, by its name and by the ending of a file; totals and batches as it says."""

    def render(report: Report, options: RenderOptions) -> str:
        return f"{report.frame.height} rows, {options.width}\n"

    monkeypatch.setitem(RENDERERS, "tally", Renderer("tally", "how many rows", (".tally",), render))
    for name in [name for name in sys.modules if name.startswith("pullstats.cli.")]:
        monkeypatch.delitem(sys.modules, name)  # the options of the command line are made of the table when they are first needed
    asked = ["report", "--by", "client", "--store", str(sized), "--window", "all"]
    assert pullstats(*asked, "--format", "tally").out == "2 rows, 100\n"
    target = sized.parent / "found.tally"
    assert run([*asked, "-o", str(target)]) == 0
    assert target.read_text() == "2 rows, 100\n"
    assert run([*asked, "--format", "tally", "--total"]) == 2
    assert "this export is written as csv, ndjson, parquet, not as tally" in " ".join(
        pullstats("export", "--set", "events", "--store", sized, "--format", "tally", code=2).err.split()
    )


def test_a_question_is_one_value_that_answers_for_itself(sized: Path) -> None:
    @dataclass(frozen=True, slots=True)
    class Busiest:
        """The client with the most requests."""

        query: Query

        def answer(self, events: StoreEvents) -> Report:
            plan = resolve(self.query, events)
            found = plan.kept(["user_agent_name"]).group_by("user_agent_name").len("requests").sort("requests", "user_agent_name").tail(1)
            return Report(found.collect(), (Column("user_agent_name", "client", "text"), Column("requests", "requests", "count")))

    assert answer(sized, Busiest(Query(("requests",), window="2025-06-01..2025-06-02", where="client=uv"))).frame.rows() == [("uv", 2)]
