"""The metrics: what is counted, its unit, and how partial answers become one.

Events that were split by group, key or machine are answered apart and merged as each metric
declares: sums add, minima and maxima compare, uniques unite their keys, ratios divide merged sums.

To add one: append a `Metric`; `--metric`, its help and the docs follow.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from pullstats.errors import UsageError, unknown_name
from pullstats.metrics.counting import SESSIONS
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY, IS_FAILED, IS_GET, IS_REDIRECT
from pullstats.metrics.synonyms import name_dimension, name_metric
from pullstats.reports import ColumnKind

Merge = Literal["sum", "min", "max", "union", "ratio-of-sums"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One countable thing.

    Attributes:
        name: as `--metric` takes it.
        title: heading for people.
        expr: value of one event (`sum`, `min`, `max`), or the key it adds to a set (`union`, null adds none);
            None where the value comes from a counting rule or from other metrics.
        unit: what one of it is.
        kind: how a column of it is drawn.
        additive: whether values of disjoint groups may be added.
        merge: how partial answers become one.
        help: definition in one sentence.
        parts: numerator and denominator of a ratio.
        columns: event columns that `expr` reads.
        rule: label of the counting rule that says what is one, `SESSIONS` for sessions; set when a question is resolved.
        counts: what that rule counts, where `name` names the rule as well.
        identity: whose an event is, answered 401 or not; of a distinct count of clients.
    """

    name: str
    title: str
    expr: pl.Expr | None
    unit: str
    kind: ColumnKind
    additive: bool
    merge: Merge
    help: str
    parts: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    rule: str = ""
    counts: str = ""
    identity: pl.Expr | None = None

    @property
    def key(self) -> str:
        """Name in JSON and CSV."""
        return re.sub(r"[^a-z0-9]+", "_", self.name)

    @property
    def is_counted(self) -> bool:
        """Whether a counting rule says what is one."""
        return self.expr is None and not self.parts

    @property
    def is_ruled(self) -> bool:
        """Whether that depends on the counting rule."""
        return self.is_counted and self.name != SESSIONS

    @property
    def tally(self) -> str:
        """What it is made of, of what a rule counts."""
        name = self.counts or self.name
        return "downloads" if name == DOWNLOADERS else name

    @property
    def is_hashed(self) -> bool:
        """Whether it counts hashes, which only compare under one key."""
        return self.merge == "union" and bool(HASHES & {*self.columns})


DOWNLOADERS: Final = "downloaders"
"""Counts those of the unique level to whom a rule gives a download."""
HASHES: Final = frozenset({"origin_id", "endpoint_id", "network_id", "user_id"})


def id_key(column: str) -> pl.Expr:
    """Read a 16-byte id as one number: exact, and far faster to hash than bytes."""
    return pl.col(column).bin.reinterpret(dtype=pl.Int128)


def _unique(name: str, title: str, expr: pl.Expr, unit: str, text: str, *columns: str) -> Metric:
    """Declare a distinct count; an anonymous first try (401) adds nobody."""
    key = pl.when(~IS_ANONYMOUS_TRY).then(expr)
    return Metric(name, title, key, unit, "count", False, "union", text, columns=(*columns, "http_response_status_code"), identity=expr)


def _counted(name: str, text: str) -> Metric:
    return Metric(name, name, None, name, "count", True, "sum", text)


def _joined(*parts: str | pl.Expr) -> pl.Expr:
    texts = [pl.col(part) if isinstance(part, str) else part for part in parts]
    return pl.when(texts[-1].is_not_null()).then(pl.concat_str([text.fill_null("") for text in texts], separator="\x1f"))


_SIZE: Final = "http_response_body_size"
_STATUS: Final = "http_response_status_code"
_METHOD: Final = "http_request_method"
HTTP_NOT_FOUND: Final = 404

