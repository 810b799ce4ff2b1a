"""What a number needs to be read right: what `--meta` adds, and the footer that tells it in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pullstats.metrics.partials import Partials
from pullstats.metrics.plan import Plan
from pullstats.percentages import round_share, write_share


def build_meta(asked: Plan, partials: Partials, hidden: int = 0, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Give what a number needs to be read right, as `--meta` prints it.

    Args:
        asked: the plan of the question.
        partials: the tables.
        hidden: rows that `min_origins` hides.
        warnings: what must be said besides what the plan says.
    """
    window, extent = asked.window, asked.extent
    is_open = window.end is None or (extent.newest is not None and extent.newest < window.end)
    elsewhere = int(partials.plain["elsewhere"].sum()) if "elsewhere" in partials.plain.columns else 0
    return {
        "window": {
            "label": window.label,
            "start": window.start.isoformat() if window.start else None,
            "end": window.end.isoformat() if window.end else None,
        },
        "tz": asked.query.tz,
        "counting_rule": ", ".join(rule.label for rule in asked.rules),
        "unique_level": asked.query.unique_by,
        "excluded": {
            "events": partials.read - partials.kept,
            "share": round_share((partials.read - partials.kept) / partials.read) if partials.read else 0.0,
            "filters": [text for text, _ in asked.steps],
        },
        "hidden_rows": hidden,
        "min_origins": asked.query.min_origins,
        "redirected_readings": elsewhere,
        "completeness": {
            "first_event": extent.first.isoformat() if extent.first else None,
            "newest_event": extent.newest.isoformat() if extent.newest else None,
            "is_provisional": is_open,
        },
        "warnings": [*asked.warnings, *warnings],
    } | ({"class_by": asked.classes.tell(asked.query.tz)} if _has_class(asked) else {})


def _has_class(asked: Plan) -> bool:
    return asked.classes.is_used or "class" in asked.selection.dimensions or any(dimension.name == "class" for dimension in asked.dimensions)


def describe_meta(meta: dict[str, Any]) -> str:
    """Write the footer: window and zone, rule, unique level, what filters left out, how far the logs extend.

    Args:
        meta: as `build_meta` gives it, with `one_day_share` and `other_row` where they are known; of two sides, what differs under `a` and `b`.

    Returns:
        One line.
    """
    window, completeness = meta["window"], meta["completeness"]
    span = f"window {window['label']}"
    for word, moment in (("from", window["start"]), ("to", window["end"])):
        span += f" {word} {datetime.fromisoformat(moment).astimezone(ZoneInfo(meta['tz'])):%Y-%m-%dT%H:%M}" if moment else ""
    parts = [f"{span} ({meta['tz']})", meta["counting_rule"], f"unique by {meta['unique_level']}"]
    parts.append(_describe_filters(meta))
    if "class_by" in meta:
        parts.append(f"class by {meta['class_by']}")
    if meta["hidden_rows"]:
        parts.append(f"{meta['hidden_rows']} small rows {'hidden' if meta.get('other_row') is None else 'in other'}")
    if meta["min_origins"]:
        parts.append(f"--min-origins {meta['min_origins']} guards this answer by itself, not what several answers tell together (docs/privacy.md)")
    if shares := _list_sides(meta, "one_day_share"):
        parts.append(f"{' and '.join(write_share(share) + side for side, share in shares.items())} of the endpoints were seen on one day only")
    if meta["redirected_readings"]:
        count = meta["redirected_readings"]
        parts.append(f"{count:,} {'reading' if count == 1 else 'readings'} of an index or metadata redirected, which count as nothing")
    first, newest = completeness["first_event"], completeness["newest_event"]
    reach = [f"{datetime.fromisoformat(moment).astimezone(ZoneInfo(meta['tz'])):%Y-%m-%dT%H:%M}" for moment in (first, newest) if moment]
    parts.append(f"logs reach from {reach[0]} to {reach[-1]} {meta['tz']}" if first and newest else "no events in the store")
    return " · ".join(parts)


def _list_sides(meta: dict[str, Any], name: str) -> dict[str, Any]:
    """Give what there is of a name: of each of two sides, by what is written behind it, else of the whole."""
    sides = {f" ({side})": meta[side] for side in "ab"} if "a" in meta else {"": meta}
    return {side: found for side, one in sides.items() if (found := one.get(name)) is not None}


def _describe_filters(meta: dict[str, Any]) -> str:
    """Say what share of the requests filters left out; of two sides each by itself."""
    told = _list_sides(meta, "excluded")
    if not any(one["filters"] for one in told.values()):
        return "no filters"
    shares = [write_share(one["share"]) + side for side, one in told.items()]
    return f"filters left out {' and '.join(shares)} of requests"
