"""What behaviour is read from: requests in the order their origins made them for each package, in 32 bytes each.

An owner is an origin with a package it asks for, or with none; it is told by 64 bits of hash that
never leave the process. What a request was is a number of flags, beside a hash of what it named.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import xor
from typing import Final

import polars as pl

from pullstats.metrics.islands import changes
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY, IS_GET, IS_HEAD, IS_PART, IS_REDIRECT, IS_UNCHANGED, STATUS

OWNER: Final = "owner"
FACTS: Final = "facts"
BARE: Final = "is_bare_log"
"""Whether a request is of a log that holds nobody's blobs."""
OWNER_COLUMNS: Final = ("origin_id", "package_type", "package_name")
TRAITS: Final = (
    *("network_id", "user_agent_name", "user_agent_kind", "os_name", "host_arch", "network_type"),
    *("organization_name", "as_organization", "geo_country_iso_code"),
)
"""What is known of an origin besides its requests."""
REQUEST_COLUMNS: Final = (
    *OWNER_COLUMNS,
    *("timestamp", "http_request_method", "http_response_status_code", "package_version", "reference_kind", "action", "is_downloadable"),
)
FLAG_VALUES: Final = 2**18
"""How many values the flags of a request can have together."""
_REST_BITS: Final = 24
"""Bits of a hash that make room for the flags, and for a sum that never overflows."""
REFERENCES: Final = 2 ** (64 - _REST_BITS)
"""How many hashes there are of what a request may name."""
SLOTS: Final = 256
"""Into how many slots origins are spread, to be looked at some slots at a time."""
_KEY, _PACKAGE, _TRAITS = "order_key", "package_bits", "trait_bits"
_ORIGIN_BITS: Final = pl.col("origin_id").hash(7)
_PACKAGE_BITS: Final = pl.col("package_type").fill_null("").hash(11) ^ pl.col("package_name").fill_null("").hash(13)
_ASKING: Final = ("manifest", "metadata", "index", "ping", "search", "other")
_POLLED: Final = ("manifest", "metadata", "index")
_ACTION: Final = pl.col("action")
_KIND: Final = pl.col("reference_kind")
_IS_FOR_CONTENT: Final = ~_ACTION.is_in(["ping", "auth"]).fill_null(value=False)
"""Pings and tokens are how a client gets in, not what it asks for: they are neither GET nor HEAD of anything."""
_IS_ANSWERED: Final = STATUS.is_null() | STATUS.is_between(200, 299) | IS_REDIRECT
_IS_TAKEN: Final = _IS_ANSWERED & ~IS_HEAD & ~IS_PART
_IS_MANIFEST: Final = _ACTION.eq_missing("manifest")

FLAGS: Final[dict[str, pl.Expr]] = {
    "is_head": IS_HEAD & _IS_FOR_CONTENT,
    "is_get": IS_GET & _IS_FOR_CONTENT,
    "is_ask": _ACTION.is_in(_ASKING) | _ACTION.is_null(),
    "is_tag": _KIND.ne_missing("digest") & pl.col("package_version").is_not_null(),
    "is_digest": _IS_MANIFEST & _KIND.eq_missing("digest"),
    "is_unchanged": IS_UNCHANGED,
    "is_denied": STATUS.is_in([401, 403]),
    "is_absent": STATUS.is_in([404, 410]),
    "is_failed": (STATUS == 429) | (STATUS >= 500),
    "is_blob": _IS_TAKEN & _ACTION.eq_missing("blob"),
    "is_file": _IS_TAKEN & _ACTION.eq_missing("download") & pl.col("is_downloadable").fill_null(value=True),
    "is_manifest": _IS_TAKEN & _IS_MANIFEST,
    "is_bare": _IS_TAKEN & _IS_MANIFEST & pl.col(BARE),
    "is_listing": _ACTION.eq_missing("metadata") & pl.col("package_type").eq_missing("oci"),
    "is_ping": _ACTION.eq_missing("ping"),
    "is_index": _ACTION.eq_missing("index"),
    "is_poll": (_ACTION.is_in(_POLLED) & (IS_HEAD | _KIND.ne_missing("digest"))) | (_ACTION.eq_missing("download") & (IS_HEAD | IS_UNCHANGED)),
    "is_try": IS_ANONYMOUS_TRY,
}
"""One bit each, the first the lowest."""
_PLACES: Final = {name: place for place, name in enumerate(FLAGS)}


def find_bare_logs(counted: pl.DataFrame) -> list[str]:
    """Name the logs in which manifests are taken and nobody's blobs are: those are served elsewhere, so that the manifest is all there is of a pull.

    Args:
        counted: as `count_blobs` gives it, of parts of the events.
    """
    whole = counted.group_by("source_id").agg(pl.all().sum())
    return whole.filter((pl.col("manifests") > 0) & (pl.col("blobs") == 0))["source_id"].sort().to_list()


def count_blobs(events: pl.LazyFrame) -> pl.DataFrame:
    """Count manifests and blobs in each log: `source_id`, `manifests`, `blobs`.

    Args:
        events: with `source_id` and `action`.
    """
    kinds = {"manifests": _IS_MANIFEST, "blobs": _ACTION.eq_missing("blob")}
    found = events.group_by("source_id").agg(is_one.sum().cast(pl.Int64).alias(name) for name, is_one in kinds.items())
    return found.collect(engine="streaming")


