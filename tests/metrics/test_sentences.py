"""Sentences that answers and refusals print: each where it is true, and not where it is false; and none that no test knows."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pullstats.errors import PullstatsError
from pullstats.metrics import Breakdown, Extent, Query
from pullstats.metrics.levels import LEVELS
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.questions.concentration import Concentration
from pullstats.metrics.questions.explain import Explanation
from pullstats.metrics.questions.uniques import Uniques
from pullstats.render import RenderOptions, render, write_output
from support.crowd import NOON, Row, ask, ask_of, make_events, manifest, request
from support.places import ROOT, TESTS

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)

ROWS: list[Row] = [
    request(NOON, 1),
    request(NOON + HOUR, 1, method="HEAD"),
    request(NOON + 2 * HOUR, 2, method="POST", action="upload", counts=False),
    request(NOON + 3 * HOUR, 2, package=None, action="index", counts=False),
    request(NOON + 4 * HOUR, 3, status=404),
    manifest(NOON + 5 * HOUR, 4, "GET", "1.0"),
    request(NOON + 5 * HOUR + SECOND, 4, ecosystem="oci", action="blob", counts=False, package="acme/app"),
    request(NOON + DAY, 1),
]


def words_of(question: Any, *given: Any, rows: list[Row] | None = None, **options: Any) -> str:
    """Give all that is printed of an answer, or the refusal, in one line."""
    try:
        report = ask(question, ROWS if rows is None else rows, *given, **{"metrics": ("requests",), **options})
    except PullstatsError as error:
        return " ".join(str(error).split())
    return " ".join(str(render(report, "table", RenderOptions(width=1000))).split())


def report(**options: Any) -> str:
    return words_of(Breakdown, **options)


def explain(**options: Any) -> str:
    return words_of(Explanation, **options)


def compare_mondays(silent: int | None) -> str:
    """Compare the last two of six Mondays of a log that speaks every ten minutes, but for hours of one of them."""
    times = [NOON + number * timedelta(minutes=10) for number in range(6 * 7 * 144)]
    times = [time for time in times if silent is None or not silent <= (time - NOON) / HOUR < silent + 14]
    rows = [request(time, 1) for time in times]
    frame = make_events(rows)

    def scan(columns: Any, start: Any, end: Any) -> pl.LazyFrame:
        lazy = frame.lazy().filter(pl.col("timestamp") >= start) if start else frame.lazy()
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    sources = pl.DataFrame({"source_id": ["log"], "name": ["access.log"], "first": [times[0]], "last": [times[-1]]})
    question = Comparison(Query(("requests",), is_shifting=False), "2025-03-31", "2025-04-07")
    return str(ask_of(question, scan, Extent(times[0], times[-1], sources, len(times)), times[-1]).frame["verdict"].item())


SENTENCES: dict[str, tuple[Callable[[], str], Callable[[], str]]] = {
    "the logs have a gap in '2025-03-31'": (lambda: compare_mondays(28 * 24 - 10), lambda: compare_mondays(None)),
    "no verdict: the store is empty": (
        lambda: words_of(Comparison, "2025-03-03", "2025-03-10", rows=[]),
        lambda: words_of(Comparison, "2025-03-03", "2025-03-10"),
    ),
    "estimates of a HyperLogLog sketch": (lambda: words_of(Uniques, LEVELS, True), lambda: words_of(Uniques, LEVELS, False)),
    "'ci' is compared with true or false": (lambda: report(where="ci=maybe"), lambda: report(where="ci=true")),
    "'asn' is compared with a whole number": (lambda: report(where="asn=many"), lambda: report(where="asn=64500")),
    "--rolling 'week' is no span; write 7d, 24h, 4w or 3mo": (lambda: report(every="d", rolling="week"), lambda: report(every="d", rolling="7d")),
    "or metrics without uniques": (
        lambda: report(rows=[request(NOON, 1), request(NOON + DAY, 1, epoch=2)], metrics=("origins",)),
        lambda: report(metrics=("origins",)),
    ),
    "It may be added up.": (explain, lambda: explain(metrics=("origins",))),
    "It is never added up: a total is computed anew.": (lambda: explain(metrics=("origins",)), explain),
    "from no bound up to, not including, no bound": (explain, lambda: explain(window="2025-03-03")),
    "the report folds smaller rows into other, its totals stay; no samples here": (lambda: explain(min_origins=1), explain),
    "columns derived by rules of an unknown version": (lambda: explain(rule_sets={"": 3}), lambda: explain(rule_sets={"abc": 3})),
    "names no package": (lambda: explain(metrics=("downloads",)), lambda: explain(metrics=("downloads",), where="package is not null")),
    "is neither GET nor HEAD: uploads and the like": (
        lambda: explain(metrics=("downloads",)),
        lambda: explain(metrics=("downloads",), where="method!=POST"),
    ),
    "is a HEAD for a file": (lambda: explain(metrics=("downloads",)), lambda: explain(metrics=("downloads",), where="method!=HEAD")),
    "takes a blob": (lambda: explain(metrics=("downloads",)), lambda: explain(metrics=("downloads",), where="action!=blob")),
    "takes the file: a download, no check": (lambda: explain(metrics=("checks",)), lambda: explain(metrics=("checks",), where="action!=download")),
    "counted below the line alone": (lambda: explain(metrics=("error-rate",)), lambda: explain(metrics=("errors",))),
    "counted above and below the line": (lambda: explain(metrics=("error-rate",)), lambda: explain(metrics=("errors",))),
    "does not divide a day; write 5m, 15m, 1h, 6h, 12h or the like": (lambda: report(every="7h"), lambda: report(every="6h")),
    "gives more than 100,000 buckets; choose a larger one or a shorter --window": (
        lambda: report(every="5m", rows=[request(NOON, 1), request(NOON + 400 * DAY, 1)]),
        lambda: report(every="d", rows=[request(NOON, 1), request(NOON + 400 * DAY, 1)]),
    ),
    "a window is missing": (lambda: report(window=" "), report),
    "ends before it starts": (lambda: report(window="2025-03-04..2025-03-03"), lambda: report(window="2025-03-03..2025-03-04")),
    "ends when it begins": (lambda: report(window="09:00-09:00"), lambda: report(window="09:00-09:30")),
    "'day-ish' is no day of the week": (lambda: report(window="every day-ish"), lambda: report(window="every monday")),
    "95 % interval from": (
        lambda: words_of(Comparison, "2025-03-03", "2025-03-04"),
        lambda: words_of(Comparison, "2025-03-03", "2025-03-04", dimensions=("client",)),
    ),
    "detectable rise": (
        lambda: words_of(Comparison, "2025-03-03", "2025-03-04"),
        lambda: words_of(Comparison, "2025-03-03", "2025-03-04", dimensions=("client",)),
    ),
    "hours missing": (lambda: report(every="d"), report),
    "requests without them": (lambda: words_of(Concentration), report),
}


@pytest.mark.parametrize("words", SENTENCES)
def test_a_sentence_is_printed_where_it_is_true_alone(words: str) -> None:
    true, false = SENTENCES[words]
    assert words in true()
    assert words not in false()


def test_a_folder_is_no_file_to_write_to(tmp_path: Path) -> None:
    with pytest.raises(PullstatsError, match="is a folder; name a file with -o"):
        write_output("x", tmp_path)
    write_output("x", tmp_path / "file")
    assert (tmp_path / "file").read_text() == "x"


# Every sentence of the code is known to some test: a dozen letters of it in a row stand there.

LEAST = 12


def list_sentences(path: Path) -> Iterator[tuple[int, str]]:
    """Give the constant parts, of several words, of the texts of a module that are no docstrings and no heads of columns: line and text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    heads = [node.args for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Column"]
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)} | {id(part) for head in heads for part in head}
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found = [part.value for part in node.values if isinstance(part, ast.Constant) and isinstance(part.value, str)]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (alone | parts):
            found = [node.value]
        else:
            continue
        said = [
            text for text in (one.strip() for one in found) if len(text) >= LEAST and re.fullmatch(r"[\w ,.;:'()=–·/+<>-]+", text) and " " in text
        ]
        if said:
            yield node.lineno, max(said, key=len)


def test_no_sentence_of_an_answer_is_without_a_test() -> None:
    known = " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in TESTS.rglob("*.py"))
    unknown = []
    for path in (
        path for folder in ("answers", "comparing", "over_time", "questions") for path in (ROOT / "pullstats" / "metrics" / folder).glob("*.py")
    ):
        for line, text in list_sentences(path):
            if not any(text[start : start + LEAST] in known for start in range(len(text) - LEAST + 1)):
                unknown.append(f"{path.name}:{line} {text}")
    assert unknown == []
