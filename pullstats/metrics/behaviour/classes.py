"""The class of every origin, and of every origin and package, as of an instant.

    events, part by part ─► requests, slice by slice ─► visits ─► features ─┬► joined: who is alike ─► class and score
                                                                            └ small tables from here on

What an origin does with all packages counts in part for each of them: who asks once for a thirtieth package asks as for the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from pullstats.metrics.behaviour.features import describe_visits, mark_silences
from pullstats.metrics.behaviour.instances import count_machines, keep_pollers
from pullstats.metrics.behaviour.judging import CLASS, SCORE, choose, weigh
from pullstats.metrics.behaviour.origins import describe_origins
from pullstats.metrics.behaviour.pairs import describe_thin, finish, finish_pairs, is_thin, keep_counts
from pullstats.metrics.behaviour.requests import (
    OWNER,
    OWNER_COLUMNS,
    REQUEST_COLUMNS,
    SLOTS,
    TRAITS,
    count_blobs,
    describe_traits,
    find_bare_logs,
    is_in_slice,
    list_owners,
    list_packages,
    mark_bare,
    order_requests,
    read_requests,
)
from pullstats.metrics.behaviour.rules import ClassRules
from pullstats.metrics.behaviour.streams import STREAM, is_joined, join_streams, show_origins
from pullstats.metrics.behaviour.takings import count_takings
from pullstats.metrics.behaviour.turns import find_turns, keep_loose
from pullstats.metrics.behaviour.visits import KEY, LAST, count_requests, find_last, fold_visits
from pullstats.metrics.extent import Scan

EVENT_BYTES: Final = 180
"""Memory that an event takes at most while it is put in order."""
SLICE: Final = 1_000_000
"""Events whose visits and features are looked at together."""
_AT_ONCE: Final = 2
"""Slices that are looked at side by side."""
_READ: Final = tuple(dict.fromkeys((*REQUEST_COLUMNS, *TRAITS, "is_ci")))
_LOGGED: Final = ("source_id", "action")
_TELLING: Final = ("origin", "has_package")
_BRIEF_HOURS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Classes:
    """Classes, as of an instant.

    Attributes:
        origins: a row an origin: `origin_id`, `class`, `score`, traits and features.
        pairs: a row an origin and package, null where it asks for none: `KEPT`, `class`, `score` and the `stream` that it is part of.
        paced: of the pairs that are not thin the same, with traits and features.
        streams: how many machines each stream of requests is, as `count_machines` gives them.
        rules: the table they are by.
    """

    origins: pl.DataFrame
    pairs: pl.DataFrame
    paced: pl.DataFrame
    streams: pl.DataFrame
    rules: ClassRules

    def describe(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Give some rows of `pairs` with all their traits and features, in no order."""
        thin = describe_thin(pairs.filter(is_thin()), self.origins)
        return pl.concat([thin, self.paced.join(pairs.select(OWNER), on=OWNER, how="semi")], how="diagonal_relaxed")


@dataclass(frozen=True, slots=True)
class _Slice:
    """What is found of some origins.

    Attributes:
        origins: a row an origin, with its features.
        paced: a row a pair that is not thin, with its features.
        thin: counts of the others.
        visits: those of which more may be learnt beside others'.
    """

    origins: pl.DataFrame
    paced: pl.DataFrame
    thin: pl.DataFrame
    visits: pl.DataFrame


def classify(parts: Sequence[Scan], rules: ClassRules, silences: pl.DataFrame, until: datetime | None = None) -> Classes:
    """Tell of all origins why they come.

    Args:
        parts: scans of the events; an origin's are in one of them.
        rules: the table of classes.
        silences: `since`, `until` (µs) of spans in which the logs were silent, in order.
        until: first instant not to read.
    """
    bare = find_bare_logs(pl.concat([count_blobs(scan(_LOGGED, None, until)) for scan in parts]))
    columns = (*_READ, "source_id") if bare else _READ
    found = [one for scan in parts for one in _describe_part(mark_bare(scan(columns, None, until), bare), silences)]
    origins = _add_alike(pl.concat([one.origins for one in found]))
    paced = pl.concat([one.paced for one in found]).sort(OWNER)
    paced = join_streams(paced, find_turns(paced, pl.concat([one.visits for one in found]), silences))
    origins = show_origins(origins, paced)
    odds = weigh(origins, rules)
    mixed = _share(_lend(weigh(paced, rules), paced, odds, origins, rules), paced)
    paced = paced.with_columns(choose(mixed, rules).get_columns())
    thin, pollers = zip(*(_judge_thin(one.thin, origins, odds, rules) for one in found), strict=True)
    told = choose(_give_back(odds, origins, mixed, paced), rules)
    pairs = pl.concat([_keep_told(keep_counts(paced), paced), *thin])
    streams = count_machines(pl.concat([keep_pollers(paced), *pollers]))
    return Classes(origins.with_columns(told.get_columns()), pairs, paced, streams, rules)


