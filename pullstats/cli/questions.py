"""Options that say what is asked, and the query they make."""

from __future__ import annotations

import re
from typing import Any

import click

from pullstats.cli.options import combine, configured_routes
from pullstats.metrics import DIMENSIONS, UNIQUE_LEVELS, Query, find_unique_metric
from pullstats.metrics.dimensions import LABEL

question_options = combine(
    click.option("--window", "-w", default="30d", show_default=True, help="all, today, 30d, 12h, last-month, 2025-Q2, 2025-04, a..b, …"),
    click.option("--where", help="Filter, e.g. 'package=nginx and status<400'."),
    click.option("--class", "classes", help="Only these classes, with commas."),
    click.option("--exclude-class", "exclude_classes", help="Leave these classes out, with commas."),
    click.option("--exclude-kind", "exclude_kinds", help="Leave these kinds of client out, e.g. mirror,bot."),
    click.option("--exclude-net", "exclude_nets", help="Leave these organisations out, with commas; @ours for your own networks."),
    click.option("--count-as", default="pullstats@1", show_default=True, help="Counting rule."),
    click.option(
        "--pull-window", type=click.FloatRange(0, 900), default=5.0, show_default=True, help="Seconds after which a pull's requests are another's."
    ),
    click.option("--unique-by", default="origin", show_default=True, help=f"What one is: {', '.join(UNIQUE_LEVELS)}."),
    click.option("--tz", default="UTC", show_default=True, help="Time zone whose days count, e.g. Europe/Berlin."),
    click.option("--week-start", type=click.Choice(["monday", "sunday"]), default="monday", show_default=True, help="First day of a week."),
    click.option("--as-of", default="now", show_default=True, help="Count relative windows back from: now, newest, or a date."),
    click.option("--complete", "is_complete", is_flag=True, help="Leave the unfinished day out of Nd."),
    click.option("--min-origins", type=click.IntRange(min=0), default=0, show_default=True, help="Hide rows with fewer endpoints."),
)


def build_query(options: dict[str, Any]) -> Query:
    """Make the query that the options of a command describe."""
    unique = find_unique_metric(options["unique_by"])
    metrics = tuple(unique if name == "origins" and "metrics" not in _given() else name for name in split_names(options["metrics"]))
    return Query(
        metrics=metrics,
        dimensions=_name_labels(split_names(options.get("by", ""))),
        window=options["window"],
        where=options["where"],
        classes=split_names(options["classes"]),
        exclude_classes=split_names(options["exclude_classes"]),
        exclude_kinds=split_names(options["exclude_kinds"]),
        exclude_nets=split_names(options["exclude_nets"]),
        count_as=options["count_as"],
        unique_by=options["unique_by"],
        tz=options["tz"],
        as_of=options["as_of"],
        is_complete=options["is_complete"],
        every=options.get("every"),
        week_start=options["week_start"],
        sort=options.get("sort"),
        limit=options.get("limit", 0),
        has_other=options.get("other", False),
        has_percent=options.get("percent", False),
        min_origins=options["min_origins"],
        pull_window=options["pull_window"],
    )


def _name_labels(names: tuple[str, ...]) -> tuple[str, ...]:
    """Let the columns that one's own routes add be named like any other dimension."""
    routes, _ = configured_routes()
    found = {name for form in routes or () for name in re.findall(r"\{(\w+)\*?\}", form)}
    return tuple(f"{LABEL}{name}" if name in found and name not in DIMENSIONS else name for name in names)


def _given() -> set[str]:
    """Name the options that the user set, in whatever way."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    return {name for name in context.params if context.get_parameter_source(name) != default}


def split_names(text: str | None) -> tuple[str, ...]:
    """Split names at commas."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
