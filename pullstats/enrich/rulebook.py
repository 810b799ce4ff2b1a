"""All rules together: the bundled tables, a user's own over them, and a site's routes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import polars as pl

from pullstats.enrich.agent_rules import AgentRules
from pullstats.enrich.agents import load_agent_rules
from pullstats.enrich.networks import NetworkRules, load_network_rules
from pullstats.enrich.path_rules import Family, PathRule, path_rule
from pullstats.enrich.routes import Routes, find_family, read_routes
from pullstats.enrich.tables import RuleRow, hash_bundled, load_own

_PATH_KEYS: Final = ("name", "package_type", "pattern", "samples", "action", "package_os", "platform", "refuse")


@dataclass(frozen=True)
class RuleBook:
    """What turns agents, paths and networks into meaning; the tables are read when something asks them.

    Attributes:
        version: names this set of rules: a hash of all tables.
        paths: a user's forms of path and their families, asked before the bundled ones.
        routes: a site's hosts and folders.
        own: rows of a user's other rules, by array.
    """

    version: str
    paths: tuple[tuple[Family, PathRule], ...] = ()
    routes: Routes = field(default_factory=Routes)
    own: Mapping[str, Sequence[RuleRow]] = field(default_factory=dict)

    @cached_property
    def agents(self) -> AgentRules:
        """Rules that tell clients."""
        return load_agent_rules(self.own.get("agent", ()))

    @cached_property
    def networks(self) -> NetworkRules:
        """Rules on autonomous systems."""
        return load_network_rules(self.own.get("network", ()))

    def check(self) -> None:
        """Make sure that a user's rules can be used.

        Raises:
            InputError: one cannot, named with its file and what to do.
        """
        _ = (self.own.get("agent") and self.agents, self.own.get("network") and self.networks)


@dataclass(frozen=True, slots=True)
class RuleSources:
    """Where rules come from that are not the bundled ones.

    Attributes:
        own: folder of the user's rules, or one file; None for `$XDG_CONFIG_HOME/pullstats/rules`.
        routes: the `[routes]` table of a configuration: the site's own hosts and folders.
        routes_file: that configuration's file, for messages.
    """

    own: Path | None = None
    routes: Mapping[str, Any] | None = None
    routes_file: str = "pullstats.toml"


@cache
def bundled_rules() -> RuleBook:
    """Give the bundled rules."""
    return RuleBook(hash_bundled()[:12])


def load_rules(sources: RuleSources | None = None) -> RuleBook:
    """Load the bundled rules, a user's own and a site's routes.

    Args:
        sources: where they are; None for the user's usual folder and no routes.

    Raises:
        InputError: a rule or route that cannot be used, named with its file and what to do.
    """
    sources = sources or RuleSources()
    own = load_own(sources.own)
    site = read_routes(sources.routes, sources.routes_file) if sources.routes else Routes()
    if not own.digest and not site.text:
        return bundled_rules()
    paths = tuple(_path_rule(row) for row in own.rows["path"]) if own.digest else ()
    rows = own.rows if own.digest else {}
    digest = hashlib.sha256(f"{hash_bundled()}{own.digest}{site.text}".encode()).hexdigest()
    book = RuleBook(digest[:12], (*paths, *site.rules), site, rows)
    book.check()
    return book


def _path_rule(row: RuleRow) -> tuple[Family, PathRule]:
    rule = path_rule(row, _PATH_KEYS)
    if "package_type" not in row.values:
        raise row.fail("lacks package_type")
    family = find_family(row.values["package_type"], f"{row.table}: [[path]] number {row.number}")
    if "(?P<name>" not in rule.pattern:
        raise row.fail("has a pattern without a group (?P<name>…), which would be the package")
    _check_samples(row, rule)
    return family, rule


def _check_samples(row: RuleRow, rule: PathRule) -> None:
    for sample, is_read in zip(rule.samples, pl.Series(rule.samples, dtype=pl.String).str.contains(rule.pattern), strict=True):
        if not is_read:
            raise row.fail(f"does not read its sample '{sample[:200]}'; correct the pattern")