def _judge_thin(counts: pl.DataFrame, origins: pl.DataFrame, odds: pl.DataFrame, rules: ClassRules) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Tell of thin pairs why they come; and which of them may poll."""
    pairs = describe_thin(counts, origins)
    told = pairs.with_columns(choose(_lend(weigh(pairs, rules), pairs, odds, origins, rules), rules).get_columns()).with_columns(
        pl.col(OWNER).alias(STREAM)
    )
    return _keep_told(counts, told), keep_pollers(told)


def _keep_told(counts: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    return counts.with_columns(told.select(CLASS, SCORE, STREAM).get_columns())


def _describe_part(events: pl.LazyFrame, silences: pl.DataFrame) -> list[_Slice]:
    """Describe the origins and pairs of some events, some slices at a time: what is made on the way is never there for all of them."""
    packages, traits, requests = list_packages(events), describe_traits(events), read_requests(events)
    count = min(max(1, -(-requests.height // SLICE)), SLOTS)

    def describe(number: int) -> _Slice:
        asked, known = [rows if count == 1 else rows.filter(is_in_slice(number, count)) for rows in (requests, traits)]
        return _describe_slice(order_requests(asked), packages, known, silences)

    # Most steps look at a row beside the one before it, which keeps one processor busy.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(describe, range(count)))


def _describe_slice(requests: pl.DataFrame, packages: pl.DataFrame, traits: pl.DataFrame, silences: pl.DataFrame) -> _Slice:
    """Give origins and pairs with their features.

    Args:
        requests: of some origins, all of these, in order.
        packages: as `list_packages` gives them.
        traits: as `describe_traits` gives them.
        silences: see `mark_silences`.
    """
    visits = mark_silences(fold_visits(requests).with_columns(packages=pl.lit(1, pl.UInt32)), silences)
    counts = pl.concat([count_takings(requests, visits), count_requests(requests)], how="horizontal").drop(KEY)
    owners = list_owners(requests, packages).with_columns(find_last(requests))
    del requests
    numbers = traits.select("origin_id", origin=pl.int_range(pl.len(), dtype=pl.UInt32))
    owners = owners.join(numbers, on="origin_id", maintain_order="left").with_columns(has_package=pl.col("package_name").is_not_null())
    pairs = describe_visits(visits).with_columns(counts.get_columns()).with_columns(owners.select(_TELLING).get_columns())
    origins = finish(describe_origins(visits, pairs, silences).with_columns(traits.get_columns()).drop(KEY))
    pairs = pairs.with_columns(owners.select(OWNER, *OWNER_COLUMNS, LAST).get_columns()).drop(_TELLING)
    loose = keep_loose(visits, pairs)
    pairs = pairs.drop(KEY)
    return _Slice(origins, finish_pairs(pairs.filter(~is_thin()), traits), keep_counts(pairs.filter(is_thin())), loose)


def _add_alike(origins: pl.DataFrame) -> pl.DataFrame:
    """Count the others of the same network owner and client that lived as briefly and took as much: machines that are made for a job."""
    is_brief = (pl.col("hours_span") < _BRIEF_HOURS) & (pl.col("full") > 0)
    who = [pl.coalesce("organization_name", "as_organization", pl.col("network_id").cast(pl.String)), pl.col("user_agent_name")]
    count = pl.when(is_brief).then(is_brief.sum().over(who) - 1).otherwise(0)
    return origins.with_columns(alike=count.cast(pl.UInt32))


def _lend(own: pl.DataFrame, pairs: pl.DataFrame, odds: pl.DataFrame, origins: pl.DataFrame, rules: ClassRules) -> pl.DataFrame:
    """Let what an origin does with all packages count for each of them, too; without a package, or with one alone, nothing else does."""
    theirs = odds.with_columns(origin_id=origins["origin_id"], is_alone=origins["owners"] == 1)
    both = pl.concat([own.rename(_name_own), pairs.select("origin_id", "package_name")], how="horizontal")
    both = both.join(theirs, on="origin_id", how="left", maintain_order="left")
    is_whole = pl.col("package_name").is_null() | pl.col("is_alone")
    mixed = [pl.when(is_whole).then(name).otherwise(pl.col(_name_own(name)) + rules.lend * pl.col(name)).alias(name) for name in odds.columns]
    return both.select(mixed)


def _share(odds: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Let what is seen at all addresses of one stream count for each of them, by the visits that each has of it."""
    weight = pairs["visits"].cast(pl.Float64)
    both = odds.with_columns(pairs[STREAM], weight, is_joined=pairs.select(is_joined()).to_series())
    mean = [((pl.col(name) * pl.col("visits")).sum() / pl.col("visits").sum()).over(STREAM, "is_joined").alias(name) for name in odds.columns]
    return both.with_columns(pl.when("is_joined").then(one).otherwise(name).alias(name) for name, one in zip(odds.columns, mean, strict=True)).select(
        odds.columns
    )


def _give_back(odds: pl.DataFrame, origins: pl.DataFrame, mixed: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """Let an origin that asks for one package alone be what the stream is that it is an address of."""
    is_part = is_joined() & pl.col("package_name").is_not_null()
    parts = mixed.rename(_name_own).with_columns(pairs["origin_id"]).filter(pairs.select(is_part).to_series()).unique("origin_id", keep="none")
    both = odds.with_columns(origins.select("origin_id", is_alone=pl.col("packages") == 1).get_columns())
    both = both.join(parts, on="origin_id", how="left", maintain_order="left")
    return both.select(pl.when("is_alone").then(pl.coalesce(_name_own(name), name)).otherwise(name).alias(name) for name in odds.columns)


def _name_own(name: str) -> str:
    return f"own {name}"
