"""The interval of a share: how much of a whole a part may be in truth.

Source: Wilson's score interval (Wilson 1927; Brown, Cai and DasGupta 2001), 95 %.
"""

from __future__ import annotations

import polars as pl

from pullstats.metrics.versions.survival import NORMAL_95


def add_interval(frame: pl.DataFrame, part: str, whole: str) -> pl.DataFrame:
    """Add the `share` of a whole that a part is, and its interval from `low` to `high`; null where there is no whole, or nothing is known.

    Args:
        frame: the rows.
        part: name of the column that counts the part.
        whole: name of the column that counts the whole.

    Example:
        >>> add_interval(pl.DataFrame({"all": [10], "some": [5]}), "some", "all").select(pl.col("low", "high").round(4)).row(0)
        (0.2366, 0.7634)
    """
    total = pl.when(pl.col(whole) > 0).then(pl.col(whole)).cast(pl.Float64)
    share, square = pl.col(part) / total, NORMAL_95**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    reach = NORMAL_95 / (1 + square / total) * (share * (1 - share) / total + square / (4 * total**2)).sqrt()
    low = pl.when(pl.col(part) == 0).then(share).otherwise(middle - reach)
    high = pl.when(pl.col(part) == pl.col(whole)).then(share).otherwise(middle + reach)
    return frame.with_columns(share.alias("share"), low.alias("low"), high.alias("high"))
