"""Derive agent, package and network columns anew from what the store keeps, without the logs."""

from __future__ import annotations

from typing import Final

import polars as pl

from pullstats.enrich.agent import AGENT_SCHEMA
from pullstats.enrich.enricher import site_ecosystem
from pullstats.enrich.keys import HashKey
from pullstats.enrich.meaning import add_platforms, classify_distinct, read_packages
from pullstats.enrich.origins import agent_identity, hash_value
from pullstats.enrich.packages import PACKAGE_SCHEMA, action_by_method, client_ecosystem
from pullstats.enrich.rulebook import RuleBook
from pullstats.enrich.text_lookups import AGENT_IDENTITY
from pullstats.events import EVENT_SCHEMA
from pullstats.ids import ID_TYPE

_AGENT: Final = tuple(AGENT_SCHEMA.names())
_PACKAGE: Final = tuple(name for name in PACKAGE_SCHEMA.names() if name in EVENT_SCHEMA)
_NOTHING: Final = "-"


def rederive(events: pl.DataFrame, rules: RuleBook, key: HashKey, digests: pl.DataFrame | None = None) -> pl.DataFrame:
    """Derive columns anew.

    What only the log or the address told stays as it is: country, AS, one's own names for ranges, what a range said of CI.
    An origin whose client, system or architecture is now read otherwise gets the id that a fresh ingest would give it.

    Args:
        events: columns of `EVENT_SCHEMA`.
        rules: what to read by.
        key: the key that made the hashes.
        digests: platforms of image digests; without them, platforms that digests had keep what they were.

    Returns:
        The same rows in the same order, columns of `EVENT_SCHEMA`.
    """
    derived = _rederive_agents(events, rules)
    derived = _rederive_packages(derived, rules, digests)
    derived = _rederive_networks(derived, rules)
    return _rederive_origins(events, derived, key).select(EVENT_SCHEMA.names())


def _rederive_agents(events: pl.DataFrame, rules: RuleBook) -> pl.DataFrame:
    agents = events["user_agent_original"].fill_null(_NOTHING)
    known = classify_distinct(agents, rules)
    from_network = (events["ci_source"] == "network").fill_null(value=False) & known["is_ci"].is_null()
    source = pl.when(pl.lit(from_network)).then(pl.lit("network")).when(pl.col("is_ci").is_not_null()).then(pl.lit("agent"))
    said = known.with_columns(source.alias("ci_source"), pl.when(pl.lit(from_network)).then(pl.lit(value=True)).otherwise("is_ci").alias("is_ci"))
    return events.with_columns(said[name] for name in (*_AGENT, "ci_source"))


def _rederive_packages(events: pl.DataFrame, rules: RuleBook, digests: pl.DataFrame | None) -> pl.DataFrame:
    host = events.select(site_ecosystem(pl.col("url_domain"), rules)).to_series()
    client = client_ecosystem(events["user_agent_name"])
    asked = pl.DataFrame({"path": events["url_path"], "hint": host.zip_with(host.is_not_null(), client)})
    paths = asked.select("path").unique(maintain_order=True)
    alone = paths.hstack(read_packages(paths["path"], rules))
    rows = asked.join(alone, on="path", how="left", nulls_equal=True, maintain_order="left")
    is_open = rows["needs_hint"].fill_null(value=False) & rows["hint"].is_not_null()
    if is_open.any():
        hinted = asked.filter(is_open).unique(maintain_order=True)
        told = hinted.hstack(read_packages(hinted["path"], rules, hinted["hint"]))
        answers = asked.filter(is_open).join(told, on=["path", "hint"], how="left", nulls_equal=True, maintain_order="left")
        rows = rows.with_columns(rows[name].scatter(is_open.arg_true(), answers[name]) for name in _PACKAGE)
    rows = add_platforms(rows, digests)
    method = events["http_request_method"]
    found = rows.with_columns(method.alias("method")).with_columns(action=action_by_method(pl.col("method"), pl.col("action")))
    return _keep_platforms(events, events.with_columns(found[name] for name in _PACKAGE))


def _keep_platforms(events: pl.DataFrame, derived: pl.DataFrame) -> pl.DataFrame:
    """Keep the platform that an image index once told of a digest."""
    is_same = (derived["reference_kind"] == "digest") & (events["package_version"] == derived["package_version"])
    kept = is_same.fill_null(value=False)
    return derived.with_columns(
        derived[name].zip_with(~(kept & derived[name].is_null()), events[name]).alias(name) for name in ("package_os", "package_arch")
    )


def _rederive_networks(events: pl.DataFrame, rules: RuleBook) -> pl.DataFrame:
    known = rules.networks.classify(events["as_number"], events["as_organization"])
    is_private = (events["network_type"] == "private").fill_null(value=False)
    is_ranged = events["cloud_region"].is_not_null()
    return events.with_columns(
        known["network_type"].zip_with(~is_private, events["network_type"]).alias("network_type"),
        known["cloud_provider"].zip_with(~is_ranged, events["cloud_provider"]).alias("cloud_provider"),
    )


def _rederive_origins(before: pl.DataFrame, after: pl.DataFrame, key: HashKey) -> pl.DataFrame:
    """Exchange the agent's term of an origin's id: ids are XORs of independent terms.

    Ids of another epoch stay: what they were hashed with is not to be had.
    """
    old = before.select(agent_identity(pl.col(name) for name in AGENT_IDENTITY).alias("old")).to_series()
    new = after.select(agent_identity(pl.col(name) for name in AGENT_IDENTITY).alias("new")).to_series()
    is_changed = (old != new) & before["origin_id"].is_not_null() & (before["key_epoch"] == key.epoch).fill_null(value=False)
    if not is_changed.any():
        return after
    rows = pl.DataFrame({"origin": before["origin_id"], "old": old, "new": new}).filter(is_changed)
    distinct = rows.unique(maintain_order=True)
    terms = {text: hash_value(text.encode(), key, b"origin-agent") for name in ("old", "new") for text in distinct[name].unique()}
    ids = [origin ^ terms[was] ^ terms[now] for origin, was, now in distinct.iter_rows()]
    changed = rows.join(distinct.with_columns(pl.Series("id", ids, ID_TYPE)), on=["origin", "old", "new"], how="left", maintain_order="left")
    place = pl.DataFrame({"row": is_changed.arg_true(), "id": changed["id"]})
    joined = after.with_row_index("row").join(place.with_columns(pl.col("row").cast(pl.UInt32)), on="row", how="left", maintain_order="left")
    return joined.with_columns(origin_id=pl.coalesce("id", "origin_id")).drop("row", "id")
