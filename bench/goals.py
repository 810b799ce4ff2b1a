"""What was aimed at, and what came out; a goal names what passes, and behind it what is wished for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from questions import QUESTIONS
from results import LEAST_PACE, MB, MOST_MEMORY, SMALL_LOGS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measure import Series

Groups: TypeAlias = "Mapping[str, Sequence[Series]]"


class Goal(NamedTuple):
    """A goal, what came out, and whether it was reached (None: not measured)."""

    text: str
    result: str
    reached: bool | None


def goals(groups: Groups, answers: Mapping[str, str]) -> list[Goal]:
    """Compare with the goals; only what was measured in this run."""
    return [*_ingest(groups), *(goal for name in QUESTIONS for goal in _question(name, groups, answers)), _questions_peak(groups), *_short(groups)]


def goal_rows(found: Sequence[Goal]) -> list[tuple[str, str, str]]:
    """Goals as table rows."""
    return [(goal.text, goal.result, {True: "yes", False: "NO", None: "–"}[goal.reached]) for goal in found]


def _ingest(groups: Groups) -> list[Goal]:
    ours, goaccess, _regex, csv = _series(groups, "ingest", 4)
    million, other = _series(groups, "million", 2)
    plain, gz, *shapes = _series(groups, "inputs", 5)
    (distinct,) = _series(groups, "distinct", 1)
    small, large = _series(groups, "growth", 2)
    return [
        _at_least("ingest of 3,000,000 lines ≥ 9 × GoAccess's pace (12)", _over(goaccess, ours), 9, "{:.1f} ×"),
        _at_least("ingest of 1,000,000 lines ≥ 8 × GoAccess's pace (10)", _over(other, million), 8, "{:.1f} ×"),
        _at_most("ingest not slower than DuckDB read_csv → Parquet", _over(ours, csv), 1, "{:.2f} × its time"),
        _at_least("12,000,000 lines ≥ 900,000 lines/s (1.2 million)", _pace(large), 900_000),
        _at_most("gz input ≤ 1.25 × plain", _over(gz, plain), 1.25, "{:.2f} ×"),
        *(
            _at_least(f"{name} ≥ 400,000 lines/s (600,000)", _pace(one), 400_000)
            for name, one in zip(("JSON", "CloudWatch export", "CloudWatch Firehose"), shapes, strict=True)
        ),
        *(_at_least(f"{one.name} ≥ 300,000 lines/s (400,000)", _pace(one), LEAST_PACE) for one in groups.get("vendors", ()) if one.runs),
        _slowest(groups),
        _at_most("400,000 lines all distinct: ≤ 40 µs of CPU a line (20)", distinct and distinct.cpu / distinct.lines * 1e6, 40, "{:.0f} µs"),
        _at_most("… ≤ 800 MB", distinct and distinct.peak / MB, 800, "{:,.0f} MB"),
        _at_most("ingest's peak memory ≤ 800 MB", ours and ours.peak / MB, 800, "{:,.0f} MB"),
        _at_most("peak memory flat in input size", small and large and large.peak / small.peak, 1.15, "{:.2f} × at 4 × the lines"),
        _at_least(
            "lines/s at 4 × the lines within 5 %",
            large and small and large.lines / large.wall / (small.lines / small.wall),
            0.95,
            "{:.2f} × the pace",
        ),
    ]


def _short(groups: Groups) -> list[Goal]:
    (start,) = _series(groups, "start", 1)
    known, fresh, report = _series(groups, "short", 3)
    first, last, after_appends, after_one = _series(groups, "appends", 4)
    (logs,) = _series(groups, "small", 1)
    return [
        _at_most("`pullstats --help` < 150 ms", start and start.wall * 1000, 150, "{:.0f} ms"),
        _at_most("a log that is known ≤ 0.6 s (0.4)", known and known.wall, 0.6, "{:.2f} s"),
        _at_most("200 lines into a new store ≤ 0.9 s (0.5)", fresh and fresh.wall, 0.9, "{:.2f} s"),
        _at_most("report on it ≤ 0.5 s (0.35)", report and report.wall, 0.5, "{:.2f} s"),
        _at_most("the 1,000th append ≤ 1.05 × the first (1)", _over(last, first), 1.05, "{:.2f} ×"),
        _at_most("a report after 300 appends ≤ 1.1 × after one ingest (1)", _over(after_appends, after_one), 1.1, "{:.2f} ×"),
        _at_most("1,000 small logs: < 5 ms a log, start-up included", logs and logs.wall * 1000 / SMALL_LOGS, 5, "{:.1f} ms"),
    ]


def _question(name: str, groups: Groups, answers: Mapping[str, str]) -> list[Goal]:
    """Whether a question is answered in time, not slower than by SQL, and alike."""
    question = QUESTIONS[name]
    ours, sql = _series(groups, name, 2)
    title = question.title[0].lower() + question.title[1:]
    in_time = _at_most(f"{title}: ≤ {question.most:g} s, whole process", ours and ours.wall, question.most, "{:.2f} s")
    if not question.query:
        return [in_time]
    most = f"at most {question.ratio:g} × " if question.ratio != 1 else "not slower than "
    answer = answers.get(name)
    return [
        in_time,
        _at_most(f"… {most}the same as SQL in DuckDB", _over(ours, sql), question.ratio, "{:.2f} × its time"),
        Goal("… the same answer", answer or "not measured", answer.startswith("equal") if answer else None),
    ]


def _questions_peak(groups: Groups) -> Goal:
    peak = max((series[0].peak for name, series in groups.items() if name in QUESTIONS and series[0].runs), default=0)
    return _at_most(f"no question needs more than {MOST_MEMORY / MB:,.0f} MB", peak / MB or None, MOST_MEMORY / MB, "{:,.0f} MB")


def _slowest(groups: Groups) -> Goal:
    """Find the format that is read slowest."""
    paces = {series.name: series.lines / series.wall for series in groups.get("formats", []) if series.runs}
    name = min(paces, key=lambda name: paces[name], default=None)
    text = f"every format ≥ {LEAST_PACE:,} lines/s, whole process"
    if name is None:
        return Goal(text, "not measured", None)
    return Goal(text, f"{sum(pace >= LEAST_PACE for pace in paces.values())} of {len(paces)}; {name} {paces[name]:,.0f}", paces[name] >= LEAST_PACE)


def _series(groups: Groups, name: str, count: int) -> list[Series | None]:
    found = [one if one.runs else None for one in groups.get(name, [])][:count]
    return [*found, *[None] * (count - len(found))]


def _over(one: Series | None, other: Series | None) -> float | None:
    return one.wall / other.wall if one and other else None


def _pace(one: Series | None) -> float | None:
    return one.lines / one.wall if one else None


def _at_most(text: str, value: float | None, most: float, shape: str) -> Goal:
    return Goal(text, shape.format(value), value <= most) if value else Goal(text, "not measured", None)


def _at_least(text: str, value: float | None, least: float, shape: str = "{:,.0f}") -> Goal:
    return Goal(text, shape.format(value), value >= least) if value else Goal(text, "not measured", None)
