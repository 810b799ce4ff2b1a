r"""Read lines in which every value has its label, whatever the labels are: LTSV and logfmt.

    at:2024-03-12T15:22:28Z <tab> ip:192.0.2.1 <tab> code:200          at=2024-03-12T15:22:28Z ip=192.0.2.1 agent="curl/8.5.0"

A server writes few sequences of labels. Lines that have one sequence are taken apart at once.

Sources: ltsv.org; brandur.org/logfmt; pkg.go.dev/github.com/kr/logfmt (grammar).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_clean
from pullstats.escaping import Escaping
from pullstats.formats.column_keys import ColumnKeys, read_values
from pullstats.formats.lines import IGNORED, LENGTH, LINE_LIMIT, MISFIT
from pullstats.formats.logfmt import unquote
from pullstats.tokenisers import read_columns

_MAX_LABELS: Final = 300
_MAX_SHAPES: Final = 500
"""Sequences of labels that are looked at in a piece: free text may have as many as lines, and no server has."""
_LABEL: Final = r"[^\t:]{1,100}"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_WORD: Final = rf'(?:{_QUOTED}|[^\s"]*)'
_KEY: Final = r'[^\s="]{1,200}'


class LabelReader:
    """Reads lines by the sequences of labels that they have."""

    escaping: Escaping = "backslash"
    has_fast = True

    def __init__(self, keys: ColumnKeys, *, is_tabbed: bool) -> None:
        """Know the labels.

        Args:
            keys: what labels mean.
            is_tabbed: LTSV; else logfmt.
        """
        self._keys = keys
        self._is_tabbed = is_tabbed
        if is_tabbed:
            self.shape = rf"^{_LABEL}:[^\t]*(?:\t{_LABEL}:[^\t]*)*\t?$"
            self._value = r":[^\t]*"
            self._sign = ":"
        else:
            self.shape = rf"^\s*{_KEY}(?:={_WORD})?(?:\s+{_KEY}(?:={_WORD})?)*\s*$"
            self._value = f"={_WORD}"
            self._sign = "="
        self._pattern_of = lru_cache(maxsize=256)(self._pattern)

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines; see `Reader`."""
        raw = self._read_uniform(data) if self._is_tabbed and data.endswith(b"\n") else None
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
        if raw is None or (raw["reason"].is_not_null() & (raw["reason"] != IGNORED)).any():
            return None
        lengths = frame.select((pl.sum_horizontal(pl.all().str.len_bytes()).cast(pl.Int64) + len(labels)).alias(LENGTH)).to_series()
        return None if (lengths.max() or 0) > LINE_LIMIT else raw.with_columns(lengths)  # type: ignore[operator]

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines, those of one sequence of labels at once; see `Reader`."""
        fits = lines.str.contains(self.shape) & lines.str.contains(self._sign, literal=True)
        shapes = lines.str.replace_all(self._value, self._sign)
        frame = pl.DataFrame({"line": lines, "shape": shapes, "place": pl.int_range(lines.len(), eager=True)}).filter(fits)
        common = frame["shape"].value_counts(sort=True).head(_MAX_SHAPES)["shape"].to_list()
        fits &= shapes.is_in(common)
        frame = frame.filter(pl.col("shape").is_in(common))
        parts = [self._read_alike(shape, alike) for (shape,), alike in frame.partition_by("shape", as_dict=True, maintain_order=False).items()]
        missing = pl.DataFrame({"place": pl.int_range(lines.len(), eager=True).filter(~fits)}).with_columns(reason=pl.lit(MISFIT))
        return pl.concat([missing, *parts], how="diagonal").sort("place").drop("place")

    def _read_like_first(self, lines: pl.Series) -> pl.DataFrame | None:
        """Read lines that all have the sequence of labels of the first; None if one has another."""
        first = lines.head(1)
        if not first.str.contains(self.shape).all():
            return None
        raw, is_whole = self._take_apart(first.str.replace_all(self._value, self._sign).item(), lines)
        return raw if is_whole else None

    def _read_alike(self, shape: str, alike: pl.DataFrame) -> pl.DataFrame:
        return self._take_apart(shape, alike["line"])[0].with_columns(alike["place"])

    def _take_apart(self, shape: str, lines: pl.Series) -> tuple[pl.DataFrame, bool]:
        """Take lines with a sequence of labels apart, and tell whether all of them had it."""
        pattern, names = self._pattern_of(shape)
        if not names:
            return pl.DataFrame({"reason": [MISFIT] * lines.len()}, schema={"reason": pl.String}), False
        cells = lines.to_frame("line").select(pl.col("line").str.extract_groups(pattern).struct.unnest())
        cells.columns = list(names)
        is_whole = not cells.select(pl.all_horizontal(pl.all().is_null()).any()).item()
        if not self._is_tabbed:
            cells = cells.with_columns(unquote(pl.col(name)) for name in names)
        return read_values(cells, self._keys.table_of(names)), is_whole

    def _pattern(self, shape: str) -> tuple[str, tuple[str, ...]]:
        """Write the pattern of lines with a sequence of labels, a group for each that says something; and these labels."""
        found = shape.split("\t") if self._is_tabbed else shape.split()
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
            value = r"[^\t]*" if self._is_tabbed else _WORD
            parts.append(f"{re.escape(label)}{self._sign}({'' if is_named else '?:'}{value})")
        between = r"\t" if self._is_tabbed else r"\s+"
        rest = "" if len(found) <= _MAX_LABELS else ".*"
        end = rf"{rest}\t?$" if self._is_tabbed else rf"{rest}\s*$"
        return rf"^{'' if self._is_tabbed else chr(92) + 's*'}{between.join(parts)}{end}", tuple(names)
