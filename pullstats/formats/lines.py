"""Read a block with the formats of its log: fast where it is clean, safe where it is not.

A fast reader takes a whole piece or refuses it. A refused piece is cut in eight and tried again,
so that one odd line in 32 MiB costs little; what is left, a few hundred lines around the odd
one, goes through the safe reader, line by line. What that does not read is held until there is
much of it, or the block ends; then every other format of the log has a turn.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import polars as pl

from pullstats.clean_lines import cut_rows
from pullstats.clients import ADDRESS
from pullstats.clock import Clock
from pullstats.escaping import Escaping
from pullstats.formats.headings import Headings
from pullstats.formats.notices import KEYS
from pullstats.formats.outlines import Outline
from pullstats.formats.parsed import LOOKED_AT_OF_REJECT, READING_SCHEMA, REFUSED_SCHEMA, Parsed, Reading
from pullstats.formats.sense import AMBIGUOUS, PEERS, REQUEST, find_doubtful, find_nonsense
from pullstats.formats.shaping import fill_times, read_statuses, read_times, shape_reading

LINE_LIMIT: Final = 1 << 20
_LEAF: Final = 64 << 10
_FAN_OUT: Final = 8
_TOGETHER: Final = 1 << 20
"""Bytes of odd lines that are held for the formats that are not the usual one."""
LENGTH: Final = "line_length"
MISFIT: Final = "format"
"""Reason of a line that does not fit."""
USER: Final = "USER"
CLIENT: Final = "CLIENT"
"""What is shown for what stands where a client should be; addresses go with all others of a rejected line."""
_REDACTED: Final = "REDACTED"
_UNPLACED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[^\s"\[\]()]{4,}')
"""What stands in quotes, and words outside of them."""
_HARMLESS: Final = re.compile(
    r'"(?:[A-Z]{3,10} \S+(?: HTTP/[0-9.]+)?|-?)"|/\S*|[A-Z]{3,10}|HTTP/[0-9.]+|[0-9]{1,4}[-/][0-9A-Za-z]{2,3}[-/][0-9T:.Z+-]+|[0-9.:+,-]+'
)
"""Requests, methods, paths, times, addresses and numbers."""
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?')
_SHOWN_CLIENT: Final = rf"^(?:{ADDRESS}|-|)$"
"""Nobody, or an address: all of these are hidden in rejected lines anyway."""
_TELLING: Final = 3
"""Characters up to which the beginning of a value says nothing of it."""
DIRECTIVE: Final = "^#[Ff]ields:"
"""A line that names the columns of those behind it."""
SEVERAL: Final = 2
"""Lines in which a guess must make sense."""
IGNORED: Final = "ignored"
"""Reason of a line that is no event by nature, such as a server's own message in the same log."""


