"""What the summary of an ingest must say of a log that was read, but not as it was hoped for.

Each is a warning: the log may well be so. None is said of a log of few lines where chance explains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pullstats.formats import advise_on_keys
from pullstats.pipeline.plan import SourceSummary

_MISSING: Final = {
    "client": "no line names a client, so there are no origins and no uniques to count",
    "path": "no line says which path was asked for, so there are no packages and no downloads to count",
    "method": "no line names a method, so what only asked cannot be told from what was fetched",
}
IGNORED_FROM: Final = 10
IGNORED_SHARE: Final = 0.5
"""From so many ignored lines on, a log of which this share was ignored is told."""
SAME_FROM: Final = 10
"""From so many events on it is no chance that all are of one instant."""


def remark_on_log(summary: SourceSummary) -> Iterator[str]:
    """Say what a log lacks, how much of it was passed over, and which objects were not understood."""
    if summary.events:
        yield from (text for what, text in _MISSING.items() if not summary.told[what])
    if summary.events >= SAME_FROM and summary.first == summary.last:
        yield f"all {summary.events:,} events have one time, {summary.first:%Y-%m-%dT%H:%M:%S}; is it the requests' own?"
    if summary.ignored >= IGNORED_FROM and summary.ignored >= IGNORED_SHARE * summary.lines:
        yield f"{summary.ignored:,} of {summary.lines:,} lines were ignored: messages of programs, blank lines, headers"
    if summary.unread_object:
        yield f"{summary.reasons['keys']:,} JSON objects were not understood; {advise_on_keys(summary.unread_object)}"
