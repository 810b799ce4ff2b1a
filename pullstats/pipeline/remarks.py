"""What the summary of an ingest must say of a log that was read, but not as it was hoped for.

Each is a warning: the log may well be so. None is said of a log of few lines where chance explains it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pullstats.clock import AMBIGUOUS, MISSING, Clock
from pullstats.percentages import write_share
from pullstats.pipeline.balancers import REMEDY
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.plan import SourceSummary

_MISSING: Final = {
    "client": "no line names a client, so there are no origins and no uniques to count",
    "path": "no line says which path was asked for, so there are no packages and no downloads to count",
    "method": "no line names a method, so what only asked cannot be told from what was fetched",
    "status": "no line names a status, so what failed cannot be told from what was delivered",
}
IGNORED_FROM: Final = 10
IGNORED_SHARE: Final = 0.5
"""From so many ignored lines on, a log of which this share was ignored is told."""
SAME_FROM: Final = 10
"""From so many events on it is no chance that all are of one instant."""
DOMINANT_FROM: Final = 100
DOMINANT_SHARE: Final = 0.9
"""From so many events on, an address that asks for this share of them is taken for a balancer."""


def remark_on_log(summary: SourceSummary, log: LogDecoder, *, is_trusting: bool) -> Iterator[str]:
    """Say what is to be said of a log once all of it was read.

    Args:
        summary: what became of it.
        log: how it was read.
        is_trusting: the user named proxies that are trusted.
    """
    yield from _remark_on_fields(summary)
    yield from _remark_on_times(log.clock)
    yield from _remark_on_dominant(summary, is_trusting=is_trusting)
    if log.unwrapper and (remark := log.unwrapper.remark(summary.lines)):
        yield remark
    if log.formats[0].caution:
        yield log.formats[0].caution


def _remark_on_fields(summary: SourceSummary) -> Iterator[str]:
    """Say what a log lacks, how much of it was passed over, and which lines were not understood by their keys."""
    if summary.events:
        yield from (text for what, text in _MISSING.items() if not summary.told[what])
    if summary.events >= SAME_FROM and summary.first == summary.last:
        yield f"all {summary.events:,} events have one time, {summary.first:%Y-%m-%dT%H:%M:%S}; is it the requests' own?"
    if summary.ignored >= IGNORED_FROM and summary.ignored >= IGNORED_SHARE * summary.lines:
        yield f"{summary.ignored:,} of {summary.lines:,} lines were ignored: messages of programs, blank lines, headers"
    if summary.unread_object:
        from pullstats.formats.advice import advise_on_keys  # noqa: PLC0415 - most logs are read

        yield f"{summary.reasons['keys']:,} lines name their values and were not understood; {advise_on_keys(summary.unread_object)}"


def _remark_on_times(clock: Clock) -> Iterator[str]:
    """Say how often a local time had to be decided."""
    odd = clock.sum_odd()
    if odd[AMBIGUOUS]:
        yield f"{odd[AMBIGUOUS]:,} local times came twice in {clock.zone}, when clocks were put back; each was taken for the first"
    if odd[MISSING]:
        yield f"{odd[MISSING]:,} local times do not exist in {clock.zone}, where clocks were put forward; each was read by the offset that held before"


def _remark_on_dominant(summary: SourceSummary, *, is_trusting: bool) -> Iterator[str]:
    """Warn where one address asks nearly everything: that is no client, but what stands before the server."""
    told = summary.forwarding.describe(summary.events)
    if told is not None and summary.dominant < DOMINANT_SHARE:
        yield told
    if summary.events < DOMINANT_FROM or summary.dominant < DOMINANT_SHARE:
        return
    share = f"{write_share(summary.dominant)} of the requests come from one address"
    if told is not None:
        yield f"{share}; this looks like your load balancer: {REMEDY}"
    elif is_trusting:
        yield f"{share}, for which the log names no client behind a trusted proxy"
    else:
        yield f"{share}; this looks like your load balancer: log X-Forwarded-For, and name the balancer with --trusted-proxy"
