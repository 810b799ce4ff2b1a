"""Turn what a rule found in a path into the columns of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from pullstats.enrich.path_layouts import apply_form, apply_layout
from pullstats.enrich.path_rules import find_groups, is_taken
from pullstats.enrich.platforms import read_platform

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pullstats.enrich.path_rules import Family, PathRule

ANSWER_SCHEMA: Final = pl.Schema(
    {
        "row": pl.UInt32,
        "package_type": pl.String,
        "package_name": pl.String,
        "package_version": pl.String,
        "package_version_normalized": pl.String,
        "package_os": pl.String,
        "package_arch": pl.String,
        "reference_kind": pl.String,
        "labels": pl.String,
        "action": pl.String,
        "is_downloadable": pl.Boolean,
    }
)

_ARTIFACTS: Final = ("download", "manifest")
_NULL: Final = pl.lit(None, pl.String)
_DIGEST: Final = r"^(?:[a-z0-9+._-]+:[0-9a-fA-F]{32,}|[0-9a-f]{40}|[0-9a-f]{64})$"


def take_rules(paths: pl.DataFrame, family: Family, rules: Sequence[tuple[PathRule, pl.Series]]) -> Iterator[tuple[PathRule, pl.DataFrame]]:
    """Give rows of `path` to the rules that take them, with their groups, their layout checked.

    Args:
        paths: any rows.
        family: of the rules.
        rules: each with the rows that it is to look at; where there are none, its pattern is not even compiled.

    Yields:
        Each rule that takes any, and its rows.
    """
    for rule, rows in rules:
        if rows.any():
            taken = paths.filter(rows).filter(is_taken(rule, pl.col("path")))
            found = apply_layout(find_groups(taken, rule), rule.layout, family) if taken.height else taken
            if found.height:
                yield rule, found


def read_taken(taken: pl.DataFrame, family: Family, rule: PathRule, labels: pl.Expr | None = None) -> pl.DataFrame:
    """Read the groups of a rule: a row per row taken, with `ANSWER_SCHEMA`."""
    name = apply_form(_group(taken, "name"), family.name_form)
    version = apply_form(_group(taken, "version"), family.version_form)
    vocabulary = rule.platform or family.platform
    stated = name if family.platform_of == "name" else _group(taken, "platform")
    has_platform = vocabulary and (family.platform_of in taken.columns)
    system, arch = read_platform(stated, vocabulary) if has_platform and vocabulary else (_NULL, _NULL)
    action = rule.action
    is_beside = _group(taken, "suffix").is_not_null()
    if rule.beside:
        is_beside |= _group(taken, "platform").str.contains(rule.beside)
    is_artifact = ~is_beside if action in _ARTIFACTS else pl.lit(value=False)
    if rule.unless:
        is_artifact &= ~pl.col("path").str.contains(rule.unless)
    return taken.select(
        "row",
        package_type=pl.lit(family.package_type),
        package_name=name,
        package_version=version,
        package_version_normalized=normalised_version(version, family.package_type) if _columns(taken, "version") else _NULL,
        package_os=pl.lit(rule.package_os) if rule.package_os else system,
        package_arch=arch,
        reference_kind=_reference_kind(_group(taken, "version"), family.package_type),
        labels=_NULL if labels is None else labels,
        action=pl.when(is_beside).then(pl.lit("metadata")).otherwise(pl.lit(action)),
        is_downloadable=is_artifact,
    )


def normalised_version(version: pl.Expr, package_type: str) -> pl.Expr:
    """Spell a version as its ecosystem does, so that spellings of one version count together; null where nothing changes.

    Tags, digests and container references never merge: they are names, not numbers. Sources: PEP 440 "Normalization"; NuGet
    "Version normalization"; everywhere else a leading `v`.
    """
    if package_type == "oci":
        return _NULL
    is_version = version.str.contains(r"^[vV]?[0-9]") & ~version.str.contains(_DIGEST)
    if package_type == "golang":
        return _NULL  # the v belongs to the version
    spelled = version.str.replace(r"^[vV]", "")
    if package_type == "pypi":
        spelled = version.map_batches(_spell_pep440, return_dtype=pl.String, is_elementwise=True)
    elif package_type == "nuget":
        spelled = spelled.str.to_lowercase().str.replace(r"\+.*$", "").str.replace(r"^([0-9]+\.[0-9]+\.[0-9]+)\.0+($|-)", "$1$2")
        spelled = spelled.str.replace_all(r"(^|\.)0+([0-9])", "$1$2")
    return pl.when(is_version & (spelled != version)).then(spelled)


_PLAIN: Final = r"^(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))*$"
"""A version that PEP 440 leaves as it is."""
_LONGEST_VERSION: Final = 200


def _spell_pep440(versions: pl.Series) -> pl.Series:
    """Bring versions into PEP 440's normal form, zeros at their end kept; what is no version of it stays as it is."""
    odd = (~versions.str.contains(_PLAIN)).fill_null(value=False).arg_true()
    if not odd.len():
        return versions
    texts = versions.gather(odd)
    known = {text: _normal_form(text) for text in texts.unique()}
    return versions.scatter(odd, pl.Series([known[text] for text in texts], dtype=pl.String))


def _normal_form(version: str) -> str:
    from packaging.version import Version  # noqa: PLC0415 - most logs name none that needs it

    try:
        return str(Version(version)) if len(version) <= _LONGEST_VERSION else version
    except ValueError:  # no such version, or a number of thousands of digits
        return version


def _group(taken: pl.DataFrame, name: str) -> pl.Expr:
    columns = _columns(taken, name)
    return pl.coalesce(columns) if columns else _NULL


def _columns(taken: pl.DataFrame, name: str) -> list[str]:
    return [column for column in (name, f"{name}_2") if column in taken.columns]


def _reference_kind(version: pl.Expr, package_type: str) -> pl.Expr:
    """Tell digests (of content or commit), versions and tags apart; an image's number is a tag that may move."""
    is_version = pl.lit(value=False) if package_type == "oci" else version.str.contains(r"^[vV]?[0-9]")
    kind = pl.when(version.str.contains(_DIGEST)).then(pl.lit("digest")).when(is_version).then(pl.lit("version")).otherwise(pl.lit("tag"))
    return pl.when(version.is_not_null()).then(kind)
