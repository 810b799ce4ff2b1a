"""When a request is a download: the counting rule `pullstats@1`.

Rules run over all events before any filter, sorted by time within (origin, path) or (origin,
repository), ties by log and byte offset, so that neither blocks nor the order of ingest change an
answer. They read only the rows that can matter: manifests, files, metadata.

Source: DEFINITIONS "When is it a download?".
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.metrics.answers import IS_GET, IS_HEAD, IS_PART, IS_REDIRECT, IS_TAKEN, IS_UNCHANGED, IS_WHOLE, STATUS

PULL_GAP: Final = timedelta(seconds=5)
PART_GAP: Final = timedelta(minutes=10)
SESSION_GAP: Final = timedelta(minutes=5)
MARGIN: Final = timedelta(minutes=15)
"""How far beyond a window a rule must look: the longest gap, with room."""

COUNTED: Final = ("downloads", "pulls", "checks", "attempts")
RULE_COLUMNS: Final = (
    "timestamp",
    "origin_id",
    "http_request_method",
    "http_response_status_code",
    "url_path",
    "package_type",
    "package_name",
    "package_version",
    "reference_kind",
    "action",
    "is_downloadable",
    "source_id",
    "source_offset",
)
IMAGE_COLUMNS: Final = tuple(name for name in RULE_COLUMNS if name != "url_path")
"""What the pull groups read of an event."""
_ORDER: Final = ("timestamp", "source_start", "source_id", "source_offset")
_PLATFORM: Final = ("package_os", "package_arch")
IS_MANIFEST: Final = (pl.col("package_type") == "oci") & (pl.col("action") == "manifest") & pl.col("is_downloadable") & (IS_GET | IS_HEAD)
"""Manifest requests that can be part of a pull."""


@dataclass(frozen=True, slots=True)
class CountingRule:
    """A named, versioned rule.

    Attributes:
        name: without its version.
        version: raised whenever an answer changes.
        text: the rule in words.
        source: where it is laid down.
    """

    name: str
    version: int
    text: str
    source: str

    @property
    def label(self) -> str:
        """Name and version."""
        return f"{self.name}@{self.version}"


PULLSTATS: Final = CountingRule(
    "pullstats",
    1,
    "A file counts when its GET is answered 200 or redirected; 206 once in 10 minutes per origin and path; a redirect followed within 5 s by the "
    "same origin and path is one. An image counts once per pull group: manifest requests of one origin and repository without a pause over 5 s and "
    "without another tag, if one GET among them was answered 2xx or redirected. 304, and a group that takes nothing, is a check; so is a session "
    "that reads an index or metadata of a package and downloads nothing of it. An attempt is a download asked for, folded alike, whatever was "
    "answered. Blobs, checksums, signatures and source archives never count.",
    "DEFINITIONS section 3",
)
COUNTING_RULES: Final[dict[str, CountingRule]] = {PULLSTATS.name: PULLSTATS}


def count_events(events: pl.LazyFrame, wanted: Collection[str] = COUNTED, pull_gap: timedelta = PULL_GAP) -> pl.LazyFrame:
    """Apply `pullstats@1`.

    Args:
        events: `RULE_COLUMNS` and whatever else the answer groups by; reaching `MARGIN` beyond the window.
        wanted: which of `COUNTED` are asked for; only what they need is computed.
        pull_gap: pause after which a pull group closes.

    Returns:
        The rows that count, each the first request of what it stands for, with `downloads`,
        `pulls`, `checks` and `attempts` (0 or 1); an image's `package_version` is the tag of its group.
    """
    ordered = _with_source_start(events)
    parts = [count_images(ordered, pull_gap)]
    if {"downloads", "attempts"} & set(wanted):
        parts.append(count_files(ordered))
    if "checks" in wanted:
        parts += [count_unchanged(ordered), count_sessions(ordered)]
    return pl.concat(parts, how="diagonal").with_columns(
        pl.col(name).fill_null(0) if name in wanted else pl.lit(0, pl.Int64).alias(name) for name in COUNTED
    )


def _with_source_start(events: pl.LazyFrame) -> pl.LazyFrame:
    """Say where each log begins: of requests in one instant, those of the piece rotated away first come first."""
    starts = events.group_by("source_id").agg(pl.col("timestamp").min().alias("source_start"))
    return events.join(starts, on="source_id", how="left", nulls_equal=True)


def count_images(events: pl.LazyFrame, pull_gap: timedelta = PULL_GAP) -> pl.LazyFrame:
    """Fold manifest requests into pull groups: one row a group, at its first GET, else its first request."""
    group = group_manifests(events, pull_gap)
    present = [name for name in _PLATFORM if name in group.collect_schema()]
    group = group.with_columns(
        is_pull=pl.col("is_taken").any().over("group"),
        is_asked=pl.col("is_get").any().over("group"),
        is_answered=(STATUS < 400).fill_null(value=True).any().over("group"),
        rank=pl.struct(~pl.col("is_get"), pl.int_range(pl.len())).rank("ordinal").over("group"),
        **{name: pl.coalesce(name, pl.col(name).drop_nulls().first().over("group")) for name in present},
    )
    chosen = group.filter((pl.col("rank") == 1) & (pl.col("is_asked") | pl.col("is_answered")))
    return chosen.with_columns(
        package_version=pl.coalesce("group_tag", "package_version"),
        reference_kind=pl.when(pl.col("group_tag").is_not_null()).then(pl.lit("tag")).otherwise("reference_kind"),
        downloads=pl.col("is_pull").cast(pl.Int64),
        pulls=pl.col("is_pull").cast(pl.Int64),
        checks=(~pl.col("is_pull") & pl.col("is_answered")).cast(pl.Int64),
        attempts=pl.col("is_asked").cast(pl.Int64),
    ).drop(*_GROUP, "is_pull", "is_asked", "is_answered", "rank")


_GROUP: Final = ("tag", "run", "named", "is_start", "group", "is_get", "is_taken", "group_tag")


def group_manifests(events: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """Give every manifest request the number of its pull group (`group`) and that group's tag (`group_tag`)."""
    owner = ("origin_id", "package_name")
    tag = pl.when(pl.col("reference_kind") == "tag").then(pl.col("package_version"))
    rows = events.filter(IS_MANIFEST).sort(*owner, *_ORDER).with_columns(tag=tag)
    is_first = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in owner).fill_null(value=True)
    is_late = (pl.col("timestamp") - pl.col("timestamp").shift(1)) > pull_gap
    rows = rows.with_columns(run=(is_first | is_late).fill_null(value=True).cum_sum())
    rows = rows.with_columns(named=pl.col("tag").forward_fill().over("run").shift(1), is_start=pl.col("run").ne_missing(pl.col("run").shift(1)))
    is_other_tag = pl.col("tag").is_not_null() & pl.col("tag").ne_missing(pl.col("named"))
    rows = rows.with_columns(group=(pl.col("is_start") | is_other_tag).cum_sum(), is_get=IS_GET, is_taken=IS_GET & IS_TAKEN)
    return rows.with_columns(group_tag=pl.col("tag").drop_nulls().first().over("group"))


