"""Keyed hashes in place of addresses, users and the origins they form.

Endpoint, network and user are BLAKE2b (keyed, 16 bytes) of one value each, computed once per
distinct value. An origin is many values at once (endpoint, client, OS, architecture, user), and a
log can hold nearly as many origins as lines; so its id is the XOR of three independent keyed
hashes (the endpoint's is its id), looked up per distinct value and joined without a call per row. Each term is a
pseudo-random function of its value, so two different combinations agree with odds of 2^-128, as
two hashes would. The XOR gives away no more than the row beside it: endpoint id and agent are
stored there anyway.

Source: RFC 7693 (BLAKE2, keyed and personalised).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import polars as pl

from pullstats.enrich.keys import HashKey

ID_LENGTH: Final = 16
_TERMS: Final = ("endpoint", "agent", "user")


def hash_value(value: bytes, key: HashKey, person: bytes) -> bytes:
    """Hash one value: 16 bytes, keyed, apart from hashes made for another purpose."""
    return hashlib.blake2b(value, key=key.secret, digest_size=ID_LENGTH, person=person).digest()


def hash_values(values: pl.Series, key: HashKey, person: bytes) -> pl.Series:
    """Hash distinct values, text or binary; null stays null."""
    start = hashlib.blake2b(key=key.secret, digest_size=ID_LENGTH, person=person)  # the key's own block is hashed once

    def finish(value: bytes) -> bytes:
        state = start.copy()
        state.update(value)
        return state.digest()

    found = [None if value is None else finish(value) for value in values.cast(pl.Binary).to_list()]
    return pl.Series(values.name, found, pl.Binary)


def hash_endpoints(addresses: pl.DataFrame, key: HashKey) -> pl.DataFrame:
    """Hash the keys of `normalise_addresses` to `endpoint_id` and `network_id`."""
    return pl.DataFrame(
        {
            "endpoint_id": hash_values(addresses["endpoint_key"], key, b"endpoint"),
            "network_id": hash_values(addresses["network_key"], key, b"network"),
        },
    )


def endpoint_terms(endpoints: pl.Series) -> pl.DataFrame:
    """Give the endpoint's term of an origin, which is its id: `endpoint_hi`, `endpoint_lo`; null where there is no client."""
    return _halves(endpoints, "endpoint")


def agent_terms(agents: pl.DataFrame, key: HashKey) -> pl.DataFrame:
    """Give the agent's term: `agent_hi`, `agent_lo` of client name, OS and architecture."""
    identity = agents.select(agent_identity(pl.col(name) for name in agents.columns)).to_series()
    return _terms(identity, key, "agent")


def agent_identity(parts: Iterable[pl.Expr]) -> pl.Expr:
    """Join client name, OS and architecture to the text that is hashed."""
    return pl.concat_str([part.fill_null("") for part in parts], separator="\x1f")


def user_terms(users: pl.Series, key: HashKey) -> pl.DataFrame:
    """Give the user's term: `user_hi`, `user_lo`; null where nobody is named."""
    return _terms(users, key, "user")


def _terms(values: pl.Series, key: HashKey, name: str) -> pl.DataFrame:
    return _halves(hash_values(values, key, f"origin-{name}".encode()), name)


def _halves(hashes: pl.Series, name: str) -> pl.DataFrame:
    return hashes.to_frame("hash").select(
        pl.col("hash").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="little").alias(f"{name}_hi"),
        pl.col("hash").bin.slice(8, 8).bin.reinterpret(dtype=pl.UInt64, endianness="little").alias(f"{name}_lo"),
    )


def combine_origins(rows: pl.DataFrame) -> pl.Series:
    """Join the terms of each row to its origin.

    Args:
        rows: `endpoint_hi`, `endpoint_lo`, `agent_hi`, … `user_lo` (UInt64, user may be null).

    Returns:
        `origin_id` (Binary, 16 bytes), null where there is no endpoint.
    """
    import pyarrow as pa  # noqa: PLC0415 - takes a tenth of a second, and a log of which nothing is new needs none of it

    terms = _TERMS if rows["user_hi"].null_count() < rows.height else _TERMS[:2]
    halves = []
    for half in ("hi", "lo"):
        joined = pl.col(f"{terms[0]}_{half}").fill_null(0)
        for term in terms[1:]:
            joined = joined ^ pl.col(f"{term}_{half}").fill_null(0)
        halves.append(joined.alias(half))
    flat = rows.select(pl.concat_arr(halves)).to_series().rechunk().to_arrow().flatten()
    ids = pa.FixedSizeBinaryArray.from_buffers(pa.binary(ID_LENGTH), rows.height, [None, flat.buffers()[1]], offset=flat.offset // 2)
    origins = pl.Series("origin_id", pl.from_arrow(ids.cast(pa.large_binary())), pl.Binary)
    nobody = rows["endpoint_hi"].is_null()
    return pl.select(pl.when(~nobody).then(origins).alias("origin_id")).to_series() if nobody.any() else origins


def hash_origin(endpoint_key: bytes, agent: str, user: str | None, key: HashKey) -> bytes:
    """Compute one origin id in plain Python; what `combine_origins` must agree with.

    Args:
        endpoint_key: as `normalise_addresses` gives it.
        agent: client name, OS and architecture, joined by the unit separator.
        user: authenticated user, None if nobody is named.
        key: makes the hashes.
    """
    terms = [hash_value(endpoint_key, key, b"endpoint"), hash_value(agent.encode(), key, b"origin-agent")]
    if user is not None:
        terms.append(hash_value(user.encode(), key, b"origin-user"))
    joined = 0
    for term in terms:
        joined ^= int.from_bytes(term)
    return joined.to_bytes(ID_LENGTH)
