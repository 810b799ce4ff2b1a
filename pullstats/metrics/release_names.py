"""Which release a request was for: floating tags and digests by what they were seen to stand for.

A pull group names a tag and a digest together; so a digest has the tags that it was ever seen with, and
a tag stands, from then on, for the digest it was last seen with. Of several tags of a digest the release
is the most specific version (1.4.2 rather than 1.4 or latest), of equally specific ones the highest in
its ecosystem's order. What somebody asks for as exactly as that stays what it is. What no digest tells,
a list of releases does: `latest` is then the highest that was out, `1.4` the highest of its line; and a
digest that it names is its version.

    events ─► pull groups ─► digests' names, tags' digests ─► a column `release` beside the events

Source: DEFINITIONS "When is it a download?", "Names that scripts rely on".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from pullstats.events import TIMESTAMP
from pullstats.metrics.counting.digest_tags import SEEN, find_named
from pullstats.metrics.counting.rule import IMAGE_COLUMNS
from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.extent import Scan
from pullstats.metrics.release_lookup import ASKED, NAMES, RELEASE_COLUMNS, Known, add_releases
from pullstats.metrics.time.releases import Release
from pullstats.metrics.version_order import Place, count_parts, is_final, place_semantic

_NEWEST: Final = ("latest", "stable", "current")
"""Tags that by custom stand for the newest release, where a list of releases tells it."""


@dataclass(frozen=True, slots=True)
class ReleaseNames:
    """Gives the column `release` to whoever asks a scan for it; nobody else pays for it.

    Attributes:
        scan: gives the store's events.
        rank: adds `source_rank` to events.
        releases: when versions came out.
        pull_gap: pause after which a pull group closes.
        until: what is seen from this instant on does not count.
        kept: true for the packages that are asked about, by `package_type` and `package_name`, never null; None for all. What others stand for is not looked up.
    """

    scan: Scan
    rank: Callable[[pl.LazyFrame], pl.LazyFrame]
    releases: Sequence[Release]
    pull_gap: timedelta
    until: datetime | None
    kept: pl.Expr | None = None
    _known: list[Known] = field(default_factory=list, repr=False)

    def narrow(self, kept: pl.Expr | None) -> ReleaseNames:
        """Give the same for some packages alone, as `kept` says."""
        return replace(self, kept=kept, _known=[])

    def scan_named(self, columns: Sequence[str], start: datetime | None, end: datetime | None) -> pl.LazyFrame:
        """Give `columns` of the events from `start` on and before `end` (UTC; None for no bound), `release` among them where it is asked for."""
        if RELEASE not in columns:
            return self.scan(columns, start, end)
        read = self.scan(sorted({*columns, *RELEASE_COLUMNS} - {RELEASE}), start, end)
        return self.add_to(read.with_columns(**ASKED)).select(columns)

    def add_to(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Add `release` to `events`, which have `ASKED` and `LOOKED_UP`, in the order in which they come."""
        return add_releases(events, self._learn(), self.kept)

    def _learn(self) -> Known:
        if not self._known:
            events = self.scan(sorted({*IMAGE_COLUMNS}), None, self.until)
            events = events if self.kept is None else events.filter(self.kept)
            self._known.append(_learn(self.rank(events), self.releases, self.pull_gap))
        return self._known[0]


def _learn(events: pl.LazyFrame, releases: Sequence[Release], pull_gap: timedelta) -> Known:
    seen = find_named(events, pull_gap).collect(engine="streaming").sort(SEEN)
    named = _name_digests(seen, releases)
    moves = seen.filter(pl.col("tag").is_not_null() & (pl.col("digest") == pl.col("first_digest")))
    moves = moves.join(named, left_on=["package_name", "digest"], right_on=["package_name", "package_version"], how="left", maintain_order="left")
    tags = moves.select("package_name", pl.col("tag").alias("package_version"), pl.col("began").alias("timestamp"), by_tag=pl.col("by_digest"))
    listed, anywhere = (_list_releases(releases, is_any=is_any) for is_any in (False, True))
    return Known(named, _find_moves(tags.sort("timestamp", maintain_order=True)), listed, anywhere.drop("package_name"))


