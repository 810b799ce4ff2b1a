"""What is asked of a period, and the sentences that open a document about it: how much, of how many, what changed, whose it is, what is unfinished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from pullstats.metrics import Breakdown, Query, find_unique_metric
from pullstats.metrics.question import Question
from pullstats.metrics.questions.change import Change
from pullstats.metrics.questions.concentration import Concentration
from pullstats.percentages import write_share
from pullstats.reports import Report

TOTALS: Final = "totals"
CHANGE: Final = "change"
CONCENTRATION: Final = "concentration"
OPTIONAL: Final = frozenset({CHANGE, CONCENTRATION})
"""What a document does without where it is refused, as `--min-origins` refuses what tells of a few."""
COUNTED: Final = ("downloads", "downloaders", "checks", "attempts", "requests", "bytes", "errors")
_SILENT: Final = "no verdict: nothing was logged"
"""How a verdict begins where a change would be one of the logs and not of those who ask."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence, and where its numbers stand.

    Attributes:
        text: the sentence; texts of logs in it are as they came.
        question: name of the question whose report holds its numbers.
    """

    text: str
    question: str


def ask_period(query: Query) -> dict[str, Question]:
    """Give the questions that the opening sentences answer.

    Args:
        query: window, filters, zone and rules; its metrics and dimensions are not looked at.
    """
    bare = replace(query, dimensions=(), every=None, limit=0)
    return {
        TOTALS: Breakdown(replace(bare, metrics=COUNTED)),
        CHANGE: Change(replace(bare, metrics=("downloads", find_unique_metric(query.unique_by), "requests"))),
        CONCENTRATION: Concentration(replace(bare, metrics=("downloads",))),
    }


def tell_period(reports: Mapping[str, Report]) -> list[Sentence]:
    """Open a document about a period.

    Args:
        reports: the answers to `ask_period`, by name.
    """
    totals = reports[TOTALS]
    if totals.is_empty:
        return [Sentence(f"No request was found in {name_window(totals)}. {_tell_reach(totals)}", TOTALS), *_tell_unfinished(totals)]
    opening = [Sentence(f"{begin(totals.headline)}, in {name_window(totals)}.", TOTALS)]
    return [*opening, *_tell_days(totals), *_tell_change(reports[CHANGE]), *_tell_few(reports[CONCENTRATION]), *_tell_unfinished(totals)]


def begin(text: str) -> str:
    """Begin a sentence of a report with a capital letter."""
    return text[:1].upper() + text[1:]


def write_sentence(text: str) -> str:
    """Write a sentence of a report with a capital letter and a full stop; nothing of nothing."""
    return f"{begin(text)}." if text else ""


def name_window(report: Report) -> str:
    """Write a window with its first and last day: 2025-03 (2025-03-01 to 2025-03-31, UTC)."""
    window, zone = report.meta["window"], report.meta["tz"]
    ends = [_day(window["start"], zone), _day(window["end"], zone, timedelta(microseconds=1))]
    if ends == [None, None]:
        return f"all that the logs hold ({zone})"
    first, last = (end or word for end, word in zip(ends, ("the beginning", "the newest event"), strict=True))
    return f"{window['label']} ({first} to {last}, {zone})" if first != last else f"{window['label']} ({first}, {zone})"


def _day(moment: str | None, zone: str, back: timedelta = timedelta()) -> str | None:
    return None if moment is None else f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(zone)) - back:%Y-%m-%d}"


def _tell_reach(report: Report) -> str:
    reach, zone = report.meta["completeness"], report.meta["tz"]
    first, newest = (_day(reach[name], zone) for name in ("first_event", "newest_event"))
    return f"The logs reach from {first} to {newest}." if first and newest else "The store holds no events."


def _tell_days(totals: Report) -> list[Sentence]:
    """Say how far uniques are from people: as every count of uniques over more than a day must."""
    share = totals.meta.get("one_day_share")
    told = "of the endpoints were seen on one day only; neither networks, endpoints nor origins are a number of people."
    return [Sentence(f"{write_share(share)} {told}", TOTALS)] if share is not None else []


def _tell_change(change: Report) -> list[Sentence]:
    """Say what changed, and of each metric whether that is beyond the noise; where that is not known, why."""
    if not change.headline:
        return []
    if not change.frame.height:
        return [Sentence(write_sentence(change.headline), CHANGE)]
    sides = {side: change.meta[side]["side"] for side in "ab"}
    verdicts: dict[str, list[str]] = {}
    for metric, verdict in change.frame.select("metric", "verdict").rows():
        verdicts.setdefault(verdict, []).append(metric)
    silence = next((verdict for verdict in verdicts if verdict.startswith(_SILENT)), None)
    if silence is not None:
        return [Sentence(f"No change is told: {silence.removeprefix('no verdict: ')}.", CHANGE)]
    told = "; ".join(f"{', '.join(metrics)}: {verdict}" for verdict, metrics in verdicts.items())
    return [Sentence(f"From {sides['a']} to {sides['b']}: {change.headline}. {begin(told)}.", CHANGE)]


def _tell_few(concentration: Report) -> list[Sentence]:
    return [Sentence(write_sentence(concentration.headline), CONCENTRATION)] if concentration.headline else []


def _tell_unfinished(totals: Report) -> list[Sentence]:
    return [Sentence(write_sentence(str(text)), TOTALS) for text in totals.meta["warnings"]]
