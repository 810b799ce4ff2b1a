"""Who and what: distinct values to meaning, joined back. The address itself goes no further.

Rules are data in `rules/`; the modules are the engines that read them. What looks at lines (`enricher`, `redact`) is imported
where there are any: a log that is known needs none of it.
"""

from __future__ import annotations

from pullstats.enrich.digests import load_digests
from pullstats.enrich.geo import GeoDatabase, open_geo
from pullstats.enrich.keys import HashKey, default_path, identity_path, key_exists, load_key
from pullstats.enrich.own_networks import NetworkSources, OwnNetworks, load_own_networks
from pullstats.enrich.proxies import TrustedProxies
from pullstats.enrich.rulebook import RuleBook, RuleSources, bundled_rules, load_rules

__all__ = [
    "GeoDatabase",
    "HashKey",
    "NetworkSources",
    "OwnNetworks",
    "RuleBook",
    "RuleSources",
    "TrustedProxies",
    "bundled_rules",
    "default_path",
    "identity_path",
    "key_exists",
    "load_digests",
    "load_key",
    "load_own_networks",
    "load_rules",
    "open_geo",
]
