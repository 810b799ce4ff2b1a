"""The last line of a compressed log that counted without its end, and is whole now."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from pullstats.pipeline.commits import RunFacts
from pullstats.pipeline.content import last_line
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.place import Place
from pullstats.sources import Source
from pullstats.store import RUN_ROW_SCHEMA, Store, take_back_line


def take_back_half(source: Source, place: Place, log: LogDecoder, store: Store, facts: RunFacts) -> Place:
    """Go back to the last line of a compressed log that counted without its end, now that more of it is there.

    Args:
        source: the open log; moved to where that line begins.
        place: where it was left.
        log: how to read it.
        store: locked; what the line counted as is taken out of it.
        facts: what the row that takes it back says of the run.

    Returns:
        Where to read on: `place` itself if no line was left without its end.
    """
    half = last_line(place.before)
    is_whole = half.endswith(b"\n") or not half or len(half) == len(place.before) > 1
    if source.codec is None or is_whole or not log.framing.may_grow:
        return place
    start = place.offset - len(half)
    events, rejected = store.count_at(place.source_id, start)
    taken = {"lines": -1, "events": -events, "rejected": -rejected, "ignored": events + rejected - 1, "duplicates": 0, "bytes": -len(half)}
    row = facts.row(place.source_id, source.file.name, log) | taken | {"offset": start, "line": place.line - 1}
    before = place.before[: -len(half)]
    progress = place.progress(start, place.lines_known - 1, last_line(before))
    take_back_line(store, progress, pl.DataFrame([row], schema=RUN_ROW_SCHEMA))
    source.seek(start)
    place.content.forget_marks(start)
    return replace(place, offset=start, line=place.line - 1, lines_known=place.lines_known - 1, before=before)
