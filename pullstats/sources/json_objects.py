"""Objects of JSON, one a line, read by their keys."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import polars as pl

from pullstats.clean_lines import join_lines
from pullstats.tokenisers import read_objects

_ODD_ESCAPE: Final = r"\\u(?:[dD]|0000)"


def read_keys(lines: pl.Series, schema: pl.Schema, read_one: Callable[[dict[str, Any]], tuple[Any, ...]]) -> pl.DataFrame:
    """Read some keys of JSON objects: by the tokeniser, or one by one where that would take a text for another.

    Args:
        lines: an object each; null, and what is no object, has none of the keys.
        schema: the keys, and what is read of each.
        read_one: gives the values of one object in that order, null where it has none.

    Returns:
        A column a key, a row a line.
    """
    is_odd = lines.is_null() | ~lines.str.starts_with("{") | lines.str.contains(_ODD_ESCAPE)
    if not is_odd.any():
        found = read_objects(join_lines(lines), schema)
        if found is not None and found.height == lines.len():
            return found
    return pl.DataFrame([read_one(load_object(line)) for line in lines], schema=schema, orient="row")


def dump(item: dict[str, Any]) -> str | None:
    """Write an object as JSON; None if it nests too deeply."""
    try:
        return json.dumps(item)
    except RecursionError:
        return None


def load_object(line: str | None) -> dict[str, Any]:
    """Decode an object; what is none, or nests too deeply, is empty."""
    try:
        item = json.loads(line or "", strict=False)
    except (ValueError, RecursionError):
        return {}
    return item if isinstance(item, dict) else {}


def to_text(value: Any) -> str | None:
    """Give a value as text: a string as it is, anything else as JSON; lone surrogates are written as escapes."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "backslashreplace").decode()


def dig(item: Any, path: Sequence[str]) -> Any:
    """Give what lies under keys within keys, the outermost first; None where any of them is missing."""
    for key in path:
        item = item.get(key) if isinstance(item, dict) else None
    return item