def find_tags(events: pl.LazyFrame, pull_gap: timedelta = PULL_GAP) -> pl.LazyFrame:
    """List which digest was seen with which tag, and when: both were asked for in one pull group.

    Args:
        events: `IMAGE_COLUMNS`, from the beginning of the store on.
        pull_gap: pause after which a pull group closes.

    Returns:
        `timestamp`, `package_name`, `digest`, `digest_tag`, sorted by time.
    """
    grouped = group_manifests(_with_source_start(events), pull_gap)
    seen = grouped.filter((pl.col("reference_kind") == "digest") & pl.col("group_tag").is_not_null() & (IS_TAKEN | (STATUS < 400)))
    return seen.select("timestamp", "package_name", digest="package_version", digest_tag="group_tag").sort("timestamp", "digest_tag")


def name_digests(counted: pl.LazyFrame, tags: pl.LazyFrame) -> pl.LazyFrame:
    """Give what was pulled by digest alone the tag last seen with that digest at or before it."""
    named = counted.sort("timestamp").join_asof(
        tags,
        on="timestamp",
        by_left=["package_name", "package_version"],
        by_right=["package_name", "digest"],
        strategy="backward",
        check_sortedness=False,
    )
    is_open = (pl.col("package_type") == "oci") & (pl.col("reference_kind") == "digest") & pl.col("digest_tag").is_not_null()
    return named.with_columns(
        package_version=pl.when(is_open).then("digest_tag").otherwise("package_version"),
        reference_kind=pl.when(is_open).then(pl.lit("tag")).otherwise("reference_kind"),
    ).drop("digest_tag")


