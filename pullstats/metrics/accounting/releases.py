"""Of every request in which row of an answer about versions it is, or why in none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.accounting.lines import Known, Line, sort_requests, split_counted
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.folding import fold
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_FAILED
from pullstats.metrics.versions.asks import COLUMNS, ECOSYSTEM, GROUPS, KEYS, PACKAGE
from pullstats.metrics.versions.echoes import DEMAND, ECHO
from pullstats.metrics.versions.kinds import RANK
from pullstats.metrics.versions.moments import Moment
from pullstats.metrics.versions.takings import MINUTE

ASKED_FOR: Final = "versions"
_DAY: Final = timedelta(days=1)
_UNASKED: Final = (("was answered 4xx or 5xx", IS_FAILED), ("names no package", pl.col("package_name").is_null()))
_NAMES_RELEASE: Final = pl.col(RELEASE).is_not_null()
_PACKAGE: Final = {name: GROUPS[name] for name in (ECOSYSTEM, PACKAGE)}


def account_for_asks(asked: Plan) -> tuple[Line, ...]:
    """Tell of every request of the window whether it asks for a release that is listed.

    Args:
        asked: the plan of the question.
    """
    metric = asked.metrics[0]
    counted = fold(compute_partials(asked, GROUPS, COLUMNS), (metric,), KEYS)
    unnamed = counted.filter(pl.col(RELEASE).is_null() & pl.col(PACKAGE).is_not_null() & (pl.col(metric.key) > 0))
    known = Known(unnamed.select(*_PACKAGE, has_unnamed=pl.lit(value=True)), _PACKAGE)
    row = (
        pl.when(_NAMES_RELEASE)
        .then(pl.lit("in: asks for a release, and was answered"))
        .otherwise(pl.lit("in: names none, as some downloads of its package do: none named"))
    )
    is_beside = ~_NAMES_RELEASE & pl.col("has_unnamed").is_null()
    reasons = (*_UNASKED, ("names no release: layers, indexes, lists of tags", is_beside))
    return tuple(sort_requests(asked, ASKED_FOR, row, reasons, known))


def account_for_values(asked: Plan, value: pl.Expr, name: str) -> tuple[Line, ...]:
    """Tell of every request of the window whether it shows what somebody is on.

    Args:
        asked: the plan of the question.
        value: what a request shows; null where it shows nothing.
        name: of the dimension.
    """
    identity = asked.level.identity
    assert identity is not None
    row = pl.when(value.is_null()).then(pl.lit(f"in: states no {name}, and is a row of its own")).otherwise(pl.lit(f"in: states {name}"))
    return tuple(sort_requests(asked, ASKED_FOR, row, (*_UNASKED, (f"names no {asked.level.singular}", identity.is_null()))))


def account_for_lags(asked: Plan, ranked: pl.DataFrame, moments: Sequence[Moment]) -> tuple[Line, ...]:
    """Tell of every request of the window whether it says when somebody moved to a release.

    Args:
        asked: the plan of the question.
        ranked: asks, with the `rank` of each release.
        moments: of the releases told of.
    """
    identity = asked.level.identity
    assert identity is not None
    places = ranked.select(*KEYS, RANK).unique(KEYS)
    told = pl.DataFrame([(one.ecosystem, one.package, True) for one in moments], schema=_told_schema(ranked, "is_told"), orient="row").unique()
    known = Known(places.join(told, on=[ECOSYSTEM, PACKAGE], how="left", nulls_equal=True), GROUPS)
    reasons = (
        *_UNASKED,
        ("names no release, or one without a place in the order of versions", pl.col(RANK).is_null()),
        ("of a package without a release here that somebody moved to from an older one", pl.col("is_told").is_null()),
        (f"names no {asked.level.singular}", identity.is_null()),
    )
    return tuple(sort_requests(asked, ASKED_FOR, pl.lit("in: says which version somebody was on, and when"), reasons, known))


def account_for_curves(asked: Plan, ranked: pl.DataFrame, moments: Sequence[Moment], last: datetime | None) -> tuple[Line, ...]:
    """Tell of every request of the window whether it is a download of a day since a release came out.

    Args:
        asked: the plan of the question.
        ranked: downloads by minute, with the `rank` of each release.
        moments: of the releases followed.
        last: the first instant that is not known any more.
    """
    spans = [(one.ecosystem, one.package, one.moment, one.moment + (last - one.moment) // _DAY * _DAY) for one in moments if last]
    schema = {**_told_schema(ranked, "begin"), "begin": ranked.schema[MINUTE], "end": ranked.schema[MINUTE]}
    days = pl.DataFrame(spans, schema=schema, orient="row").filter(pl.col("begin") < pl.col("end"))
    days = days.group_by(ECOSYSTEM, PACKAGE).agg(pl.col("begin").min(), pl.col("end").max())
    rows = ranked.join(days, on=[ECOSYSTEM, PACKAGE], how="left", nulls_equal=True)
    minute = pl.col(MINUTE)
    texts = (
        ("out: a download of what has no place in the order of versions", pl.col(RANK).is_null()),
        ("out: a download of a package without a release that is followed", pl.col("begin").is_null()),
        ("out: a download from before the release came out", minute < pl.col("begin")),
        ("out: a download of the last day, which is not whole", minute >= pl.col("end")),
    )
    what = pl.coalesce(*(pl.when(test).then(pl.lit(text)) for text, test in texts), pl.lit("in: a download of a whole day since it came out"))
    counted: dict[str, int] = dict(rows.group_by(what.alias("what")).agg(pl.col("downloads").sum()).rows())
    return tuple(split_counted(asked, "adoption", sorted(counted.items()), "out: a download that names no package"))


def account_for_echo(asked: Plan, rows: pl.DataFrame, hours: int) -> tuple[Line, ...]:
    """Tell of every request of the window whether it is a download from demand, or the echo of a release.

    Args:
        asked: the plan of the question.
        rows: one a release, as `split_echo` gives them.
        hours: how long an echo lasts.
    """
    pieces = [
        ("in: a download from demand", int(rows[DEMAND].sum())),
        (f"in: what machines took of a release within {hours} hours", int(rows[ECHO].sum())),
    ]
    return tuple(split_counted(asked, ECHO, pieces, "out: a download that names no package"))


def _told_schema(rows: pl.DataFrame, name: str) -> dict[str, pl.DataType]:
    return {ECOSYSTEM: rows.schema[ECOSYSTEM], PACKAGE: rows.schema[PACKAGE], name: pl.Boolean()}
