"""What an explanation says of requests, line by line: each request of the window once a part, in or out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import polars as pl

from pullstats.metrics.answers.accounting import COUNTED, account_for
from pullstats.metrics.counting import Reason
from pullstats.metrics.plan import Plan

Line = tuple[str, str, int | None]
"""What it is about, what is said of it, and of how many requests; None where it is of none."""


@dataclass(frozen=True, slots=True)
class Account:
    """How the answer to a question came about.

    Attributes:
        plan: of the question, with the window whose requests are told of.
        lines: what the rows are made of; of each part with numbers these add up to the requests of the window.
    """

    plan: Plan
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """What more is known of requests than they say themselves.

    Attributes:
        table: a row a value of the keys.
        keys: name and value of each, of event columns.
    """

    table: pl.DataFrame
    keys: dict[str, pl.Expr]

    def add_to(self, events: pl.LazyFrame) -> pl.LazyFrame:
        """Give events the columns of the table, `keys` among them.

        Args:
            events: with the columns that the keys are made of.
        """
        return events.with_columns(**self.keys).join(self.table.lazy(), on=list(self.keys), how="left", nulls_equal=True)

    @property
    def read(self) -> set[str]:
        """Name the event columns of the keys."""
        return {name for value in self.keys.values() for name in value.meta.root_names()}


def look_back(asked: Plan) -> Plan:
    """Ask of all requests up to the window's end, whatever its beginning, days and hours.

    Args:
        asked: the plan of a question.
    """
    window = replace(asked.window, start=None, weekdays=None, hours=())
    label = asked.window.label if window == asked.window else f"all up to the end of {asked.window.label}"
    return replace(asked, window=replace(window, label=label))


def sort_requests(asked: Plan, part: str, row: pl.Expr, reasons: Iterable[Reason] = (), known: Known | None = None) -> list[Line]:
    """Tell of every request of the window in which row it is, or the first reason why it is in none: by a filter, or another.

    Args:
        asked: the plan of the question.
        part: what the lines are about.
        row: in words, of event columns, and those of `known`.
        reasons: why requests that the filters leave are in no row, in words and true of these; of the same columns.
        known: what is joined to the events.

    Returns:
        The rows, those with the most requests first, then the reasons in order.
    """
    filters = [(f"left out by {text}", ~step.fill_null(value=False)) for text, step in asked.steps]
    outs = [(f"out: {text}", test) for text, test in (*filters, *reasons)]
    what = pl.coalesce(*(pl.when(test.fill_null(value=False)).then(pl.lit(text)) for text, test in outs), row)
    own = {*what.meta.root_names()} - {*(known.table.columns if known else ())}
    events = asked.inside(own | (known.read if known else set()))
    counted = (known.add_to(events) if known else events).group_by(what.alias("what")).agg(pl.len().cast(pl.Int64))
    told: dict[str, int] = dict(counted.collect(engine="streaming").rows())
    order = [text for text, _ in outs]
    rows = sorted(told.keys() - {*order}, key=lambda text: (-told[text], text))
    return [(part, text, told[text]) for text in (*rows, *dict.fromkeys(order)) if text in told]


def split_counted(asked: Plan, part: str, pieces: Sequence[tuple[str, int]], rest: str) -> list[Line]:
    """Tell of every request of the window in which row its download is, or why it is none, as the counting rule says.

    Args:
        asked: the plan of the question; its first metric are the downloads of a rule.
        part: what the lines are about.
        pieces: each in words, and how many downloads are of it.
        rest: what the downloads are that are of none of them.
    """
    entries = account_for(asked, asked.metrics[0])
    counted = sum(count for text, count, _ in entries if text == COUNTED)
    named = [*pieces, (rest, counted - sum(count for _, count in pieces))]
    outs = [(part, text, count) for text, count, _ in entries if text != COUNTED]
    return [*((part, text, count) for text, count in named if count), *outs]
