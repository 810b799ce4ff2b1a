"""Find the events that hold an address of their own client, or of a hop before it, in what a client may have written."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from typing import Final

import polars as pl

OTHERS: Final = ("http_request_range", "cache_status", "backend")
"""Columns of few values that are kept as they are, but for what must not be."""
FREE_TEXTS: Final = (
    "url_path",
    "url_query",
    "http_request_referrer",
    "user_agent_original",
    "url_domain",
    "http_request_id",
    "attributes",
    *OTHERS,
)
"""What a client may have written."""
TEXT_KEYS: Final = (
    "request_keys",
    "agent_keys",
    "referrer_keys",
    "host_keys",
    "http_request_id_keys",
    "attributes_keys",
    *(f"{name}_keys" for name in OTHERS),
)
"""What in these may spell an address, by where it was read from."""


def find_own(texts: Sequence[pl.Series], own: Sequence[pl.Series]) -> tuple[pl.Series, list[frozenset[str]]]:
    """Find the rows that hold a key of their own.

    Args:
        texts: columns of the keys that texts hold, blanks between them.
        own: columns of the keys of each row's client and hops.

    Returns:
        The rows, and for each of them the keys that it holds of its own.
    """
    rows = _share_keys(texts, own).arg_true()
    if not rows.len():
        return rows, []
    sides = [_split_keys([column.gather(rows) for column in columns]) for columns in (texts, own)]
    mine = [keys & held for keys, held in zip(*sides, strict=True)]
    is_hit = pl.Series([bool(keys) for keys in mine], dtype=pl.Boolean)
    return rows.filter(is_hit), [keys for keys in mine if keys]


def _share_keys(texts: Sequence[pl.Series], own: Sequence[pl.Series]) -> pl.Series:
    """Tell the rows that hold, in a text and among their clients and hops, keys that some text and some client of these rows share."""
    values = [[column.unique().drop_nulls().cast(pl.String) for column in columns] for columns in (texts, own)]
    keys = [pl.concat([value.str.split(" ").explode() for value in side]).unique() for side in values]
    shared = keys[0].filter(keys[0].is_in(keys[1].implode()))
    if not shared.len():
        return pl.Series([False]).new_from_index(0, texts[0].len())
    sides = []
    for columns, distinct in zip((texts, own), values, strict=True):
        hits = [
            column.cast(pl.String).is_in(_holding(value, shared).implode()).fill_null(value=False)
            for column, value in zip(columns, distinct, strict=True)
        ]
        sides.append(functools.reduce(operator.or_, hits))
    return sides[0] & sides[1]


def _holding(values: pl.Series, keys: pl.Series) -> pl.Series:
    """Keep the values that hold one of some keys."""
    split = values.to_frame("value").with_columns(pl.col("value").str.split(" ").alias("key")).explode("key")
    return split.filter(split["key"].is_in(keys.implode()))["value"].unique()


def _split_keys(columns: Sequence[pl.Series]) -> list[frozenset[str]]:
    """Join the keys of each row."""
    texts = [column.cast(pl.String).to_list() for column in columns]
    return [frozenset(key for text in row if text for key in text.split(" ")) for row in zip(*texts, strict=True)]
