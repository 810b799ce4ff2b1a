r"""Read lines in which every value has its label, whatever the labels are: LTSV and logfmt.

    at:2024-03-12T15:22:28Z <tab> ip:192.0.2.1 <tab> code:200          at=2024-03-12T15:22:28Z ip=192.0.2.1 agent="curl/8.5.0"

A server writes few sequences of labels. Lines that have one sequence are taken apart at once, by a
pattern in which no value can pass for a label; those in rare ones, which a client may have made up,
one by one. A message without a request is passed over as one in JSON is (`notices.py`).

Sources: ltsv.org; brandur.org/logfmt; pkg.go.dev/github.com/kr/logfmt (grammar).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_clean
from pullstats.escaping import Escaping
from pullstats.formats.column_keys import ColumnKeys, read_values
from pullstats.formats.half_read import find_blind, refuse_half_read
from pullstats.formats.lines import LINE_LIMIT
from pullstats.formats.log_format import IGNORED, LENGTH, MISFIT
from pullstats.formats.logfmt import unquote
from pullstats.formats.notices import KEYS, tell_object
from pullstats.formats.outlines import Outline
from pullstats.tokenisers import read_columns

_MAX_LABELS: Final = 300
_MANY: Final = 32
"""Sequences of labels that have a pattern each in a piece: free text may have as many as lines, and no server has."""
_LABEL: Final = r"[^\t:]{1,100}"
_KNOWN_LABEL: Final = r"[0-9A-Za-z_.-]+"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_WORD: Final = rf'(?:{_QUOTED}|[^\s"]*)'
_KEY: Final = r'[^\s="]{1,200}'
_KNOWN_KEY: Final = r"[A-Za-z_@][\w.@:/-]*"
_PAIR: Final = re.compile(rf"({_KEY})=({_WORD})")


class LabelReader:
    """Reads lines by the sequences of labels that they have."""

    escaping: Escaping = "backslash"
    has_fast = True

    def __init__(self, keys: ColumnKeys, *, is_tabbed: bool) -> None:
        """Know the labels.

        Args:
            keys: what labels mean.
            is_tabbed: LTSV; else logfmt, in which words may stand without a value where a user says what the labels mean.
        """
        self._keys = keys
        self.is_tabbed = is_tabbed
        if is_tabbed:
            self._shape = rf"^{_LABEL}:[^\t]*(?:\t{_LABEL}:[^\t]*)*\t?$" if keys.said else rf"^{_KNOWN_LABEL}:[^\t]*\t"
            self._value = r":[^\t]*"
            self._sign = ":"
        else:
            pair = rf"{_KEY}(?:={_WORD})?" if keys.said else rf"{_KNOWN_KEY}={_WORD}"
            self._shape = rf"^\s*{pair}(?:\s+{pair}){'*' if keys.said else '+'}\s*$"
            self._value = f"={_WORD}"
            self._sign = "="
        self.outlines = (Outline(self._shape, () if keys.said else (self._sign,)),)
        self._pattern_of = lru_cache(maxsize=256)(self._pattern)

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines; see `Reader`."""
        raw = self._read_uniform(data) if self.is_tabbed and data.endswith(b"\n") else None
        if raw is not None:
            return raw
        lines = cut_clean(data) if data.endswith(b"\n") else None
        if lines is None or (lines.str.len_bytes().max() or 0) >= LINE_LIMIT:  # type: ignore[operator]
            return None
        raw = self._read_like_first(lines)
        raw = self.read_safe(lines) if raw is None else raw
        odd = raw["reason"].is_not_null() & (raw["reason"] != IGNORED)
        return None if odd.any() else raw.with_columns((lines.str.len_bytes() + 1).alias(LENGTH))

    def _read_uniform(self, data: bytes) -> pl.DataFrame | None:
        """Let the tokeniser cut LTSV whose lines all have the labels of the first, in its order."""
        first = data[: data.find(b"\n")].decode("utf-8", "replace").split("\t")
        labels = [part.partition(":")[0] for part in first[:_MAX_LABELS]]
        schema = pl.Schema({str(place): pl.String() for place in range(len(labels))})
        frame = read_columns(data, schema, "\t")
        if frame is None or not all(":" in part for part in first) or len(first) > _MAX_LABELS:
            return None
        total, is_alike = frame.select(
            (pl.sum_horizontal(pl.all().str.len_bytes()).cast(pl.Int64).sum() + len(labels) * pl.len()).alias("total"),
            pl.all_horizontal(pl.col(str(place)).str.starts_with(f"{label}:").all() for place, label in enumerate(labels)).alias("is_alike"),
        ).row(0)
        if total != len(data) or not is_alike:
            return None
        wanted = self._keys.table_of(labels)
        cells = {label: pl.col(str(place)).str.slice(len(label) + 1) for place, label in reversed(list(enumerate(labels))) if label in wanted.names}
        raw = read_values(frame.select(**cells), wanted) if cells else None
        if raw is None or find_blind(raw) is not None or (raw["reason"].is_not_null() & (raw["reason"] != IGNORED)).any():
            return None
        lengths = frame.select((pl.sum_horizontal(pl.all().str.len_bytes()).cast(pl.Int64) + len(labels)).alias(LENGTH)).to_series()
        return None if (lengths.max() or 0) > LINE_LIMIT else raw.with_columns(lengths)  # type: ignore[operator]

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines, those of one sequence of labels at once; see `Reader`."""
        fits = lines.str.contains(self._shape) & lines.str.contains(self._sign, literal=True)
        shapes = lines.str.replace_all(self._value, self._sign)
        shapes = shapes if self.is_tabbed else shapes.str.strip_chars()
        frame = pl.DataFrame({"line": lines, "shape": shapes, "place": pl.int_range(lines.len(), eager=True)}).filter(fits)
        common = frame["shape"].value_counts().sort("count", "shape", descending=True).head(_MANY)["shape"].to_list()
        is_common = pl.col("shape").is_in(common)
        groups = frame.filter(is_common).partition_by("shape", as_dict=True, maintain_order=False)
        parts = [self._read_alike(shape, alike) for (shape,), alike in groups.items()]
        missing = pl.DataFrame({"place": pl.int_range(lines.len(), eager=True).filter(~fits)}).with_columns(reason=pl.lit(MISFIT))
        raw = pl.concat([missing, self._read_singly(frame.filter(~is_common)), *parts], how="diagonal_relaxed").sort("place").drop("place")
        return self._tell_others(raw, lines)

    def _read_singly(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Read lines whose labels stand as in few others."""
        rows = [dict(self._pairs(line)) for line in frame["line"]]
        names = sorted({name for row in rows for name in row})
        table = self._keys.table_of(names)
        wanted = [name for name in names if name in table.names]
        if not wanted:
            return frame.select("place", reason=pl.lit(KEYS))
        cells = pl.DataFrame({name: pl.Series(name, [row.get(name) for row in rows], pl.String) for name in wanted})
        return read_values(cells, table).with_columns(frame["place"])

    def _pairs(self, line: str) -> Iterator[tuple[str, str]]:
        """Give the labels of a line and their values, the first of each label last, so that it counts."""
        if self.is_tabbed:
            parts = (part.partition(":") for part in reversed(line.split("\t")[:_MAX_LABELS]))
            yield from ((label, value) for label, colon, value in parts if colon)
        else:
            yield from ((key, value[1:-1] if value.startswith('"') else value) for key, value in reversed(_PAIR.findall(line)[:_MAX_LABELS]))

    def _tell_others(self, raw: pl.DataFrame, lines: pl.Series) -> pl.DataFrame:
        """Pass over the lines that are known to be no request, and refuse those that were read by half."""
        reasons = raw["reason"].cast(pl.String)
        places = (reasons == KEYS).fill_null(value=False).arg_true()
        told = [tell_object(dict(self._pairs(lines[place]))) for place in places]
        raw = raw.with_columns(reasons.scatter(places, pl.Series(told, dtype=pl.String)))
        return raw if self._keys.said else refuse_half_read(raw, lambda place: dict(self._pairs(lines[place])))

    def _read_like_first(self, lines: pl.Series) -> pl.DataFrame | None:
        """Read lines that all have the sequence of labels of the first; None if one has another."""
        first = lines.head(1)
        if not first.str.contains(self._shape).all():
            return None
        raw, is_whole = self._take_apart(first.str.replace_all(self._value, self._sign).item(), lines)
        return raw if is_whole and find_blind(raw) is None else None

    def _read_alike(self, shape: str, alike: pl.DataFrame) -> pl.DataFrame:
        return self._take_apart(shape, alike["line"])[0].with_columns(alike["place"])

    def _take_apart(self, shape: str, lines: pl.Series) -> tuple[pl.DataFrame, bool]:
        """Take lines with a sequence of labels apart, and tell whether all of them had it."""
        pattern, names = self._pattern_of(shape)
        if not names:
            return pl.DataFrame({"reason": [KEYS] * lines.len()}, schema={"reason": pl.String}), False
        cells = lines.to_frame("line").select(pl.col("line").str.extract_groups(pattern).struct.unnest())
        cells.columns = list(names)
        is_whole = not cells.select(pl.all_horizontal(pl.all().is_null()).any()).item()
        if not self.is_tabbed:
            cells = cells.with_columns(unquote(pl.col(name)) for name in names)
        return read_values(cells, self._keys.table_of(names)), is_whole

    def _pattern(self, shape: str) -> tuple[str, tuple[str, ...]]:
        """Write the pattern of lines with a sequence of labels, a group for each that says something; and these labels."""
        found = shape.split("\t") if self.is_tabbed else shape.split()
        labels = [label.removesuffix(self._sign) for label in found[:_MAX_LABELS]]
        wanted = self._keys.table_of(labels).names
        names: list[str] = []
        parts: list[str] = []
        for label, text in zip(labels, found, strict=False):
            if not text.endswith(self._sign):
                parts.append(re.escape(label))
                continue
            is_named = label in wanted and label not in names
            names += [label] if is_named else []
            value = r"[^\t]*" if self.is_tabbed else _WORD
            parts.append(f"{re.escape(label)}{self._sign}({'' if is_named else '?:'}{value})")
        between = r"\t" if self.is_tabbed else r"\s+"
        rest = "" if len(found) <= _MAX_LABELS else ".*"
        end = rf"{rest}\t?$" if self.is_tabbed else rf"{rest}\s*$"
        return rf"^{'' if self.is_tabbed else chr(92) + 's*'}{between.join(parts)}{end}", tuple(names)
