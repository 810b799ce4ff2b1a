"""Take secrets and people out of what JSON logs carry beyond what is known (`--keep-attributes`): value by value, so that JSON stays JSON.

What is hidden is what is hidden in every text (`redact.py`), and by the name of its key whatever that names (`secrets.toml`, `[names]`):
tokens, passwords, cookies, sessions, users.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

from pullstats.enrich.redact import REDACTED, redact_values


def redact_attributes(objects: pl.Series) -> pl.Series:
    """Redact JSON objects; those in which nothing is found stay as they are.

    Args:
        objects: JSON texts, may hold nulls.

    Returns:
        JSON texts in the same order; null where nothing could be kept without what must be hidden.
    """
    hits = objects.ne_missing(redact_values(objects))
    if not hits.any():
        return objects
    hidden = _hide_all([json.loads(text) for text in objects.filter(hits)])
    texts = pl.Series([_write(item) for item in hidden], dtype=pl.String)
    # Keys may hold secrets themselves, and what stands apart may be one together.
    texts = texts.set(texts.ne_missing(redact_values(texts)), None)
    return objects.clone().scatter(hits.arg_true(), texts)


def _write(item: Any) -> str:
    return json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace").decode()


def _hide_all(items: list[Any]) -> list[Any]:
    """Hide in every value what is found in it beside its key; all values of all objects at once."""
    leaves = [leaf for item in items for leaf in _list_leaves(item, "")]
    pairs = pl.Series([_write({key: value}) for key, value in leaves], dtype=pl.String)
    clean = redact_values(pairs)
    answers = iter([value if before == after else _read_back(key, after) for (key, value), before, after in zip(leaves, pairs, clean, strict=True)])
    return [_put_back(item, lambda _: next(answers)) for item in items]


def _read_back(key: str, text: str) -> Any:
    """Read a value out of a pair that was redacted; all of it is hidden where that is no pair any more."""
    try:
        return json.loads(text)[key]
    except (ValueError, KeyError, TypeError):
        return REDACTED


def _list_leaves(item: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(item, dict):
        for name, below in item.items():
            yield from _list_leaves(below, name)
    elif isinstance(item, list):
        for below in item:
            yield from _list_leaves(below, key)
    else:
        yield key, item


def _put_back(item: Any, answer: Callable[[Any], Any]) -> Any:
    if isinstance(item, dict):
        return {name: _put_back(below, answer) for name, below in item.items()}
    if isinstance(item, list):
        values = [_put_back(below, answer) for below in item]
        return REDACTED if values and all(value == REDACTED for value in values) else values
    return answer(item)
