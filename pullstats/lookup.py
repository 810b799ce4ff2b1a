"""Look at every distinct value once, however many rows hold it.

A log repeats a few thousand agents, paths and addresses millions of times. A `Lookup` turns a
column into codes, computes what is new among its values, and gathers the answers back. It keeps
what it learned for the next block, up to a bound; then it starts afresh, so that a log in which
every value is new cannot grow memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

import polars as pl

MAX_KEPT: Final = 500_000
"""Distinct values kept across blocks."""
FEW: Final = 200
"""Texts of one column of answers, up to which they are kept as an Enum: its codes are bytes, and to write them costs half."""
SMALL: Final = 1_000
"""Answers up to which their texts are told apart one by one: what encodes many at once costs more than so few are worth."""

CODED: Final = pl.selectors.categorical() | pl.selectors.enum()
"""Columns of texts that are kept as codes."""

_NO_TEXTS: Final = pl.Enum([])

_numbers = iter(range(1 << 62))


class Lookup:
    """A function of distinct values, remembered across blocks. Safe to call from several threads."""

    def __init__(self, name: str, compute: Callable[[pl.Series], pl.DataFrame], *, max_kept: int | None = None) -> None:
        """Prepare an empty memory.

        Args:
            name: for the categories' name.
            compute: from distinct values (String, no null) to a frame with a row each, same order. A row depends on its value
                alone, and nothing is written beside it: another thread may forget all answers at any time.
            max_kept: values to remember before starting afresh, None for `MAX_KEPT`.
        """
        self._name = name
        self._compute = compute
        self._max_kept = MAX_KEPT if max_kept is None else max_kept
        self._lock = threading.Lock()
        self._known: pl.DataFrame | None = None

    def _reset(self) -> None:
        """Forget all answers."""
        self._categories = pl.Categories(f"{self._name}-{next(_numbers)}", "pullstats")
        # polars forgets which text has which code once no column uses the categories: one always does.
        self._anchor = pl.Series([], dtype=pl.Categorical(self._categories))
        self._words: dict[str, _Words] = {}
        self._known = None

    def _add(self, known: pl.DataFrame | None, answers: pl.DataFrame) -> pl.DataFrame:
        """Add answers to those that are known; texts are encoded, so that gathering and writing them costs a code and not a text."""
        if known is None:
            self._words = {name: _Words(f"{self._name}-{name}") for name, dtype in answers.schema.items() if dtype == pl.String}
        return pl.DataFrame([self._add_column(None if known is None else known[column.name], column) for column in answers])

    def _add_column(self, known: pl.Series | None, answers: pl.Series) -> pl.Series:
        words = self._words.get(answers.name)
        return _put_behind(known, answers) if words is None else words.add(known, answers)

    def apply(self, values: pl.Series) -> pl.DataFrame:
        """Compute the function for a column.

        Args:
            values: text, may hold nulls.

        Returns:
            A row per value, the columns of `compute`, texts as Categorical, or as Enum where they are few; all null where the
            value is null.
        """
        if _is_uniform(values):  # as where nobody logs in: no need to encode
            first = self._apply(values.head(1))
            return first[pl.repeat(0, values.len(), dtype=pl.UInt32, eager=True)]
        return self._apply(values)

    def _apply(self, values: pl.Series) -> pl.DataFrame:
        with self._lock:
            if self._known is None or self._known.height > self._max_kept:
                self._reset()
            # Encoding stays under the lock: a code must not be seen before its text is.
            encoded = values.cast(pl.Categorical(self._categories))
            self._anchor = encoded.clear()
            codes = encoded.to_physical()
            self._known = known = self._learn(self._known, encoded, codes)
        return known[codes]

    def _learn(self, known: pl.DataFrame | None, encoded: pl.Series, codes: pl.Series) -> pl.DataFrame:
        """Add to what is known what is new; codes are dense, in order of first sight."""
        highest = codes.max()
        start, end = 0 if known is None else known.height, 0 if highest is None else int(highest) + 1  # type: ignore[arg-type]
        if known is not None and end <= start:
            return known
        answers = self._compute(pl.Series("code", range(start, end), codes.dtype).cat.to(encoded.dtype).cast(pl.String))
        return self._add(known, answers)


class _Words:
    """The texts of one column of answers, with codes in order of first sight that never change."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._texts: dict[str, None] = {}
        self._count = 0
        self._coded: pl.Categorical | None = None
        self._few = _NO_TEXTS

    def add(self, known: pl.Series | None, texts: pl.Series) -> pl.Series:
        """Put texts behind those that are known: all of them as an Enum while they are few, else as Categorical."""
        is_small = self._coded is None and texts.len() <= SMALL
        new = self._take_small(texts) if is_small else self._encode(texts)
        return _put_behind(None if known is None else _recode(known, new.dtype), new)

    def _take_small(self, texts: pl.Series) -> pl.Series:
        """Give codes of texts that are told apart one by one."""
        self._texts |= dict.fromkeys(text for text in texts.to_list() if text is not None)
        count = len(self._texts)
        if count > FEW:
            return self._encode(texts)
        if count > self._count:
            self._count, self._few = count, pl.Enum(list(self._texts))
        return texts.cast(self._few)

    def _encode(self, texts: pl.Series) -> pl.Series:
        """Give codes of texts that polars tells apart."""
        if self._coded is None:
            self._coded = pl.Categorical(pl.Categories(f"{self._name}-{next(_numbers)}", "pullstats"))
            self._anchor = pl.Series(list(self._texts), dtype=pl.String).cast(self._coded)
        encoded = texts.cast(self._coded)
        self._anchor = encoded.clear()
        codes = encoded.to_physical()
        highest = codes.max()
        count = 0 if highest is None else int(highest) + 1  # type: ignore[arg-type]
        if count > self._count:
            self._count = count
            if count <= FEW:
                self._few = pl.Enum(pl.Series("code", range(count), codes.dtype).cat.to(self._coded).cast(pl.String))
        return encoded if self._count > FEW else codes.cast(pl.UInt8).cat.to(self._few)


def _put_behind(known: pl.Series | None, new: pl.Series) -> pl.Series:
    return new.rechunk() if known is None else pl.concat([known, new], rechunk=True)


def _recode(column: pl.Series, wider: pl.DataType) -> pl.Series:
    """Give codes a type in which they stand for the same."""
    if column.dtype == wider:
        return column
    codes = column.to_physical()
    return (codes.cast(pl.UInt32) if isinstance(wider, pl.Categorical) else codes).cat.to(wider)


def _is_uniform(values: pl.Series) -> bool:
    """Tell whether a column holds one value, or nothing, throughout."""
    nulls = values.null_count()
    if nulls or values.len() < 2:
        return 0 < nulls == values.len()
    return bool((values == values[0]).all())
