"""The questions of a period and its opening sentences: every number is one of a report, and what is not known is not said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from pullstats.errors import UsageError
from pullstats.metrics import Breakdown, Query
from pullstats.metrics.questions.change import Change
from pullstats.pipeline.answer import answer, answer_all
from pullstats.publish.period import CHANGE, OPTIONAL, ask_period, tell_period
from support.crowd import NOON, Row, ask, request

DAY = timedelta(days=1)


def downloads(*counts: int) -> list[Row]:
    """Make so many downloads a day, from the first of March on, each of another file."""
    first = NOON.replace(day=1)
    return [
        request(first + DAY * day + timedelta(minutes=number), who=number, path=f"/f-{number}.whl")
        for day, count in enumerate(counts)
        for number in range(count)
    ]


def test_a_window_is_set_beside_as_many_days_before() -> None:
    report = ask(Change, downloads(1, 2, 3, 4, 5, 6, 1), metrics=("downloads", "origins"), window="2025-03-04..2025-03-06", now=NOON + 9 * DAY)
    assert report.meta["a"]["side"] == "2025-03-01..2025-03-03"
    assert report.frame.select("metric", "a", "b").rows() == [("downloads", 6, 15), ("origins", 3, 6)]


def test_a_month_is_set_beside_the_month_before() -> None:
    report = ask(Change, [*downloads(2), request(NOON + 31 * DAY)], metrics=("downloads",), window="2025-03", now=NOON + 90 * DAY)
    assert [report.meta[side]["side"] for side in "ab"] == ["2025-02-01..2025-02-28", "2025-03-01..2025-03-31"]


def test_a_day_that_is_not_over_is_left_out_of_both_sides() -> None:
    report = ask(Change, downloads(1, 2, 3, 4, 5), metrics=("downloads",), window="3d", now=NOON.replace(day=5))
    assert report.meta["b"]["side"] == "2025-03-03..2025-03-04"
    assert report.frame.select("a", "b").row(0) == (3, 7)


@pytest.mark.parametrize("window", ["all", "every monday 2025-03", "today"])
def test_where_nothing_lies_before_no_change_is_told(window: str) -> None:
    report = ask(Change, downloads(1, 2), metrics=("downloads",), window=window, now=NOON.replace(day=2, hour=13))
    assert report.headline.startswith("no change is told")
    assert not report.frame.height


def test_sentences_hold_the_numbers_of_their_reports(sample_store: Path) -> None:
    query = Query(("downloads",), window="all")
    questions = ask_period(query)
    reports = answer_all(sample_store, questions, OPTIONAL)
    told = tell_period(reports)
    assert told[0].text.startswith(answer(sample_store, questions["totals"]).headline)
    assert {sentence.question for sentence in told} == set(questions)
    assert any(reports["concentration"].headline[1:] in sentence.text for sentence in told)


def test_an_empty_window_is_told_alone(sample_store: Path) -> None:
    told = tell_period(answer_all(sample_store, ask_period(Query(("downloads",), window="1999")), OPTIONAL))
    assert told[0].text == "No request was found in 1999 (1999-01-01 to 1999-12-31, UTC). The logs reach from 2015-05-17 to 2026-11-23."
    assert not any("downloads" in sentence.text for sentence in told)


def test_what_is_refused_is_said_in_its_place(sample_store: Path) -> None:
    questions = ask_period(Query(("downloads",), window="all", min_origins=5))
    reports = answer_all(sample_store, questions, OPTIONAL)
    assert "takes no --min-origins" in next(sentence.text for sentence in tell_period(reports) if sentence.question == "concentration")
    with pytest.raises(UsageError, match="min-origins"):
        answer_all(sample_store, questions)


def test_a_window_that_is_none_is_refused_even_so(sample_store: Path) -> None:
    with pytest.raises(UsageError, match="soonish"):
        answer_all(sample_store, ask_period(Query(("downloads",), window="soonish")), OPTIONAL)


def test_a_verdict_is_told_of_the_metrics_it_is_of() -> None:
    questions = ask_period(Query((), window="2025-03-03..2025-03-04"))
    rows = downloads(1, 2, 3, 4, 1)
    reports = {name: ask(lambda _, question=question: question, rows, now=NOON + 9 * DAY) for name, question in questions.items()}
    told = next(sentence.text for sentence in tell_period(reports) if sentence.question == CHANGE)
    assert told.startswith("From 2025-03-01..2025-03-02 to 2025-03-03..2025-03-04: downloads 3 → 7 (+133.3 %)")
    assert "Downloads, origins, requests: no verdict: " in told


def test_of_a_time_without_logs_no_change_is_told(sample_store: Path) -> None:
    reports = answer_all(sample_store, ask_period(Query((), window="2018-01..2018-08")), OPTIONAL)
    told = [sentence.text for sentence in tell_period(reports) if sentence.question == CHANGE]
    assert told == ["No change is told: nothing was logged in '2017-05-01..2017-12-31'."]


def test_questions_asked_together_answer_as_each_does_alone(sample_store: Path) -> None:
    """What they find alike is found once: with other filters, windows, levels and zones something else."""
    base = Query(("downloads", "requests"), dimensions=("class",), window="2018", limit=5)
    asked = {
        "one": base,
        "filtered": replace(base, where="status=200"),
        "later": replace(base, window="2018-03"),
        "networks": replace(base, unique_by="network"),
        "elsewhere": replace(base, tz="Pacific/Auckland"),
        "again": base,
    }
    questions = {name: Breakdown(query) for name, query in asked.items()}
    together = answer_all(sample_store, questions)
    for name, question in questions.items():
        alone = answer(sample_store, question)
        assert together[name].frame.equals(alone.frame)
        assert (together[name].headline, together[name].footer) == (alone.headline, alone.footer)
