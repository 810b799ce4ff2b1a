"""Of every request whose network it came from: an owner that is listed, or why it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from pullstats.metrics.accounting.lines import Known, Line, sort_requests
from pullstats.metrics.organisations.naming import CLOUD, ISP, NETWORKS, ORG, OWN, UNKNOWN, org_groups
from pullstats.metrics.plan import Plan

STATE: Final = "state"
_CALLED: Final = {
    OWN: "an owner with networks of its own",
    UNKNOWN: "an owner of an unknown kind of network",
    CLOUD: "a cloud or hoster",
    ISP: "an Internet provider",
}


def account_for_owners(asked: Plan, networks: Sequence[str], state: str | None, people: pl.DataFrame | None) -> tuple[Line, ...]:
    """Tell of every request of the window from which kind of network it came, and whether its owner is listed.

    Args:
        asked: the plan of the question; where those who are gone are asked for, of the span that they were there in.
        networks: only these kinds are listed; all if empty.
        state: only owners in this state are; None for all.
        people: `org` and `state` of each; None where all are listed.
    """
    if asked.query.min_origins:
        return ((NETWORKS, f"--min-origins {asked.query.min_origins}: how many requests each kind of network has is not told here", None),)
    groups = org_groups()
    is_named = groups[ORG].is_not_null()
    kind = groups[NETWORKS].replace_strict(_CALLED, return_dtype=pl.String)
    row = pl.format("in: of {}", pl.when(is_named).then(kind).otherwise(pl.lit("an address whose owner is not known")))
    reasons = [(f"left out by --networks {','.join(networks)}", ~groups[NETWORKS].is_in(list(networks)))] if networks else []
    if people is None:
        return tuple(sort_requests(asked, NETWORKS, row, reasons))
    left = (f"left out by --state {state}", pl.col(STATE).ne_missing(state))
    return tuple(sort_requests(asked, NETWORKS, row, [*reasons, left], Known(people, {ORG: groups[ORG]})))
