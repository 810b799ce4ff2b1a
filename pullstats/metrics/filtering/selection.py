"""Which events a question keeps: `--where`, `--class`, `--exclude-class`, `--exclude-kind`, `--exclude-net`, joined."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.ids import ID_DIGITS
from pullstats.metrics.dimension import UNKNOWN, Dimension
from pullstats.metrics.dimensions import DIMENSIONS
from pullstats.metrics.filtering.comparisons import join_all
from pullstats.metrics.filtering.filters import parse_filter
from pullstats.metrics.log_names import list_logs
from pullstats.metrics.query import Query

_PACKAGE: Final = frozenset({"package_type", "package_name"})
_FOLDED: Final = frozenset({"other", "all others"})
_MOST_NAMED: Final = 5
_MOST_EVENTS: Final = 1_000_000
_MOST_VALUES: Final = 2000
"""Events and values among which the nearest is looked for."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What is kept of the events.

    Attributes:
        steps: its parts, each with the words it was asked for in; true for what stays, never null.
        columns: event columns that they read.
        dimensions: names of the dimensions they compare.
        kept: values that texts are said to equal, by dimension.
        excluded: values that are to be left out, by dimension.
        of_package: the parts that ask of nothing but the package, by `package_type` and `package_name`, never null; None where there are none.
    """

    steps: tuple[tuple[str, pl.Expr], ...] = ()
    columns: tuple[str, ...] = ()
    dimensions: frozenset[str] = frozenset()
    kept: tuple[tuple[Dimension, str], ...] = ()
    excluded: tuple[tuple[Dimension, str], ...] = ()
    of_package: pl.Expr | None = None

    @property
    def expr(self) -> pl.Expr | None:
        """True for the events that stay, None for all."""
        return join_all([step for _, step in self.steps]) if self.steps else None

    def keep(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Keep the rows of `events`, which have `columns`, that stay."""
        return events if self.expr is None else events.filter(self.expr)


def build_selection(query: Query, zone: str, sources: pl.DataFrame | None = None) -> Selection:
    """Read everything in a question that leaves events out.

    Args:
        query: the question.
        zone: of hours and weekdays.
        sources: `source_id`, `name` of each log; None if they are not known.

    Raises:
        UsageError: a filter that is not understood; a class or kind that there is not.
    """
    found = parse_filter(query.where, zone, list_logs(sources)) if query.where else None
    steps = [(f"--where {query.where}", found.expr)] if found else []
    columns = list(found.columns) if found else []
    names = set(found.dimensions) if found else set()
    kept = list(found.named) if found else []
    excluded: list[tuple[Dimension, str]] = []
    for option, name, values in (
        ("--class", "class", query.classes),
        ("--exclude-class", "class", query.exclude_classes),
        ("--exclude-kind", "kind", query.exclude_kinds),
        ("--exclude-net", "org", query.exclude_nets),
    ):
        if values:
            dimension = DIMENSIONS[name]
            wanted = [dimension.name_value(value) for value in values]
            hit = dimension.expr(zone).is_in(wanted).fill_null(value=False)
            if UNKNOWN in wanted:
                hit |= dimension.expr(zone).is_null()
                wanted = [value for value in wanted if value != UNKNOWN]
            is_kept = option == "--class"
            steps.append((f"{option} {','.join(values)}", hit if is_kept else ~hit))
            (kept if is_kept else excluded).extend((dimension, value) for value in wanted)
            columns += dimension.columns
            names.add(name)
    own = [part for part in found.parts if _PACKAGE.issuperset(part.meta.root_names())] if found else []
    of_package = join_all(own) if own else None
    return Selection(tuple(steps), tuple(dict.fromkeys(columns)), frozenset(names), tuple(kept), tuple(excluded), of_package)


def refuse_ambiguous(named: Sequence[tuple[Dimension, str]], events: Callable[[Dimension], pl.LazyFrame], zone: str) -> None:
    """Refuse first digits of an id that begin several.

    Args:
        named: dimensions and values of theirs.
        events: gives those of the window, with a dimension's columns (`Dimension.columns`).
        zone: of hours and weekdays.

    Raises:
        UsageError: with the ids.
    """
    for dimension, text in named:
        if dimension.hash_of and len(text) < ID_DIGITS:
            values = events(dimension).filter(dimension.begins_with(text)).select(dimension.expr(zone).alias("value"))
            found = values.unique().collect(engine="streaming")["value"].sort().to_list()
            if len(found) > 1:
                raise several_ids(text, found)


def several_ids(text: str, ids: Sequence[str]) -> UsageError:
    """Build the error for first digits, `text`, that begin several ids."""
    return UsageError(f"'{text}' fits {len(ids)} ids: {', '.join(ids[:_MOST_NAMED])}{', …' if len(ids) > _MOST_NAMED else ''}; give more digits")


def name_unseen(named: Sequence[tuple[Dimension, str]], events: pl.LazyFrame, zone: str) -> Iterator[str]:
    """Say of each value that no event has so, and which one it may have been meant for.

    Args:
        named: dimensions and values of theirs.
        events: with the dimensions' columns (`Dimension.columns`).
        zone: of hours and weekdays.

    Yields:
        A sentence a value.
    """
    for dimension in dict.fromkeys(dimension for dimension, _ in named):
        asked = {value for one, value in named if one is dimension}
        values = events.select(dimension.expr(zone).alias("value")).drop_nulls()
        begins = [dimension.begins_with(text) for text in asked] if dimension.hash_of else []
        hits = (
            events.filter(join_all(begins, operator.or_)).select(dimension.expr(zone).alias("value"))
            if begins
            else values.filter(pl.col("value").is_in(list(asked)))
        )
        seen = hits.unique().collect(engine="streaming")["value"].to_list()
        unseen = sorted(text for text in asked.difference(seen) if not (begins and any(value.startswith(text) for value in seen)))
        near = _list_values(values) if unseen else []
        yield from (f"no request in the window has {dimension.name} '{text}'{_hint(text, near)}" for text in unseen)


def _list_values(values: pl.LazyFrame) -> list[str]:
    """List the most frequent values among the first events."""
    counts = values.head(_MOST_EVENTS).group_by("value").agg(pl.len().alias("count"))
    found: list[str] = counts.sort("count", "value", descending=[True, False]).head(_MOST_VALUES).collect(engine="streaming")["value"].to_list()
    return found


def _hint(text: str, known: Sequence[str]) -> str:
    if text in _FOLDED:
        return f"; the row {text} of a table is what --limit cuts off: --limit 0 shows its parts"
    folded = {value.lower(): value for value in reversed(known)}
    near = difflib.get_close_matches(text.lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean '{folded[near[0]]}'?" if near else ""
