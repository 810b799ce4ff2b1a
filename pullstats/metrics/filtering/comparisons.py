"""Comparisons as expressions: what a filter says of a dimension, true or false of every event and never null."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import polars as pl

from pullstats.metrics.dimension import UNKNOWN, Dimension
from pullstats.metrics.filtering.tokens import Token


def join_all(parts: Sequence[pl.Expr], join: Callable[[Any, Any], Any] = operator.and_) -> pl.Expr:
    """Join parts two by two: a chain of thousands would be too deep for the engine.

    Args:
        parts: at least one, true or false of every event.
        join: joins two of them, by default both must hold.
    """
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    joined: pl.Expr = join(join_all(parts[:middle], join), join_all(parts[middle:], join))
    return joined


def is_missing(dimension: Dimension, value: pl.Expr) -> pl.Expr:
    """Tell what a table shows as unknown: what is missing and, where that is a word of ours, what is called so.

    Args:
        dimension: what is compared.
        value: its value of an event.
    """
    return value.is_null() | value.eq_missing(pl.lit(UNKNOWN)) if dimension.has_unknown else value.is_null()


def is_one_of(dimension: Dimension, value: pl.Expr, items: Sequence[Any]) -> pl.Expr:
    """Tell what equals one of some values; of an id, what begins with one.

    Args:
        dimension: what is compared.
        value: its value of an event.
        items: the values; none equals nothing.
    """
    if dimension.hash_of:
        begins = [dimension.begins_with(item) for item in items]
        return join_all(begins, operator.or_).fill_null(value=False) if begins else pl.lit(value=False)
    return value.eq_missing(pl.lit(items[0])) if len(items) == 1 else value.is_in(list(items)).fill_null(value=False)


def write_like(token: Token) -> str:
    r"""Write a pattern with % and _ as a regular expression; `\%` in quotes is a percent sign."""
    written = token.text if token.quoted is None else token.quoted
    parts = []
    for escaped, character in re.findall(r"\\(.)|(.)", written, re.DOTALL) if token.quoted is not None else (("", one) for one in written):
        parts.append({"%": ".*", "_": "."}.get(character) or re.escape(escaped or character))
    return f"(?s)^{''.join(parts)}$"
