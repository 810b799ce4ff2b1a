"""The parts of a letter: which report each is told from, in which sentences, with which table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, Final
from zoneinfo import ZoneInfo

import polars as pl

from pullstats.publish.letter.letter import Letter, Section, choose_columns
from pullstats.publish.letter.questions import DAYS, LOST_ORGS, NEW_ORGS, PACKAGES, UNKNOWN, VERSIONS
from pullstats.publish.period import CHANGE, CONCENTRATION, TOTALS, Sentence, name_window, tell_period, write_sentence
from pullstats.reports import Report

_HEADINGS: Final = {CHANGE: "What changed", CONCENTRATION: "How much a few make up"}
_CAVEATS: Final = "What to keep in mind"
_NAMED: Final = 3
_FINAL: Final = "final"
_MARKS: Final = {
    "gap": "that hold a gap of the logs",
    "partial": "that are not whole in the logs",
    _FINAL: "of which logs may still come in",
}
"""What marks of a series say of a day."""
_SPANS: Final = 5
"""Spans of days that are named."""
_UNSHOWN: Final = "whether they grew"
"""How the warning begins that is of columns no letter shows."""
_ORG_COLUMNS: Final = ("org", "networks", "downloads", "origins", "taken")


def write_letter(reports: Mapping[str, Report], commands: Mapping[str, str], title: str | None = None) -> Letter:
    """Write a letter.

    Args:
        reports: the answers to its questions, by name.
        commands: what prints each, by name.
        title: its title; None for the usual one.
    """
    totals = reports[TOTALS]
    opening = [(name, list(part)) for name, part in groupby(tell_period(reports), lambda sentence: sentence.question)]
    sections = [_open(name, part, commands, is_first=not place) for place, (name, part) in enumerate(opening)]
    if not totals.is_empty:
        caveats = sections[-1:] if sections[-1].heading == _CAVEATS else []
        told = sections[: len(sections) - len(caveats)]
        quality = [*caveats, *_tell_quality(reports, commands)]
        sections = [*told, *_tell_tables(reports, commands), *(replace(one, heading="" if place else _CAVEATS) for place, one in enumerate(quality))]
    return Letter(f"Downloads, {name_window(totals)}" if title is None else title, sections, totals.is_empty)


def _open(name: str, sentences: Sequence[Sentence], commands: Mapping[str, str], *, is_first: bool) -> Section:
    heading = "" if is_first else _HEADINGS.get(name, _CAVEATS)
    return Section(heading, [sentence.text for sentence in sentences], commands[name])


def _tell_tables(reports: Mapping[str, Report], commands: Mapping[str, str]) -> list[Section]:
    """Tell of packages, versions and organisations; a report that was refused says why in its place."""
    packages, versions = reports[PACKAGES], reports[VERSIONS]
    found = [
        Section("Packages", [], commands[PACKAGES], choose_columns(packages, "package", "downloads", "downloaders")),
        Section(
            "Versions",
            [write_sentence(versions.headline), *_tell_missed(versions)],
            commands[VERSIONS],
            choose_columns(versions, "package", "release", "downloads", "downloads_share", "origins", "active"),
        ),
    ]
    for heading, name in (("New organisations", NEW_ORGS), ("Organisations that no longer came", LOST_ORGS)):
        report = reports[name]
        table = choose_columns(report, *_ORG_COLUMNS)
        notes = [str(text) for text in report.meta.get("warnings", ()) if table and not str(text).startswith(_UNSHOWN)]
        found.append(Section(heading, list(map(write_sentence, (report.headline, *notes))), commands[name], table))
    return [section for section in found if section.table is not None or any(section.sentences)]


def _tell_missed(versions: Report) -> list[str]:
    """Say who would notice if the oldest version in the table of a package that has several were gone."""
    if not versions.frame.height or "active" not in versions.frame.columns:
        return []
    frame, other = versions.frame, versions.meta.get("other_row")
    rows = frame if other is None else frame.filter(pl.int_range(pl.len()) != other)
    if "package" in rows.columns:
        groups = [part for _, part in rows.filter(pl.col("package").is_not_null()).group_by("package", maintain_order=True)]
    else:
        groups = [rows.with_columns(package=pl.lit(""))]
    oldest = [part.row(-1, named=True) for part in groups if part.height > 1]
    return [_tell_oldest(row, versions.meta["active_days"]) for row in oldest if row["active"]][:_NAMED]


def _tell_oldest(row: Mapping[str, Any], days: int) -> str:
    called = f"{row['package']} {row['release']}".strip()
    whom = "1 origin" if row["active"] == 1 else f"{row['active']:,} origins"
    return f"{called}, the oldest here, was asked for by {whom} in the last {days} days: they would notice if it were gone."


def _tell_quality(reports: Mapping[str, Report], commands: Mapping[str, str]) -> list[Section]:
    """Say of gaps, unfinished days and unknown clients what there is; nothing where there is nothing."""
    found = [Section("", [text], commands[TOTALS]) for text in _tell_end(reports[TOTALS])]
    if said := [text for mark, told in _MARKS.items() if (text := _tell_days(reports[DAYS].frame, mark, told))]:
        found.append(Section("", said, commands[DAYS]))
    unknown = reports[UNKNOWN].frame["requests"].sum() if reports[UNKNOWN].frame.height else 0
    if unknown:
        told = "1 request comes from a client" if unknown == 1 else f"{unknown:,} requests come from clients"
        found.append(Section("", [f"{told} that no rule knows."], commands[UNKNOWN]))
    return found


def _tell_end(totals: Report) -> list[str]:
    """Say that the logs end on a day before the last of the window."""
    zone, newest, end = ZoneInfo(totals.meta["tz"]), totals.meta["completeness"]["newest_event"], totals.meta["window"]["end"]
    if newest is None or end is None:
        return []
    reached, last = (datetime.fromisoformat(moment).astimezone(zone) for moment in (newest, end))
    return [f"The logs end on {reached:%Y-%m-%d}, before the window does."] if reached.date() < (last - timedelta(microseconds=1)).date() else []


def _tell_days(days: pl.DataFrame, mark: str, told: str) -> str:
    """List the days that have a mark; empty if none has.

    Args:
        days: the rows of a series by days.
        mark: column of the mark; `final` is one that days lack.
        told: what is said of them.
    """
    if mark not in days.columns:
        return ""
    has_mark = pl.col(mark).cast(pl.Boolean)
    marked = days.filter(~has_mark if mark == _FINAL else has_mark)["bucket"].cast(pl.String).str.slice(0, 10).to_list()
    spans = _join_days([date.fromisoformat(day) for day in marked])
    more = f" and {len(spans) - _SPANS:,} more times" if len(spans) > _SPANS else ""
    return f"Days {told}: {', '.join(spans[:_SPANS])}{more}." if marked else ""


def _join_days(days: Sequence[date]) -> list[str]:
    """Write days, those that follow each other as a span.

    Args:
        days: sorted.
    """
    spans: list[tuple[date, date]] = []
    for day in days:
        follows = bool(spans) and day - spans[-1][1] == timedelta(days=1)
        spans[-1:] = [(spans[-1][0], day)] if follows else [*spans[-1:], (day, day)]
    return [f"{first}" if first == last else f"{first} to {last}" for first, last in spans]
