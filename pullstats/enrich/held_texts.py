"""Which of some texts each of many others holds: found for all in one pass, where asking for each costs a pass of its own."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl


class HeldTexts:
    """The texts that values hold."""

    def __init__(self, values: pl.Series, texts: Iterable[str]) -> None:
        """Look for texts.

        Args:
            values: to look in; null holds nothing.
            texts: to look for, as they are written; an empty one is held by all.
        """
        self._nothing = pl.repeat(value=False, n=values.len(), dtype=pl.Boolean, eager=True)
        sought = pl.Series(sorted({text for text in texts if text}), dtype=pl.String)
        found = (
            values.str.extract_many(sought.implode(), overlapping=True)
            .alias("text")
            .to_frame()
            .with_row_index("row")
            .explode("text")
            .drop_nulls("text")
        )
        groups = found.group_by("text").agg("row")
        self._rows: dict[str, pl.Series] = dict(zip(groups["text"], groups["row"], strict=True))

    def tell(self, *texts: str) -> pl.Series:
        """Tell which values hold one or more of some texts, which are among those that were looked for."""
        if "" in texts:
            return ~self._nothing
        rows = [self._rows[text] for text in texts if text in self._rows]
        return self._nothing.clone().scatter(pl.concat(rows), values=True) if rows else self._nothing
