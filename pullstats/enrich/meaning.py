"""What agents and paths mean under one set of rules: the part of enrichment that needs no log, only what the store keeps."""

from __future__ import annotations

import polars as pl

from pullstats.enrich.agents import classify_agents
from pullstats.enrich.packages import PACKAGE_SCHEMA, classify_paths
from pullstats.enrich.rulebook import RuleBook


def classify_distinct(agents: pl.Series, rules: RuleBook) -> pl.DataFrame:
    """Read agents, equal ones once: a row each, columns of `AGENT_SCHEMA`."""
    distinct = agents.unique(maintain_order=True)
    known = classify_agents(distinct, rules.agents)
    if distinct.len() == agents.len():
        return known
    named = known.with_columns(distinct.alias("agent"))
    return agents.alias("agent").to_frame().join(named, on="agent", how="left", nulls_equal=True, maintain_order="left").drop("agent")


def read_packages(paths: pl.Series, rules: RuleBook, hints: pl.Series | None = None) -> pl.DataFrame:
    """Read paths under the site's routes: a row each, columns of `PACKAGE_SCHEMA`.

    Args:
        paths: request paths, equal ones perhaps more than once.
        rules: with the site's folders and forms of path.
        hints: ecosystem by the site's host or the client, where the path alone does not tell.
    """
    inner, told = rules.routes.apply(paths) if rules.routes.folders else (paths, None)
    if told is not None and told.null_count() < told.len():
        hints = told if hints is None else told.zip_with(told.is_not_null(), hints.cast(pl.String))
    answers = classify_paths(inner, hints, rules.paths)
    if told is None:
        return answers
    return answers.with_columns(needs_hint=pl.col("needs_hint") & told.is_null()).select(PACKAGE_SCHEMA.names())


def add_platforms(packages: pl.DataFrame, digests: pl.DataFrame | None) -> pl.DataFrame:
    """Give the digests of known indexes the platform these name."""
    if digests is None or not (packages["reference_kind"] == "digest").any():
        return packages
    known = packages.join(digests, left_on="package_version", right_on="digest", how="left", maintain_order="left")
    return known.with_columns(package_os=pl.coalesce("package_os", "os"), package_arch=pl.coalesce("package_arch", "arch")).drop("os", "arch")
