"""Read the paths that say their ecosystem only to who knows the site or the client (`/react`).

Three sources of a hint, the nearest first: the type in a repository manager's prefix, the hint
given, the site's own first folder (`/npm/react`). Data: `hinted.toml`, `prefixes.toml`, `client-ecosystems.toml`.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import polars as pl

from pullstats.enrich.path_reading import ANSWER_SCHEMA, read_taken
from pullstats.enrich.path_rules import Family, PathRule, find_groups, is_taken, load_families, load_hinted_rules
from pullstats.enrich.tables import read_table

_SITE_FOLDER: Final = r"^/(?P<folder>[a-z]+)(?P<inner>/.+)$"
# `/npm/latest` is a tag of the package npm, `/npm/react` a package below a folder
_TAG: Final = r"^/(?:latest|next|beta|alpha|canary|rc|[v^~]?[0-9][^/]*)$"


def read_hinted(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read what a hint explains.

    Args:
        frame: `row`, `path`, `site_hint`, `hint`, and `package_type` where a rule already took the path.

    Returns:
        Answers (`ANSWER_SCHEMA`), and the rows that a hint explains or would explain, with `needs_hint`.
    """
    is_left = pl.col("package_type").is_null() | pl.col("package_type").is_in(_replaced())
    could = frame.filter(is_left).filter(any_hinted_rule())
    if could.is_empty():
        return ANSWER_SCHEMA.to_frame(), pl.DataFrame(schema={"row": pl.UInt32, "needs_hint": pl.Boolean})
    rows = _with_kind(could)
    answers = [ANSWER_SCHEMA.to_frame()]
    for kind, rules in load_hinted_rules().items():
        hinted = rows.filter(pl.col("kind") == kind)
        for rule in rules if hinted.height else ():
            taken = find_groups(hinted.filter(_is_open(rule) & is_taken(rule, pl.col("path"))), rule)
            if taken.height:
                answers.append(read_taken(taken, _family(kind), rule))
    return pl.concat(answers), rows.select("row", needs_hint=~pl.col("is_told"))


@cache
def any_hinted_rule() -> pl.Expr:
    """Tell the paths that some hint would explain."""
    rules = [rule for rules in load_hinted_rules().values() for rule in rules]
    return pl.any_horizontal([_is_open(rule) & is_taken(rule, pl.col("path")) for rule in rules])


@cache
def _replaced() -> list[str]:
    """List the ecosystems whose answers some hint replaces."""
    return sorted({rule.over for rules in load_hinted_rules().values() for rule in rules if rule.over})


def _is_open(rule: PathRule) -> pl.Expr:
    package_type = pl.col("package_type")
    return package_type == rule.over if rule.over else package_type.is_null()


def _with_kind(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the ecosystem hinted at (`kind`), whether the path itself says it, and cut the site's folder off."""
    frame = frame.with_columns(pl.col("path").str.extract_groups(_SITE_FOLDER).alias("parts")).unnest("parts")
    folder = pl.col("folder").replace_strict(read_table("prefixes.toml")["types"], default=None, return_dtype=pl.String)
    folder = pl.when(~pl.col("inner").str.contains(_TAG)).then(folder)
    frame = frame.with_columns(kind=pl.coalesce("site_hint", "hint", folder), folder=folder)
    is_inner = pl.col("site_hint").is_null() & (pl.col("folder") == pl.col("kind")).fill_null(value=False)
    return frame.with_columns(
        path=pl.when(is_inner).then("inner").otherwise("path"),
        is_told=pl.col("site_hint").is_not_null() | is_inner,
    )


def client_ecosystem(names: pl.Series) -> pl.Series:
    """Map client names (`npm`, `bundler`) to the ecosystem they ask for, null where it says none."""
    return names.replace_strict(read_table("client-ecosystems.toml")["clients"], default=None, return_dtype=pl.String)


@cache
def _family(package_type: str) -> Family:
    return next(family for family in load_families() if family.package_type == package_type)
