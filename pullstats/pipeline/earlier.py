"""What was read before, by name and time: for logs that cannot be known by their content.

That is a stream that is new, and, where the identity key is lost, any log that is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from pathlib import PurePath
from typing import Any

import polars as pl

from pullstats.errors import InputError
from pullstats.formats import Times, parse_lines
from pullstats.pipeline.decoder import LogDecoder
from pullstats.sources.paths import STDIN
from pullstats.store import Store


class EarlierLogs:
    """The logs a store holds."""

    def __init__(self, store: Store | None, source_name: str | None, unknowable_before: datetime | None) -> None:
        """Look at a store as it is now.

        Args:
            store: None if there is none yet.
            source_name: as the user gave it.
            unknowable_before: logs read before this cannot be known again by their content; None where all can.
        """
        self._store = store
        self._source_name = source_name
        self._unknowable_before = unknowable_before

    @property
    def is_telling(self) -> bool:
        """Every log that was read can be known again by its content."""
        return self._unknowable_before is None

    @cached_property
    def _runs(self) -> list[dict[str, Any]]:
        """A row a run and source, oldest first."""
        if self._store is None:
            return []
        return self._store.runs().select("source_id", "name", "format", "confidence", "wrapper", "first", "last", "started").to_dicts()

    @cached_property
    def _formats(self) -> dict[str, tuple[str, float, str | None]]:
        return {run["source_id"]: (run["format"], run["confidence"], run["wrapper"]) for run in self._runs}

    def format_of(self, source_id: str) -> tuple[str, float, str | None]:
        """Tell format, confidence and wrapper of a log as it was read last."""
        return self._formats.get(source_id, ("", 0.0, None))

    def refuse(self, name: str, log: LogDecoder) -> None:
        """Refuse a log that may be one that was read while the identity key was another one.

        Args:
            name: of the log.
            log: how to read it.

        Raises:
            InputError: its times lie among those that its source holds, or all sources where there is none of that name.
        """
        first, last = _times(log)
        if self._unknowable_before is None or first is None or last is None:
            return
        runs = [run for run in self._runs if run["started"] < self._unknowable_before and run["first"] is not None]
        asked = self._source_name or name
        mine = [run for run in runs if _log_name(run["name"]) == _log_name(asked)]
        held = mine or ([] if self._source_name else runs)
        if not any(run["first"] <= last and first <= run["last"] for run in held):
            return
        raise InputError(
            f"'{name}' begins at {first:%Y-%m-%d %H:%M:%S} UTC, and the store holds logs up to {max(run['last'] for run in held):%Y-%m-%d %H:%M:%S}; "
            "the identity key they were known by is lost, so nobody can tell whether this one was read before: restore the key, "
            "or say --again to read it in full"
        )

    def remark_on_stream(self, first: datetime | None, last: datetime | None) -> str | None:
        """Say of a stream that is new how it lies to what came before; None if there is nothing to say.

        Args:
            first: its earliest event.
            last: its latest.
        """
        if first is None or last is None:
            return None
        runs = [run for run in self._runs if run["first"] is not None]
        mine = [run for run in runs if run["name"] == (self._source_name or STDIN)]
        overlapping = _overlapping(mine, first, last) or ([] if self._source_name else _overlapping(runs, first, last))
        if overlapping:
            run = overlapping[-1]
            what = "what came in before" if run["name"] == STDIN else run["name"]
            return (
                f"it begins otherwise than any log that was read before and was counted in full, but overlaps in time with {what} "
                f"({run['first']:%Y-%m-%d %H:%M:%S} to {run['last']:%Y-%m-%d %H:%M:%S} UTC); if it holds the same requests they count twice: "
                "pipe a log from its beginning, and give each log a name of its own with --source NAME"
            )
        reached = max((run["last"] for run in mine), default=None)
        if self._source_name is None and reached is not None and reached < first:
            return (
                f"it begins at {first:%Y-%m-%d %H:%M:%S} UTC, later than what came in before ended ({reached:%Y-%m-%d %H:%M:%S}), and was taken for "
                "another log: pipe a log from its beginning so that nothing is missed, or give each log a name of its own with --source NAME"
            )
        return None


def _overlapping(runs: Sequence[dict[str, Any]], first: datetime, last: datetime) -> list[dict[str, Any]]:
    return [run for run in runs if run["first"] <= last and first <= run["last"]]


def _log_name(name: str) -> str:
    """Name a log by what its pieces share, wherever they lie."""
    from pullstats.metrics.time.completeness import name_whole  # noqa: PLC0415 - with it comes all that answers questions

    return name_whole(PurePath(name).name)


def _times(log: LogDecoder) -> tuple[datetime | None, datetime | None]:
    """Tell the earliest and latest time among the lines of a log that were looked at."""
    parsed = parse_lines(log.sample, 0, 1, log.formats, Times(log.clock))
    times = [reading.frame.select(first=pl.col("timestamp").min(), last=pl.col("timestamp").max()).row(0) for reading in parsed.readings]
    known = [pair for pair in times if pair[0] is not None]
    return min((first for first, _ in known), default=None), max((last for _, last in known), default=None)
