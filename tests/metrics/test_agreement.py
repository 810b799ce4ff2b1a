"""Whatever is asked of whatever traffic: one name is one number in headline, column, total row, CSV, JSON and Markdown, and in every report."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pullstats.metrics import COUNTING_RULES, METRICS, Breakdown, Query
from pullstats.metrics.levels import UNIQUE_LEVELS
from pullstats.metrics.questions.compare import Comparison
from pullstats.metrics.questions.concentration import Concentration
from pullstats.metrics.questions.daily import DAILY_METRICS, Daily
from pullstats.metrics.questions.explain import Explanation
from pullstats.metrics.questions.origins import Origins
from pullstats.metrics.questions.uniques import Uniques
from pullstats.pipeline.answer import answer
from pullstats.render import RenderOptions, render
from pullstats.reports import Report
from support.command import take_into
from support.effort import some
from support.traffic import make_logs

RULES = tuple(COUNTING_RULES)
WHERE = (None, None, "client=pip or client=docker", "status<400", "status=401", "country is null", "ecosystem=pypi and not status=304")
BY = (("package",), ("client", "arch"), ("country",), ("weekday",), ("source",), ("status",), ("action", "ecosystem", "method"))
ADDITIVE = ("requests", "bytes", "checks", "attempts", "errors", "sessions", "invocations", "pulls", "missing")


@dataclass(frozen=True)
class Asked:
    """A question of a store."""

    store: Path
    query: Query

    def ask(self, question: Any, *given: Any, **changes: Any) -> Report:
        """Ask it as a report, or as another kind of question, with something changed."""
        return answer(self.store, question(replace(self.query, **changes), *given))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("agreement")
    for name, lines in zip("ab", make_logs(3, 700), strict=True):
        (folder / f"{name}.log").write_bytes(b"".join(lines))
    take_into(folder / "store", folder / "a.log", folder / "b.log", key_file=folder / "key")
    return folder / "store"


@pytest.fixture(params=some(range(8), 4))
def asked(request: pytest.FixtureRequest, store: Path) -> Asked:
    """Ask one of many questions: a rule or two, a level, a filter, a zone."""
    chance = random.Random(request.param)
    return Asked(
        store,
        Query(
            ("downloads", "downloaders", *chance.sample(ADDITIVE, 2)),
            chance.choice(BY),
            window=chance.choice(("all", "2025-10", "2025-03-25..2025-04-02")),
            where=chance.choice(WHERE),
            count_as=(chance.choice(RULES),),
            unique_by=chance.choice(("origin", "origin", "endpoint", "network", "user", "org")),
            tz=chance.choice(("UTC", "Europe/Berlin")),
            limit=chance.choice((0, 2)),
            has_total=True,
        ),
    )


def read(report: Report, form: str) -> list[dict[str, Any]]:
    """Read the rows of a format back, as texts."""
    shown = replace(report, frame=report.flat[0], columns=report.flat[1]) if report.flat else report
    text = str(render(shown, form, RenderOptions()))
    if form == "csv":
        return list(csv.DictReader(io.StringIO(text)))
    if form == "json":
        return [{name: "" if value is None else str(value) for name, value in row.items()} for row in json.loads(text)]
    lines = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.split("\n\n", maxsplit=1)[0].splitlines()]
    names = [column.name for column in shown.columns if column.kind != "spark"]
    return [dict(zip(names, line, strict=True)) for line in lines[2:]]


def find_number(words: str, headline: str) -> int | None:
    found = re.search(rf"(?<![0-9,])([0-9,]+) {words}\b", headline)
    return int(found[1].replace(",", "")) if found else None


def test_every_format_and_the_headline_tell_the_totals(asked: Asked) -> None:
    """The row of totals is that of `meta.totals`; additive columns sum up to it, the row of the others included."""
    for changes in ({}, {"every": "w"}, {"dimensions": (), "every": "d"}):
        report = asked.ask(Breakdown, **changes)
        totals = report.meta["totals"]
        if not report.frame.height:
            continue
        rows = {form: read(report, form) for form in ("csv", "json", "md")}
        if report.flat is None:
            shown = [{name: value for name, value in row.items() if name in totals} for row in rows["md"]]
            assert shown == [{name: value for name, value in row.items() if name in totals} for row in rows["csv"]]
        for form in ("csv", "json"):
            *parts, last = rows[form]
            assert {name: last[name] for name in totals} == {name: "" if value is None else str(value) for name, value in totals.items()}
            for metric in asked.query.metrics:
                if METRICS[metric].additive and totals[metric] is not None:
                    assert sum(int(row[metric] or 0) for row in parts) == totals[metric], (form, metric)
                elif totals[metric] is not None:
                    assert max(int(row[metric] or 0) for row in parts) <= totals[metric] <= sum(int(row[metric] or 0) for row in parts)
        table = str(render(report, "table", RenderOptions(width=400)))
        assert table.startswith(report.headline + "\n")
        if report.flat is None:
            cells = next(line for line in table.splitlines() if line.startswith(("total", "all rows"))).split()
            assert {f"{value:,}" for name, value in totals.items() if value is not None and METRICS[name].kind == "count"} <= set(cells)
        if totals["downloads"] is not None:
            assert find_number("downloads?", report.headline) == totals["downloads"]
            assert find_number("downloaders?", report.headline) == totals["downloaders"]


def test_every_report_tells_the_same_numbers(asked: Asked) -> None:
    """Downloads, downloaders and who asked, from seven reports."""
    report = asked.ask(Breakdown)
    level = UNIQUE_LEVELS[asked.query.unique_by].replace("-", "_")
    taken, takers, who = report.meta["totals"]["downloads"], report.meta["totals"]["downloaders"], report.meta["asked"][level]
    bare = {"dimensions": (), "limit": 0, "has_total": False}
    one = {"metrics": ("downloads",)}
    # Who asked: the headline, uniques, the list of origins, and as many in a column of that name.
    assert asked.ask(Uniques, **bare, metrics=()).frame[level].item() == who
    listed = asked.ask(Origins, **bare, metrics=("downloads", "requests"))
    assert listed.frame.height == who == find_number(r"\w+", listed.headline)
    assert asked.ask(Breakdown, **bare, metrics=(METRICS_OF[level],)).frame[level].to_list() in ([who], [])
    # Who took: those of the list that took something, those that a concentration is spread over.
    if taken is None:
        return
    assert (listed.frame["downloads"] > 0).sum() == takers
    spread = asked.ask(Concentration, **bare, **one)
    whole = spread.frame.filter(spread.frame["measure"] == "all")
    assert whole[level].item() == takers
    assert whole["downloads"].item() + spread.meta["unattributed"] == taken == listed.frame["downloads"].sum() + spread.meta["unattributed"]
    # What was taken: the ledger of each explanation, the days of the export, both sides of a comparison.
    told = asked.ask(Explanation, **bare, metrics=("downloads", "downloaders"))
    ledger = told.frame.filter((told.frame["part"] == "downloads") & told.frame["what"].str.starts_with("in:"))
    assert ledger["requests"].sum() == taken
    assert {"downloads": taken, "downloaders": takers} == told.meta["totals"]
    assert asked.ask(Daily, **bare, metrics=DAILY_METRICS).frame["downloads"].sum() == taken
    if asked.query.where:
        sides = asked.ask(Comparison, asked.query.where, asked.query.where, where=None, metrics=("downloads", "downloaders"), dimensions=())
        assert sides.frame.select("a", "b").rows() == [(taken, taken), (takers, takers)]


METRICS_OF = {name.replace("-", "_"): name for name in METRICS}


def test_two_rules_side_by_side_tell_what_each_tells_alone(asked: Asked) -> None:
    rules = ("pullstats@2", "docker-dvp@1", "raw@1")
    both = asked.ask(Breakdown, count_as=rules, metrics=("downloads", "downloaders"), limit=0)
    for rule in rules:
        alone = asked.ask(Breakdown, count_as=(rule,), metrics=("downloads", "downloaders"), limit=0)
        for name in ("downloads", "downloaders"):
            key = re.sub(r"[^a-z0-9]+", "_", f"{name}@{rule}")
            assert both.meta["totals"][key] == alone.meta["totals"][name]
        count = both.meta["totals"][re.sub(r"[^a-z0-9]+", "_", f"downloads@{rule}")]
        if count is not None:
            who = alone.meta["totals"]["downloaders"]
            words = f"{count:,} {'download' if count == 1 else 'downloads'} by {who:,} {'downloader' if who == 1 else 'downloaders'} {rule}"
            assert words in both.headline
