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
    REJECT_SCHEMA,
    Detection,
    Detector,
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
    MAX_LAYERS,
    PARQUET,
    WRAPPERS,
    Block,
    LinesUnwrapper,
    LineWrapper,
    Source,
    Unwrapped,
    Unwrapper,
    Wrapper,
    find_answer,
    find_line_wrapper,
    find_wrapper,
    read_blocks,
    take_off,
)
from pullstats.sources.blocks import Context, Framing, LineFraming
from pullstats.sources.streams import HEAD_LENGTH

_LONG: Final = "too-long"
_ENVELOPE: Final = ("envelope_time", "cloudwatch_log_group", "cloudwatch_log_stream", "event_id")
_BEGINNING: Final = 1 << 14
"""Bytes in which a wrapper shows."""
_LOOK_FURTHER: Final = 8 << 20
"""Bytes to look at where a wrapper's first event does not end in the usual number."""


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
        parsed.rejects.append(unwrapped.refused.with_columns(source_line=number).select(REJECT_SCHEMA.names()).cast(REJECT_SCHEMA))
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
    return pl.DataFrame(rows, schema=REJECT_SCHEMA, orient="row")


def detect_log(source: Source, detector: Detector, zone: str = "UTC") -> LogDecoder:
    """Tell how to read a log: as it is, or out of its wrappers, whichever gives more lines a format fits.

    Args:
        source: the log, standing at its start; it is not moved.
        detector: tells formats, of this log and others.
        zone: IANA name of the zone of times that name none.
    """
    log = _bind(_detect_lines(source, detector, zone))
    if source.codec is None or source.codec.name != PARQUET.name:
        return log
    return replace(log, wrapper=PARQUET.name if log.wrapper is None else f"{PARQUET.name}+{log.wrapper}")


def _bind(log: LogDecoder) -> LogDecoder:
    """Give a format that depends on what a log holds for this very log."""
    best = log.detection.best
    if best is None or best.bind is None:
        return log
    return replace(log, detection=replace(log.detection, formats=(replace(best.bind(log.sample), check=best.check), *log.formats[1:])))


def _detect_lines(source: Source, detector: Detector, zone: str) -> LogDecoder:
    best = _detect_usual(source, detector, zone)
    answer = find_answer(source.peek(HEAD_LENGTH), source.file.name) if best.detection.confidence < 1.0 else None
    return best if answer is None else _detect_within(source, answer, detector, best) or best


def _detect_usual(source: Source, detector: Detector, zone: str) -> LogDecoder:
    clock = Clock(zone, source.written)
    sample = source.sample()
    plain = LogDecoder(detector.detect(sample), sample=sample, clock=clock)
    envelope = _find_envelope(sample)
    # A CRI line whose time has milliseconds begins as a line of a CloudWatch export does.
    found = None if envelope is not None and envelope.parts else find_wrapper(source.peek(HEAD_LENGTH), source.file.name)
    if found is not None:
        wrapper, unwrapper = found
        log = _detect_within(source, found, detector, plain)
        if log is not None:
            return log
        if plain.detection.best is None and not _unwrap_head(source, unwrapper, _LOOK_FURTHER).refused.height:
            return LogDecoder(Detection(detector.candidates, 0.0, {}), wrapper.name, unwrapper, sample or b"\n", clock)
    if not sample or (plain.detection.confidence == 1.0 and envelope is None):
        return plain
    return _unwrap_lines(plain, LinesUnwrapper((), clock).unwrap(Block(sample, 0)), detector, [], None)


def _detect_within(source: Source, found: tuple[Wrapper, Unwrapper], detector: Detector, other: LogDecoder) -> LogDecoder | None:
    """Tell how to read what a service wrapped, unless another reading fits more lines; None if there is nothing in it."""
    wrapper, unwrapper = found
    unwrapped = _unwrap_head(source, unwrapper, HEAD_LENGTH)
    if unwrapped.messages.is_empty():
        unwrapped = _unwrap_head(source, unwrapper, _LOOK_FURTHER)
    if unwrapped.messages.is_empty():
        return None
    names = [wrapper.name]
    return _unwrap_lines(_detect_in(unwrapped, detector, names, unwrapper, other.clock, other), unwrapped, detector, names, unwrapper)


def _find_envelope(sample: bytes) -> LineWrapper | None:
    """Find what the first lines are wrapped in as no server writes them, though a format may fit the whole of them."""
    lines = pl.Series(sample[:_BEGINNING].decode("utf-8", "replace").split("\n")[:-1], dtype=pl.String)
    return find_line_wrapper(lines.filter(lines.str.strip_chars().str.len_bytes() > 0), is_sure=True)


def _unwrap_lines(best: LogDecoder, unwrapped: Unwrapped, detector: Detector, names: list[str], outer: Unwrapper | None) -> LogDecoder:
    """Take wrappers off sampled lines as long as there are any; give what a format fits best."""
    clock = best.clock
    chain: list[LineWrapper] = []
    for _ in range(MAX_LAYERS):
        lines = unwrapped.messages["message"]
        wrapper = find_line_wrapper(lines.filter(lines.str.strip_chars().str.len_bytes() > 0))
        if wrapper is None:
            break
        chain.append(wrapper)
        unwrapped = take_off(unwrapped, [wrapper], Clock(clock.zone, clock.written))
        best = _detect_in(unwrapped, detector, [*names, *(layer.name for layer in chain)], LinesUnwrapper(tuple(chain), clock, outer), clock, best)
        if unwrapped.messages["message"].equals(lines):
            break  # what is left of these lines is they themselves, and would be so again
    return best


def _detect_in(unwrapped: Unwrapped, detector: Detector, names: list[str], unwrapper: Unwrapper, clock: Clock, other: LogDecoder) -> LogDecoder:
    """Tell the format of a wrapper's messages; another reading of the log stays if it fits more lines."""
    lines = "".join(f"{line}\n" for line in unwrapped.messages["message"]).encode()
    inner = detector.detect(lines, has_time=unwrapped.messages["envelope_time"].null_count() == 0)
    # Where both fit, the bare line is meant; but no server writes a service's documents, a runtime's envelope or colours by itself.
    if inner.confidence < other.detection.confidence or (inner.confidence == other.detection.confidence and not _is_sure(names[-1])):
        return other
    if inner.best is None:
        return LogDecoder(inner, sample=lines, clock=clock)
    return LogDecoder(inner, "+".join(names), unwrapper, lines, clock)


def _is_sure(name: str) -> bool:
    wrapper = WRAPPERS[name]
    return not isinstance(wrapper, LineWrapper) or wrapper.is_sure


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


def _unwrap_head(source: Source, unwrapper: Unwrapper, count: int) -> Unwrapped:
    """Unwrap the whole records among a log's first bytes."""
    head = source.peek(count)
    cut = len(head) if len(head) < count else unwrapper.framing.last_cut(head) or len(head)
    return unwrapper.unwrap(Block(head[:cut], 0))
