"""Two logs that look as if they held the same requests, though no id says so: a balancer's and that of what is behind it, both taken in.

Clients cannot be compared, for the one behind a balancer knows the balancer alone. What is compared is when what was asked for and how it was
answered: the share of a log's requests for which the other has one of the same path and status (and size, where both write it alike) at the same
second, a second more or less, whatever offset their clocks have. What chance gives is told by offsets at which no log repeats another; so two servers that
answer the same questions all day are no copies of each other. Two logs are suspected where hardly a request is missing, and chance is far off.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import polars as pl

from pullstats.metrics.extent import Scan

OFFSETS: Final = range(-10, 11)
"""Seconds that two clocks may differ by."""
_ELSEWHERE: Final = tuple(sign * step for step in (13, 17, 23, 27, 33, 37, 43, 47, 53, 57) for sign in (1, -1))
"""Offsets at which what agrees agrees by chance; no multiples of the periods that clients have."""
_BLOCK: Final = 600
"""Seconds that are looked at together: of a large store some such blocks, the same ones of every log."""
_EDGE: Final = 60
"""Seconds at either end of a block whose requests are only looked for, since theirs may lie in the next."""
_MOST: Final = 300_000
"""Requests that are looked at, of all logs."""
_MOST_OF_ONE: Final = 20_000
_MOST_PAIRS: Final = 50
_LEAST: Final = 100
_LEAST_KNOWN: Final = 0.5
"""Share of a log's requests of which the other must hold the like at any time: the rest may be health checks."""
_LEAST_SHARE: Final = 0.9
_MOST_MISSED: Final = 0.25
"""Of what chance would leave without its like, the share that may be left."""
_DEVIATIONS: Final = 6.0
"""Of a binomial count, that what agrees lies above the most that agrees by chance."""
_READ: Final = ("source_id", "timestamp", "url_path", "http_response_status_code", "http_response_body_size")
_SECOND: Final = 1_000_000
_KEYS: Final = (("path", "status", "size"), ("path", "status"))


@dataclass(frozen=True, slots=True)
class Copy:
    """A log that looks like a part of another, or all of it.

    Attributes:
        source: its `source_id`.
        other: that of the log that holds its requests, too.
        looked_at: requests of it that were compared.
        share: of these, how many the other holds.
        by_chance: what share chance gives, at most.
        offset: seconds by which the other's clock is ahead.
        keys: what was compared: `path`, `status` and, where both write it alike, `size`.
    """

    source: str
    other: str
    looked_at: int
    share: float
    by_chance: float
    offset: int
    keys: tuple[str, ...]


def find_copies(scan: Scan, sources: pl.DataFrame, events: int) -> Iterator[Copy]:
    """Find the logs that look as if another held their requests, too.

    Args:
        scan: gives the events.
        sources: `source_id`, `first`, `last` of every log.
        events: how many there are.

    Yields:
        Each pair that looks so.
    """
    spans = sources.drop_nulls(["first", "last"]).select("source_id", "first", "last").sort("first", "source_id").rows()
    pairs = [(one[0], two[0]) for one, two in combinations(spans, 2) if (min(one[2], two[2]) - two[1]).total_seconds() > _BLOCK]
    if not pairs:
        return
    logs = _sample(scan, {name for pair in pairs for name in pair}, events)
    for one, two in pairs[:_MOST_PAIRS]:
        found = _compare(one, two, logs.filter(source_id=one), logs.filter(source_id=two))
        if found is not None:
            yield found


def _sample(scan: Scan, names: set[str], events: int) -> pl.DataFrame:
    """Read the requests of some logs, of large ones those of some blocks: `source_id`, `path`, `status`, `size` as hashes and numbers, `second`, `is_inner`."""
    second = pl.col("timestamp").to_physical() // _SECOND
    block = (second // _BLOCK).hash(1) % max(1, -(-events // _MOST))
    chosen = scan(_READ, None, None).filter(pl.col("source_id").is_in(sorted(names)) & pl.col("url_path").is_not_null() & (block == 0))
    narrow = chosen.select(
        "source_id",
        path=pl.col("url_path").hash(2),
        status=pl.col("http_response_status_code"),
        size=pl.col("http_response_body_size"),
        second=second,
        is_inner=(second % _BLOCK).is_between(_EDGE, _BLOCK - _EDGE, closed="left"),
    )
    return narrow.collect(engine="streaming")


def _compare(one: str, two: str, left: pl.DataFrame, right: pl.DataFrame) -> Copy | None:
    """Compare two logs over the time of both, by what tells the most first; each may be a part of the other, the smaller one sooner."""
    if not left.height or not right.height:
        return None
    begin, end = (max(left["second"].min(), right["second"].min()), min(left["second"].max(), right["second"].max()))  # type: ignore[type-var]
    left, right = (log.filter(pl.col("second").is_between(begin, end)) for log in (left, right))
    order = [(one, two, left, right), (two, one, right, left)]
    for keys in _KEYS:
        for source, other, own, theirs in order if left.height <= right.height else reversed(order):
            found = _agree(list(keys), own.filter("is_inner").head(_MOST_OF_ONE), theirs)
            if found is not None:
                return Copy(source, other, *found, keys)
    return None


def _agree(keys: list[str], own: pl.DataFrame, theirs: pl.DataFrame) -> tuple[int, float, float, int] | None:
    """Tell how many requests were compared, which share of them agrees, which by chance, and at which offset; None where it may be chance."""
    known = own.join(theirs.select(keys).unique(), on=keys, how="semi", nulls_equal=True)
    count = known.height
    if count < max(_LEAST, _LEAST_KNOWN * own.height):
        return None
    wanted = known.group_by(*keys, "second").agg(pl.len().alias("wanted"))
    exact, near = (
        pl.concat([theirs.select(*keys, pl.col("second") + step) for step in steps]).group_by(*keys, "second").agg(pl.len().alias("there"))
        for steps in ((0,), (-1, 0, 1))
    )
    by_chance = max(_share(keys, wanted, near, offset) for offset in _ELSEWHERE) / count
    best, _, _, offset = max(
        (_share(keys, wanted, near, offset) / count, _share(keys, wanted, exact, offset), -abs(offset), offset) for offset in OFFSETS
    )
    deviation = max(by_chance * (1 - by_chance) / count, count**-2) ** 0.5
    is_near = best >= _LEAST_SHARE and 1 - best <= _MOST_MISSED * (1 - by_chance)
    return (count, best, by_chance, offset) if is_near and best - by_chance >= _DEVIATIONS * deviation else None


def _share(keys: list[str], wanted: pl.DataFrame, near: pl.DataFrame, offset: int) -> int:
    """Count the requests for which there is one so many seconds later."""
    found = wanted.with_columns(pl.col("second") + offset).join(near, on=[*keys, "second"], how="inner", nulls_equal=True)
    return int(found.select(pl.min_horizontal("wanted", "there").sum()).item())
