"""Keyed hashes in place of addresses, users and the origins they form.

Endpoint, network and user are BLAKE2b (keyed, 16 bytes) of one value each, computed once per
distinct value and shortened to an id (`ids`). An origin is many values at once (endpoint, client,
OS, architecture, user), and a log can hold nearly as many origins as lines; so its id is the XOR of
three independent keyed hashes (the endpoint's is its id), looked up per distinct value and joined
without a call per row. Each term is a pseudo-random function of its value, so two different
combinations agree with odds of 2^-64, as two hashes would. The XOR gives away no more than the row
beside it: endpoint id and agent are stored there anyway.

Source: RFC 7693 (BLAKE2, keyed and personalised).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import polars as pl

from pullstats.enrich.keys import HashKey
from pullstats.ids import make_id, shorten_hashes

_HASH_LENGTH: Final = 16


def hash_value(value: bytes, key: HashKey, person: bytes) -> int:
    """Make the id of one value: keyed, apart from ids made for another purpose."""
    return make_id(hashlib.blake2b(value, key=key.secret, digest_size=_HASH_LENGTH, person=person).digest())


def hash_values(values: pl.Series, key: HashKey, person: bytes) -> pl.Series:
    """Make the ids of distinct values, text or binary; null stays null."""
    begin = hashlib.blake2b(key=key.secret, digest_size=_HASH_LENGTH, person=person).copy  # the key's own block is hashed once
    hashes: list[bytes | None] = []
    for value in values.cast(pl.Binary).to_list():
        if value is None:
            hashes.append(None)
        else:
            state = begin()
            state.update(value)
            hashes.append(state.digest())
    return pl.DataFrame({values.name: hashes}, schema={values.name: pl.Binary}).select(shorten_hashes(pl.col(values.name))).to_series()


def hash_endpoints(addresses: pl.DataFrame, key: HashKey) -> pl.DataFrame:
    """Hash the keys of `normalise_addresses` to `endpoint_id` and `network_id`."""
    return pl.DataFrame(
        {
            "endpoint_id": hash_values(addresses["endpoint_key"], key, b"endpoint"),
            "network_id": hash_values(addresses["network_key"], key, b"network"),
        },
    )


def agent_terms(agents: pl.DataFrame, key: HashKey) -> pl.Series:
    """Give the agent's term, `agent_term`, of client name, OS and architecture."""
    identity = agents.select(agent_identity(pl.col(name) for name in agents.columns)).to_series()
    return hash_values(identity, key, b"origin-agent").alias("agent_term")


def agent_identity(parts: Iterable[pl.Expr]) -> pl.Expr:
    """Join client name, OS and architecture to the text that is hashed."""
    return pl.concat_str([part.fill_null("") for part in parts], separator="\x1f")


def user_terms(users: pl.Series, key: HashKey) -> pl.Series:
    """Give the user's term, `user_term`; null where nobody is named."""
    return hash_values(users, key, b"origin-user").alias("user_term")


def combine_origins(events: pl.DataFrame) -> pl.Series:
    """Join the terms of each row to its origin.

    Args:
        events: `endpoint_id`, `agent_term`, `user_term` (ids; the last may be null).

    Returns:
        `origin_id`, null where there is no endpoint.
    """
    named = [events["agent_term"], *([events["user_term"].fill_null(0)] if events["user_term"].null_count() < events.height else [])]
    joined = events["endpoint_id"]
    for term in named:
        joined = joined ^ term
    return joined.alias("origin_id")


def hash_origin(endpoint_key: bytes, agent: str, user: str | None, key: HashKey) -> int:
    """Compute one origin id in plain Python; what `combine_origins` must agree with.

    Args:
        endpoint_key: as `normalise_addresses` gives it.
        agent: client name, OS and architecture, joined by the unit separator.
        user: authenticated user, None if nobody is named.
        key: makes the hashes.
    """
    joined = hash_value(endpoint_key, key, b"endpoint") ^ hash_value(agent.encode(), key, b"origin-agent")
    return joined if user is None else joined ^ hash_value(user.encode(), key, b"origin-user")
