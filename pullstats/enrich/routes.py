"""What the user says of their own site: which host, folder or form of path holds which ecosystem.

    [routes]
    "npm.example.org" = "npm"                                     a host
    "/artifacts/python" = "pypi"                                  a folder
    "/dl/{package}/{version}/{edition}-{platform}.zip" = "generic"   a form of path

`{package}`, `{version}` and `{platform}` mean what they say; any other name becomes a column to
report by. `{name*}` may hold slashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from pullstats.enrich.path_rules import Family, PathRule, load_families
from pullstats.errors import InputError, unknown_name

_PLACE: Final = re.compile(r"\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<star>\*)?\}")
_KNOWN: Final = {"package": "name", "version": "version", "platform": "platform", "suffix": "suffix"}
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
READ_GROUPS: Final = frozenset({"name", "name_2", "version", "version_2", "platform", "platform_2", "suffix"})
"""Groups of a pattern that are columns of their own; of a user's rule, others are labels."""


@dataclass(frozen=True, slots=True)
class Routes:
    """A site's own routes.

    Attributes:
        hosts: ecosystem by host name, lower case.
        folders: ecosystem by folder, longest first; no slash at the end.
        rules: forms of path, each with the family of its ecosystem.
        text: the routes as one text, for their version.
    """

    hosts: Mapping[str, str] = field(default_factory=dict)
    folders: tuple[tuple[str, str], ...] = ()
    rules: tuple[tuple[Family, PathRule], ...] = ()
    text: str = ""

    def apply(self, paths: pl.Series) -> tuple[pl.Series, pl.Series]:
        """Take folders off paths: the paths, and the ecosystem that the folder tells, null where none does."""
        hints = pl.Series("hint", [None], dtype=pl.String).new_from_index(0, paths.len())
        for folder, ecosystem in reversed(self.folders):
            is_in = (paths.str.starts_with(folder + "/") | (paths == folder)).fill_null(value=False) & hints.is_null()
            if is_in.any():
                rest = paths.filter(is_in).str.slice(len(folder))
                paths = paths.scatter(is_in.arg_true(), rest.replace("", "/"))
                hints = hints.scatter(is_in.arg_true(), ecosystem)
        return paths, hints


def read_routes(table: Mapping[str, Any], place: str) -> Routes:
    """Read a `[routes]` table.

    Args:
        table: ecosystem by host, folder or form of path.
        place: the file, for messages.

    Raises:
        InputError: a route is none of these, or names no ecosystem.
    """
    hosts: dict[str, str] = {}
    folders: list[tuple[str, str]] = []
    rules: list[tuple[Family, PathRule]] = []
    for key, ecosystem in table.items():
        if not isinstance(ecosystem, str):
            raise InputError(f"[routes] of '{place}': '{key}' needs an ecosystem, such as \"npm\"")
        family = find_family(ecosystem, f"[routes] of '{place}', '{key}'")
        if "{" in key:
            rules.append((family, _compile(key, place)))
        elif key.startswith("/"):
            folders.append((key.rstrip("/"), ecosystem))
        elif _HOST.fullmatch(key):
            hosts[key.lower()] = ecosystem
        else:
            raise InputError(f"[routes] of '{place}': '{key}' is no host, no folder that begins with / and no form of path")
    folders.sort(key=lambda pair: (len(pair[0]), pair[0]))
    return Routes(hosts, tuple(folders), tuple(rules), repr(sorted(table.items())))


def find_family(ecosystem: str, where: str) -> Family:
    """Find the family of an ecosystem.

    Raises:
        InputError: there is none, with the nearest name.
    """
    families = {family.package_type: family for family in load_families()}
    if ecosystem not in families:
        raise InputError(f"{where}: {unknown_name('ecosystem', ecosystem, families)}")
    return families[ecosystem]


def _compile(template: str, place: str) -> PathRule:
    """Compile a form of path to a rule."""
    if not template.startswith("/"):
        raise InputError(f"[routes] of '{place}': the form '{template}' must begin with /; name the host in a route of its own")
    parts: list[str] = []
    names: list[str] = []
    last = 0
    for match in _PLACE.finditer(template):
        name = _KNOWN.get(match["name"], match["name"])
        if name in names:
            raise InputError(f"[routes] of '{place}': '{template}' names {{{match['name']}}} twice")
        names.append(name)
        parts += [re.escape(template[last : match.start()]), f"(?P<{name}>{'.+?' if match['star'] else '[^/]+?'})"]
        last = match.end()
    parts.append(re.escape(template[last:]))
    if "name" not in names:
        raise InputError(f"[routes] of '{place}': '{template}' lacks {{package}}")
    platform = "file" if "platform" in names else None
    return PathRule(name=template, pattern=f"^{''.join(parts)}$", platform=platform)


def label_names(rules: Iterable[PathRule]) -> list[str]:
    """List the names of the columns that rules add: groups that have no column of their own."""
    names = (name for rule in rules for name in re.findall(r"\(\?P<(\w+)>", rule.pattern))
    return sorted({name for name in names if name not in READ_GROUPS})
