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
from pullstats.metrics.runs import IS_NEW, Runs, rank_sources, sort_by_owner

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
    ordered = rank_sources(events)
    parts = [count_images(ordered, pull_gap)]
    if {"downloads", "attempts"} & set(wanted):
        parts.append(count_files(ordered))
    if "checks" in wanted:
        parts += [count_unchanged(ordered), count_sessions(ordered)]
    return pl.concat(parts, how="diagonal").with_columns(
        pl.col(name).fill_null(0) if name in wanted else pl.lit(0, pl.Int64).alias(name) for name in COUNTED
    )


def count_images(events: pl.LazyFrame, pull_gap: timedelta = PULL_GAP) -> pl.LazyFrame:
    """Fold manifest requests into pull groups: one row a group, at its first GET, else its first request."""
    rows = group_manifests(events, pull_gap)
    names = [name for name in rows.collect_schema().names() if name not in _GROUP]
    group = Runs(pl.col("is_group"))
    chosen = pl.coalesce(group.first_where(pl.col("is_get")), group.first)
    found = rows.select(
        *(pl.col(name).gather(chosen) for name in names if name not in _PLATFORM),
        *(pl.coalesce(pl.col(name).gather(chosen), group.first_value(pl.col(name))).alias(name) for name in names if name in _PLATFORM),
        group_tag=group.first_value(pl.col("tag")),
        is_pull=group.any(pl.col("is_taken")),
        is_asked=group.any(pl.col("is_get")),
        is_answered=group.any(_IS_ANSWERED),
    )
    return (
        found.filter(pl.col("is_asked") | pl.col("is_answered"))
        .with_columns(
            package_version=pl.coalesce("group_tag", "package_version"),
            reference_kind=pl.when(pl.col("group_tag").is_not_null()).then(pl.lit("tag")).otherwise("reference_kind"),
            downloads=pl.col("is_pull").cast(pl.Int64),
            pulls=pl.col("is_pull").cast(pl.Int64),
            checks=(~pl.col("is_pull") & pl.col("is_answered")).cast(pl.Int64),
            attempts=pl.col("is_asked").cast(pl.Int64),
        )
        .drop("group_tag", "is_pull", "is_asked", "is_answered")
    )


_GROUP: Final = frozenset({"tag", "is_group", "is_get", "is_taken", IS_NEW})
_IS_ANSWERED: Final = (STATUS < 400).fill_null(value=True)


def group_manifests(events: pl.LazyFrame, pull_gap: timedelta) -> pl.LazyFrame:
    """Sort manifest requests by owner and mark the first of each pull group (`is_group`); `tag` is null for a digest."""
    tag = pl.when(pl.col("reference_kind") == "tag").then(pl.col("package_version"))
    manifests = events.filter(IS_MANIFEST).with_columns(tag=tag, is_get=IS_GET, is_taken=IS_GET & IS_TAKEN)
    rows = sort_by_owner(manifests, ("origin_id", "package_name"))
    is_late = (pl.col("timestamp") - pl.col("timestamp").shift(1)) > pull_gap
    rows = rows.with_columns(run=(pl.col(IS_NEW) | is_late.fill_null(value=True)).cum_sum())
    # The tag of the open group: the last one named, if that was in this run.
    before = pl.when(pl.col("tag").is_not_null()).then(pl.col("run")).forward_fill().shift(1)
    named = pl.when(before == pl.col("run")).then(pl.col("tag").forward_fill().shift(1))
    is_other_tag = pl.col("tag").is_not_null() & pl.col("tag").ne_missing(named)
    is_run = pl.col("run").ne_missing(pl.col("run").shift(1))
    return rows.with_columns(is_group=is_run | is_other_tag).drop("run")


def find_tags(events: pl.LazyFrame, pull_gap: timedelta = PULL_GAP) -> pl.LazyFrame:
    """List which digest was seen with which tag, and when: both were asked for in one pull group.

    Args:
        events: `IMAGE_COLUMNS`, from the beginning of the store on.
        pull_gap: pause after which a pull group closes.

    Returns:
        `timestamp`, `package_name`, `digest`, `digest_tag`, sorted by time.
    """
    rows = group_manifests(rank_sources(events), pull_gap)
    group = pl.col("is_group").cum_sum()
    tagged = pl.when(pl.col("tag").is_not_null()).then(group)
    # A group's tag is named by its first request; a group that a digest opened has none.
    rows = rows.with_columns(group_tag=pl.when(tagged.forward_fill() == group).then(pl.col("tag").forward_fill()))
    seen = rows.filter((pl.col("reference_kind") == "digest") & pl.col("group_tag").is_not_null() & (STATUS < 400))
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
    is_answer = (IS_WHOLE | IS_PART | IS_REDIRECT).fill_null(value=False)
    files = events.filter(is_file & ~IS_UNCHANGED.fill_null(value=False)).with_columns(is_answer=is_answer, is_redirect=IS_REDIRECT)
    rows = sort_by_owner(files, ("origin_id", "url_path")).with_columns(asked=pl.col(IS_NEW).cum_sum())
    pause = pl.col("timestamp") - _before(pl.col("is_answer"), pl.col("timestamp"))
    follows_redirect = _before(pl.col("is_answer"), pl.col("is_redirect")) & (pause <= PULL_GAP)
    # The last piece or whole file of the same origin and path before this row.
    body = _before(IS_WHOLE | IS_PART, pl.col("timestamp"))
    continues = IS_PART & ((pl.col("timestamp") - body) <= PART_GAP).fill_null(value=False)
    counts = pl.col("is_answer") & ~(follows_redirect.fill_null(value=False) | continues)
    is_repeated = ~pl.col(IS_NEW).shift(-1).fill_null(value=True) & (pl.col("timestamp").shift(-1) - pl.col("timestamp") <= PULL_GAP)
    is_attempt = counts | (~pl.col("is_answer") & ~is_repeated.fill_null(value=False))
    marked = rows.with_columns(downloads=counts.cast(pl.Int64), attempts=is_attempt.cast(pl.Int64))
    return marked.filter(pl.col("attempts") == 1).drop("asked", "is_answer", "is_redirect", IS_NEW)


def _before(where: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Take a value from the last row before this one of the same origin and path (`asked`) that is true."""
    is_known = where.fill_null(value=False)
    owner = pl.when(is_known).then(pl.col("asked")).forward_fill().shift(1)
    return pl.when(owner == pl.col("asked")).then(pl.when(is_known).then(value).forward_fill().shift(1))


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
    rows = sort_by_owner(events.filter(relevant).with_columns(is_other=is_got | IS_UNCHANGED), owner)
    is_late = (pl.col("timestamp") - pl.col("timestamp").shift(1)) > SESSION_GAP
    rows = rows.with_columns(is_session=pl.col(IS_NEW) | is_late.fill_null(value=True))
    session = Runs(pl.col("is_session"))
    names = [name for name in rows.collect_schema().names() if name not in {"is_session", "is_other", IS_NEW}]
    found = rows.select(*(pl.col(name).gather(session.first) for name in names), is_busy=session.any(pl.col("is_other")))
    return found.filter(~pl.col("is_busy")).drop("is_busy").with_columns(checks=pl.lit(1, pl.Int64))
