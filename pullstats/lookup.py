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

    def _encode(self, answers: pl.DataFrame) -> pl.DataFrame:
        """Encode texts, so that gathering and writing them costs a code and not a text."""
        return answers.with_columns(pl.col(name).cast(pl.Categorical(found)) for name, found in self._answer_categories.items())

    def _reset(self) -> None:
        """Forget all answers."""
        self._categories = pl.Categories(f"{self._name}-{next(_numbers)}", "pullstats")
        # polars forgets which text has which code once no column uses the categories: one always does.
        self._anchor = pl.Series([], dtype=pl.Categorical(self._categories))
        self._answer_categories: dict[str, pl.Categories] = {}
        self._known = None

    def _begin(self, answers: pl.DataFrame) -> pl.DataFrame:
        """Take the first answers, which say what columns there are."""
        texts = [name for name, dtype in answers.schema.items() if dtype == pl.String]
        self._answer_categories = {name: pl.Categories(f"{self._name}-{name}-{next(_numbers)}", "pullstats") for name in texts}
        return self._encode(answers)

    def apply(self, values: pl.Series) -> pl.DataFrame:
        """Compute the function for a column.

        Args:
            values: text, may hold nulls.

        Returns:
            A row per value, the columns of `compute`, texts as Categorical; all null where the
            value is null.
        """
        if _is_uniform(values):  # as where nobody logs in: no need to encode
            first = self._apply(values.head(1))
            return first.select(pl.all().gather(pl.repeat(0, values.len(), dtype=pl.UInt32, eager=True)))
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
        return known.select(pl.all().gather(codes))

    def _learn(self, known: pl.DataFrame | None, encoded: pl.Series, codes: pl.Series) -> pl.DataFrame:
        """Add to what is known what is new; codes are dense, in order of first sight."""
        highest = codes.max()
        start, end = 0 if known is None else known.height, 0 if highest is None else int(highest) + 1  # type: ignore[arg-type]
        if known is not None and end <= start:
            return known
        answers = self._compute(pl.Series("code", range(start, end), codes.dtype).cat.to(encoded.dtype).cast(pl.String))
        return self._begin(answers) if known is None else pl.concat([known, self._encode(answers)], rechunk=True)


def _is_uniform(values: pl.Series) -> bool:
    """Tell whether a column holds one value, or nothing, throughout."""
    nulls = values.null_count()
    if nulls or values.len() < 2:
        return 0 < nulls == values.len()
    return bool((values == values[0]).all())
