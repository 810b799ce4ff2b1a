"""A second opinion: plain, slow, obvious Python over rows. It shares nothing with pullstats."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

Row = dict[str, Any]
REDIRECTS = {301, 302, 303, 307, 308}


def requests(rows: list[Row]) -> int:
    return len(rows)


def body_bytes(rows: list[Row]) -> int:
    return sum(row["size"] or 0 for row in rows if row["method"] != "HEAD")


def errors(rows: list[Row]) -> int:
    return sum(1 for row in rows if row["status"] is not None and row["status"] >= 400)


def origins(rows: list[Row]) -> int:
    return len({row["origin"] for row in rows if row["origin"] is not None and row["status"] != 401})


def file_downloads(rows: list[Row]) -> int:
    """200 and redirects count; 206 once in 10 minutes; what follows a redirect within 5 s does not."""
    count = 0
    by_path = defaultdict(list)
    for row in rows:
        if row["ecosystem"] != "oci" and row["action"] == "download" and row["counts"] and row["method"] == "GET":
            by_path[row["origin"], row["path"]].append(row)
    for asked in by_path.values():
        before: Row | None = None
        body = None
        for row in sorted(asked, key=lambda row: (row["time"], row["offset"])):
            if row["status"] not in {200, 206, *REDIRECTS}:
                continue
            follows = before is not None and before["status"] in REDIRECTS and row["time"] - before["time"] <= timedelta(seconds=5)
            resumes = row["status"] == 206 and body is not None and row["time"] - body <= timedelta(minutes=10)
            count += not (follows or resumes)
            before = row
            body = row["time"] if row["status"] in {200, 206} else body
    return count


def pulls(rows: list[Row]) -> int:
    """Walk the manifest requests of each origin and repository, opening and closing groups as the rule says."""
    count = 0
    by_repository = defaultdict(list)
    for row in rows:
        if row["ecosystem"] == "oci" and row["action"] == "manifest" and row["counts"] and row["method"] in {"GET", "HEAD"}:
            by_repository[row["origin"], row["package"]].append(row)
    for asked in by_repository.values():
        group: list[Row] = []
        tag: str | None = None
        for row in sorted(asked, key=lambda row: (row["time"], row["offset"])):
            named = row["reference"] if row["kind"] == "tag" else None
            closes = bool(group) and (row["time"] - group[-1]["time"] > timedelta(seconds=5) or (named is not None and named != tag))
            if closes:
                count += is_pull(group)
                group, tag = [], None
            group.append(row)
            tag = named or tag
        count += is_pull(group)
    return count


def is_pull(group: list[Row]) -> bool:
    return any(row["method"] == "GET" and (200 <= (row["status"] or 0) < 300 or row["status"] in REDIRECTS) for row in group)
