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
    if "file" in taken.columns:
        taken = _own_files(taken)
    taken = _with_group(taken, patterns)
    taken = taken.with_columns(name=pl.concat_str("group", pl.lit(":"), "artifact"))
    if "file" not in taken.columns:
        return taken
    # any site has folders of archives: those are Maven's only under a group that looks like one
    is_archive = pl.col("file").str.contains(r"\.(?:zip|tar\.gz|tgz|tar\.bz2|exe|so|dylib|dll)$")
    return taken.filter(~is_archive | "is_sure")


def _own_files(taken: pl.DataFrame) -> pl.DataFrame:
    """Keep files named for their folders; what follows the version is the classifier, which states the platform."""
    start = pl.concat_str("artifact", pl.lit("-"), pl.col("version").str.strip_suffix("-SNAPSHOT"))
    tail = pl.concat_str(pl.lit("/"), "artifact", pl.lit("/"), "version", pl.lit("/"), "file", pl.col("suffix").fill_null(""))
    taken = taken.with_columns(folders=pl.col("path").str.strip_suffix(tail), platform=pl.col("file").str.strip_prefix(start))
    is_own = (pl.col("platform") != pl.col("file")) & pl.col("platform").str.contains(r"^[.-]")
    return taken.filter(is_own & (pl.col("folders") != "")).with_columns(pl.col("platform").str.replace(_TIMESTAMP, ""))


def _with_group(taken: pl.DataFrame, patterns: dict[str, str]) -> pl.DataFrame:
    """Find where the group begins: after a known prefix, or at a domain."""
    folders = pl.col("folders")
    rest = folders.str.replace(patterns["group_prefix"], "")
    # a group may be called like a prefix (`/public/x/1/x-1.jar`): the last folder is always its own
    rest = pl.when(rest == "").then(folders.str.extract(r"(/[^/]+)$")).otherwise(rest)
    taken = taken.with_columns(group=rest, is_sure=folders.str.contains(patterns["sure_prefix"]))
    if not taken["group"].str.contains(patterns["group_domain"]).all():
        is_domain = pl.col("group").str.contains(patterns["group_domain"])
        found = (pl.col("group") + "/").str.replace(patterns["group_root"], "$1").str.strip_suffix("/")
        taken = taken.with_columns(group=pl.when(is_domain).then("group").otherwise(found))
    return taken.with_columns(
        group=pl.col("group").str.strip_prefix("/").str.replace_all("/", ".", literal=True),
        is_sure=pl.col("is_sure") | pl.col("group").str.contains(patterns["group_domain"]),
    )


def read_generic(taken: pl.DataFrame, patterns: dict[str, str]) -> pl.DataFrame:
    """Part a file's name into name, version and platform; the version may stand in the folder's name."""
    stem, whole = pl.col("file"), pl.concat_str("file", "extension")
    taken = taken.with_columns(stem.str.extract_groups(patterns["versioned"]).alias("parts")).unnest("parts")
    if taken["name"].has_nulls():
        numbered = stem.str.extract_groups(patterns["numbered"])
        taken = taken.with_columns(
            name=pl.coalesce("name", numbered.struct.field("name")),
            version=pl.coalesce("version", numbered.struct.field("version"), pl.col("folder").str.extract(patterns["folder_version"])),
        )
    taken = taken.with_columns(plain=pl.coalesce("name", stem)).with_columns(short=pl.col("plain").str.replace(patterns["platform_tail"], ""))
    # a file without version or platform in its name is known by the whole of it
    is_plain = pl.col("version").is_null() & (pl.col("short") == stem)
    name = pl.when(is_plain).then(whole).when(pl.col("short") == "").then("plain").otherwise("short")
    return taken.with_columns(name=name, platform=whole)


def apply_form(text: pl.Expr, form: str | None) -> pl.Expr:
    """Bring names or versions into their ecosystem's own form."""
    if form == "pep503":
        return text.str.to_lowercase().str.replace_all(r"[-_.]+", "-")
    if form == "lower":
        return text.str.to_lowercase()
    if form == "go":
        return text.str.replace_many(_UPPER)
    return text
