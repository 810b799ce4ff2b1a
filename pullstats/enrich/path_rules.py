"""Load the rules that read request paths, and tell which rule each path belongs to.

A file of `rules/packages/` is a family: an ecosystem with its rules. `keys` are texts of which a
path must hold one before the family's rules look at it (one pass for all of them). Rules of one
level are disjoint, so their order is without meaning; a rule with `fallback = n` sees only what no
lower level took.

To add one: add a rule, with samples, and a case.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any, Final

import polars as pl

_NOT_FAMILIES: Final = frozenset({"prefixes.toml", "clients.toml"})


@dataclass(frozen=True, slots=True)
class PathRule:
    """One form of path.

    Attributes:
        name: for messages and tests.
        pattern: finds the path; its groups `name`, `version`, `platform`, `suffix` and those of a layout are what is read.
        samples: paths it must take, and no other rule of its level.
        contains: text without which the pattern cannot match: looked for first where paths are few, since compiling a pattern
            costs more than a thousand searches.
        set: values it fixes: `package_type`, `action`, `package_os`.
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
    set: dict[str, str] = field(default_factory=dict)
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


_RULE_KEYS: Final = frozenset(f.name for f in fields(PathRule))
_FAMILY_KEYS: Final = frozenset(f.name for f in fields(Family)) - {"rules", "patterns"}


@cache
def load_table(name: str) -> dict[str, Any]:
    """Read one TOML file of `rules/packages/`."""
    return tomllib.loads((files("pullstats.enrich") / "rules" / "packages" / name).read_text(encoding="utf-8"))


@cache
def load_families() -> tuple[Family, ...]:
    """Read every ecosystem's rules; a key that no rule has is a KeyError."""
    folder = files("pullstats.enrich") / "rules" / "packages"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(_family(load_table(name)) for name in names if name not in _NOT_FAMILIES and name != "hinted.toml")


@cache
def load_hinted_rules() -> dict[str, tuple[PathRule, ...]]:
    """Read the rules that need a hint, by the ecosystem that the hint must name."""
    rules = _rules(load_table("hinted.toml")["rule"])
    kinds = sorted({rule.set["package_type"] for rule in rules})
    return {kind: tuple(rule for rule in rules if rule.set["package_type"] == kind) for kind in kinds}


def _family(table: dict[str, Any]) -> Family:
    table = dict(table)
    rules = _rules(table.pop("rule"))
    table["keys"] = tuple(table["keys"])
    own = {key: table.pop(key) for key in sorted(_FAMILY_KEYS & set(table))}
    return Family(rules=rules, patterns=table, **own)


def _rules(tables: list[dict[str, Any]]) -> tuple[PathRule, ...]:
    for table in tables:
        unknown = set(table) - _RULE_KEYS
        if unknown:
            message = f"rule {table.get('name')}: unknown keys {sorted(unknown)}"
            raise KeyError(message)
    return tuple(PathRule(**table | {"samples": tuple(table.get("samples", ()))}) for table in tables)


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
