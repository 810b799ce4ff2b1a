"""A part of the events as the search for waste reads it: who, what, when, as numbers, and what is known from all parts.

Names become hashes of 64 bits that never leave the process; of ten million requests any two distinct
owners share one with a chance of 2⁻¹⁹.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.metrics.counting import Pauses
from pullstats.metrics.dimensions import CLASS
from pullstats.metrics.islands import INDEX, IS_NEW, ROW
from pullstats.metrics.plan import Plan
from pullstats.metrics.statuses import IS_GET, IS_HEAD, IS_REDIRECT, IS_TAKEN

OWNER: Final = "owner"
_BUILD: Final = "ci"
HOUR: Final = 3_600_000_000
"""Microseconds."""
SECOND: Final = 1_000_000
_OFFSETS: Final = 2**44
"""Places of one log: its rank stands in the bits above."""
_ACTION: Final = pl.col("action")
_ORG: Final = pl.coalesce("organization_name", "as_organization")
_TYPE, _NAME = pl.col("package_type"), pl.col("package_name")
_IS_IMAGE: Final = _TYPE.eq_missing("oci")
_PATH: Final = pl.col("url_path").hash(1)
_QUERY: Final = pl.col("url_query")
PLACE: Final = pl.col("source_rank").fill_null(0) * _OFFSETS + pl.col("source_offset").fill_null(0)
"""Where a request stands among all logs."""

_VALUES: Final[dict[str, pl.Expr]] = {
    "origin": pl.col("origin_id"),
    "endpoint": pl.col("endpoint_id"),
    "network": pl.col("network_id"),
    "org": pl.when(_ORG.is_not_null()).then(_ORG.hash(2).reinterpret(signed=True)),
    "client": pl.col("user_agent_name").hash(3),
    "instant": pl.col("timestamp").to_physical(),
    "place": PLACE,
    "log": pl.col("source_rank").fill_null(0).hash(9),
    # The pages of an index have one path.
    "path": pl.when(_ACTION.eq_missing("index") & _QUERY.is_not_null()).then(_PATH ^ _QUERY.hash(4)).otherwise(_PATH),
    "package": pl.when(_NAME.is_not_null()).then(_TYPE.hash(5) ^ _NAME.hash(6)),
    "status": pl.col("http_response_status_code"),
    "size": pl.col("http_response_body_size"),
    "is_get": IS_GET,
    "is_head": IS_HEAD,
    "is_tag": pl.col("reference_kind").eq_missing("tag"),
    "is_ci": pl.col("is_ci").fill_null(value=False),
    "is_taken": IS_TAKEN,
    "is_redirect": IS_REDIRECT,
    "is_index": _ACTION.eq_missing("index"),
    "is_entry": _ACTION.is_in(["ping", "auth"]).fill_null(value=False),
    "is_reading": _ACTION.is_in(["index", "metadata", "manifest", "search"]).fill_null(value=False),
    "is_manifest": _IS_IMAGE & _ACTION.eq_missing("manifest") & pl.col("is_downloadable").fill_null(value=False),
    "is_blob": _IS_IMAGE & _ACTION.eq_missing("blob"),
    "is_file": ~_IS_IMAGE & _ACTION.eq_missing("download") & pl.col("is_downloadable").fill_null(value=False),
}


@dataclass(frozen=True, slots=True)
class Around:
    """What must be known of all parts to judge one.

    Attributes:
        sizes: `path` and `full`, the largest answer 200 in bytes, of artifacts that somebody took in part; null where nobody took it whole.
        layered: `package` of the repositories whose blobs these logs show.
        packages: how many packages anybody looked for.
    """

    sizes: pl.DataFrame
    layered: pl.DataFrame
    packages: int


@dataclass(frozen=True, slots=True)
class Part:
    """What is searched at once.

    Attributes:
        rows: the requests, with `ROW`.
        around: what all parts say.
        pauses: they end a pull group.
        list_builds: gives `origin` and `package` of what builds ask for, by how they ask; classes are found when it is first called.
    """

    rows: pl.DataFrame
    around: Around
    pauses: Pauses
    list_builds: Callable[[], pl.DataFrame]


def narrow_requests(asked: Plan) -> pl.LazyFrame:
    """Give the requests of the window as numbers; `is_kept` by the filters, which nothing else heeds."""
    read = {name for value in _VALUES.values() for name in value.meta.root_names()} - {"source_rank"}
    events = asked.events.order.add_to(asked.inside({*read, "source_id", *asked.filter_columns}))
    kept = asked.filter if asked.filter is not None else pl.lit(value=True)
    return events.select(**_VALUES, is_kept=kept.fill_null(value=False))


def look_around(rows: pl.LazyFrame) -> Around:
    """Find what must be known of all parts.

    Args:
        rows: all requests, as `narrow_requests` gives them.
    """
    is_artifact = pl.col("is_get") & (pl.col("is_file") | pl.col("is_blob"))
    taken = rows.filter(is_artifact & pl.col("status").is_in([200, 206, 499]))
    whole = pl.col("status") == 200
    sizes = taken.group_by("path").agg(full=pl.col("size").filter(whole).max(), is_cut=(~whole).any()).filter("is_cut").select("path", "full")
    layered = rows.filter(is_artifact & pl.col("is_blob") & pl.col("is_taken")).select("package").drop_nulls().unique()
    packages = rows.filter("is_reading").select(pl.col("package").drop_nulls().n_unique())
    found = [lazy.collect(engine="streaming") for lazy in (sizes, layered, packages)]
    return Around(found[0], found[1], int(found[2].item()))


def mix(*columns: str) -> pl.Expr:
    """Name an owner by columns of ids and hashes; null where one of them is."""
    bits = [pl.col(name).cast(pl.Int64).reinterpret(signed=False) if name in _SIGNED else pl.col(name) for name in columns]
    owner = bits[0]
    for one in bits[1:]:
        owner = owner ^ one
    return owner


_SIGNED: Final = frozenset({"origin", "endpoint", "network", "org"})


def order_owners(rows: pl.LazyFrame, owner: pl.Expr, least: float, columns: Sequence[str] = (), is_counted: pl.Expr | None = None) -> pl.DataFrame:
    """Give the requests of the owners that made enough, in the order in which each made them.

    Args:
        rows: with `ROW`.
        owner: whose a request is; nobody's are left out.
        least: how many an owner must have made.
        columns: what to give of them besides `ROW`, `OWNER`, `instant` and `IS_NEW`, which marks each owner's first.
        is_counted: which of them count for `least`; all if it is not said.
    """
    counted = rows.filter(is_counted) if is_counted is not None else rows
    many = counted.select(owner.alias(OWNER)).drop_nulls().group_by(OWNER).len().filter(pl.col("len") >= least).select(OWNER).collect()
    owned = rows.select(ROW, "instant", "place", *columns, owner.alias(OWNER)).join(many.lazy(), on=OWNER, how="semi").collect()
    ordered = owned.sort(OWNER, "instant", "place")
    return ordered.with_columns(pl.col(OWNER).ne_missing(pl.col(OWNER).shift(1)).alias(IS_NEW))


def number_rows(rows: pl.DataFrame) -> pl.DataFrame:
    """Number the requests of a part, `rows` of any columns: `ROW`."""
    return rows.with_columns(INDEX.alias(ROW))


def list_builds(asked: Plan) -> pl.DataFrame:
    """List the origins and packages of class `ci`: `origin`, `package`, as `narrow_requests` names them.

    Args:
        asked: the plan of the question.
    """
    pairs = asked.classes.find().pairs.filter(pl.col(CLASS) == _BUILD)
    return pairs.select(origin=_VALUES["origin"], package=_VALUES["package"]).drop_nulls()


def give_waste(rows: pl.DataFrame, measure: str | None = None, by_class: str | None = None) -> pl.DataFrame:
    """Give `ROW` of the requests found, and what their kind measures of each.

    Args:
        rows: with `ROW` and the columns that `measure` and `by_class` name.
        measure: null stands where none is named.
        by_class: true where only the class of who asks says so; false stands where none is named.

    Returns:
        `ROW`, `measure` and `by_class`.
    """
    value = pl.col(measure) if measure else pl.lit(None)
    return rows.select(ROW, measure=value.cast(pl.Float64), by_class=pl.col(by_class) if by_class else pl.lit(value=False))


def join_waste(parts: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Join what was found in several ways (`parts`, each as `give_waste` gives it), each request once."""
    return pl.concat(parts).unique(ROW, keep="first", maintain_order=True)
