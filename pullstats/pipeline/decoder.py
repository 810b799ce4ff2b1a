"""Blocks to lines that were read: out of their wrappers, into columns.

Nothing else reads a block, so that a log is read the same way whether it is ingested, compared
with what the store holds, or only looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from pullstats.clean_lines import join_lines
from pullstats.clock import Clock
from pullstats.formats import (
    REFUSED_SCHEMA,
    Detection,
    Headings,
    LogFormat,
    Parsed,
    Reading,
    Times,
    merge_parsed,
    parse_lines,
)
from pullstats.sources import (
    BY_LINE,
    Block,
    Source,
    Unwrapped,
    Unwrapper,
    read_blocks,
)
from pullstats.sources.framing import Context, Framing, LineFraming

_LONG: Final = "too-long"
_ENVELOPE: Final = ("envelope_time", "cloudwatch_log_group", "cloudwatch_log_stream", "event_id")


class HeadedFraming(LineFraming):
    """A record is a line; what its columns are, a line somewhere before it says."""

    is_by_line = False

    def __init__(self, headings: Headings[LogFormat]) -> None:
        """Know how the lines that name columns are found."""
        self._headings = headings

    def last_cut(self, data: bytes) -> int:
        """Cut behind the last whole record."""
        return self._headings.cut(data)

    def context(self, data: bytes, known: Context) -> Context:
        """Give the heading that holds behind some bytes."""
        found = self._headings.last(data, known[0] if known else None)
        return (found,) if found else ()


@dataclass(frozen=True, slots=True)
class LogDecoder:
    """How to read one log.

    Attributes:
        detection: its format, and how sure.
        wrapper: names of what it is wrapped in, the outermost first, joined by `+`; None for plain lines.
        unwrapper: takes it out of there.
        sample: the lines that were looked at.
        clock: reads times that name no zone.
    """

    detection: Detection
    wrapper: str | None = None
    unwrapper: Unwrapper | None = None
    sample: bytes = b""
    clock: Clock = field(default_factory=Clock)

    @property
    def framing(self) -> Framing:
        """Where the log may be cut."""
        if self.unwrapper is not None:
            return self.unwrapper.framing
        headings = self._headings
        return BY_LINE if headings is None else HeadedFraming(headings)

    @property
    def formats(self) -> tuple[LogFormat, ...]:
        """The formats to read it with, best first."""
        return self.detection.formats

    @property
    def is_by_line(self) -> bool:
        """Every line stands for itself: it is neither wrapped nor told by a directive before it."""
        return self.unwrapper is None and self._headings is None

    @property
    def _headings(self) -> Headings[LogFormat] | None:
        return self.formats[0].headed if self.formats else None

    def read(self, block: Block) -> Parsed:
        """Read a block: every line of it once, numbered from 1, offsets as in the log."""
        if self.unwrapper is not None:
            parsed = _read_messages(self.unwrapper.unwrap(block), self.formats, self.clock)
        elif self._headings is not None:
            parsed = _read_sections(block, self.formats, self._headings, self.clock)
        else:
            parsed = parse_lines(block.data, block.offset, 1, self.formats, Times(self.clock))
        if block.long_lines:
            parsed.rejects.append(_reject_long(block, parsed.lines + 1))
        return parsed


def _read_sections(block: Block, formats: Sequence[LogFormat], headings: Headings[LogFormat], clock: Clock) -> Parsed:
    """Read lines by the headings among and before them."""
    parts: list[Parsed] = []
    line = 1
    for section in headings.split(block.data, block.context[0] if block.context else None):
        usual = headings.under(section) or formats[0]
        part = parse_lines(block.data[section.start : section.end], block.offset + section.start, line, (usual, *formats[1:]), Times(clock))
        line += part.lines
        parts.append(part)
    return merge_parsed(parts)


def _read_messages(unwrapped: Unwrapped, formats: Sequence[LogFormat], clock: Clock) -> Parsed:
    """Read the messages of a wrapper, and give back to each what the wrapper says of it."""
    data = join_lines(unwrapped.messages["message"])
    messages = unwrapped.messages.drop("message")
    unwrapped = replace(unwrapped, messages=messages)  # the texts are not needed twice
    parsed = parse_lines(data, 0, 1, formats, Times(clock, messages["envelope_time"]))
    parsed.readings = [Reading(reading.format_name, reading.escaping, _place(reading.frame, messages, _ENVELOPE)) for reading in parsed.readings]
    parsed.rejects = [_place(rejects, messages, ()) for rejects in parsed.rejects]
    if unwrapped.refused.height:
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64) + messages.height
        parsed.rejects.append(unwrapped.refused.with_columns(source_line=number).select(REFUSED_SCHEMA.names()).cast(REFUSED_SCHEMA))
    parsed.ignored += unwrapped.ignored
    parsed.remarks |= unwrapped.remarks
    return parsed


def _place(frame: pl.DataFrame, messages: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Give lines the places of their messages in the log, and some of the wrapper's columns."""
    is_all = frame.height == messages.height
    taken = messages if is_all else messages[frame["source_line"] - 1]
    present = [name for name in columns if taken[name].null_count() < taken.height]
    renamed = {"envelope_time": "cloudwatch_timestamp"}
    line = pl.coalesce(taken["source_line"], frame["source_line"]).alias("source_line")
    return frame.with_columns(line, taken["source_offset"], *(taken[name].alias(renamed.get(name, name)) for name in present))


def _reject_long(block: Block, line: int) -> pl.DataFrame:
    rows = [
        (line + index, long.offset, long.length, _LONG, long.head.decode("utf-8", "backslashreplace")) for index, long in enumerate(block.long_lines)
    ]
    return pl.DataFrame(rows, schema=REFUSED_SCHEMA, orient="row")


def read_context(source: Source, offset: int, framing: Framing) -> Context:
    """Tell what a framing needs to know of a log that is read on from an offset: all before it is looked through.

    The log stands at the offset again afterwards.
    """
    if framing.is_by_line or not source.is_seekable or not offset:
        return ()
    source.rewind()
    context: Context = ()
    for block in read_blocks(source, framing=framing):
        if block.offset >= offset:
            break
        context = framing.context(block.data[: offset - block.offset], context)
    source.seek(offset)
    return context
