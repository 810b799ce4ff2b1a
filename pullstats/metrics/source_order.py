"""Which of two logs goes first where both hold requests of one instant.

A log may lie in one piece or in several that a rotation cut, and be read in any order: answers are
the same, for a piece goes where its whole log goes, and among the pieces of a log in the order in
which they were written.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import polars as pl

from pullstats.metrics.extent import Extent, Scan, find_sources
from pullstats.metrics.time.completeness import name_log

_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_DATE: Final = re.compile(r"[0-9]{8,14}|[0-9]{4}-[0-9]{2}-[0-9]{2}[0-9T_-]*")
_NUMBER: Final = re.compile(r"[.-]([0-9]{1,3})(?=[.-]|$)")

Place = tuple[bool, str, int]


class SourceOrder:
    """The order of a store's logs, found when it is first needed."""

    def __init__(self, extent: Extent, scan: Scan) -> None:
        """Know where to find it.

        Args:
            extent: the store's, with its logs if they are known.
            scan: gives all of the store's events.
        """
        self._extent = extent
        self._scan = scan
        self._ranks: pl.DataFrame | None = None

    def add_to(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Add `source_rank`, the place of each request's log among all logs of the store, to `events`, which have `source_id`."""
        if self._ranks is None:
            self._ranks = rank_sources(find_sources(self._extent, self._scan))
        if self._ranks.height <= 1:
            return events.with_columns(source_rank=pl.lit(0, pl.Int64))
        return events.join(self._ranks.lazy(), on="source_id", how="left", nulls_equal=True)


def rank_sources(sources: pl.DataFrame) -> pl.DataFrame:
    """Number the logs of a store in the order of whole logs, then of the pieces of each.

    Whole logs go by their first event, then by name; pieces by their first event, then as rotation
    names them (`access.log.2.gz`, `access.log.1`, `access.log`; dates ascending, the bare name last).

    Args:
        sources: `source_id`, `name` (null where it is not known) and `first`, the instant of the first
            event; of the whole store, so that an answer does not depend on how much of it a question reads.

    Returns:
        `source_id`, `source_rank`.
    """
    pieces = [(source, name or source, first or _NEVER) for source, name, first in sources.select("source_id", "name", "first").rows()]
    begins: dict[str, datetime] = {}
    for _, name, first in pieces:
        log = name_log(name)
        begins[log] = min(begins.get(log, first), first)
    ordered = sorted((begins[log], log, first, find_place(name), source) for source, name, first in pieces for log in [name_log(name)])
    return pl.DataFrame(
        {"source_id": [source for *_, source in ordered], "source_rank": range(len(ordered))},
        schema={"source_id": pl.String, "source_rank": pl.Int64},
    )


def find_place(name: str) -> Place:
    """Tell where a rotation put a piece: dates ascend, numbers descend, what has neither is still written to."""
    suffix = name.removeprefix(name_log(name))
    dates = "".join(re.sub("[^0-9]", "", match[0]) for match in _DATE.finditer(suffix))
    numbers = [int(match[1]) for match in _NUMBER.finditer(_DATE.sub("", suffix))]
    return not (dates or numbers), dates or "~", -(numbers[-1] if numbers else 0)