def count_files(events: pl.LazyFrame) -> pl.LazyFrame:
    """Count files taken: each 200, parts once in `PART_GAP`, a redirect and what follows it once.

    What was refused is an attempt, unless the same origin asks for the same path again within
    `PULL_GAP`: then the last answer speaks for all.
    """
    is_file = (pl.col("package_type") != "oci") & (pl.col("action") == "download") & pl.col("is_downloadable") & IS_GET
    owner = ("origin_id", "url_path")
    rows = events.filter(is_file & ~IS_UNCHANGED.fill_null(value=False)).sort(*owner, *_ORDER)
    is_new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in owner).fill_null(value=True)
    rows = rows.with_columns(asked=is_new.cum_sum())
    is_answer = (IS_WHOLE | IS_PART | IS_REDIRECT).fill_null(value=False)
    answer = pl.when(is_answer).then(pl.struct("timestamp", is_redirect=IS_REDIRECT)).forward_fill().over("asked").shift(1).over("asked")
    follows_redirect = answer.struct.field("is_redirect") & (pl.col("timestamp") - answer.struct.field("timestamp") <= PULL_GAP)
    # The last piece or whole file of the same origin and path before this row.
    body = pl.when(IS_WHOLE | IS_PART).then(pl.col("timestamp")).forward_fill().over("asked").shift(1).over("asked")
    continues = IS_PART & ((pl.col("timestamp") - body) <= PART_GAP).fill_null(value=False)
    counts = is_answer & ~(follows_redirect.fill_null(value=False) | continues)
    is_repeated = ((pl.col("timestamp").shift(-1).over("asked") - pl.col("timestamp")) <= PULL_GAP).fill_null(value=False)
    return (
        rows.with_columns(downloads=counts.cast(pl.Int64), attempts=(counts | (~is_answer & ~is_repeated)).cast(pl.Int64))
        .filter(pl.col("attempts") == 1)
        .drop("asked")
    )


def count_unchanged(events: pl.LazyFrame) -> pl.LazyFrame:
    """Count every conditional GET of a package that was answered 304 as a check."""
    is_image = (pl.col("package_type") == "oci") & (pl.col("action") == "manifest")
    return events.filter(IS_GET & IS_UNCHANGED & pl.col("package_type").is_not_null() & ~is_image).with_columns(checks=pl.lit(1, pl.Int64))


def count_sessions(events: pl.LazyFrame) -> pl.LazyFrame:
    """Count sessions that read an index or metadata of a package and took nothing of it: one check each."""
    owner = ("origin_id", "package_type", "package_name")
    is_read = pl.col("action").is_in(["index", "metadata"]) & IS_WHOLE
    is_got = (pl.col("action") == "download") & pl.col("is_downloadable") & (IS_TAKEN | IS_UNCHANGED)
    relevant = IS_GET & pl.col("package_name").is_not_null() & (pl.col("package_type") != "oci") & (is_read | is_got | IS_UNCHANGED)
    rows = events.filter(relevant).sort(*owner, *_ORDER)
    is_new = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in owner).fill_null(value=True)
    is_late = (pl.col("timestamp") - pl.col("timestamp").shift(1)) > SESSION_GAP
    rows = rows.with_columns(session=(is_new | is_late).fill_null(value=True).cum_sum(), is_read=is_read, is_other=is_got | IS_UNCHANGED)
    rows = rows.with_columns(
        is_empty=~pl.col("is_other").any().over("session"),
        place=pl.int_range(pl.len()).over("session"),
    )
    return (
        rows.filter(pl.col("is_empty") & (pl.col("place") == 0))
        .drop("session", "is_read", "is_other", "is_empty", "place")
        .with_columns(checks=pl.lit(1, pl.Int64))
    )
