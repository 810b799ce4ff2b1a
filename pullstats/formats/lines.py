"""Read a block with the formats of its log: fast where it is clean, safe where it is not.

A fast reader takes a whole piece or refuses it. A refused piece is cut in eight and tried again,
so that one odd line in 32 MiB costs little; what is left, a few hundred lines around the odd
one, goes through the safe reader, line by line. What that does not read is held until there is
much of it, or the block ends; then every other format of the log has a turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_rows
from pullstats.clock import Clock
from pullstats.formats.headings import Headings
from pullstats.formats.log_format import IGNORED, LENGTH, MISFIT, LogFormat, Reader, add_nonsense
from pullstats.formats.notices import KEYS
from pullstats.formats.parsed import LOOKED_AT_OF_REJECT, READING_SCHEMA, REFUSED_SCHEMA, Parsed, Reading
from pullstats.formats.refused import hide_people
from pullstats.formats.sense import AMBIGUOUS, find_nonsense
from pullstats.formats.shaping import fill_times, shape_reading

LINE_LIMIT: Final = 1 << 20
_LEAF: Final = 64 << 10
_FAN_OUT: Final = 8
_TOGETHER: Final = 1 << 20
"""Bytes of odd lines that are held for the formats that are not the usual one."""


@dataclass(frozen=True, slots=True)
class Times:
    """What is known of the times of some lines beside what they say themselves.

    Attributes:
        clock: reads times that name no zone.
        stamped: a time per line (UTC) for those that have none of their own; None if nothing stamped them.
    """

    clock: Clock = field(default_factory=Clock)
    stamped: pl.Series | None = None


def parse_lines(data: bytes, offset: int, line: int, formats: Sequence[LogFormat], times: Times | None = None) -> Parsed:
    """Read whole lines with the formats of their log, the first being the usual one.

    Args:
        data: whole lines; the last may lack its newline.
        offset: byte offset of the first in the decompressed log.
        line: 1-based number of the first.
        formats: formats to try, best first; not empty.
        times: how their times are read; if `stamped` is there, `line` is 1.

    Returns:
        Every line exactly once: read, ignored or rejected.
    """
    parsed = Parsed()
    if data:
        odd = _OddLines(formats, parsed, times or Times())
        _parse_piece(data, offset, line, odd)
        odd.ask_others()
    parsed.readings = _join_readings(parsed.readings)
    return parsed


@dataclass(slots=True)
class _OddLines:
    """Lines that the usual format does not read: the others are asked for many at once, which costs as much as for one.

    Attributes:
        formats: of the log, the usual one first.
        parsed: what became of lines so far.
        times: how their times are read.
        held: lines that the others were not asked for yet.
        size: bytes of these.
    """

    formats: Sequence[LogFormat]
    parsed: Parsed
    times: Times
    held: list[pl.DataFrame] = field(default_factory=list)
    size: int = 0

    def add(self, lines: pl.DataFrame) -> None:
        """Ask the usual format for lines, and hold those that it does not read."""
        rest = _take_safe(self.formats[0], lines, self.parsed, self.times)
        if rest.height:
            self.held.append(rest)
            self.size += int(rest["length"].sum())
        if self.size >= _TOGETHER:
            self.ask_others()

    def ask_others(self) -> None:
        """Ask the other formats for the lines that are held; what none of them reads is refused."""
        if not self.held:
            return
        rest, usual = pl.concat(self.held), self.formats[0]
        self.held, self.size = [], 0
        for log_format in self.formats[1:]:  # how lines begin is settled by the first
            proof = log_format.proof if log_format.proof != usual.proof else None
            rest = _take_safe(log_format, rest, self.parsed, self.times, proof)
            if not rest.height:
                return
        self.parsed.rejects.append(_reject(rest, pl.col("reason")))


def _parse_piece(data: bytes, offset: int, line: int, odd: _OddLines) -> None:
    usual = odd.formats[0]
    raw = _read_fast(usual.reader, data) if usual.reader.has_fast else None
    if raw is not None and _take_fast(usual, raw, offset, line, odd.parsed, odd.times):
        return
    if len(data) <= _LEAF or not usual.reader.has_fast or len(cuts := list(_cuts(data, usual.headed))) == 1:
        _parse_safe(data, offset, line, odd)
    else:
        for start, end in cuts:
            _parse_piece(data[start:end], offset + start, line, odd)
            line += data.count(b"\n", start, end)


def _read_fast(reader: Reader, data: bytes) -> pl.DataFrame | None:
    r"""Read a piece the fast way; where every line ends in `\r\n`, without the `\r`."""
    if not data.endswith(b"\r\n") or data.count(b"\r\n") != data.count(b"\n"):
        return reader.read_fast(data)
    raw = reader.read_fast(data.replace(b"\r\n", b"\n"))
    return None if raw is None else raw.with_columns(pl.col(LENGTH).cast(pl.Int64) + 1)


def _cuts(data: bytes, headings: Headings[LogFormat] | None) -> Iterator[tuple[int, int]]:
    """Cut a piece into about eight at line ends, where a record may have several lines behind whole ones."""
    start, step = 0, len(data) // _FAN_OUT + 1
    while start < len(data):
        end = data.find(b"\n", min(start + step, len(data) - 1)) + 1 or len(data)
        if headings is not None and end < len(data):
            end = start + (headings.cut(data[start:end]) or end - start)
        yield start, end
        start = end


def _take_fast(log_format: LogFormat, raw: pl.DataFrame, offset: int, line: int, parsed: Parsed, times: Times) -> bool:
    """Take what was read the fast way; nothing of it if some line makes no sense, so that other formats have a turn there."""
    length = pl.col(LENGTH).cast(pl.Int64)
    placed = raw.with_columns(
        source_line=pl.int_range(line, line + pl.len(), dtype=pl.Int64),
        source_offset=length.cum_sum() - length + offset,
    )
    ignored = 0
    if "reason" in placed.columns:
        others = placed["reason"].is_not_null()
        ignored = int(others.sum())
        if ignored != int((placed["reason"] == IGNORED).sum()):
            return False
        placed = placed.filter(~others)
    shaped = shape_reading(placed, times.clock)
    if find_nonsense(placed, shaped["http_response_status_code"], is_guess=log_format.is_guess) is not None:
        return False
    frame = fill_times(shaped, times.stamped)
    if frame["timestamp"].null_count():
        return False  # the safe way reads times that are not as the fast one cuts them, and knows what may be shown of a line
    parsed.ignored += ignored
    if frame.height:
        parsed.readings.append(Reading(log_format.name, log_format.reader.escaping, frame))
    return True


def split_text(data: bytes) -> tuple[pl.Series, pl.Series]:
    r"""Cut bytes into lines of text and their lengths in bytes, newlines included.

    Bytes that are no UTF-8 become the text `\xhh`; NULs that a rotation left in front of a line
    and a byte order mark are taken off the text, not off the length.
    """
    rows, lengths = cut_rows(data)
    texts = [row.lstrip(b"\0")[:LINE_LIMIT].decode("utf-8", "backslashreplace") for row in rows]
    lines = pl.Series("line", texts, pl.String).str.strip_chars_start("\x00\ufeff")
    return lines, lengths


def _parse_safe(data: bytes, offset: int, line: int, odd: _OddLines) -> None:
    texts, lengths = split_text(data)
    lines = pl.DataFrame({"text": texts, "length": lengths}).with_columns(
        source_line=pl.int_range(line, line + pl.len(), dtype=pl.Int64),
        source_offset=pl.col("length").cum_sum() - pl.col("length") + offset,
    )
    blank = lines["text"].str.strip_chars().str.len_bytes() == 0
    odd.parsed.ignored += int(blank.sum())
    long = (lines["length"] > LINE_LIMIT) & (lines["text"].str.len_bytes() >= LINE_LIMIT)
    if long.any():
        odd.parsed.rejects.append(_reject(lines.filter(long), pl.lit("too-long")))
    rest = lines.filter(~blank & ~long)
    if rest.height:
        odd.add(rest.with_columns(shown=pl.col("text").str.slice(0, LOOKED_AT_OF_REJECT)))


def _take_safe(log_format: LogFormat, lines: pl.DataFrame, parsed: Parsed, times: Times, proof: str | None = None) -> pl.DataFrame:
    """Take what a format reads of lines; give those that it does not, with the reason and with what may be shown of them."""
    frame, reasons, shown = _read_with(log_format, lines, times, proof)
    if frame.height:
        parsed.readings.append(Reading(log_format.name, log_format.reader.escaping, frame))
    ignored = (reasons == IGNORED).fill_null(value=False)
    parsed.ignored += int(ignored.sum())
    # The reason that counts is the first format's: the one most lines of the log are in.
    reason = _keep_reason(lines["reason"], reasons) if "reason" in lines.columns else reasons
    return lines.with_columns(reason.cast(pl.String).alias("reason"), shown).filter(reasons.is_not_null() & ~ignored)


def _keep_reason(first: pl.Series, other: pl.Series) -> pl.Series:
    """Keep the first format's reason, but for one that says more than that a line does not fit."""
    says_more = other.is_in([AMBIGUOUS, KEYS]).fill_null(value=False)
    return first.zip_with(~says_more | (first != MISFIT), other)


