"""Of every request the class that it is told in, and what classes are by."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.metrics.accounting.lines import Line, look_back, sort_requests
from pullstats.metrics.dimensions import CLASS
from pullstats.metrics.filtering.selection import Selection
from pullstats.metrics.plan import Plan

_PART: Final = "classes"
_ORIGIN: Final = pl.col("origin_id")


def tell_classes(asked: Plan) -> list[Line]:
    """Say by which table classes are, from which score on they are told, and from how many requests.

    Args:
        asked: the plan of the question.
    """
    classes = asked.classes
    read = classes.scan(["timestamp"], None, classes.until).select(pl.len().cast(pl.Int64)).collect(engine="streaming").item()
    return [
        (_PART, f"by {classes.tell(asked.query.tz)}", None),
        (_PART, f"a class is told from a score of {classes.rules.least_score:g} on; below it is unknown", None),
        (_PART, f"read for them, whatever the window and the filters: all {read:,} requests up to the window's end", None),
    ]


def account_for_classes(asked: Plan) -> tuple[Line, ...]:
    """Tell of every request of the window of which class it is; where few must not be told, only what classes are by.

    Args:
        asked: the plan of the question.
    """
    if asked.query.min_origins:
        return ((_PART, f"--min-origins {asked.query.min_origins}: how many requests each has is not told here", None),)
    row = (
        pl.when(_ORIGIN.is_null())
        .then(pl.format("in: of nobody known, {} by what its agent says", CLASS))
        .otherwise(pl.format("in: of an origin and package that is {}", CLASS))
    )
    return (*tell_classes(asked), *sort_requests(asked, CLASS, row))


def look_at_all(asked: Plan) -> Plan:
    """Ask of all requests up to the window's end, whatever the filters: those that a class is told by.

    Args:
        asked: the plan of a question.
    """
    return replace(look_back(asked), selection=Selection())


def account_for_origin(asked: Plan, origin: int) -> tuple[Line, ...]:
    """Tell of every request whether it is one of an origin's, and of which class its package is.

    Args:
        asked: the plan of the question, of all requests that a class is told by.
        origin: its id.
    """
    row = pl.format("in: of a package for which it is {}", CLASS)
    reasons = [("names no origin", _ORIGIN.is_null()), ("is another origin's", _ORIGIN.ne_missing(origin))]
    return (*tell_classes(asked), *sort_requests(asked, CLASS, row, reasons))
