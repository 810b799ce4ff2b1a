"""Read lines of a compiled nginx `log_format`.

Ways that give equal rows. The fast one lets a CSV tokeniser cut at blanks and quotes, pipes or
tabs; it is right only where no value holds a quote or a stray blank, so it checks that every row is
complete, that every literal stands where it should, and that the lengths of all values add up to
the bytes of the piece. Where a format has no such cuts, clean pieces are matched with a pattern all
at once. The safe way matches the same pattern on lines cut one by one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_clean, join_lines
from pullstats.escaping import Escaping
from pullstats.formats.joints import Joint, find_joint
from pullstats.formats.lines import LINE_LIMIT
from pullstats.formats.log_format import IGNORED, LENGTH, MISFIT, LogFormat
from pullstats.formats.narrow_patterns import match_lines, match_pattern
from pullstats.formats.outlines import Outline
from pullstats.formats.sense import PEERS
from pullstats.formats.template_fields import TemplateField
from pullstats.formats.templates import CompiledFormat, check_template, split_nginx
from pullstats.formats.variables import ADDRESS, HOST, IDENT, NUMBER, STATUS, bare_pattern
from pullstats.tokenisers import read_columns

_CLF_LENGTH: Final = 26
_SMALL: Final = 512 << 10
"""Bytes among which an odd line costs more where they are cut once more than where all are matched with the pattern."""
_ESCAPED_QUOTE: Final = re.compile(rb'\\"')
_WORDY: Final = frozenset({*ADDRESS, "remote_user"}) - frozenset(PEERS)
"""Bare values in which nothing else would give a stray quote away; peers are looked at anyway."""
_CHECKED: Final = frozenset({HOST, IDENT, NUMBER, STATUS})
"""Patterns that say more of a value than that it holds no blank."""


class TextReader:
    """Reads the lines of one compiled format."""

    has_fast = True

    def __init__(self, compiled: CompiledFormat, ignored: str | None = None, escaping: Escaping = "backslash", unless: str | None = None) -> None:
        """Know the format; what is made of it waits for a log.

        Args:
            compiled: the format.
            ignored: pattern of lines that the same server writes into the same log and that are no requests.
            escaping: how the server writes what it would not write as it is.
            unless: pattern of those of them that may be requests of somebody else all the same.
        """
        self.escaping: Escaping = escaping
        self._ignored = ignored
        self._unless = unless
        self._compiled = compiled

    @cached_property
    def outlines(self) -> tuple[Outline, ...]:
        """See `Reader`."""
        requests = Outline(lambda: self._compiled.lenient, self._compiled.literals)
        return (requests, Outline(self._ignored)) if self._ignored else (requests,)

    @property
    def compiled(self) -> CompiledFormat:
        """The format as compiled."""
        return self._compiled

    @cached_property
    def _fields(self) -> tuple[TemplateField, ...]:
        return self._compiled.fields or ()

    @cached_property
    def _schema(self) -> pl.Schema:
        """The columns of the fast way."""
        return pl.Schema({f"field{index}": pl.String() for index in range(len(self._fields))})

    @cached_property
    def _joint(self) -> Joint | None:
        return None if self._fields or type(self).read_safe is not TextReader.read_safe else find_joint(self._compiled)

    @property
    def _fixed(self) -> int:
        """Blanks between the values, the newline, and what of each field is not its value."""
        return len(self._fields) + sum(2 for item in self._fields if item.is_quoted)

    @cached_property
    def _kept(self) -> dict[str, int]:
        """Each kept variable's first field."""
        kept: dict[str, int] = {}
        wanted = {*self._compiled.variables, "time_zone"}
        for index, item in enumerate(self._fields):
            if item.variable in wanted and item.variable is not None:
                kept.setdefault(item.variable, index)
        return kept

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines, or None if anything about them is unusual."""
        if not data.endswith(b"\n") or b"\x00" in data or not self._compiled.variables:
            return None
        return self._read_clean(data) if self._ignored is None else self._read_between(data)

    def _read_between(self, data: bytes) -> pl.DataFrame | None:
        """Read the requests between other lines, which get the reason `IGNORED`."""
        lines = cut_clean(data)
        if lines is None:
            try:
                lines = pl.Series("line", data.decode().split("\n")[:-1], pl.String)
            except UnicodeDecodeError:
                return None
        other = self._find_ignored(lines)
        if not other.any():
            return self._read_clean(data)
        requests = lines.filter(~other)
        raw = self._read_clean(join_lines(requests)) if requests.len() else None
        if raw is None:
            return None
        place = (~other).cast(pl.UInt32).cum_sum() - 1
        placed = raw.select(pl.all().gather(place.zip_with(~other, pl.Series([None], dtype=pl.UInt32).new_from_index(0, other.len()))))
        return placed.with_columns(
            (lines.str.len_bytes() + 1).alias(LENGTH),
            reason=pl.DataFrame({"other": other}).select(pl.when("other").then(pl.lit(IGNORED))).to_series(),
        )

    def _find_ignored(self, lines: pl.Series) -> pl.Series:
        """Tell which lines the same server writes and are no requests."""
        assert self._ignored is not None
        other = lines.str.contains(self._ignored)
        return other if self._unless is None else other & ~lines.str.contains(self._unless)

    def _read_clean(self, data: bytes) -> pl.DataFrame | None:
        """Read requests alone."""
        if not self._fields:
            return self._match_clean(data)
        found = self._cut_clean(data)
        is_small = len(data) <= _SMALL and type(self).read_safe is TextReader.read_safe
        return self._match_clean(data) if found is None and is_small else found

    def _cut_clean(self, data: bytes) -> pl.DataFrame | None:
        """Cut requests into fields."""
        is_blank = self._compiled.separator == " "
        if is_blank and _holds_escaped_quote(data):
            return None  # a quote that does not end its value
        frame = read_columns(data, self._schema, self._compiled.separator, quote='"' if is_blank else None)
        return None if frame is None else self._check(frame, data)

    def _match_clean(self, data: bytes) -> pl.DataFrame | None:
        """Match the pattern on lines cut at a tokeniser's speed."""
        lines = cut_clean(data)
        if lines is None or (lines.str.len_bytes().max() or 0) >= LINE_LIMIT:  # type: ignore[operator]
            return None
        frame = self._joint.split(lines) if self._joint else None
        if frame is not None:
            return frame
        frame = self.read_safe(lines)
        if frame["reason"].null_count() < frame.height:
            return None
        return frame.drop("reason").with_columns((lines.str.len_bytes() + 1).alias(LENGTH))

    def _check(self, frame: pl.DataFrame, data: bytes) -> pl.DataFrame | None:
        """Keep a frame only if it accounts for every byte of the piece."""
        length = pl.sum_horizontal(pl.all().str.len_bytes()).cast(pl.Int64) + self._fixed
        frame = frame.with_columns(length.alias(LENGTH))
        checks = [check for index, item in enumerate(self._fields) for check in _field_checks(index, item, self._compiled.separator)]
        if self._compiled.separator == " ":
            checks.append((pl.col("field0") != "").all())  # else blanks stand in front of a line
        total, longest, is_sound = frame.select(
            pl.col(LENGTH).sum().alias("total"),
            pl.col(LENGTH).max().alias("longest"),
            pl.all_horizontal(checks).alias("is_sound") if checks else pl.lit(value=True),
        ).row(0)
        if total != len(data) or longest > LINE_LIMIT or not is_sound:
            return None
        frame = frame.select(*(self._value(index).alias(name) for name, index in self._kept.items()), LENGTH)
        return _part_zone(frame) if self._compiled.separator != " " and "time_local" in frame.columns else frame

    def _value(self, index: int) -> pl.Expr:
        item, column = self._fields[index], pl.col(f"field{index}")
        if item.prefix:
            column = column.str.slice(len(item.prefix))
        return column.str.head(-len(item.suffix)) if item.suffix else column

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one: raw text columns, and `reason` where a line does not fit.

        A line that fits but for a second blank somewhere, or for blanks in front, is read.
        """
        if not self._compiled.variables:  # as under a directive that names no field we know: nothing can be read of its lines
            return pl.DataFrame({"reason": pl.Series([MISFIT], dtype=pl.String).new_from_index(0, lines.len())})
        frame = match_lines(lines, self._compiled.pattern, self._compiled.narrow)
        failed = pl.all_horizontal(pl.col(*self._compiled.variables).is_null())
        begins_blank = lines.str.starts_with(" ")
        odd = ((frame.select(failed.alias("failed")).to_series() & lines.str.contains("  ", literal=True)) | begins_blank).arg_true()
        if odd.len() and self._compiled.lenient != self._compiled.pattern:
            again = match_pattern(lines.gather(odd), self._compiled.lenient)
            frame = frame.with_columns(frame[name].scatter(odd, again[name]) for name in frame.columns)
        other = pl.lit(self._find_ignored(lines)) if self._ignored else pl.lit(value=False)
        return frame.with_columns(reason=pl.when(other).then(pl.lit(IGNORED)).when(failed).then(pl.lit(MISFIT)))


def _holds_escaped_quote(data: bytes) -> bool:
    """Look for a quote behind a backslash from the first backslash on, which most logs have not: `in` would stop at each quote."""
    place = data.find(b"\\")
    return place >= 0 and _ESCAPED_QUOTE.search(data, place) is not None


def _part_zone(frame: pl.DataFrame) -> pl.DataFrame:
    """Part `10/Oct/2000:13:55:36 -0700` into clock and zone, which are read faster apart."""
    if not (frame["time_local"].str.len_bytes() == _CLF_LENGTH).all():
        return frame
    return frame.with_columns(time_local=pl.col("time_local").str.head(20), time_zone=pl.col("time_local").str.tail(5))


def _field_checks(index: int, item: TemplateField, separator: str) -> list[pl.Expr]:
    column = pl.col(f"field{index}")
    if item.variable is None:
        return [(column == item.prefix).all()]
    checks = [column.str.starts_with(item.prefix).all()] if item.prefix else []
    if item.suffix:
        checks.append(column.str.ends_with(item.suffix).all())
    if item.variable in _WORDY and not item.is_quoted and separator == " ":
        checks.append(~column.str.contains('"', literal=True).any())
    pattern = bare_pattern(item.variable) if not item.is_quoted and separator != "\t" else None
    if pattern in _CHECKED:
        value = column.str.slice(len(item.prefix)).str.head(-len(item.suffix)) if item.prefix or item.suffix else column
        checks.append(_odd_values(value, pattern).str.contains(f"^(?:{pattern})$").all())
    return checks


def _odd_values(value: pl.Expr, pattern: str) -> pl.Expr:
    """Leave only the values that the pattern must be asked about: a plain number needs no asking."""
    if pattern in (HOST, IDENT):
        return value
    odd = value.cast(pl.Int64, strict=False).is_null() | value.str.starts_with("+")
    if pattern == STATUS:
        odd |= value.str.starts_with("-") | (value.str.len_bytes() > 3)
    return value.filter(odd)


def text_format(
    name: str,
    log_format: str,
    help: str,  # noqa: A002 - named for the field
    doc_url: str,
    sample: str,
    rank: int = 0,
    *,
    ignored: str | None = None,
    unless: str | None = None,
    sign: str | None = None,
    escaping: Escaping = "backslash",
    needs_time: bool = True,
    needs_address: bool = True,
    is_catch_all: bool = False,
    values: Mapping[str, str] | None = None,
    is_cut: bool = False,
    proof: str | None = None,
    proof_share: float = 0.5,
    leads: bool = False,
) -> LogFormat:
    """Build a format from a `log_format` string; the arguments are those of `LogFormat`, `TextReader` and `compile_log_format`.

    That its pattern is not too large is held by tests: compiling those of all formats costs a twentieth of a second.
    """
    template = split_nginx(log_format)
    check_template(template, needs_time=needs_time, needs_address=needs_address)
    reader = TextReader(CompiledFormat(template, escaping, values or {}, is_cut), ignored, escaping, unless)
    return LogFormat(name, help, doc_url, sample, reader, rank, sign, is_catch_all, proof=proof, proof_share=proof_share, leads=leads)