class Reader(Protocol):
    """How a format takes lines apart."""

    escaping: Escaping
    has_fast: bool

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """What lines look like that are read or known: cheaper than reading them."""

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines: a row each, raw text columns and `line_length` (bytes with newline).

        A row may carry the `reason` `IGNORED`. None if the piece needs the safe way.
        """

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines of text: a row each, raw text columns, and `reason` where a line does not fit."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A key that the user named and no line that was looked at has.

    Attributes:
        needle: bytes that a line with it holds; none where the lines that were looked at tell for all.
        text: a sentence that says so.
    """

    needle: bytes
    text: str


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A log format.

    Attributes:
        name: as `--input-format` takes it.
        help: what writes it, in a few words.
        doc_url: the vendor's page.
        sample: one real line.
        reader: takes lines apart.
        rank: of formats that fit a line equally well the highest names the most.
        sign: pattern of what shows in lines of this format, and not in those of others that fit equally well.
        leads: where its sign shows it goes before all others: it knows which of the lines that these would read tell of the same requests.
        is_catch_all: it reads lines of formats that are not known by name, and less of them than these would.
        headed: finds the lines of the log that name its columns (`#Fields:`, a table's header); None if there are none.
        caution: what its lines cannot tell, in a sentence; None if they tell what is needed.
        is_guess: nothing in a line says what its columns are but their place: it takes several lines in which all makes sense.
        proof: pattern of lines that cannot mean anything else; the others are believed where most of the log's lines are such
            (or any, see `proof_share`). None if every line that fits is believed.
        proof_share: share of the lines that must be proven.
        bind: gives the format for one log from a sample of its lines, where that depends on what they hold; None if it does not.
        is_lone: it reads no single lines of logs in other formats, and what it made of one log says nothing of the next.
        check: finds what the user named and a sample of lines lacks, given the format that fits it, if one does; None if nothing needs it.
    """

    name: str
    help: str
    doc_url: str
    sample: str
    reader: Reader
    rank: int = 0
    sign: str | None = None
    is_catch_all: bool = False
    headed: Headings[LogFormat] | None = None
    caution: str | None = None
    is_guess: bool = False
    proof: str | None = None
    proof_share: float = 0.5
    bind: Callable[[bytes], LogFormat] | None = None
    is_lone: bool = False
    check: Callable[[LogFormat | None, bytes], Sequence[Missing]] | None = None
    leads: bool = False

    def judge(self, lines: pl.Series, *, has_time: bool = False) -> pl.Series:
        """Say per line why the format does not read it, null where it does.

        Args:
            lines: texts.
            has_time: every line has a time from elsewhere, so it needs none of its own.
        """
        raw = self.reader.read_safe(lines)
        statuses = read_statuses(raw)
        is_guess = self.is_guess and not lines.str.contains(DIRECTIVE).any()
        reasons = _add_nonsense(raw, statuses, is_guess=is_guess)
        late = pl.lit(read_times(raw, Clock()).is_null()) & pl.lit(not has_time)
        doubtful = pl.lit(find_doubtful(raw, statuses))
        found = pl.when(pl.lit(reasons).is_not_null()).then(pl.lit(reasons)).when(late).then(pl.lit("time")).when(doubtful).then(pl.lit(REQUEST))
        reasons = raw.select(found.alias("reason")).to_series()
        if is_guess and reasons.null_count() < SEVERAL:
            return reasons.fill_null(MISFIT)
        return self._believe(lines, reasons)

    def _believe(self, lines: pl.Series, reasons: pl.Series) -> pl.Series:
        """Take back what was read in lines of which too few prove what they mean."""
        is_read = reasons.is_null()
        count = int(is_read.sum())
        if self.proof is None or not count:
            return reasons
        proven = int((is_read & lines.str.contains(self.proof)).sum())
        return reasons if proven and proven >= self.proof_share * count else reasons.fill_null(AMBIGUOUS)


def _add_nonsense(raw: pl.DataFrame, statuses: pl.Series, *, is_guess: bool) -> pl.Series:
    """Give the reasons of raw rows, and those of values that make no sense."""
    nonsense = find_nonsense(raw, statuses, is_guess=is_guess)
    return raw["reason"] if nonsense is None else raw["reason"].zip_with(raw["reason"].is_not_null(), nonsense)


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
        return pl.DataFrame(schema=READING_SCHEMA), reasons, _hide_people(lines, raw, reasons.is_not_null(), reasons.is_null())
    shaped = raw.drop("reason").with_columns(lines["source_line"], lines["source_offset"])
    shaped = fill_times(shape_reading(shaped, times.clock), times.stamped)
    reasons = _add_nonsense(raw, shaped["http_response_status_code"], is_guess=log_format.is_guess)
    late = reasons.is_null() & shaped["timestamp"].is_null()
    reasons = pl.select(pl.when(late).then(pl.lit("time")).otherwise(pl.lit(reasons)).alias("reason")).to_series()
    return shaped.filter(reasons.is_null()), reasons, _hide_people(lines, raw, reasons.is_not_null(), late)


def _hide_people(lines: pl.DataFrame, raw: pl.DataFrame, refused: pl.Series, late: pl.Series) -> pl.Series:
    """Take users and credentials out of refused lines that fit a format: there it is known where they stand.

    Users of lines that fit but for their time alone: where the client is none, what stands for a user may be anything.
    """
    texts = _hide_clients(lines["shown"], raw, refused)
    for name, placeholder, rows in (("http_authorization", _REDACTED, refused), ("remote_user", USER, late)):
        if name in raw.columns and (hits := rows & raw[name].is_not_null()).any():
            pairs = zip(texts.filter(hits), raw[name].filter(hits), strict=True)
            hidden = [_hide(text, value, placeholder) if value and value != "-" else text for text, value in pairs]
            texts = texts.scatter(hits.arg_true(), pl.Series(hidden, dtype=pl.String))
    if "http_authorization" not in raw.columns or not (lost := (raw["reason"] == MISFIT).fill_null(value=False)).any():
        return texts
    return texts.scatter(lost.arg_true(), pl.Series([_UNPLACED.sub(_hide_unplaced, text) for text in texts.filter(lost)], dtype=pl.String))


def _hide_clients(texts: pl.Series, raw: pl.DataFrame, refused: pl.Series) -> pl.Series:
    """Put a placeholder for what stands for the client of refused lines, where it is no address: it may be anything."""
    for name in PEERS:
        if name not in raw.columns:
            continue
        values = raw[name].cast(pl.String)
        hits = (refused & ~values.str.contains(_SHOWN_CLIENT)).fill_null(value=False)
        if hits.any():
            hidden = [_hide_client(text, value) for text, value in zip(texts.filter(hits), values.filter(hits), strict=True)]
            texts = texts.scatter(hits.arg_true(), pl.Series(hidden, dtype=pl.String))
    return texts


def _hide_client(text: str, value: str) -> str:
    """Hide a client wherever it stands as a whole word; of one that the line has escaped, or in pieces, all strings that may be it."""
    text = _hide_cut(text, value, CLIENT)
    kept = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", CLIENT, text) if len(value) <= len(text) else text
    if kept != text:
        return kept
    parts = {part for part in value.split(", ") if part}
    return _QUOTED.sub(lambda match: f'"{CLIENT}"' if "\\" in match[0] or match[0].strip('"') in parts else match[0], text)


def _hide_unplaced(match: re.Match[str]) -> str:
    """Hide what may be a credential in a line that does not fit a format which logs them: nobody knows where in it they stand."""
    text = match[0]
    if _HARMLESS.fullmatch(text):
        return text
    return f'"{_REDACTED}"' if text[0] == '"' else _REDACTED


def _hide(text: str, value: str, placeholder: str) -> str:
    """Put a placeholder for a value, and for as much of it as stands at the end of a text that was cut."""
    return _hide_cut(text, value, placeholder).replace(value, placeholder)


def _hide_cut(text: str, value: str, placeholder: str) -> str:
    """Put a placeholder for as much of a value as stands at the end of a text that was cut."""
    if len(text) < LOOKED_AT_OF_REJECT:
        return text
    kept = next((length for length in range(min(len(value), len(text)), _TELLING, -1) if text.endswith(value[:length])), 0)
    return text[: len(text) - kept] + placeholder if kept else text


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