def _read_with(log_format: LogFormat, lines: pl.DataFrame, times: Times, proof: str | None) -> tuple[pl.DataFrame, pl.Series, pl.Series]:
    """Read lines with one format: the rows it read, a reason (or null) per line, and what may be shown of those it did not.

    Only lines that match `proof` may be read, if there is one.
    """
    raw = log_format.reader.read_safe(lines["text"])
    reasons = raw["reason"]
    if proof is not None:
        unproven = reasons.is_null() & ~lines["text"].str.contains(proof)
        reasons = reasons.zip_with(~unproven, pl.Series([AMBIGUOUS]).new_from_index(0, reasons.len()))
        raw = raw.with_columns(reasons.alias("reason"))
    if reasons.null_count() == 0:
        return pl.DataFrame(schema=READING_SCHEMA), reasons, hide_people(lines, raw, reasons.is_not_null(), reasons.is_null())
    shaped = raw.drop("reason").with_columns(lines["source_line"], lines["source_offset"])
    shaped = fill_times(shape_reading(shaped, times.clock), times.stamped)
    reasons = add_nonsense(raw, shaped["http_response_status_code"], is_guess=log_format.is_guess)
    late = reasons.is_null() & shaped["timestamp"].is_null()
    reasons = pl.select(pl.when(late).then(pl.lit("time")).otherwise(pl.lit(reasons)).alias("reason")).to_series()
    return shaped.filter(reasons.is_null()), reasons, hide_people(lines, raw, reasons.is_not_null(), late)


