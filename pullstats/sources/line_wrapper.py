"""A way single lines are wrapped."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.clock import Clock

PARTIAL: Final = "is_partial"
STREAM: Final = "stream"
ID: Final = "event_id"

Unwrap = Callable[[pl.DataFrame, Clock], pl.DataFrame]
"""From `message` to `message`, and perhaps `time` (UTC), `is_partial` and `stream`, row by row; null `message` where a line is not wrapped."""


@dataclass(frozen=True, slots=True)
class LineWrapper:
    """A way single lines are wrapped.

    Attributes:
        name: as shown to the user.
        help: what wraps like this, in a few words.
        doc_url: the vendor's page.
        sample: a real line.
        pattern: what a wrapped line looks like.
        unwrap: takes lines out.
        parts: pattern of a wrapped line's bytes with groups `stream` and `end`, which is missing where the line goes on
            in the next; None if lines are never cut.
        literal: text that every wrapped line holds: most logs hold it nowhere, and then the pattern need not be looked for.
        is_sure: no server writes such lines by itself, even where a format fits the whole of them.
    """

    name: str
    help: str
    doc_url: str
    sample: str
    pattern: str
    unwrap: Unwrap
    parts: re.Pattern[bytes] | None = None
    literal: str = ""
    is_sure: bool = False