def mark_bare(events: pl.LazyFrame, logs: Sequence[str]) -> pl.LazyFrame:
    """Add `is_bare_log` to events.

    Args:
        events: with `source_id`, where any log is.
        logs: those that hold nobody's blobs.
    """
    return events.with_columns((pl.col("source_id").is_in(logs) if logs else pl.lit(value=False)).alias(BARE))


def name_owner() -> pl.Expr:
    """Name whose a request is, its origin's and the package's, by 64 bits."""
    return (_ORIGIN_BITS ^ _PACKAGE_BITS).reinterpret(signed=True).alias(OWNER)


def read_requests(events: pl.LazyFrame) -> pl.DataFrame:
    """Read what requests were, in no order; those of nobody known are left out.

    Args:
        events: with `REQUEST_COLUMNS` and `is_bare_log`.

    Returns:
        `owner`, `origin_id`, `timestamp` (µs), `facts`.
    """
    flags = pl.sum_horizontal(flag.fill_null(value=False).cast(pl.UInt64) * 2**place for place, flag in enumerate(FLAGS.values()))
    named = pl.col("package_version")
    reference = pl.when(named.is_not_null()).then(named.hash(17) // 2**_REST_BITS * FLAG_VALUES).otherwise(0)
    known = events.filter(pl.col("origin_id").is_not_null())
    narrow = known.select(name_owner(), "origin_id", timestamp=pl.col("timestamp").to_physical().clip(0), facts=reference + flags)
    return narrow.collect(engine="streaming")


def is_in_slice(number: int, count: int) -> pl.Expr:
    """Tell whose origins are in one (`number`) of so many slices (`count`, up to `SLOTS`), so that these can be looked at apart."""
    return (pl.col("origin_id").hash(23) % SLOTS).cast(pl.UInt32) * count // SLOTS == number


def order_requests(requests: pl.DataFrame) -> pl.DataFrame:
    """Put requests in the order in which each owner made them: the same columns, sorted by `owner` and `timestamp`.

    Args:
        requests: as `read_requests` gives them, or some of them.
    """
    key = pl.col(OWNER).cast(pl.Int128) * 2**64 + pl.col("timestamp").cast(pl.Int128)
    return requests.with_columns(key.alias(_KEY)).sort(_KEY).drop(_KEY)


def is_set(name: str) -> pl.Expr:
    """Tell whether a flag of `facts` is set."""
    return (pl.col(FACTS) & pl.lit(2 ** _PLACES[name], pl.UInt64)) != 0


def flags_of() -> pl.Expr:
    """Give all flags of a request as one number, which is less than `FLAG_VALUES`."""
    return (pl.col(FACTS) % FLAG_VALUES).cast(pl.UInt32)


def reference() -> pl.Expr:
    """Give the hash of what a request named, 0 where it named nothing."""
    return pl.col(FACTS) // FLAG_VALUES


def list_packages(events: pl.LazyFrame) -> pl.DataFrame:
    """Give one row a package that anybody known asks for, with the bits that it lends to an owner; one of them is none.

    Args:
        events: with `OWNER_COLUMNS`.
    """
    known = events.filter(pl.col("origin_id").is_not_null()).group_by(_PACKAGE_BITS.alias(_PACKAGE))
    return known.agg(pl.col("package_type", "package_name").first()).collect(engine="streaming")


def list_owners(requests: pl.DataFrame, packages: pl.DataFrame) -> pl.DataFrame:
    """Give one row an owner, in order: `owner`, `OWNER_COLUMNS`.

    Args:
        requests: theirs, as `order_requests` gives them.
        packages: as `list_packages` gives them.
    """
    heads = requests.filter(changes(OWNER)).select(OWNER, "origin_id")
    named = heads.with_columns((pl.col(OWNER).reinterpret(signed=False) ^ _ORIGIN_BITS).alias(_PACKAGE))
    return named.join(packages, on=_PACKAGE, how="left", maintain_order="left").drop(_PACKAGE)


def describe_traits(events: pl.LazyFrame) -> pl.DataFrame:
    """Give one row an origin, by `origin_id`: what is known of it besides its requests, and the share of these that are `in_ci`.

    Args:
        events: with `origin_id`, `TRAITS` and `is_ci`.
    """
    known = events.filter(pl.col("origin_id").is_not_null())
    # Texts are compared once for each that differs, not once a request: most origins have the same ones all the time.
    bits = reduce(xor, (pl.col(name).hash(place) for place, name in enumerate(TRAITS)))
    is_ci = pl.col("is_ci").fill_null(value=False)
    alike = known.group_by("origin_id", bits.alias(_TRAITS)).agg(pl.col(TRAITS).first(), ci=is_ci.sum(), requests=pl.len())
    found = alike.collect(engine="streaming").group_by("origin_id")
    return found.agg(pl.col(TRAITS).max(), in_ci=pl.col("ci").sum() / pl.col("requests").sum()).sort("origin_id")
