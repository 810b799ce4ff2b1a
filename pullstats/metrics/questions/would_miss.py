"""Who would notice if a version, tag or platform were gone: who asked for it in the last days, why, for whom, and how many machines run it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.accounting.lines import Account, sort_requests
from pullstats.metrics.aggregation import compute_partials
from pullstats.metrics.answers.others import keep_first
from pullstats.metrics.answers.report_parts import build_report, metric_columns
from pullstats.metrics.definitions import METRICS as METRICS_BY_NAME
from pullstats.metrics.dimensions import CLASS, DIMENSIONS, RELEASE
from pullstats.metrics.filtering.selection import Selection
from pullstats.metrics.folding import fold
from pullstats.metrics.plan import Plan
from pullstats.metrics.query import Query
from pullstats.metrics.statuses import IS_ANSWERED
from pullstats.metrics.store_events import StoreEvents
from pullstats.metrics.synonyms import name_dimension
from pullstats.metrics.time.gaps import describe_gaps
from pullstats.metrics.versions.asks import PACKAGE
from pullstats.metrics.versions.plans import find_last, gaps_of, resolve_versions
from pullstats.metrics.versions.values import find_followed, is_shown
from pullstats.reports import Column, Report

METRICS: Final = ("origins", "instances", "requests", "downloads", "last-seen")
_ORG: Final = "org"
_KEYS: Final = (PACKAGE, CLASS, _ORG)
_ASKED: Final = ("package_name", "http_response_status_code")
_COUNT: Final = "count"
_NAMED: Final = 3
_ONLY_FOR_MACHINES: Final = frozenset({"instances_low", "instances_high", "requests"})


@dataclass(frozen=True, slots=True)
class WouldMiss:
    """Who asked for a version or tag in the last days.

    Attributes:
        query: what is asked; its metrics are `METRICS`.
        version: a release, or a version, tag or digest as it is asked for; `name@1.4` of one package; or a value of `of`.
        active: how many days before the end count.
        of: name of the dimension that it is a value of; None for versions.
    """

    query: Query
    version: str
    active: int = 30
    of: str | None = None

    def call(self, asks: str, comes: str) -> str:
        """Say in words that somebody `asks` for the version, or `comes` with the value."""
        return f"{asks} for {self.version}" if self.of is None else f"{comes} with {name_dimension(self.of)} {self.version}"

    def answer(self, events: StoreEvents) -> Report:
        """List them by package, class and network owner.

        Raises:
            UsageError: as `Versions.answer`; a version that names nothing.
        """
        return _list(self._resolve(events), self)

    def account(self, events: StoreEvents) -> Account:
        """Tell of every request of the last days whether somebody asked for the version.

        Raises:
            UsageError: as `answer`.
        """
        asked = self._resolve(events)
        return Account(asked, tuple(sort_requests(asked, "would miss", pl.lit(f"in: {self.call('asks', 'comes')}, and was answered"))))

    def _resolve(self, events: StoreEvents) -> Plan:
        """Make the plan of the last days' requests for the version."""
        if not self.version.strip("@ "):
            what = "value" if self.of else "version"
            raise UsageError(f"--would-miss names no {what}; write {'arm/v6, or python 3.8' if self.of else '1.4.0, latest or name@1.4.0'}")
        asked = resolve_versions(self.query, events)
        last = find_last(asked)
        since = last - timedelta(days=self.active) if last else None
        start = max(filter(None, (asked.window.start, since)), default=None)
        return replace(asked, window=replace(asked.window, start=start), selection=_choose(asked, self))


def _choose(asked: Plan, question: WouldMiss) -> Selection:
    """Keep the answered requests for a version, or with a value, besides what is kept anyway."""
    if question.of is None:
        hit, words = _asks_for(question.version), f"--would-miss {question.version}"
    else:
        hit, words = is_shown(find_followed(question.of), asked.query.tz, question.version), f"--of {question.of} --would-miss {question.version}"
        hit &= pl.col("package_name").is_not_null()
    step = (words, (hit & IS_ANSWERED).fill_null(value=False))
    read = (*asked.selection.columns, *_ASKED, *hit.meta.root_names())
    return replace(asked.selection, steps=(*asked.selection.steps, step), columns=tuple(dict.fromkeys(read)))


