"""The metrics, each declared once; what a metric is, see `metric`.

To add one: append a `Metric`; `--metric`, its help and the docs follow.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.counting import SESSIONS
from pullstats.metrics.metric import Metric
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY, IS_FAILED, IS_GET, IS_HEAD, IS_REDIRECT, METHOD, STATUS
from pullstats.metrics.synonyms import name_dimension, name_metric, spell

DOWNLOADERS: Final = "downloaders"
"""Counts those of the unique level to whom a rule gives a download."""
HTTP_NOT_FOUND: Final = 404
_SIZE: Final = pl.col("http_response_body_size")
_IS_MISSING: Final = (STATUS == HTTP_NOT_FOUND) & pl.col("is_downloadable") & (METHOD == "GET")
_IS_NO_MISS: Final = ~(IS_GET & (STATUS == HTTP_NOT_FOUND) & pl.col("is_downloadable")).fill_null(value=False)


def _unique(name: str, key: pl.Expr, text: str, title: str = "") -> Metric:
    """Declare a distinct count; an anonymous first try (401) adds nobody."""
    return Metric(name, title or name, text, pl.when(~IS_ANONYMOUS_TRY).then(key), "union", identity=key)


def _counted(name: str, text: str) -> Metric:
    return Metric(name, name, text)


def _running(name: str, text: str) -> Metric:
    """Declare an estimate of running instances; of one name three columns are shown, see `INSTANCES`."""
    help_ = f"Running instances, an estimate. {text} Moved to another address it is the same. See docs/behaviour.md."
    return Metric(
        name,
        name.replace("-", " "),
        help_,
        pl.col("stream"),
        "union",
        one=name.replace("instances", "instance").replace("-", " "),
        weight=name.replace("-", "_"),
    )


def _joined(*parts: str | pl.Expr) -> pl.Expr:
    texts = [pl.col(part) if isinstance(part, str) else part for part in parts]
    return pl.when(texts[-1].is_not_null()).then(pl.concat_str([text.fill_null("") for text in texts], separator="\x1f"))


METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("requests", "requests", "Events: lines of the log that are requests.", pl.lit(1, pl.Int64)),
        Metric(
            "bytes",
            "bytes",
            "Sum of response body bytes, HEAD left out.",
            pl.when(METHOD.ne_missing("HEAD")).then(_SIZE),
            kind="bytes",
            one="bytes",
            reasons=(("is a HEAD: it has no body", IS_HEAD), ("has no size logged", _SIZE.is_null())),
            inclusion="its size is added",
        ),
        _counted("downloads", "Content was taken, as the counting rule says."),
        _counted("pulls", "Downloads of container images and other OCI artifacts."),
        _counted("attempts", "Downloads asked for, folded like downloads, whatever was answered."),
        _counted("checks", "An origin asked whether something is new and took nothing."),
        _counted(
            "invocations",
            "Visits: how often somebody's client ran for a package, whether it took something, only looked, or was refused; a pull group, or requests "
            "of one origin without a pause over 30 s (--visit-gap). Under pullstats@1 runs without a pause over 5 minutes.",
        ),
        Metric(
            "sessions", "sessions", "Runs of requests of one origin, whatever for, without a pause over 30 minutes (--session-gap).", rule=SESSIONS
        ),
        Metric(
            DOWNLOADERS,
            "downloaders",
            "Distinct origins (--unique-by: another level) with at least one download, as the counting rule says; 401 left out.",
            merge="union",
            made_of="downloads",
        ),
        _unique(
            "origins",
            pl.col("origin_id"),
            "Distinct origins: all who asked, whether they took something or not; 401 left out. Usually more than people.",
        ),
        _unique("endpoints", pl.col("endpoint_id"), "Distinct client addresses (IPv6: /64) that asked, 401 left out."),
        _unique("networks", pl.col("network_id"), "Distinct /24 or /48 networks that asked, 401 left out. Usually fewer than people."),
        _unique("orgs", pl.coalesce("organization_name", "as_organization"), "Distinct network owners, 401 left out.", "organisations"),
        _unique("users", pl.col("user_id"), "Distinct authenticated users, 401 left out."),
        _unique("packages", _joined("package_type", "package_name"), "Distinct packages (ecosystem and name), 401 left out."),
        _unique(
            "versions",
            _joined("package_type", "package_name", pl.coalesce("package_version_normalized", "package_version")),
            "Distinct versions, tags and digests of packages, spellings of one counted once, 401 left out.",
        ),
        _running("instances", "One for each stream of polls of an origin that is in production, or several where several poll behind one address."),
        _running("instances-low", "No fewer of them: of origins surely in production, as many as the pace of all visits bears out."),
        _running("instances-high", "No more of them: with visits that fell together, and origins that may be in production."),
        Metric(
            "errors",
            "errors",
            "Requests answered 4xx or 5xx.",
            IS_FAILED.cast(pl.Int64),
            unit="requests",
            reasons=(("was answered otherwise than 4xx or 5xx, or no status is logged", ~IS_FAILED),),
            inclusion="answered 4xx or 5xx",
        ),
        Metric(
            "missing",
            "missing",
            "GET requests for an artifact answered 404: what was asked for and is not there.",
            pl.when(_IS_MISSING).then(1).otherwise(0),
            unit="requests",
            one="missing",
            reasons=(("is no GET for an artifact that was answered 404", _IS_NO_MISS),),
            inclusion="GET for an artifact answered 404",
        ),
        Metric(
            "error-rate",
            "errors of requests",
            "Errors divided by requests of the row.",
            merge="ratio-of-sums",
            kind="share",
            unit="share",
            parts=("errors", "requests"),
        ),
        Metric(
            "first-seen",
            "first seen",
            "First event in these logs within the window.",
            pl.col("timestamp"),
            "min",
            "time",
            unit="time",
            inclusion="the first of these is told",
        ),
        Metric(
            "last-seen",
            "last seen",
            "Last event in these logs within the window.",
            pl.col("timestamp"),
            "max",
            "time",
            unit="time",
            inclusion="the last of these is told",
        ),
    )
}

ELSEWHERE: Final = Metric(
    "elsewhere",
    "readings redirected",
    "GET requests for an index or metadata that were sent elsewhere: what they lead to, these logs do not see.",
    (IS_GET & pl.col("action").is_in(["index", "metadata"]) & IS_REDIRECT).fill_null(value=False).cast(pl.Int64),
    unit="requests",
)
"""Told in the footer beside what a rule counts."""


INSTANCES: Final = ("instances", "instances-low", "instances-high")
"""An estimate, which is never told without its range."""


def find_metric(name: str) -> Metric:
    """Look a metric up by its name.

    Raises:
        UsageError: there is none, with the nearest name.
    """
    known = spell(name) if spell(name) in METRICS else name_metric(name)
    if known not in METRICS:
        if (dimension := name_dimension(name)) != name:
            raise UsageError(
                f"'{name}' is no metric but a dimension, '{dimension}': rows are broken down by it (--by {dimension}) or chosen (--where)"
            )
        noun = "metric"
        raise unknown_name(noun, name, METRICS)
    return METRICS[known]


DEFAULT_METRICS: Final = ("downloads", DOWNLOADERS)
"""What a report shows if nothing is asked for."""
