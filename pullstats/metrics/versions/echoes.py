"""The echo of a release: what machines take of it within hours after it came out, whether or not anybody wants it.

An echo is a download of a release within `hours` after it came out by an origin whose class is one of machines that follow what is published:
mirrors, scanners, updaters, bots, probes, and CI, whose rebuilds a release sets off. All else is demand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.events import TIMESTAMP
from pullstats.metrics.dimensions import CLASS
from pullstats.metrics.versions.asks import KEYS
from pullstats.metrics.versions.moments import RELEASED, TOLD_BY, Moment
from pullstats.metrics.versions.takings import MINUTE

ECHOING: Final = ("mirror", "scanner", "updater", "bot", "probe", "ci")
ECHO: Final = "echo"
DEMAND: Final = "demand"


def split_echo(takings: pl.DataFrame, moments: Sequence[Moment], hours: int) -> pl.DataFrame:
    """Tell echo from demand, release by release.

    Args:
        takings: as `list_takings` gives them, by class.
        moments: when releases came out; of others there is no echo.
        hours: after a release in which what machines take of it is its echo.

    Returns:
        `KEYS`, `released`, `told_by`, `downloads`, `echo`, `demand`, and of the echo what each class of `ECHOING` took, by its name.
    """
    schema = pl.Schema({**takings.select(KEYS).schema, RELEASED: TIMESTAMP, TOLD_BY: pl.String()})
    dates = pl.DataFrame([(one.ecosystem, one.package, one.release, one.moment, one.told_by) for one in moments], schema=schema, orient="row")
    dated = takings.join(dates, on=KEYS, how="left", nulls_equal=True)
    is_soon = (pl.col(MINUTE) >= pl.col(RELEASED)) & (pl.col(MINUTE) < pl.col(RELEASED) + timedelta(hours=hours))
    is_echo = (is_soon & pl.col(CLASS).is_in(ECHOING)).fill_null(value=False)
    taken = pl.col("downloads")
    counted = dated.group_by(*KEYS, RELEASED, TOLD_BY).agg(
        taken.sum(), taken.filter(is_echo).sum().alias(ECHO), *(taken.filter(is_echo & (pl.col(CLASS) == name)).sum().alias(name) for name in ECHOING)
    )
    return counted.with_columns((taken - pl.col(ECHO)).alias(DEMAND))
