"""Spans that begin or end with a release: `14d after v1.4.0`, `12h before v1.4.0`; so that two of them can be laid over each other.

Days have 24 hours here: what is compared is how long something has been out, not what day it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

AFTER: Final = "after"
_SIDES: Final = frozenset({AFTER, "before"})
_LENGTH: Final = re.compile(r"^([1-9][0-9]{0,3})([hdw])$")
_UNITS: Final = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def find_length(words: Sequence[str]) -> timedelta | None:
    """Give the length that words begin with, where a side of a release follows; None of other words.

    Example:
        >>> find_length(["14d", "after", "v1.4.0"]).days, find_length(["14d"])
        (14, None)
    """
    match = _LENGTH.match(words[0].lower())
    if match is None or len(words) < 2 or words[1].lower() not in _SIDES:
        return None
    return int(match[1]) * _UNITS[match[2]]


def span_beside(moment: datetime, length: timedelta, side: str) -> tuple[datetime, datetime]:
    """Give the span beside an instant, as far as time goes.

    Args:
        moment: the instant, UTC.
        length: of the span.
        side: `AFTER` it, or else before it.

    Returns:
        Its beginning and its end, UTC.
    """
    if side == AFTER:
        return moment, moment + min(length, _LAST - moment)
    return moment - min(length, moment - _FIRST), moment
