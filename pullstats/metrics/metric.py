"""What a metric is: what one of it is, how partial answers become one, how it is named, and why a request is in it or out.

Events that were split by group, key or machine are answered apart and merged as each metric
declares: sums add, minima and maxima compare, uniques unite their keys, ratios divide merged sums.
Everything else (series that look back, comparisons, concentration, explanations) asks the metric.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from pullstats.events import ID_COLUMNS
from pullstats.metrics.counting import SESSIONS, Reason
from pullstats.metrics.statuses import IS_ANONYMOUS_TRY
from pullstats.reports import ColumnKind

Merge = Literal["sum", "min", "max", "union", "ratio-of-sums"]

_COMPARED: Final = frozenset({"count", "bytes", "share"})
_FOLDS: Final = {"sum": pl.Expr.sum, "min": pl.Expr.min, "max": pl.Expr.max}
_IN: Final = {"sum": "counts", "min": "the least of these is told", "max": "the largest of these is told"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One countable thing.

    Attributes:
        name: as `--metric` takes it.
        title: heading for people; of what can be counted, its plural.
        help: definition in one sentence.
        expr: value of one event (`sum`, `min`, `max`), or the key it adds to a set (`union`, null adds none);
            None where the value comes from a counting rule or from other metrics.
        merge: how partial answers become one.
        kind: how a column of it is drawn.
        unit: what it is measured in, where the title does not say so.
        one: its singular, the title without its s if it is not said.
        parts: names of numerator and denominator of a ratio.
        identity: whose an event is, answered 401 or not; of a distinct count of clients.
        reasons: why a request is out, beside having no value; the first that holds is told.
        inclusion: what is done with a request that is in.
        rule: label of the counting rule that says what is one, `SESSIONS` for sessions; others are set when a question is resolved.
        counts: what that rule counts, where `name` names the rule as well.
        made_of: what a rule must count for it, where that has another name.
        weight: of keys that stand for several each, the count of these: see `behaviour.instances`.
    """

    name: str
    title: str
    help: str
    expr: pl.Expr | None = None
    merge: Merge = "sum"
    kind: ColumnKind = "count"
    unit: str = ""
    one: str = ""
    parts: tuple[str, ...] = ()
    identity: pl.Expr | None = None
    reasons: tuple[Reason, ...] = ()
    inclusion: str = ""
    rule: str = ""
    counts: str = ""
    made_of: str = ""
    weight: str = ""

    @property
    def key(self) -> str:
        """Name in JSON and CSV."""
        return re.sub(r"[^a-z0-9]+", "_", self.name)

    @property
    def columns(self) -> tuple[str, ...]:
        """Event columns that its values are made of."""
        return tuple(dict.fromkeys(name for expr in (self.expr, self.identity) if expr is not None for name in expr.meta.root_names()))

    @property
    def is_comparable(self) -> bool:
        """Whether two values of it have a difference that says something: amounts and shares, and no times."""
        return self.kind in _COMPARED

    @property
    def additive(self) -> bool:
        """Whether values of disjoint groups may be added."""
        return self.merge == "sum"

    @property
    def is_distinct(self) -> bool:
        """Whether it counts distinct keys."""
        return self.merge == "union"

    @property
    def is_folded(self) -> bool:
        """Whether it is folded from values of events: a sum, a minimum, a maximum."""
        return self.expr is not None and self.merge in _FOLDS

    @property
    def is_amount(self) -> bool:
        """Whether it is 0 where there is nothing; extremes and ratios of nothing are unknown."""
        return self.merge in {"sum", "union"}

    @property
    def is_extreme(self) -> bool:
        """Whether it is a least or greatest value."""
        return self.merge in {"min", "max"}

    @property
    def is_counted(self) -> bool:
        """Whether a counting rule says what is one."""
        return self.expr is None and not self.parts

    @property
    def is_ruled(self) -> bool:
        """Whether that depends on the counting rule."""
        return self.is_counted and self.rule != SESSIONS

    @property
    def tally(self) -> str:
        """What it is made of, of what a rule counts."""
        return self.made_of or self.counts or self.name

    @property
    def is_hashed(self) -> bool:
        """Whether it counts hashes, which only compare under one key."""
        return self.is_distinct and bool({*ID_COLUMNS} & {*self.columns})

    @property
    def singular(self) -> str:
        """What one of it is called."""
        return self.one or self.title.removesuffix("s")

    def name_count(self, count: int) -> str:
        """Write so many (`count`) of it in words: 1 download, 2 downloads."""
        return f"{count:,} {self.singular if count == 1 else self.title}"

    def fold_events(self) -> pl.Expr:
        """Fold the values of events to one, under its name."""
        assert self.expr is not None
        is_every = self.expr.meta.is_literal()  # a constant is folded once, not once an event
        return (pl.len().cast(pl.Int64) if is_every else self.fold(self.expr)).alias(self.name)

    def fold(self, values: pl.Expr) -> pl.Expr:
        """Fold values of it that partial answers gave."""
        return _FOLDS[self.merge](values)

    def explain(self) -> tuple[str, tuple[Reason, ...]]:
        """Tell what is done with a request that is in, and why others are out; of a metric that no counting rule counts."""
        assert self.expr is not None
        if self.is_distinct:
            reasons: tuple[Reason, ...] = (
                ("answered 401, a first try without credentials is no second person", IS_ANONYMOUS_TRY),
                (f"names no {self.singular}", self.expr.is_null()),
            )
            return f"requests from which distinct {self.title} are counted", reasons
        return self.inclusion or _IN[self.merge], self.reasons or (("tells nothing of it", self.expr.is_null()),)