def _asks_for(version: str) -> pl.Expr:
    """Tell a request for a version, tag or digest, by its own name or by what that stood for."""
    names = [pl.col("package_version"), pl.col(RELEASE), pl.col("package_version_normalized")]
    package, _, rest = version.rpartition("@")
    hit = pl.any_horizontal(_is_named(name, version) for name in names)
    if package and rest:
        hit |= pl.any_horizontal(_is_named(name, rest) for name in names) & (pl.col("package_name") == package)
    return hit


def _is_named(name: pl.Expr, version: str) -> pl.Expr:
    bare = version.removeprefix("v")
    return name.is_in([version, bare, f"v{bare}"]).fill_null(value=False)


def _list(asked: Plan, question: WouldMiss) -> Report:
    org = DIMENSIONS[_ORG]
    groups = {PACKAGE: pl.col("package_name"), CLASS: pl.col(CLASS), _ORG: org.expr(asked.query.tz)}
    partials = compute_partials(asked, groups, ["package_name", CLASS, *org.columns])
    rows, total = fold(partials, asked.metrics, _KEYS), fold(partials, asked.metrics, ())
    rows = rows.filter(pl.col("requests") > 0)
    rows = rows.sort(asked.level.key, "requests", *_KEYS, descending=[True, True, False, False, False], nulls_last=True)
    shown = keep_first(rows, asked.query.limit)
    columns = (
        Column(PACKAGE, PACKAGE, "dimension"),
        Column(CLASS, CLASS, "dimension"),
        Column(_ORG, "network owner", "dimension"),
        *metric_columns(asked.metrics),
    )
    full = shown.select(column.name for column in columns)
    hidden = _ONLY_FOR_MACHINES | ({PACKAGE} if rows[PACKAGE].n_unique() == 1 else set())
    seen = tuple(column for column in columns if column.name not in hidden)
    notes = [*_tell_cut(asked, question), *describe_gaps(gaps_of(asked), asked.query.tz)]
    report = build_report(asked, partials, full.select(column.name for column in seen), seen, total, warnings=notes)
    classes = fold(partials, (asked.level,), (CLASS,)).filter(pl.col(asked.level.key) > 0)
    headline = _describe(rows, classes.rename({asked.level.key: _COUNT}), total, asked, question)
    return replace(report, headline=headline, flat=(full, columns), is_empty=not partials.read)


def _tell_cut(asked: Plan, question: WouldMiss) -> list[str]:
    """Say where the logs hold less than the days asked for."""
    first, start = asked.extent.first, asked.window.start
    if first is None or start is None or first <= start:
        return []
    return [f"these logs hold less than {question.active} days before the end: who asked before they begin is not known"]


def _describe(rows: pl.DataFrame, classes: pl.DataFrame, total: pl.DataFrame, asked: Plan, question: WouldMiss) -> str:
    """Say who would notice, or that nobody asked."""
    days = f"in the last {question.active} {'day' if question.active == 1 else 'days'}"
    if not rows.height:
        return f"nobody {question.call('asked', 'came')} {days} and was answered"
    ordered = classes.with_columns(pl.col(CLASS).fill_null("unknown")).sort(_COUNT, CLASS, descending=[True, False])
    told = ", ".join(f"{count:,} {name}" for name, count in ordered.select(CLASS, _COUNT).head(_NAMED).rows())
    more = f" and {ordered.height - _NAMED} more" if ordered.height > _NAMED else ""
    orgs = rows[_ORG].drop_nulls().n_unique()
    of = f" of {orgs:,} network {'owner' if orgs == 1 else 'owners'}" if orgs else ""
    values = total.row(0, named=True)
    running = ""
    if values["instances"]:
        machines = METRICS_BY_NAME["instances"].name_count(values["instances"])
        running = f"; about {machines} ({values['instances_low']:,} to {values['instances_high']:,})"
    taken = next(metric for metric in asked.metrics if metric.rule)
    who = asked.level.name_count(values[asked.level.key])
    by_class = f" ({told}{more})" if told else ""
    return f"{who}{of} {question.call('asked', 'came')} {days}{by_class}{running}; {taken.name_count(values[taken.key])}"
