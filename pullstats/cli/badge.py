"""The command that makes a number a badge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import click

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import EXIT_EMPTY, choose_form, output_option, warn
from pullstats.cli.questions import build_query, question_options
from pullstats.errors import UsageError
from pullstats.metrics import METRICS, Breakdown
from pullstats.metrics.filtering.writing import join_filters, write_filter
from pullstats.pipeline.answer import answer
from pullstats.render import write_output
from pullstats.render.badge import COLORS, Badge, read_color, render_endpoint, render_svg, write_short
from pullstats.reports import Report

_DRAWN: Final = {"svg": render_svg, "json": render_endpoint}


@click.command(cls=Command)
@click.option("--metric", "metrics", default="downloads", show_default=True, help=f"One of {', '.join(METRICS)}.")
@click.option("--package", help="One package alone, whatever stands in its name.")
@click.option("--label", help="What stands on its left (default: the package, the metric and the window).")
@click.option("--color", default="blue", show_default=True, help=f"{', '.join(COLORS)}, or hexadecimal digits.")
@click.option("--format", "badge_format", type=click.Choice([*_DRAWN]), help="What to write (default: by -o's ending, else json).")
@combine(output_option, question_options, general_options)
def badge(**options: Any) -> int:
    """Make one number a badge: an SVG, or JSON for shields.io's endpoint badge.

    \b
    pullstats badge --metric downloads --window last-month -o badge.svg
    pullstats badge --package nginx -o nginx.json

    Its window is never moved to where the logs end: without logs it says "no data", with exit code 4.
    """  # noqa: D301 - click reads the character itself
    path = options["output"]
    draw = _DRAWN[choose_form(options["badge_format"], path, [*_DRAWN], "json", "badge")]
    color = read_color(options["color"])
    if options["package"] is not None:
        options["where"] = join_filters(options["where"], write_filter("package", [options["package"]]))
    query = build_query({**options, "output": None, "output_format": None})
    if len(query.metrics) != 1 or len(query.count_as) != 1:
        raise UsageError("a badge shows one number; name one metric with --metric, and one rule with --count-as")
    report = answer(options["store"], Breakdown(replace(query, is_shifting=False)))
    warn(report, options)
    write_output(draw(_make_badge(report, options, color)), path)
    return EXIT_EMPTY if report.is_empty else 0


def _make_badge(report: Report, options: dict[str, Any], color: str) -> Badge:
    """Say the one number of a report; what no log tells of, or too few are behind, is said and never shown as 0."""
    column = report.columns[-1]
    window = "" if options["window"] == "all" else f" {options['window']}"
    package = "" if options["package"] is None else f"{options['package']} "
    label = f"{package}{column.title}{window}" if options["label"] is None else options["label"]
    if report.is_empty:
        return Badge(label, "no data", "lightgrey")
    if report.meta["hidden_rows"]:
        return Badge(label, f"fewer than {options['min_origins']} endpoints", "lightgrey")
    return Badge(label, write_short(report.frame[column.name][0], column), color)
