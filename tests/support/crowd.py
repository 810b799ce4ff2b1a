"""Made-up requests of people, the events pullstats would make of them, and questions asked of them in memory."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl

from pullstats.events import EVENT_SCHEMA, conform
from pullstats.metrics import Extent, Query, prepare_events
from pullstats.metrics.metric import Metric
from pullstats.metrics.question import Question
from pullstats.reports import Report

Row = dict[str, Any]
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
"""A Monday."""


def how_made(metric: Metric) -> tuple[object, ...]:
    """Tell metrics apart by how they are made: read or counted by a rule, by people or not, and how partial answers become one."""
    return metric.merge, metric.kind, metric.expr is None, metric.identity is None, bool(metric.made_of), bool(metric.weight)


def request(time: datetime, who: int | None = 1, **other: Any) -> Row:
    """Make a request of one origin; ten origins share an address, a hundred a network, a thousand an organisation."""
    base = {
        "endpoint": None if who is None else who // 10,
        "network": None if who is None else who // 100,
        "org": None if who is None else f"org {who // 1000}",
        "user": None,
        "epoch": 1,
        "method": "GET",
        "status": 200,
        "size": 10,
        "path": "/f.whl",
        "ecosystem": "pypi",
        "package": "f",
        "reference": "1.0",
        "kind": "version",
        "action": "download",
        "counts": True,
        "client": "pip",
        "country": None,
        "domain": None,
        "source": "log",
    }
    unknown = set(other) - set(base)
    assert not unknown
    return base | {"time": time, "who": who} | other


def manifest(time: datetime, who: int | None, method: str | None, reference: str, status: int | None = 200, **other: Any) -> Row:
    """Make a request for an image's manifest."""
    kind = "digest" if reference.startswith("sha256:") else "tag"
    path = f"/v2/acme/app/manifests/{reference}"
    fixed = {"ecosystem": "oci", "package": "acme/app", "reference": reference, "kind": kind, "action": "manifest", "client": "docker"}
    return request(time, who, method=method, status=status, path=path, **fixed | other)


@cache
def _hash(number: int, level: str) -> int:
    return random.Random(f"{level} {number}").randrange(-(2**63), 2**63)


def make_id(row: Row, level: str) -> int | None:
    """Give the id of whose a request is."""
    number = row["who" if level == "origin" else level]
    return None if number is None else _hash(number, level)


def make_events(rows: Sequence[Row]) -> pl.DataFrame:
    """Build events, numbered in the order given."""
    texts = {
        "http_request_method": "method",
        "http_response_status_code": "status",
        "http_response_body_size": "size",
        "url_path": "path",
        "package_type": "ecosystem",
        "package_name": "package",
        "package_version": "reference",
        "reference_kind": "kind",
        "action": "action",
        "is_downloadable": "counts",
        "user_agent_name": "client",
        "geo_country_iso_code": "country",
        "url_domain": "domain",
        "source_id": "source",
        "timestamp": "time",
        "organization_name": "org",
        "key_epoch": "epoch",
    }
    columns: dict[str, list[Any]] = {column: [row[name] for row in rows] for column, name in texts.items()}
    columns |= {f"{level}_id": [make_id(row, level) for row in rows] for level in ("origin", "endpoint", "network", "user")}
    columns |= {"source_offset": list(range(0, 1000 * len(rows), 1000))}
    return conform(pl.DataFrame(columns, schema={name: EVENT_SCHEMA[name] for name in columns}))


def ask(
    question: Callable[..., Question],
    rows: Sequence[Row],
    *given: Any,
    now: datetime | None = None,
    rule_sets: dict[str, int] | None = None,
    **options: Any,
) -> Report:
    """Ask a question of made-up requests.

    Args:
        question: makes it of a query and what is given.
        rows: the requests.
        given: what the question takes besides.
        now: the present; the newest request if it is not said.
        rule_sets: events by the version of the rules that derived their columns.
        options: of the query; the window is `all` and never shifts if it is not said.
    """
    frame = make_events(rows)

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        lazy = lazy.filter(pl.col("timestamp") < end) if end else lazy
        return lazy.select(columns)

    query = Query(**{"metrics": ("downloads", "requests"), "window": "all", "limit": 0, "is_shifting": False, **options})
    times = [row["time"] for row in rows]
    extent = Extent(min(times, default=None), max(times, default=None), None, len(rows))
    return ask_of(question(query, *given), scan, extent, now or max(times, default=NOON), rule_sets)


def ask_of(question: Question, scan: Any, extent: Extent, now: Any, rule_sets: dict[str, int] | None = None) -> Report:
    """Ask a question of a scan."""
    return question.answer(prepare_events(scan, extent, question.query, now=now, rule_sets=lambda: rule_sets or {}))


def make_crowd(count: int = 600, days: int = 20, seed: int = 1) -> list[Row]:
    """Make requests of some hundred people over some days: some faithful, some seen once, some refused, some without an address."""
    chance = random.Random(seed)
    rows = []
    for _ in range(count):
        who = chance.choice([chance.randrange(0, 40), chance.randrange(0, 4000), None])
        rows.append(
            request(
                NOON + timedelta(seconds=chance.randrange(days * 86_400)),
                who,
                status=chance.choice([200, 200, 200, 304, 401, 404]),
                user=chance.choice([None, None, chance.randrange(90)]) if who is not None else None,
                client=chance.choice(["pip", "uv", None]),
                path=f"/f-{chance.randrange(30)}.whl",
            )
        )
    return rows
