"""Filters that name what no event has: an answer of nothing may be a slip of the pen, and says so."""

from __future__ import annotations

from pullstats.metrics.filtering.selection import name_unseen
from pullstats.metrics.plan import Plan
from pullstats.reports import Report


def warn_of_unseen(report: Report, asked: Plan) -> Report:
    """Add warnings where a filter names values that no event of the window has.

    Args:
        report: the answer, with `excluded` in its meta.
        asked: the plan that it answers.
    """
    if not report.meta["excluded"]["events"] and report.is_empty:
        return report
    return report.with_warnings(*tell_unseen(asked, is_empty=report.is_empty))


def tell_unseen(asked: Plan, *, is_empty: bool) -> list[str]:
    """Say which values no event of the window has.

    Args:
        asked: the plan of a question.
        is_empty: the filters left nothing: then the values that they keep are looked for, too, and else only those that they leave out.

    Returns:
        A sentence a value.
    """
    chosen = asked.selection
    named = [one for one in chosen.excluded if not one[0].values] + [*(chosen.kept if is_empty else ())]
    columns = [column for dimension, _ in named for column in dimension.columns]
    return list(name_unseen(named, asked.inside(columns), asked.query.tz)) if named else []