def _reject(lines: pl.DataFrame, reason: pl.Expr) -> pl.DataFrame:
    kept = pl.col("shown" if "shown" in lines.columns else "text").str.slice(0, LOOKED_AT_OF_REJECT)
    return lines.select("source_line", "source_offset", "length", reason.alias("reason"), kept.alias("text")).cast(REFUSED_SCHEMA)


def merge_parsed(parts: Sequence[Parsed]) -> Parsed:
    """Join what became of pieces of a block."""
    merged = Parsed()
    for part in parts:
        merged.readings += part.readings
        merged.rejects += part.rejects
        merged.ignored += part.ignored
        merged.remarks |= part.remarks
    merged.readings = _join_readings(merged.readings)
    return merged


def _join_readings(readings: list[Reading]) -> list[Reading]:
    """Join the readings of one format into one, in line order."""
    by_name: dict[str, list[Reading]] = {}
    for reading in readings:
        by_name.setdefault(reading.format_name, []).append(reading)
    return [Reading(name, parts[0].escaping, _in_order(parts)) for name, parts in by_name.items()]


def _in_order(parts: list[Reading]) -> pl.DataFrame:
    if len(parts) == 1:
        return parts[0].frame
    return pl.concat([part.frame for part in parts]).select(READING_SCHEMA.names())
