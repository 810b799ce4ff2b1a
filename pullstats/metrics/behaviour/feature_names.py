"""The features by which classes are told, and how each is written as evidence.

To add one: compute it in `features` or `origins`, name it here, and use it in `classes.toml`.
"""

from __future__ import annotations

from typing import Final

import polars as pl

_AGENT: Final = "1 if the agent is one of that kind, else 0"
FEATURES: Final[dict[str, str]] = {
    "requests": "requests",
    "visits": "runs of requests without a pause over 30 s",
    "days": "days with a visit, in the zone that the origin's own hours suggest",
    "hours": "distinct hours with a visit",
    "a_day": "visits a day with one",
    "hours_span": "hours from the first request to the last",
    "gaps": "gaps between visits that were looked at for a period",
    "regular": "share of gaps within 10 % of the period or a multiple of it, beyond chance",
    "tight": "share of gaps within 1 % of the period",
    "beyond_chance": "log of how much less likely as many gaps of one length are by chance",
    "periods": "how many periods fit between the first request and the last",
    "period_hours": "the period, in hours",
    "machines": "visits in each period",
    "night": "share of hours with a visit outside the twelve hours of the day that hold the most",
    "weekend": "share of days that were Saturdays or Sundays",
    "head_share": "share of GET and HEAD that were HEAD; pings and tokens are neither",
    "unchanged_share": "share of requests answered 304",
    "denied_share": "share of requests answered 401 or 403",
    "absent_share": "share of requests answered 404 or 410",
    "failed_share": "share of requests answered 429 or 5xx",
    "ping_share": "share of requests for the root of a registry's API",
    "listing_share": "share of requests for the tags of an image",
    "index_share": "share of requests for an index of a whole repository",
    "full_share": "share of visits that took content: layers, files",
    "full": "visits that took content",
    "takes": "artifacts taken in these",
    "retakes": "how often each artifact was taken",
    "tags": "distinct tags and versions named, in each package",
    "tags_a_visit": "these by visit",
    "packages": "packages asked for",
    "packages_a_visit": "packages asked for in one visit, on average",
    "together": "share of the packages that one visit asks for, on average",
    "versions_a_package": "versions named by package",
    "in_ci": "1 if a request said that it runs in CI, else 0",
    "kind_ci": _AGENT,
    "kind_mirror": _AGENT,
    "kind_updater": _AGENT,
    "kind_scanner": _AGENT,
    "kind_probe": _AGENT,
    "kind_bot": _AGENT,
    "kind_browser": _AGENT,
    "alike": "other short-lived origins of the same network owner and client that took content",
    "addresses": "addresses from which one and the same stream came, one after the other",
    "sharers": "addresses by which one and the same stream came in turn, each with some of its polls",
    "spread_seconds": "half of what the middle half of the gaps taken as the period spans, in seconds",
}


def _count(name: str) -> pl.Expr:
    return _group(pl.col(name).round().cast(pl.Int64))


def _group(number: pl.Expr) -> pl.Expr:
    """Write a whole number from 0 up with a comma before every three digits: 1,234,567."""
    text = number.cast(pl.String)
    for size in (10**3, 10**6, 10**9):
        parts = [number // size, *((number // unit % 1000).cast(pl.String).str.zfill(3) for unit in (10**6, 10**3, 1) if unit < size)]
        text = pl.when(number < size).then(text).otherwise(pl.format(",".join(["{}"] * len(parts)), *parts))
    return text


def _share(name: str) -> pl.Expr:
    return pl.format("{} %", (pl.col(name) * 100).round().cast(pl.Int64))


def write_duration(seconds: pl.Expr) -> pl.Expr:
    """Write a number of seconds as people say it: 300 s, 45 min, 6 h, 2 days."""
    sizes = ((200_000.0, 86_400.0, "days"), (10_000.0, 3600.0, "h"), (1000.0, 60.0, "min"))
    text = pl.format("{} s", _shorten(seconds))
    for least, unit, name in reversed(sizes):
        text = pl.when(seconds >= least).then(pl.format(f"{{}} {name}", _shorten(seconds / unit))).otherwise(text)
    return text


def _shorten(number: pl.Expr) -> pl.Expr:
    """Write a number with at most one decimal."""
    rounded = number.round(1)
    return pl.when((rounded == rounded.round()) | (rounded >= 100)).then(_group(rounded.round().cast(pl.Int64))).otherwise(rounded.cast(pl.String))


def _count_word(name: str, one: str, many: str) -> pl.Expr:
    number = pl.when(pl.col(name) == 0).then(pl.lit("no")).otherwise(_count(name))
    return pl.format("{} {}", number, pl.when(pl.col(name) == 1).then(pl.lit(one)).otherwise(pl.lit(many)))


WORDS: Final[dict[str, pl.Expr]] = {
    **{name: _count(name) for name in ("gaps", "heads", "unchanged", "machines", "alike", "addresses", "sharers")},
    **{name: _share(name) for name in FEATURES if name.endswith("_share")},
    "requests": _count_word("requests", "request", "requests"),
    "visits": _count_word("visits", "visit", "visits"),
    "days": _count_word("days", "day", "days"),
    "hours": _count_word("hours", "hour", "hours"),
    "packages": _count_word("packages", "package", "packages"),
    "tags": _count_word("tags", "version", "versions"),
    "takes": _count_word("takes", "artifact", "artifacts"),
    "artifacts": _count("artifacts"),
    "full": _count("full"),
    "hits": _count("hits_all"),
    "gets": _count("gets"),
    "night": _share("night"),
    "weekend": _share("weekend"),
    "period": write_duration(pl.col("period")),
    "spread": write_duration(pl.col("spread") / 2),
    "span": write_duration(pl.col("hours_span") * 3600),
    "a_day": _shorten(pl.col("a_day")),
    "retakes": _shorten(pl.col("retakes")),
    "client": pl.col("user_agent_name").fill_null("no agent"),
    "network": pl.col("network_type").fill_null("unknown"),
}
"""How what was seen is written, for what may stand in braces in the words of a sign."""
