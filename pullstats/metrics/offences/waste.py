"""All waste of a window: every kind looked for in one reading of the events, and the downloads that come of it.

Kinds are looked for among all requests of the window before any filter; filters then choose which are told.
Networks are searched apart where they would not fit into memory: whatever is judged by its order belongs to one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Final

import polars as pl

from pullstats.metrics.islands import ROW
from pullstats.metrics.offences.detectors import DETECTORS
from pullstats.metrics.offences.requests import PLACE, Around, Part, list_builds, look_around, narrow_requests, number_rows
from pullstats.metrics.offences.rules import Kind
from pullstats.metrics.partitions import cut_by_network
from pullstats.metrics.plan import Plan
from pullstats.metrics.rule_counts import DOWNLOADS, IS_CUT, count_rows, look_beyond

KIND: Final = "kind"
PART: Final = "part"
BY_CLASS: Final = "by_class"
_WHO: Final = ("origin", "network", "org")
_WIDER: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Waste:
    """What was found.

    Attributes:
        rows: one a kind and request: `kind`, `part`, `ROW`, `origin`, `network`, `org` (a hash), `package` (a hash), `instant`, `place`,
            `bytes`, `measure`, `by_class`, `downloads` that stand for it.
        requests: of the window, as filtered.
        downloads: counted in it, as filtered.
    """

    rows: pl.DataFrame
    requests: int
    downloads: int

    @property
    def distinct(self) -> pl.DataFrame:
        """Each request once, whatever kinds it is of: `rows`, without those that repeat `part` and `ROW`."""
        return self.rows.unique([PART, ROW], keep="first", maintain_order=True)


def find_waste(asked: Plan, kinds: Iterable[Kind]) -> Waste:
    """Search the events of a window.

    Args:
        asked: the plan of the question; its first metric are the downloads of a rule.
        kinds: what to look for.
    """
    plans = cut_by_network(replace(asked, metrics=()), {}, [])
    chosen = list(kinds)
    around = None if len(plans) == 1 else look_around(pl.concat([narrow_requests(plan) for plan in plans]))
    found = [_search_part(replace(plan, metrics=asked.metrics), chosen, number, around) for number, plan in enumerate(plans)]
    return Waste(pl.concat([part.rows for part in found]), sum(part.requests for part in found), sum(part.downloads for part in found))


def _search_part(asked: Plan, kinds: list[Kind], number: int, around: Around | None) -> Waste:
    rows = number_rows(narrow_requests(asked).collect(engine="streaming"))
    part = Part(rows, around or look_around(rows.lazy()), asked.pauses, partial(list_builds, asked))
    marked = [DETECTORS[kind.name](part, kind).select(pl.lit(kind.name).alias(KIND), ROW, "measure", BY_CLASS) for kind in kinds]
    found = pl.concat([*marked, pl.DataFrame(schema={KIND: pl.String, ROW: pl.UInt32, "measure": pl.Float64, BY_CLASS: pl.Boolean})])
    drawn = rows.select(pl.col(*_WHO, "package", "instant", "place", "size", "is_head", "is_kept").gather(found[ROW]))
    sent = drawn.with_columns(pl.when(~pl.col("is_head")).then("size").fill_null(0).alias("bytes")).drop("size", "is_head")
    told = found.hstack(sent).filter("is_kept").drop("is_kept").with_columns(pl.lit(number).alias(PART))
    kept = int(rows["is_kept"].sum())
    del rows, part, drawn
    counted = list_downloads(asked, {})
    own = counted.join(told.select("place").unique(), on="place", how="semi").group_by("place").agg(pl.col(DOWNLOADS).sum())
    told = told.join(own, on="place", how="left").with_columns(pl.col(DOWNLOADS).fill_null(0))
    return Waste(told, kept, int(counted[DOWNLOADS].sum()))


def list_downloads(asked: Plan, values: Mapping[str, pl.Expr]) -> pl.DataFrame:
    """List the requests that stand for downloads: `place`, how many `downloads`, and values of each.

    Args:
        asked: the plan of the question; its first metric are the downloads of a rule.
        values: what else to give, by name, of columns of events as the rule names them.
    """
    label = asked.metrics[0].rule
    beyond = look_beyond(asked, label)
    assert beyond.margin is not None
    # Of one log alone no request need say of which it is: a text a row.
    sources = asked.extent.sources
    named = {"source_id"} if sources is None or sources.height > 1 else set()
    read = {*named, "source_offset", *(name for value in values.values() for name in value.meta.root_names())}
    for margin in (beyond.margin, beyond.margin + _WIDER, None):
        counted, _ = count_rows(asked, label, sorted(read), None, replace(beyond, margin=margin))
        placed = asked.events.order.add_to(counted.filter(pl.col(DOWNLOADS) > 0).select(*sorted(read), DOWNLOADS, IS_CUT))
        frame = placed.select(DOWNLOADS, IS_CUT, PLACE.alias("place"), **values).collect(engine="streaming")
        if not frame[IS_CUT].any():
            break
    return frame.drop(IS_CUT)
