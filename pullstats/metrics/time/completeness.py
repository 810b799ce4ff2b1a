"""What is complete: which buckets are final, and which files are one log.

A bucket is final once every log that still delivers has delivered events later than its end and a
day of grace. A log that another one continues (the piece of a rotation, the next day's file), or
that fell silent a week before the newest event, delivers no more.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.metrics.time.windows import TICK

GRACE: Final = timedelta(hours=24)
SILENCE: Final = timedelta(days=7)
_SUCCESSION: Final = timedelta(hours=1)
_PIECE: Final = re.compile(r"(?:[.-](?:[0-9]{1,3}|[0-9]{8}(?:[0-9]{2,6})?|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T_-][0-9-]+)?|gz|bz2|xz|zst))+$")
"""What rotation appends to a log's name: a number, a date, a compression."""
_DATE: Final = re.compile(r"[./_-]?(?<![0-9])20[0-9]{2}([./_-]?)[01][0-9]\1[0-3][0-9](?:[./_T-]?[0-9]{2}){0,3}(?![0-9])")
"""A date elsewhere in it: `access-2025-04-16.log`, `2025/04/16/access.log`."""


def find_final_until(sources: pl.DataFrame | None, newest: datetime | None) -> datetime | None:
    """Tell the latest instant at which what ends is final: all logs that still deliver go beyond it by more than the grace.

    Args:
        sources: `source_id`, `name`, `first`, `last` of each log, None if only `newest` is known.
        newest: the latest event of the store.

    Returns:
        The instant; None if nothing is final.
    """
    if newest is None:
        return None
    if sources is None:
        return newest - GRACE - TICK
    return min(find_delivering(sources, newest).values(), default=newest) - GRACE - TICK


def find_delivering(sources: pl.DataFrame, newest: datetime) -> dict[str, datetime]:
    """Tell which logs still deliver, and how far each has: neither continued by another, nor silent for a week.

    Args:
        sources: as `find_final_until` takes them.
        newest: the latest event of the store.

    Returns:
        By the name of a log, as `name_whole` gives it, its latest event.
    """
    known = [row for row in sources.select("source_id", "name", "first", "last").rows() if row[2] is not None]
    starts = sorted((first, source) for source, _, first, _ in known)
    latest: dict[str, datetime] = {}
    for source, name, _, last in known:
        following = bisect_right(starts, (last, source))
        is_continued = following < len(starts) and starts[following][0] - last <= _SUCCESSION
        if not is_continued and newest - last < SILENCE:
            log = name_whole(name or source)
            latest[log] = max(latest.get(log, last), last)
    return latest


def name_log(name: str) -> str:
    """Give the name that the pieces of one rotated log share."""
    return _PIECE.sub("", name)


def name_whole(name: str) -> str:
    """Give the name that all files of one log share, wherever their names hold a date.

    Example:
        >>> name_whole("access.log.2.gz"), name_whole("access.log-20250329")
        ('access.log', 'access.log')
    """
    return _DATE.sub("", name_log(name)).lstrip("._-") or name
