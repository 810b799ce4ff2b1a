"""Numbers by class under filters, as plain Python counts them: classes as of the window's end from all events kept, and what is left out left out after."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import pytest

from pullstats.ids import write_id
from pullstats.metrics import Extent, Query
from pullstats.metrics.questions.breakdown import Breakdown
from support.crowd import Row, ask_of, make_id
from support.effort import some
from support.oracle import find_downloads_2
from support.wasteful import BEGIN, WASTEFUL, build_events, make_traffic

KINDS = {"docker": "container-runtime", "podman": "container-tool", "skopeo": "mirror", "pip": "package-manager", "uv": "ci"}
Keep = Callable[[Row, str], bool]
"""Whether a request, and its class, stay."""
FILTERS: tuple[tuple[dict[str, Any], Keep], ...] = (
    ({}, lambda _, __: True),
    ({"where": "package=acme/app0"}, lambda row, _: row["package"] == "acme/app0"),
    ({"where": "status=200 and not method=HEAD"}, lambda row, _: row["status"] == 200 and row["method"] != "HEAD"),
    ({"exclude_kinds": ("mirror", "ci")}, lambda row, _: KINDS.get(row["client"]) not in {"mirror", "ci"}),
    ({"classes": ("ci", "unknown")}, lambda _, name: name in {"ci", "unknown"}),
    ({"exclude_classes": ("production",), "where": "ecosystem=oci"}, lambda row, name: name != "production" and row["ecosystem"] == "oci"),
    ({"where": "class=production or class=unknown"}, lambda _, name: name in {"production", "unknown"}),
)
WINDOWS = {"all": (None, None), "2025-03-04": (4, 4), "until 2025-03-04": (None, 4), "2025-03-05..2025-03-31": (5, None)}
"""First and last day in March."""


def kind_of(row: Row) -> str | None:
    return KINDS.get(row["client"])


def ask(rows: list[Row], **options: Any) -> list[dict[str, Any]]:
    frame = build_events(rows).with_columns(pl.Series("user_agent_kind", [kind_of(row) for row in rows], pl.String))

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        return (lazy.filter(pl.col("timestamp") < end) if end else lazy).select(columns)

    times = [row["time"] for row in rows]
    query = Query(**{"metrics": ("requests",), "window": "all", "limit": 0, "is_shifting": False, **options})
    return ask_of(Breakdown(query), scan, Extent(min(times), max(times), None, len(rows)), max(times, default=BEGIN)).frame.to_dicts()


def classes_of(rows: list[Row]) -> dict[tuple[str | None, str | None], str]:
    """Give the class of each origin and package, by all these requests, none left out."""
    return {(row["origin"], row["package"]): row["class"] or "unknown" for row in ask(rows, dimensions=("origin", "package", "class"))}


def count_plainly(rows: list[Row], keep: Keep, first: int | None, last: int | None) -> dict[tuple[str, str | None], list[int]]:
    """Count requests, downloads and origins by class and package."""
    known = [row for row in rows if last is None or row["time"].day <= last]
    classes = classes_of(known)
    taken = Counter(row["offset"] for row in find_downloads_2(known))
    found: dict[tuple[str, str | None], list[int]] = defaultdict(lambda: [0, 0, 0])
    people: dict[tuple[str, str | None], set[int]] = defaultdict(set)
    for row in known:
        number = make_id(row, "origin")
        name = classes[None if number is None else write_id(number), row["package"]]
        if (first is None or row["time"].day >= first) and keep(row, name):
            key = name, row["package"]
            found[key][0] += 1
            found[key][1] += taken[row["offset"]]
            if number is not None and row["status"] != 401:
                people[key].add(number)
    return {key: [*counts[:2], len(people[key])] for key, counts in found.items()}


def make_rows(seed: int) -> list[Row]:
    """Make traffic of few kinds of waste, so that it is quick, by clients of several kinds."""
    chance = random.Random(seed)
    rows = make_traffic(seed, *chance.sample(WASTEFUL, 2))
    clients = {who: chance.choice(sorted(KINDS)) for who in sorted({row["who"] for row in rows}, key=str)}
    return [row | {"client": clients[row["who"]]} for row in rows]


@pytest.mark.parametrize("seed", some(range(24), 12))
def test_numbers_by_class_under_a_filter_are_those_of_plain_python(seed: int) -> None:
    rows = make_rows(seed)
    for place in range(3):
        options, keep = FILTERS[(seed + place) % len(FILTERS)]
        window = list(WINDOWS)[(seed + place) % len(WINDOWS)]
        metrics = ("requests", "downloads", "origins")
        found = ask(rows, dimensions=("class", "package"), metrics=metrics, window=window, **options)
        told = {(row["class"] or "unknown", row["package"]): [row[name] for name in metrics] for row in found}
        assert told == count_plainly(rows, keep, *WINDOWS[window]), (options, window)
