"""Whether two JSON answers to one question are the same."""

from __future__ import annotations

import json

METRICS = frozenset(
    {"requests", "origins", "endpoints", "networks", "pulls", "downloads", "sessions"}
    | {"active", "seen", "newer", "moved", "stuck", "gone", "retained"}
)
MARKS = frozenset(
    {"final", "gap", "partial", "cut", "missing_hours", "kind", "minor", "downloads_share", "origins_share", "first_seen", "last_seen"}
    | {"released", "told_by", "days", "day_of_10", "day_of_50", "day_of_90", "old_version", "half_life", "newer_share", "old", "old_share"}
    | {
        "median_days",
        "median_low",
        "median_high",
        "p90_days",
        "members",
        "share",
        "low",
        "high",
        "state",
        "trend",
        "slope",
        "slope_low",
        "slope_high",
    }
)
"""What is not compared: what the SQL leaves out, or follows from what is compared."""


def same_answers(texts: list[str]) -> str:
    """Compare our JSON answer with those of all others; of one that differs that is said."""
    found = [same_answer(texts[0], other) for other in texts[1:]]
    return next((said for said in found if not said.startswith("equal")), found[0] if found else "")


def same_answer(left: str, right: str) -> str:
    """Compare two JSON answers row by row, whatever their order; rows in which nothing was counted do not count."""
    try:
        tables = [_by_dimension(json.loads(text)) for text in (left, right)]
    except (ValueError, KeyError, TypeError) as problem:
        return f"not comparable: {problem!r}"
    if tables[0] == tables[1]:
        return f"equal, {len(tables[0]):,} row{'' if len(tables[0]) == 1 else 's'}"
    differing = [key for key in sorted({*tables[0], *tables[1]}, key=str) if tables[0].get(key) != tables[1].get(key)]
    return f"DIFFERENT in {len(differing)} rows, first {differing[0]}: {tables[0].get(differing[0])} and {tables[1].get(differing[0])}"


def _by_dimension(rows: list[dict[str, str | int | None]]) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Split rows into what they are about and what they count."""
    split = {
        tuple(value for name, value in sorted(row.items()) if name not in METRICS | MARKS): tuple(
            value for name, value in sorted(row.items()) if name in METRICS
        )
        for row in rows
    }
    return {key: values for key, values in split.items() if any(values)}