METRICS: Final[dict[str, Metric]] = {
    metric.name: metric
    for metric in (
        Metric("requests", "requests", pl.lit(1, pl.Int64), "requests", "count", True, "sum", "Events: lines of the log that are requests."),
        Metric(
            "bytes",
            "bytes",
            pl.when(pl.col(_METHOD).ne_missing("HEAD")).then(pl.col(_SIZE)),
            "bytes",
            "bytes",
            True,
            "sum",
            "Sum of response body bytes, HEAD left out.",
            columns=(_METHOD, _SIZE),
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
        _counted("sessions", "Runs of requests of one origin, whatever for, without a pause over 30 minutes (--session-gap)."),
        Metric(
            DOWNLOADERS,
            "downloaders",
            None,
            "downloaders",
            "count",
            False,
            "union",
            "Distinct origins (--unique-by: another level) with at least one download, as the counting rule says; 401 left out.",
        ),
        _unique(
            "origins",
            "origins",
            id_key("origin_id"),
            "origins",
            "Distinct origins: all who asked, whether they took something or not; 401 left out. Usually more than people.",
            "origin_id",
        ),
        _unique(
            "endpoints",
            "endpoints",
            id_key("endpoint_id"),
            "endpoints",
            "Distinct client addresses (IPv6: /64) that asked, 401 left out.",
            "endpoint_id",
        ),
        _unique(
            "networks",
            "networks",
            id_key("network_id"),
            "networks",
            "Distinct /24 or /48 networks that asked, 401 left out. Usually fewer than people.",
            "network_id",
        ),
        _unique(
            "orgs",
            "organisations",
            pl.coalesce("organization_name", "as_organization"),
            "organisations",
            "Distinct network owners, 401 left out.",
            "organization_name",
            "as_organization",
        ),
        _unique("users", "users", id_key("user_id"), "users", "Distinct authenticated users, 401 left out.", "user_id"),
        _unique(
            "packages",
            "packages",
            _joined("package_type", "package_name"),
            "packages",
            "Distinct packages (ecosystem and name), 401 left out.",
            "package_type",
            "package_name",
        ),
        _unique(
            "versions",
            "versions",
            _joined("package_type", "package_name", pl.coalesce("package_version_normalized", "package_version")),
            "versions",
            "Distinct versions, tags and digests of packages, spellings of one counted once, 401 left out.",
            "package_type",
            "package_name",
            "package_version",
            "package_version_normalized",
        ),
        Metric(
            "errors",
            "errors",
            IS_FAILED.cast(pl.Int64),
            "requests",
            "count",
            True,
            "sum",
            "Requests answered 4xx or 5xx.",
            columns=(_STATUS,),
        ),
        Metric(
            "missing",
            "missing",
            pl.when((pl.col(_STATUS) == HTTP_NOT_FOUND) & pl.col("is_downloadable") & (pl.col(_METHOD) == "GET")).then(1).otherwise(0),
            "requests",
            "count",
            True,
            "sum",
            "GET requests for an artifact answered 404: what was asked for and is not there.",
            columns=(_STATUS, _METHOD, "is_downloadable"),
        ),
        Metric(
            "error-rate",
            "errors of requests",
            None,
            "share",
            "share",
            False,
            "ratio-of-sums",
            "Errors divided by requests of the row.",
            parts=("errors", "requests"),
        ),
        Metric(
            "first-seen",
            "first seen",
            pl.col("timestamp"),
            "time",
            "time",
            False,
            "min",
            "First event in these logs within the window.",
            columns=("timestamp",),
        ),
        Metric(
            "last-seen",
            "last seen",
            pl.col("timestamp"),
            "time",
            "time",
            False,
            "max",
            "Last event in these logs within the window.",
            columns=("timestamp",),
        ),
    )
}

ELSEWHERE: Final = Metric(
    "elsewhere",
    "readings redirected",
    (IS_GET & pl.col("action").is_in(["index", "metadata"]) & IS_REDIRECT).fill_null(value=False).cast(pl.Int64),
    "requests",
    "count",
    True,
    "sum",
    "GET requests for an index or metadata that were sent elsewhere: what they lead to, these logs do not see.",
    columns=("action", _METHOD, _STATUS),
)
"""Told in the footer beside what a rule counts."""


def find_metric(name: str) -> Metric:
    """Look a metric up by its name.

    Raises:
        UsageError: there is none, with the nearest name.
    """
    known = name if name in METRICS else name_metric(name)
    if known not in METRICS:
        if (dimension := name_dimension(name)) != name:
            message = f"'{name}' is no metric but a dimension, '{dimension}': rows are broken down by it (--by {dimension}) or chosen (--where)"
            raise UsageError(message)
        noun = "metric"
        raise unknown_name(noun, name, METRICS)
    return METRICS[known]


DEFAULT_METRICS: Final = ("downloads", DOWNLOADERS)
"""What a report shows if nothing is asked for."""
