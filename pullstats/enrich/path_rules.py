"""Load the rules that read request paths, and tell which rule each path belongs to.

A file of `rules/packages/` is a family: an ecosystem with its rules. `keys` are texts of which a
path must hold one before the family's rules look at it (one pass for all of them). Rules of one
level are disjoint, so their order is without meaning; a rule with `fallback = n` sees only what no
lower level took.

To add one: add a rule, with samples, and a case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from functools import cache
from typing import Final

import polars as pl

from pullstats.enrich.tables import RuleRow, check_keys, check_regex, list_bundled, read_arrays, read_table

_FOLDER: Final = "packages"
_HINTED: Final = "packages/hinted.toml"
"""Rules that need a hint, of any ecosystem."""


@dataclass(frozen=True, slots=True)
class PathRule:
    """One form of path.

    Attributes:
        name: for messages and tests.
        pattern: finds the path; its groups `name`, `version`, `platform`, `suffix` and those of a layout are what is read.
        samples: paths it must take, and no other rule of its level.
        contains: text without which the pattern cannot match: looked for first where paths are few, since compiling a pattern
            costs more than a thousand searches.
        action: what a request for such a path does, one of `ACTIONS`.
        package_os: operating system that all such packages are for.
        fallback: level; only what lower levels left is looked at.
        refuse: the rule does not take a path in which this is found.
        unless: taking such a path is not taking the artifact, though the action is its file's.
        beside: a file so named lies beside the artifact (checksums): metadata.
        layout: name of a check and reading that a pattern cannot do, in `packages.py`.
        platform: vocabulary in which group `platform` is written.
        over: of a rule that needs a hint: the ecosystem whose answer it replaces; without it, it sees what no rule took.
    """

    name: str
    pattern: str
    samples: tuple[str, ...] = ()
    contains: str = ""
    action: str = "download"
    package_os: str | None = None
    fallback: int = 0
    refuse: str | None = None
    unless: str | None = None
    beside: str | None = None
    layout: str | None = None
    platform: str | None = None
    over: str | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """An ecosystem's rules, and the forms of its names.

    Attributes:
        keys: texts of which a path must hold one.
        rules: the forms of path.
        name_form: form of canonical names: `pep503`, `lower`, `go`, or as written.
        version_form: form of versions: `go`, or as written.
        platform: vocabulary of rules that name none.
        platform_of: column that holds the platform, where it is not the group `platform`.
        patterns: what a layout needs besides.
    """

    package_type: str
    keys: tuple[str, ...]
    rules: tuple[PathRule, ...]
    name_form: str | None = None
    version_form: str | None = None
    platform: str | None = None
    platform_of: str = "platform"
    patterns: dict[str, str] = field(default_factory=dict)


ACTIONS: Final = ("download", "manifest", "blob", "index", "metadata", "search", "ping", "auth", "upload", "other")
_RULE_KEYS: Final = frozenset(f.name for f in fields(PathRule)) | {"package_type"}
_FAMILY_KEYS: Final = tuple(f.name for f in fields(Family) if f.name != "rules")


@cache
def load_families() -> tuple[Family, ...]:
    """Read every ecosystem's rules."""
    return tuple(_family(place) for place in list_bundled(_FOLDER) if place != _HINTED)


@cache
def load_hinted_rules() -> dict[str, tuple[PathRule, ...]]:
    """Read the rules that need a hint, by the ecosystem that the hint must name."""
    rows = read_arrays(_HINTED, read_table(_HINTED), ("path",))["path"]
    rules: dict[str, list[PathRule]] = {}
    for row in rows:
        rules.setdefault(row.values["package_type"], []).append(path_rule(row))
    return {kind: tuple(rules[kind]) for kind in sorted(rules)}


def _family(place: str) -> Family:
    table = dict(read_table(place))
    own = {key: table.pop(key) for key in _FAMILY_KEYS if key in table}
    rules = tuple(path_rule(row) for row in read_arrays(place, table, ("path",))["path"])
    return Family(**own | {"keys": tuple(own["keys"])}, rules=rules)


def path_rule(row: RuleRow, known: Iterable[str] = _RULE_KEYS) -> PathRule:
    """Read one `[[path]]`.

    Args:
        row: as it stands in a file.
        known: keys that it may have.

    Raises:
        InputError: a key, action or pattern that cannot be; named with its file and the nearest key.
    """
    values = check_keys(row, known, needed=("name", "pattern", "samples"), lists=("samples",))
    check_regex(row, "pattern", values["pattern"])
    if values.get("action", ACTIONS[0]) not in ACTIONS:
        raise row.unknown("action", values["action"], ACTIONS)
    if not values["samples"]:
        raise row.fail("has no samples: give at least one path that it reads")
    return PathRule(**{key: value for key, value in values.items() if key != "package_type"})


@cache
def load_levels() -> list[int]:
    """Levels of all rules, lowest first."""
    return sorted({rule.fallback for family in load_families() for rule in family.rules})


def is_taken(rule: PathRule, path: pl.Expr) -> pl.Expr:
    """Tell the paths that a rule takes."""
    found = path.str.contains(rule.pattern)
    return found & ~path.str.contains(rule.refuse) if rule.refuse else found


def find_groups(taken: pl.DataFrame, rule: PathRule) -> pl.DataFrame:
    """Add the groups of a rule's pattern to rows of `path` that it takes."""
    if "(?P<" not in rule.pattern:
        return taken
    return taken.with_columns(pl.col("path").str.extract_groups(rule.pattern).alias("groups")).unnest("groups")
