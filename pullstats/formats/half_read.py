"""Lines of which little was understood though they name what they hold: read by keys, labels or columns, they are refused alike.

A request without a target is one where the log names none; where what looks like a target stands
under a name that nobody knows, the other names may mean another thing as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import polars as pl

from pullstats.formats.json_keys import KNOWN, NEST
from pullstats.formats.notices import KEYS, hides_target

_KNOWN_KEYS: Final = frozenset(path.replace(NEST, ".") for path in KNOWN.paths)
_TARGETS: Final = ("request", "request_uri", "uri")

Items = Callable[[int], Mapping[str, Any] | None]
"""Gives what a row holds, by its number: values by name; None where that is not known."""


def find_blind(raw: pl.DataFrame) -> pl.Series | None:
    """Find the requests of which no target was understood; None if there are none.

    Args:
        raw: text columns named by variables, and `reason`.
    """
    says = [pl.col(name).is_not_null() for name in _TARGETS if name in raw.columns]
    blind = raw.select((pl.col("reason").is_null() & ~pl.any_horizontal(*says, pl.lit(value=False))).alias("blind")).to_series()
    return blind if blind.any() else None


def is_half_read(item: Mapping[str, Any] | None) -> bool:
    """Tell whether the target of a request stands under a name that nobody knows."""
    return item is not None and hides_target(item, _KNOWN_KEYS)


def refuse_half_read(raw: pl.DataFrame, item_of: Items) -> pl.DataFrame:
    """Give the reason `keys` to the requests that were read by half."""
    blind = find_blind(raw)
    if blind is None:
        return raw
    half = [place for place in blind.arg_true() if is_half_read(item_of(place))]
    return raw.with_columns(raw["reason"].cast(pl.String).scatter(half, KEYS)) if half else raw
