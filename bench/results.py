"""Tables of what was measured, the goals beside them, and the machine it was measured on."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measure import Series

MB = 1_000_000
MOST_MEMORY = 3_000 * MB
SMALL_LOGS = 1_000
LEAST_PACE = 300_000
HEADINGS = ("", "wall s (median)", "min–max", "CPU s", "peak MB", "lines/s", "× the first")


class Goal(NamedTuple):
    """A goal, what came out, and whether it was reached (None: not measured)."""

    text: str
    result: str
    reached: bool | None


def table_rows(series: Sequence[Series]) -> list[tuple[str, ...]]:
    """One row a contestant; ratios are to the first contestant's median wall time."""
    first = series[0].wall if series and series[0].runs else None
    return [_row(one, first) for one in series]


def _row(one: Series, first: float | None) -> tuple[str, ...]:
    if not one.runs:
        return (f"{one.name}: {one.note or 'not run'}", "", "", "", "", "", "")
    low, high = one.spread
    rate = f"{one.lines / one.wall:,.0f}" if one.lines else ""
    return (
        one.name,
        f"{one.wall:.2f}",
        f"{low:.2f}–{high:.2f}",
        f"{one.cpu:.2f}",
        f"{one.peak / MB:,.0f}",
        rate,
        f"{one.wall / first:.2f}" if first else "",
    )


