"""What logs are called: events know a log by its content, people by its name, and several files may be one log of one name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.metrics.dimension import Dimension

SOURCE: Final = "source"


def list_logs(sources: pl.DataFrame | None) -> dict[str, list[str]]:
    """Give the ids of the logs of each name.

    Args:
        sources: `source_id` and `name` of each log of a store; None where they are not known.

    Returns:
        Ids by names; logs without a name are left out.
    """
    named: dict[str, list[str]] = {}
    for source, name in [] if sources is None else sources.select("source_id", "name").rows():
        if name is not None:
            named.setdefault(name, []).append(source)
    return named


def name_logs(dimension: Dimension, logs: Mapping[str, Sequence[str]]) -> Dimension:
    """Let the dimension of logs tell their names, as `status` and filters do; what has none keeps its id."""
    names = {source: name for name, sources in logs.items() for source in sources}
    if dimension.name != SOURCE or not names:
        return dimension
    named = pl.col("source_id").replace_strict(names, default=pl.col("source_id"), return_dtype=pl.String)
    return replace(dimension, expr=lambda _: named)
