"""What a pattern cannot say about a path: two layouts whose parts must agree, and the forms of names.

Maven repeats artifact and version in the file's name; a download site's file is named as its owner
likes. Forms bring a name into the one way its ecosystem writes it.

Sources: Maven 2 repository layout; PEP 503; go.dev/ref/mod "Module cache" (case encoding); NuGet
and Composer compare names without case.
"""

from __future__ import annotations

import string
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from pullstats.enrich.path_rules import Family

_TIMESTAMP: Final = r"^-[0-9]{8}\.[0-9]{6}-[0-9]+"
_UPPER: Final = {f"!{letter}": letter.upper() for letter in string.ascii_lowercase}


def apply_layout(taken: pl.DataFrame, layout: str | None, family: Family) -> pl.DataFrame:
    """Keep the rows that fit a layout, with `name`, `version` and `platform` filled in.

    Args:
        taken: rows with the groups of a rule's pattern.
        layout: `maven`, `generic` or None, which keeps all.
        family: has the patterns that the layout needs.
    """
    if layout == "maven":
        return read_maven(taken, family.patterns)
    if layout == "generic":
        return read_generic(taken, family.patterns)
    return taken


def read_maven(taken: pl.DataFrame, patterns: dict[str, str]) -> pl.DataFrame:
    """Join group and artifact; where a file is named, it must begin with `{artifact}-{version}`."""
    folders = pl.col("folders")
    rest = folders.str.replace(patterns["group_prefix"], "")
    # a group may be called like a prefix (`/public/x/1/x-1.jar`): the last folder is always its own
    rest = pl.when(rest == "").then(folders.str.extract(r"(/[^/]+)$")).otherwise(rest)
    is_domain = rest.str.contains(patterns["group_domain"])
    group = pl.when(is_domain).then(rest).otherwise((rest + "/").str.replace(patterns["group_root"], "$1").str.strip_suffix("/"))
    taken = taken.with_columns(group=group, is_sure=is_domain | folders.str.contains(patterns["sure_prefix"]))
    taken = taken.with_columns(
        name=pl.col("group").str.strip_prefix("/").str.replace_all("/", ".", literal=True) + ":" + pl.col("artifact")
    )
    if "file" not in taken.columns:
        return taken
    start = pl.col("artifact") + "-" + pl.col("version").str.strip_suffix("-SNAPSHOT")
    after = pl.col("file").str.slice(start.str.len_chars())
    is_own = pl.col("file").str.starts_with(start) & after.str.contains(r"^[.-]")
    # any site has folders of archives: those are Maven's only under a group that looks like one
    is_archive = pl.col("file").str.contains(r"\.(?:zip|tar\.gz|tgz|tar\.bz2|exe|so|dylib|dll)$")
    is_group = pl.col("is_sure") | pl.col("group").str.contains(patterns["group_domain"])
    return taken.filter(is_own & (~is_archive | is_group)).with_columns(platform=after.str.replace(_TIMESTAMP, ""))


def read_generic(taken: pl.DataFrame, patterns: dict[str, str]) -> pl.DataFrame:
    """Part a file's name into name, version and platform; the version may stand in the folder's name."""
    stem = pl.col("file")
    parts = pl.coalesce(_named(stem, patterns["versioned"]), _named(stem, patterns["numbered"]))
    taken = taken.with_columns(parts.alias("parts")).with_columns(
        name=pl.col("parts").struct.field("name"),
        version=pl.coalesce(pl.col("parts").struct.field("version"), pl.col("folder").str.extract(patterns["folder_version"])),
    )
    plain = pl.coalesce("name", stem)
    short = plain.str.replace(patterns["platform_tail"], "")
    short = pl.when(short == "").then(plain).otherwise(short)
    # a file without version or platform in its name is known by the whole of it
    is_plain = pl.col("version").is_null() & (short == stem)
    whole = stem + pl.col("extension")
    return taken.with_columns(name=pl.when(is_plain).then(whole).otherwise(short), platform=whole)


def _named(text: pl.Expr, pattern: str) -> pl.Expr:
    groups = text.str.extract_groups(pattern)
    return pl.when(groups.struct.field("name").is_not_null()).then(groups)


def apply_form(text: pl.Expr, form: str | None) -> pl.Expr:
    """Bring names or versions into their ecosystem's own form."""
    if form == "pep503":
        return text.str.to_lowercase().str.replace_all(r"[-_.]+", "-")
    if form == "lower":
        return text.str.to_lowercase()
    if form == "go":
        return text.str.replace_many(_UPPER)
    return text