def text_table(rows: Sequence[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Align columns for a terminal."""
    cells = [tuple(headings), *(tuple(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    return "\n".join(
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(zip(row, widths, strict=True)))
        for row in cells
    )


def markdown_table(rows: Sequence[Sequence[str]], headings: Sequence[str] = HEADINGS) -> str:
    """Write a Markdown table, numbers to the right."""
    lines = [headings, ["---"] + ["---:"] * (len(headings) - 1), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in lines)


def goals(groups: dict[str, list[Series]], answers: dict[str, str]) -> list[Goal]:
    """Compare with the goals; only what was measured in this run."""
    ours, goaccess, _regex, csv = _walls(groups, "ingest", 4)
    plain, gz, json_lines, exported, firehose = _walls(groups, "inputs", 5)
    (start,) = _walls(groups, "start", 1)
    small, large = [one if one and one.runs else None for one in (groups.get("growth") or [None, None])]
    peak = ours.peak if ours else None
    rates = [one.lines / one.wall for one in (small, large) if one]
    both = small is not None and large is not None
    return [
        _ratio("ingest ≥ 10 × GoAccess's pace (goal 15, direction 25)", goaccess, ours, lambda value: value >= 10, "{:.1f} ×"),
        _ratio("ingest not slower than DuckDB read_csv → Parquet", ours, csv, lambda value: value <= 1, "{:.2f} × its time"),
        Goal("ingest's peak memory < 1.5 GB", f"{peak / MB:,.0f} MB" if peak else "not measured", peak < 1500 * MB if peak else None),
        _ratio("gz input ≤ 1.25 × plain", gz, plain, lambda value: value <= 1.25, "{:.2f} ×"),
        _pace("JSON input ≥ 400,000 lines/s", json_lines),
        _pace("CloudWatch export ≥ 400,000 lines/s", exported),
        _pace("CloudWatch Firehose ≥ 400,000 lines/s", firehose),
        *(goal for name in QUESTIONS for goal in _question(name, groups, answers)),
        _questions_peak(groups),
        Goal(
            "`pullstats --help` < 150 ms",
            f"{start.wall * 1000:.0f} ms" if start else "not measured",
            start.wall < 0.15 if start else None,
        ),
        Goal(
            "lines/s at 4 × the lines within 5 %",
            f"{rates[1] / rates[0]:.2f} × the pace" if both else "not measured",
            rates[1] / rates[0] >= 0.95 if both else None,
        ),
        Goal(
            "peak memory flat in input size",
            f"{large.peak / small.peak:.2f} × at 4 × the lines" if small and large else "not measured",
            large.peak <= small.peak * 1.15 if small and large else None,
        ),
        _small(groups),
        _slowest(groups),
    ]


def _question(name: str, groups: dict[str, list[Series]], answers: dict[str, str]) -> list[Goal]:
    """Whether a question is answered in time, not slower than by SQL, and alike."""
    question = QUESTIONS[name]
    ours, *others = _walls(groups, name, 2 if question.query else 1)
    title = question.title[0].lower() + question.title[1:]
    in_time = Goal(
        f"{title}: < {question.most:g} s, whole process",
        f"{ours.wall:.2f} s" if ours else "not measured",
        ours.wall < question.most if ours else None,
    )
    if not question.query:
        return [in_time]
    (sql,) = others
    return [
        in_time,
        _ratio("… not slower than the same as SQL in DuckDB", ours, sql, lambda value: value <= 1, "{:.2f} × its time"),
        _same("… the same answer", answers.get(name)),
    ]


def _questions_peak(groups: dict[str, list[Series]]) -> Goal:
    peak = max((series[0].peak for name, series in groups.items() if name in QUESTIONS and series[0].runs), default=0)
    return Goal(
        f"no question needs more than {MOST_MEMORY / MB:,.0f} MB",
        f"{peak / MB:,.0f} MB" if peak else "not measured",
        peak <= MOST_MEMORY if peak else None,
    )


def _small(groups: dict[str, list[Series]]) -> Goal:
    (logs,) = _walls(groups, "small", 1)
    cost = logs.wall * 1000 / SMALL_LOGS if logs else None
    return Goal("1,000 small logs: < 5 ms a log, start-up included", f"{cost:.1f} ms" if cost else "not measured", cost < 5 if cost else None)


def _slowest(groups: dict[str, list[Series]]) -> Goal:
    """Find the format that is read slowest."""
    paces = {series.name: series.lines / series.wall for series in groups.get("formats", []) if series.runs}
    name = min(paces, key=lambda name: paces[name], default=None)
    text = f"every format ≥ {LEAST_PACE:,} lines/s, whole process"
    return (
        Goal(text, f"{sum(pace >= LEAST_PACE for pace in paces.values())} of {len(paces)}; {name} {paces[name]:,.0f}", paces[name] >= LEAST_PACE)
        if name
        else Goal(text, "not measured", None)
    )


def _pace(text: str, series: Series | None) -> Goal:
    pace = series.lines / series.wall if series else None
    return Goal(text, f"{pace:,.0f}" if pace else "not measured", pace >= 400_000 if pace else None)


def _same(text: str, answer: str | None) -> Goal:
    return Goal(text, answer or "not measured", answer.startswith("equal") if answer else None)


def _walls(groups: dict[str, list[Series]], name: str, count: int) -> list[Series | None]:
    found = [one if one.runs else None for one in groups.get(name, [])]
    return [*found, *[None] * (count - len(found))]


def _ratio(text: str, over: Series | None, under: Series | None, test: object, shape: str) -> Goal:
    if over is None or under is None:
        return Goal(text, "not measured", None)
    value = over.wall / under.wall
    return Goal(text, shape.format(value), bool(test(value)))  # type: ignore[operator]


def goal_rows(found: Sequence[Goal]) -> list[tuple[str, str, str]]:
    """Goals as table rows."""
    return [(goal.text, goal.result, {True: "yes", False: "NO", None: "–"}[goal.reached]) for goal in found]


def machine() -> list[tuple[str, str]]:
    """CPU, cores, memory, kernel and versions of everything measured."""
    facts = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next(
        (line.partition(":")[2].strip() for line in facts.splitlines() if line.startswith("model name")),
        platform.processor() or "unknown",
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    return [
        ("CPU", model),
        ("cores", str(os.cpu_count())),
        ("memory", f"{memory:.1f} GB"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("GoAccess", _goaccess()),
        *((name, _package(name)) for name in ("pullstats", "polars", "pyarrow", "deltalake", "duckdb")),
    ]


def _package(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _goaccess() -> str:
    if not shutil.which("goaccess"):
        return "not installed"
    told = subprocess.run(("goaccess", "--version"), capture_output=True, text=True, check=False).stdout
    return told.splitlines()[0].removeprefix("GoAccess - ").rstrip(".") if told else "unknown"
