"""What two sides of a comparison are: windows, filters, or bare words that are values."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.filtering.filters import parse_filter
from pullstats.metrics.filtering.writing import join_filters, write_filter
from pullstats.metrics.plan import Plan, share_classes, with_filter, with_window
from pullstats.metrics.question_window import is_beyond
from pullstats.metrics.time.phrase import AmbiguousWindowError

_VALUE_DIMENSIONS: Final = ("version", "tag", "domain", "backend")
"""What a bare word may be a value of."""


def find_windows(base: Plan, sides: tuple[str, str]) -> list[Plan]:
    """Read both sides as windows.

    Args:
        base: the plan without them.
        sides: as they were typed.

    Returns:
        A plan a side; none where neither is a window.

    Raises:
        UsageError: one is a window and the other is not.
    """
    found = [one for text in sides if (one := _try_window(base, text)) is not None]
    if base.query.is_shifting and base.query.as_of is None and found and all(is_beyond(one.window, base.extent) for one in found):
        found = [with_window(base, one.query.window) for one in found]
    if len(found) == 1:
        raise UsageError(f"'{sides[0]}' and '{sides[1]}' are a window and a filter; compare two windows, or two filters within one --window")
    return share_classes(found) if found else []


def _try_window(base: Plan, text: str) -> Plan | None:
    try:
        return with_window(replace(base, query=replace(base.query, is_shifting=False)), text)
    except AmbiguousWindowError:
        raise
    except UsageError:
        return None


def find_filters(base: Plan, sides: tuple[str, str]) -> list[Plan]:
    """Read both sides as filters; bare words are values of one dimension where one has both.

    Args:
        base: the plan without them; its own filter holds on both sides.
        sides: as they were typed.

    Returns:
        A plan a side.

    Raises:
        UsageError: a side is no filter, and no value that the window has.
    """
    where = base.query.where
    errors = {text: error for text in sides if (error := _find_error(text, base.query.tz)) is not None}
    values = {text: {name: found for name in _VALUE_DIMENSIONS if (found := _find_values(text, name, base))} for text in errors}
    for text, error in errors.items():
        if not values[text]:
            raise UsageError(f"'{text}' is no window, no version, host or backend of this window, and no filter:\n{error}")
    common = [name for name in _VALUE_DIMENSIONS if all(name in found for found in values.values())]
    asked = []
    for text in sides:
        side = text
        if text in errors:
            name = (common or [*values[text]])[0]
            side = write_filter(name, values[text][name])
        asked.append(with_filter(base, join_filters(where, side)))
    return asked


def _find_error(text: str, tz: str) -> UsageError | None:
    try:
        parse_filter(text, tz)
    except UsageError as error:
        return error
    return None


def _find_values(text: str, name: str, base: Plan) -> list[str]:
    """List the spellings of a bare word among the values of a dimension, with and without a leading v."""
    dimension, bare = DIMENSIONS[name], text.removeprefix("v")
    values = base.inside(dimension.columns).select(dimension.expr(base.query.tz).alias(name))
    hits = values.filter(pl.col(name).is_in([text, bare, f"v{bare}"]))
    return hits.unique().collect(engine="streaming")[name].sort().to_list()
