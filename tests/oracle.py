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
    by_repository = defaultdict(list)
    for row in rows:
        if row["ecosystem"] == "oci" and row["action"] == "manifest" and row["counts"] and row["method"] in {"GET", "HEAD"}:
            by_repository[row["origin"], row["package"]].append(row)
    return sum(is_pull(group) for asked in by_repository.values() for group in groups(asked))


def attempts(rows: list[Row]) -> int:
    """Groups with a GET; file downloads; and refusals that the same origin does not follow up within 5 s."""
    count = 0
    by_repository = defaultdict(list)
    by_path = defaultdict(list)
    for row in rows:
        if row["ecosystem"] == "oci" and row["action"] == "manifest" and row["counts"] and row["method"] in {"GET", "HEAD"}:
            by_repository[row["origin"], row["package"]].append(row)
        elif row["ecosystem"] != "oci" and row["action"] == "download" and row["counts"] and row["method"] == "GET" and row["status"] != 304:
            by_path[row["origin"], row["path"]].append(row)
    for asked in by_repository.values():
        count += sum(any(row["method"] == "GET" for row in group) for group in groups(asked))
    for asked in by_path.values():
        ordered = sorted(asked, key=lambda row: (row["time"], row["offset"]))
        for row, following in zip(ordered, [*ordered[1:], None], strict=True):
            if row["status"] in {200, 206, *REDIRECTS}:
                continue
            count += following is None or following["time"] - row["time"] > timedelta(seconds=5)
    return count + file_downloads(rows)


def groups(asked: list[Row]) -> list[list[Row]]:
    """Cut the manifest requests of one origin and repository into pull groups."""
    found: list[list[Row]] = []
    tag: str | None = None
    for row in sorted(asked, key=lambda row: (row["time"], row["offset"])):
        named = row["reference"] if row["kind"] == "tag" else None
        is_late = bool(found) and row["time"] - found[-1][-1]["time"] > timedelta(seconds=5)
        if not found or is_late or (named is not None and named != tag):
            found.append([])
            tag = None
        found[-1].append(row)
        tag = named if named is not None else tag
    return found


def is_pull(group: list[Row]) -> bool:
    return any(row["method"] == "GET" and (200 <= (row["status"] or 0) < 300 or row["status"] in REDIRECTS) for row in group)
