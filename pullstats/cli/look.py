"""The commands that look: breakdowns, series, comparisons."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pullstats.cli import suggestions
from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import emit, output_options, total_option
from pullstats.cli.questions import build_query, limit_option, metric_option, other_option, question_options
from pullstats.metrics import Breakdown
from pullstats.metrics.definitions import DEFAULT_METRICS
from pullstats.pipeline.answer import answer


@click.command(cls=Command)
@click.option(
    "--by",
    shell_complete=suggestions.dimensions,
    default="package",
    show_default=True,
    help="One to three dimensions, e.g. client,arch. See docs/metrics.md.",
)
@metric_option(",".join(DEFAULT_METRICS))
@click.option(
    "--sort",
    help="Metric or dimension to sort by; - in front reverses (default: the first metric, largest first).",
)
@limit_option()
@other_option
@click.option("--percent", is_flag=True, help="Add the share of each additive metric.")
@total_option
@combine(question_options, output_options, general_options)
def report(**options: Any) -> int:
    """Break any metric down by one to three dimensions."""
    return emit(answer(options["store"], Breakdown(build_query(options))), options)


@click.command(cls=Command)
@click.option(
    "--every", default="d", show_default=True, help="Size of a bucket: 5m, h, d, w, mo, q, y, or 15m, 6h, 2w; minutes and hours divide a day."
)
@click.option("--rolling", help="Let each bucket look back over this span: 7d, 4w; uniques are the union over it.")
@click.option(
    "--annotate",
    type=click.Path(path_type=Path),
    help="CSV of date,label (talks, outages) to show beside the buckets; releases: those of --releases, else when versions were first seen.",
)
@click.option(
    "--by", shell_complete=suggestions.dimensions, default="", help="A dimension: one row per value with a sparkline, instead of one per bucket."
)
@metric_option(",".join(DEFAULT_METRICS))
@limit_option(" with --by")
@other_option
@total_option
@combine(question_options, output_options, general_options)
def series(**options: Any) -> int:
    """Show metrics over time, in buckets."""
    return emit(answer(options["store"], Breakdown(build_query(options))), options)


@click.command(cls=Command)
@click.option(
    "--by", shell_complete=suggestions.dimensions, default="package,platform", show_default=True, help="One to three dimensions, e.g. package,arch."
)
@click.option("--sort", default="missing", show_default=True, help="Metric or dimension to sort by; - in front reverses.")
@limit_option()
@other_option
@combine(question_options, output_options, general_options)
def demand(**options: Any) -> int:
    """Show which platforms are asked for (attempts), answered (downloads), and missing (404)."""
    query = build_query({**options, "metrics": "attempts,downloads,missing,origins"})
    return emit(answer(options["store"], Breakdown(query)), options)


@click.command(cls=Command)
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@click.option(
    "--by", shell_complete=suggestions.dimensions, default="", help="One to three dimensions: where the difference comes from, the largest first."
)
@metric_option("downloads,origins,requests")
@click.option("--like-for-like", "is_like_for_like", is_flag=True, help="Cut both windows to the same weekdays and the same elapsed part.")
@limit_option(" with --by")
@combine(question_options, output_options, general_options)
def compare(left: str, right: str, **options: Any) -> int:
    """Compare two windows (last-month this-month), or two filters, versions, hosts or backends within one --window.

    Two windows are A and B themselves; --window is for filters.

    Says of each difference whether it is beyond the noise of past periods of the same kind (a test at the 5 % level), and what it could not have seen.
    """
    from pullstats.metrics.questions.compare import Comparison  # noqa: PLC0415 - other questions need none of its statistics

    return emit(answer(options["store"], Comparison(build_query(options), left, right, options["is_like_for_like"])), options)
