"""What a release that was asked for is: a version, one that comes before its release, a name that moves, a digest; and which is newer.

Versions of a package are ordered as its ecosystem has them (`version_order`); what it has no place for is told apart, not guessed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

import polars as pl

from pullstats.metrics.dimensions import RELEASE
from pullstats.metrics.time.releases import Release
from pullstats.metrics.version_order import Place, count_parts, is_coming, name_line, place_version
from pullstats.metrics.versions.asks import KEYS

VERSION, COMING, FLOATING, DIGEST, UNORDERED, UNNAMED = KINDS = ("release", "pre-release", "floating", "digest", "unordered", "no version")
"""In the order in which they are listed."""
KIND: Final = "kind"
RANK: Final = "rank"
MINOR, MAJOR = "minor", "major"
LINES: Final = (RELEASE, MINOR, MAJOR)
"""What a row may be: a version, or all of a line."""
_DIGEST: Final = r"^sha(?:256|512):[0-9a-f]+$"
_TAGGED: Final = "oci"
_WHOLE: Final = 3
"""Numbers of a version that no other is more exact than."""


def describe_releases(found: pl.DataFrame, listed: Sequence[Release] = ()) -> pl.DataFrame:
    """Tell of each release what it is.

    Args:
        found: with `KEYS`, in any number of rows.
        listed: a list of releases; what it names is a version, whatever is asked for besides: `1.4`, though there is a 1.4.2.

    Returns:
        One row a release: `KEYS`, `kind`, `rank` (the higher the newer, equal for two spellings of one version; null of what has no order),
        `minor` and `major`, the lines it belongs to.
    """
    named = found.select(KEYS).unique()
    schema = {**named.schema, KIND: pl.String(), RANK: pl.Int64(), MINOR: pl.String(), MAJOR: pl.String()}
    is_digest = pl.col(RELEASE).str.contains(_DIGEST)
    bare = named.filter(is_digest | pl.col(RELEASE).is_null())
    kind = pl.when(pl.col(RELEASE).is_null()).then(pl.lit(UNNAMED)).otherwise(pl.lit(DIGEST))
    apart = bare.with_columns(kind.alias(KIND), *(pl.lit(None, schema[name]).alias(name) for name in (RANK, MINOR, MAJOR)))
    packages: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for ecosystem, package, release in named.filter(~is_digest).sort(KEYS).rows():
        packages[ecosystem, package].append(release)
    rows = [
        (*package, *told)
        for package, releases in packages.items()
        for told in _describe_package(package[0], releases, {one.version for one in listed if one.package in {None, package[1]}})
    ]
    return pl.concat([pl.DataFrame(rows, schema=schema, orient="row"), apart])


def add_rank(rows: pl.DataFrame, kinds: pl.DataFrame) -> pl.DataFrame:
    """Add the `rank` of each release.

    Args:
        rows: with `KEYS`.
        kinds: one row a release: `KEYS`, `rank`.
    """
    return rows.join(kinds.select(*KEYS, RANK), on=KEYS, how="left", nulls_equal=True)


class Packages:
    """Rows of releases that have an order, with their `rank`, package by package."""

    def __init__(self, ranked: pl.DataFrame) -> None:
        """Part them.

        Args:
            ranked: with `KEYS` and `rank`.
        """
        ordered = ranked.filter(pl.col(RANK).is_not_null())
        self._nothing = ordered.clear()
        self._parts: dict[tuple[object, ...], pl.DataFrame] = ordered.partition_by(*KEYS[:2], as_dict=True)

    def of(self, ecosystem: str | None, package: str) -> pl.DataFrame:
        """Give the rows of a package, each a release with its `rank`."""
        return self._parts.get((ecosystem, package), self._nothing)


def _describe_package(
    ecosystem: str | None, releases: Sequence[str], listed: Collection[str]
) -> list[tuple[str, str, int | None, str | None, str | None]]:
    places = {text: place for text in releases if (place := place_version(ecosystem, text)) is not None}
    floating = _find_floating(releases) - _spell_both(listed) if ecosystem == _TAGGED else set()
    ranks = _rank({text: place for text, place in places.items() if text not in floating})
    return [_describe(ecosystem, text, ranks.get(text), is_floating=ecosystem == _TAGGED) for text in releases]


def _spell_both(versions: Collection[str]) -> set[str]:
    """Spell versions with a v in front and without."""
    bare = {text.removeprefix("v") for text in versions}
    return bare | {f"v{text}" for text in bare}


def _rank(places: Mapping[str, Place]) -> dict[str, int]:
    """Number versions from the oldest on; those in one place have one number."""
    ranks: dict[str, int] = {}
    rank, before = -1, None
    for text in sorted(places, key=places.__getitem__):
        rank += before is None or places[before] != places[text]
        ranks[text], before = rank, text
    return ranks


def _describe(ecosystem: str | None, text: str, rank: int | None, *, is_floating: bool) -> tuple[str, str, int | None, str | None, str | None]:
    if rank is None:
        return text, FLOATING if is_floating else UNORDERED, None, None, None
    return text, COMING if is_coming(ecosystem, text) else VERSION, rank, name_line(text), name_line(text, 1)


def _find_floating(releases: Sequence[str]) -> set[str]:
    """Give the tags that name a line of which more exact versions are asked for, too: 1.4 beside 1.4.2."""
    lines = {name_line(text, parts) for text in releases for parts in range(1, min(count_parts(text), _WHOLE))}
    return {text for text in releases if 0 < count_parts(text) < _WHOLE and name_line(text, _WHOLE) in lines and text.removeprefix("v") in lines}