def _name_digests(seen: pl.DataFrame, releases: Sequence[Release]) -> pl.DataFrame:
    """Give each digest its best tag; without one that of the digest that was asked for first, or this itself where it was taken so.

    The version that a list of releases has for a digest is a tag of it like any other.
    """
    tags = seen.filter(pl.col("tag").is_not_null()).select("package_name", "digest", "tag")
    tags = pl.concat([tags, _list_digests(seen, releases)]).group_by("package_name", "digest").agg(pl.col("tag").unique())
    best = tags.with_columns(best=pl.Series([choose_tag(found) for found in tags["tag"].to_list()], dtype=pl.String)).drop("tag")
    bare = seen.filter(pl.col("tag").is_null())
    first = bare.group_by("package_name", "digest").agg(pl.col("first_digest", "is_taken").sort_by(~pl.col("is_taken"), maintain_order=True).first())
    digests = first.join(best, on=["package_name", "digest"], how="full", coalesce=True)
    of_first = best.rename({"digest": "first_digest", "best": "first_best"})
    digests = digests.join(of_first, on=["package_name", "first_digest"], how="left")
    taken = pl.when("is_taken").then("first_digest")
    return digests.select("package_name", pl.col("digest").alias("package_version"), by_digest=pl.coalesce("best", "first_best", taken))


def _list_digests(seen: pl.DataFrame, releases: Sequence[Release]) -> pl.DataFrame:
    """Give the digests of a list of releases: `package_name`, each that was seen where the list names none, `digest` and `tag`."""
    packages = seen["package_name"].unique().to_list()
    rows = [(name, one.digest, one.version) for one in releases if one.digest for name in ([one.package] if one.package else packages)]
    return pl.DataFrame(rows, schema={"package_name": pl.String, "digest": pl.String, "tag": pl.String}, orient="row")


def choose_tag(tags: Iterable[str]) -> str:
    """Choose the most specific version among the tags of an image, of equally specific ones the highest; else a branch that is not `latest`."""

    def rank(tag: str) -> tuple[object, ...]:
        parts = count_parts(tag)
        return (parts, is_final(tag), place_semantic(tag)) if parts else (0, tag not in _NEWEST)

    return max(sorted(tags, reverse=True), key=rank)


def _list_releases(releases: Sequence[Release], *, is_any: bool) -> pl.DataFrame:
    """Say what `latest`, `1` and `1.4` stand for from each release on, package by package; what is listed itself stands for itself."""
    named = {(one.package, text) for one in releases for bare in [one.version.removeprefix("v")] for text in (bare, f"v{bare}")}
    newest: dict[tuple[str | None, str], Place] = {}
    rows: list[tuple[str | None, str, datetime, str]] = []
    for one in sorted(releases, key=lambda release: release.moment):
        version = one.version.removeprefix("v")
        if (one.package is None) is not is_any or not is_final(version):
            continue
        numbers = version.split("+")[0].split(".")
        lines = [".".join(numbers[:count]) for count in range(1, len(numbers))]
        for tag in (*_NEWEST, *lines, *(f"v{line}" for line in lines)):
            key, place = (one.package, tag), place_semantic(version)
            if key not in named and (key not in newest or newest[key] < place):
                newest[key] = place
                rows.append((one.package, tag, one.moment, version))
    name = "by_any" if is_any else "by_list"
    schema = pl.Schema({"package_name": pl.String(), "package_version": pl.String(), "timestamp": TIMESTAMP, name: pl.String()})
    return pl.DataFrame(rows, schema=schema, orient="row").sort("timestamp", maintain_order=True)


def _find_moves(tags: pl.DataFrame) -> pl.DataFrame:
    """Keep what tells more than a tag itself does, and of that only the changes.

    Args:
        tags: `package_name`, `package_version` (a tag), `timestamp` from which on it stands for `by_tag`, sorted by time.

    Returns:
        The same; `by_tag` is null from where on it tells nothing more.
    """
    by_tag = pl.when(_is_finer(pl.col("by_tag"), pl.col("package_version"))).then("by_tag").alias("by_tag")
    finer = tags.with_columns(by_tag).filter(pl.col("by_tag").is_not_null().any().over(NAMES))
    is_first = pl.int_range(pl.len()).over(NAMES) == 0
    return finer.filter(is_first | pl.col("by_tag").ne_missing(pl.col("by_tag").shift(1).over(NAMES)))


def _is_finer(release: pl.Expr, asked: pl.Expr) -> pl.Expr:
    """Tell a release that says more than the tag it was asked for by: more numbers, or a version where the tag is none."""
    return _count(release) > _count(asked)


def _count(text: pl.Expr) -> pl.Expr:
    core = text.str.extract(r"^v?([0-9]{1,18}(?:\.[0-9]{1,18})*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$")
    return pl.when(core.is_null()).then(0).otherwise(core.str.count_matches(".", literal=True) + 1)
