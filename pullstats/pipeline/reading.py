"""Blocks to lines that were read: out of their wrapper, into columns.

Nothing else reads a block, so that a log is read the same way whether it is ingested, compared
with what the store holds, or only looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.formats import REJECT_SCHEMA, Detection, LogFormat, Parsed, Reading, detect_format, parse_lines
from pullstats.sources import BY_LINE, Block, Peeled, Peeler, Source, Wrapper, find_wrapper
from pullstats.sources.blocks import Framing
from pullstats.sources.streams import HEAD_LENGTH

_LONG: Final = "too-long"
_ENVELOPE: Final = ("envelope_time", "cloudwatch_log_group", "cloudwatch_log_stream", "event_id")
_LOOK_FURTHER: Final = 8 << 20
"""Bytes to look at where a wrapper's first event does not end in the usual number."""


@dataclass(frozen=True, slots=True)
class LogReading:
    """How to read one log.

    Attributes:
        detection: its format, and how sure.
        wrapper: what it is wrapped in, None for plain lines.
        peeler: takes it out of there.
        sample: the lines that were looked at.
    """

    detection: Detection
    wrapper: Wrapper | None = None
    peeler: Peeler | None = None
    sample: bytes = b""

    @property
    def framing(self) -> Framing:
        """Where the log may be cut."""
        return BY_LINE if self.peeler is None else self.peeler.framing

    @property
    def formats(self) -> tuple[LogFormat, ...]:
        """The formats to read it with, best first."""
        return self.detection.formats

    def read(self, block: Block) -> Parsed:
        """Read a block: every line of it once, numbered from 1, offsets as in the log."""
        if self.peeler is None:
            parsed = parse_lines(block.data, block.offset, 1, self.formats)
        else:
            parsed = _read_messages(self.peeler.peel(block), self.formats)
        if block.long_lines:
            parsed.rejects.append(_reject_long(block, parsed.lines + 1))
        return parsed


def _read_messages(peeled: Peeled, formats: Sequence[LogFormat]) -> Parsed:
    """Read the messages of a wrapper, and give back to each what the wrapper says of it."""
    messages = peeled.messages
    data = b"" if messages.is_empty() else (messages["message"].fill_null("").str.join("\n").item() + "\n").encode()
    parsed = parse_lines(data, 0, 1, formats, messages["envelope_time"])
    parsed.readings = [Reading(reading.format_name, reading.is_escaped, _place(reading.frame, messages, _ENVELOPE)) for reading in parsed.readings]
    parsed.rejects = [_place(rejects, messages, ()) for rejects in parsed.rejects]
    if peeled.refused.height:
        number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64) + messages.height
        parsed.rejects.append(peeled.refused.with_columns(source_line=number).select(REJECT_SCHEMA.names()).cast(REJECT_SCHEMA))
    parsed.ignored += peeled.ignored
    parsed.remarks |= peeled.remarks
    return parsed


def _place(frame: pl.DataFrame, messages: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Give lines the offsets of their messages in the log, and some of the wrapper's columns."""
    is_all = frame.height == messages.height
    taken = messages if is_all else messages[frame["source_line"] - 1]
    present = [name for name in columns if taken[name].null_count() < taken.height]
    renamed = {"envelope_time": "cloudwatch_timestamp"}
    return frame.with_columns(taken["source_offset"], *(taken[name].alias(renamed.get(name, name)) for name in present))


def _reject_long(block: Block, line: int) -> pl.DataFrame:
    rows = [
        (line + index, long.offset, long.length, _LONG, long.head.decode("utf-8", "backslashreplace")) for index, long in enumerate(block.long_lines)
    ]
    return pl.DataFrame(rows, schema=REJECT_SCHEMA, orient="row")


def detect_log(source: Source, candidates: Sequence[LogFormat]) -> LogReading:
    """Tell how to read a log: as it is, or out of a wrapper, whichever gives more lines a format fits.

    Args:
        source: the log, standing at its start; it is not moved.
        candidates: formats to try.
    """
    sample = source.sample()
    plain = LogReading(detect_format(sample, candidates), sample=sample)
    found = find_wrapper(source.peek(HEAD_LENGTH), source.file.name)
    if found is None:
        return plain
    wrapper, peeler = found
    peeled = _peel_head(source, peeler, HEAD_LENGTH)
    if peeled.messages.is_empty():
        peeled = _peel_head(source, peeler, _LOOK_FURTHER)
    if peeled.messages.is_empty():
        if plain.detection.best is not None or peeled.refused.height:
            return plain
        return LogReading(Detection(tuple(candidates), 1.0, {}), wrapper, peeler, sample or b"\n")
    lines = "".join(f"{line}\n" for line in peeled.messages["message"]).encode()
    inner = detect_format(lines, candidates, has_time=peeled.messages["envelope_time"].null_count() == 0)
    if inner.confidence < plain.detection.confidence:
        return plain
    if inner.best is None:
        return LogReading(inner, sample=lines)
    return LogReading(inner, wrapper, peeler, lines)


def _peel_head(source: Source, peeler: Peeler, count: int) -> Peeled:
    """Peel the whole records among a log's first bytes."""
    head = source.peek(count)
    cut = len(head) if len(head) < count else peeler.framing.last_cut(head) or len(head)
    return peeler.peel(Block(head[:cut], 0))
