"""All rules together: the bundled tables, a user's own over them, and a site's routes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.enrich.agent_rules import AgentRules
from pullstats.enrich.agents import load_agent_rules
from pullstats.enrich.networks import NetworkRules, load_network_rules
from pullstats.enrich.path_rules import Family, PathRule
from pullstats.enrich.routes import Routes, find_family, read_routes
from pullstats.enrich.tables import RuleRow, check_keys, check_regex, hash_bundled, load_own

_PATH_KEYS: Final = ("name", "package_type", "pattern", "samples", "action", "package_os", "platform", "refuse")
_ACTIONS: Final = ("download", "manifest", "blob", "index", "metadata", "search", "ping", "auth", "upload", "other")


@dataclass(frozen=True)
class RuleBook:
    """What turns agents, paths and networks into meaning.

    Attributes:
        agents: rules that tell clients.
        networks: rules on autonomous systems.
        paths: a user's forms of path and their families, asked before the bundled ones.
        routes: a site's hosts and folders.
        version: names this set of rules: a hash of all tables.
    """

    agents: AgentRules
    networks: NetworkRules
    paths: tuple[tuple[Family, PathRule], ...] = ()
    routes: Routes = field(default_factory=Routes)
    version: str = ""


@cache
def bundled_rules() -> RuleBook:
    """Give the bundled rules."""
    return RuleBook(load_agent_rules(), load_network_rules(), version=hash_bundled()[:12])


def load_rules(folder: Path | None = None, routes: Mapping[str, Any] | None = None, place: str = "pullstats.toml") -> RuleBook:
    """Load the bundled rules, a user's own and a site's routes.

    Args:
        folder: folder of the user's rules, or one file; None for `$XDG_CONFIG_HOME/pullstats/rules`.
        routes: the `[routes]` table of a configuration.
        place: that configuration's file, for messages.

    Raises:
        InputError: a rule or route that cannot be used, named with its file and what to do.
    """
    own = load_own(folder)
    site = read_routes(routes, place) if routes else Routes()
    if not own.digest and not site.text:
        return bundled_rules()
    paths = tuple(_path_rule(row) for row in own.rows["path"]) if own.digest else ()
    rows = own.rows if own.digest else {}
    digest = hashlib.sha256(f"{hash_bundled()}{own.digest}{site.text}".encode()).hexdigest()
    return RuleBook(load_agent_rules(rows.get("agent", ())), load_network_rules(rows.get("network", ())), (*paths, *site.rules), site, digest[:12])


def _path_rule(row: RuleRow) -> tuple[Family, PathRule]:
    values = check_keys(row, _PATH_KEYS, needed=("name", "package_type", "pattern", "samples"), lists=("samples",))
    check_regex(row, "pattern", values["pattern"])
    family = find_family(values["package_type"], f"{row.table}: [[path]] number {row.number}")
    action = values.get("action", "download")
    if action not in _ACTIONS:
        raise row.unknown("action", action, _ACTIONS)
    fixed = {"action": action} | ({"package_os": values["package_os"]} if "package_os" in values else {})
    rule = PathRule(values["name"], values["pattern"], values["samples"], set=fixed, refuse=values.get("refuse"), platform=values.get("platform"))
    if "(?P<name>" not in rule.pattern:
        raise row.fail("has a pattern without a group (?P<name>…), which would be the package")
    _check_samples(row, rule)
    return family, rule


def _check_samples(row: RuleRow, rule: PathRule) -> None:
    samples: Sequence[str] = rule.samples
    for sample, is_read in zip(samples, pl.Series(samples, dtype=pl.String).str.contains(rule.pattern), strict=True):
        if not is_read:
            raise row.fail(f"does not read its sample '{sample[:200]}'; correct the pattern")
    if not samples:
        raise row.fail("has no samples: give at least one path that it reads")
