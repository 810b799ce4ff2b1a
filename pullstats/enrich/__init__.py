"""Who and what: distinct values to meaning, joined back. The address itself goes no further.

Rules are data in `rules/`; the modules are the engines that read them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from pullstats.enrich.digests import load_digests
from pullstats.enrich.enricher import Enricher
from pullstats.enrich.geo import GeoDatabase, open_geo
from pullstats.enrich.keys import HashKey, load_key
from pullstats.enrich.proxies import TrustedProxies
from pullstats.enrich.redact import redact_reject

__all__ = [
    "Enricher",
    "GeoDatabase",
    "HashKey",
    "TrustedProxies",
    "load_digests",
    "load_key",
    "open_geo",
    "redact_reject",
    "rule_set_version",
]


@cache
def rule_set_version() -> str:
    """Name the rules that derive the agent, package and network columns: a hash of all tables."""
    digest = hashlib.sha256()
    for table in _tables(files("pullstats.enrich.rules")):
        digest.update(table.name.encode() + b"\0" + table.read_bytes())
    return digest.hexdigest()[:12]


def _tables(folder: Traversable) -> list[Traversable]:
    found: list[Traversable] = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            found += _tables(entry)
        elif entry.name.endswith(".toml"):
            found.append(entry)
    return found
