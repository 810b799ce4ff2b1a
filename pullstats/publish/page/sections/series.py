"""Over time: a line that can be asked for each package and count, with gaps, unfinished buckets and releases marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import polars as pl

from pullstats.metrics import Query
from pullstats.metrics.question import Question
from pullstats.metrics.questions.through import Through
from pullstats.publish.page.markup import draw_line, embed, show
from pullstats.publish.page.section import Figure, Reports, Section
from pullstats.render.cells import UNKNOWN
from pullstats.render.sanitise import for_html
from pullstats.reports import Report

_SERIES, _PACKAGES = "series", "series-by-package"
_COUNTED: Final = ("downloads", "downloaders", "checks", "attempts", "requests")
_BY_PACKAGE: Final = ("downloads", "downloaders")
_MOST_PACKAGES: Final = 400
_SIZE: Final = (800, 200)


def _ask_series(query: Query) -> Question:
    return Through(replace(query, metrics=_COUNTED))


def _ask_packages(query: Query) -> Question:
    return Through(replace(query, metrics=_BY_PACKAGE, dimensions=("package",), limit=_MOST_PACKAGES))


def _draw_chart(reports: Reports) -> str:
    """Draw the line as SVG, and give scripts what they need to draw others."""
    series = reports[_SERIES]
    if not series.frame.height:
        return ""
    values, labels = series.frame["downloads"].to_list(), series.frame["bucket"].to_list()
    width, height = _SIZE
    told = f"Downloads by bucket from {labels[0]} to {labels[-1]}; the table below holds every value."
    line = draw_line(values, width, height)
    chosen = "<p class=choice hidden><label for=package>Package</label> <select id=package></select> <label for=count>Count</label> <select id=count></select></p>"
    return (
        f'{chosen}<div id=chart class=chart><svg class=still viewBox="0 0 {width} {height}" role=img aria-label="{for_html(told)}">{line}</svg></div>'
        f"<p id=readout class=readout role=status></p>{embed(_collect(series, reports[_PACKAGES]), 'series-data')}"
    )


def _collect(series: Report, packages: Report) -> dict[str, Any]:
    """Gather what the chart shows: labels of buckets, what is known of each, and the counts of all and of each package."""
    frame = series.frame
    notes = [[index, show(text)] for index, text in enumerate(frame["note"]) if text] if "note" in frame.columns else []
    return {
        "labels": frame["bucket"].to_list(),
        "gap": _places(frame["gap"]),
        "partial": _places(frame["partial"]),
        "open": _places(~frame["final"]),
        "notes": notes,
        "counts": {column.name: column.title for column in series.columns if column.name in _COUNTED},
        "all": {name: frame[name].to_list() for name in _COUNTED if name in frame.columns},
        "packages": _split(packages, frame["bucket"].to_list()),
    }


def _places(flags: pl.Series) -> list[int]:
    return flags.arg_true().to_list()


def _split(packages: Report, labels: Sequence[str]) -> list[list[Any]]:
    """Give each package with its counts, a number a bucket; none where there is no such report."""
    if packages.flat is None:
        return []
    frame, _ = packages.flat
    found = []
    for (name,), rows in frame.group_by(["package"], maintain_order=True):
        by_label = dict(zip(rows["bucket"].to_list(), rows.select(_BY_PACKAGE).rows(), strict=True))
        lines = [[values[place] for values in map(by_label.__getitem__, labels)] for place in range(len(_BY_PACKAGE))]
        found.append([show(str(name or UNKNOWN)), dict(zip(_BY_PACKAGE, lines, strict=True))])
    return found


SECTION: Final = Section(
    "over-time",
    "Over time",
    (Figure(_SERIES, "Downloads, checks and requests over time", _ask_series, f"series --metric {','.join(_COUNTED)}"),),
    _draw_chart,
    {_PACKAGES: _ask_packages},
)
