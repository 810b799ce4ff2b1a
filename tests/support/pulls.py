"""Made-up requests as `oracle.py` counts them, the events pullstats would make of them, and questions asked of them in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from pullstats.events import EVENT_SCHEMA, conform
from pullstats.metrics import Breakdown, Extent, Query
from pullstats.reports import Report
from support.crowd import ask_of

START = datetime(2025, 3, 29, 22, 59, 50, tzinfo=UTC)
Row = dict[str, Any]


def make_events(rows: list[Row]) -> pl.DataFrame:
    """Build events from the oracle's rows."""
    columns = {
        "timestamp": [row["time"] for row in rows],
        "origin_id": [row["origin"] for row in rows],
        "endpoint_id": [row["origin"] for row in rows],
        "http_request_method": [row["method"] for row in rows],
        "http_response_status_code": [row["status"] for row in rows],
        "http_response_body_size": [row["size"] for row in rows],
        "url_path": [row["path"] for row in rows],
        "package_type": [row["ecosystem"] for row in rows],
        "package_name": [row["package"] for row in rows],
        "package_version": [row["reference"] for row in rows],
        "reference_kind": [row["kind"] for row in rows],
        "action": [row["action"] for row in rows],
        "is_downloadable": [row["counts"] for row in rows],
        "user_agent_name": [row["client"] for row in rows],
        "source_id": ["s"] * len(rows),
        "source_offset": [row["offset"] for row in rows],
    }
    return conform(pl.DataFrame(columns, schema={name: EVENT_SCHEMA[name] for name in columns}))


def ask(rows: list[Row], *, shuffle: int | None = None, **options: Any) -> Report:
    frame = make_events(rows)
    if shuffle is not None:
        frame = frame.sample(fraction=1.0, shuffle=True, seed=shuffle)

    def scan(columns: Any, start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        lazy = frame.lazy()
        lazy = lazy.filter(pl.col("timestamp") >= start) if start else lazy
        lazy = lazy.filter(pl.col("timestamp") < end) if end else lazy
        return lazy.select(columns)

    extent = Extent(frame["timestamp"].min(), frame["timestamp"].max())  # type: ignore[arg-type]
    now = frame["timestamp"].max() or START
    query = Query(**{"metrics": ("requests",), "window": "all", "limit": 0, **options})
    return ask_of(Breakdown(query), scan, extent, now)


def one(rows: list[Row], metric: str, **options: Any) -> Any:
    return ask(rows, metrics=(metric,), **options).frame[metric.replace("-", "_")].item()


def manifest(second: float, method: str, reference: str, status: int = 200, origin: int = 1, package: str = "acme/app") -> Row:
    kind = "digest" if reference.startswith("sha256:") else "tag"
    path = f"/v2/{package}/manifests/{reference}"
    return row(second, method, path, status, origin, ecosystem="oci", package=package, reference=reference, kind=kind, action="manifest")


def file(second: float, status: int = 200, origin: int = 1, path: str = "/f.whl", method: str = "GET") -> Row:
    return row(second, method, path, status, origin, ecosystem="pypi", package="f", reference="1", kind="version", action="download")


def row(second: float, method: str, path: str, status: int | None, origin: int | None, **other: Any) -> Row:
    base = {"ecosystem": None, "package": None, "reference": None, "kind": None, "action": "other", "counts": True, "client": "docker", "size": 10}
    return (
        base
        | {
            "time": START + timedelta(seconds=second),
            "method": method,
            "path": path,
            "status": status,
            "origin": origin,
            "offset": int(second * 1000),
        }
        | other
    )
