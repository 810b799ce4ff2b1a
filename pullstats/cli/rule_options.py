"""The option that names a user's own rules, and what it means together with the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from pullstats.cli.options import configured_routes
from pullstats.enrich import RuleSources

rules_option = click.option(
    "--rules", type=click.Path(path_type=Path), help="Folder (or file) of your own rules; else the folder rules beside your key, where there is one."
)


def rule_sources(options: Mapping[str, Any]) -> RuleSources:
    """Tell where the rules of the running command come from: `--rules`, and the `[routes]` of the configuration that it read."""
    return RuleSources(options["rules"], *configured_routes())
