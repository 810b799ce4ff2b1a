"""The command about versions: who takes which, and what became of releases."""

from __future__ import annotations

from typing import Any, Final

import click

from pullstats.cli.options import ROWS, Command, combine, general_options
from pullstats.cli.output import choose_renderer, emit, output_options
from pullstats.cli.questions import build_query, question_options
from pullstats.metrics.questions.versions import LINES, Versions
from pullstats.pipeline.answer import answer

_DAYS: Final = click.IntRange(1, 3650)


@click.command(cls=Command)
@click.option("--by", "line", default="release", show_default=True, help=f"What a row is: {', '.join(LINES)} (1.4.2, 1.4, 1).")
@click.option("--active", type=_DAYS, default=30, show_default=True, help="Days before the end in which whoever asked is active.")
@click.option("--instances", "has_instances", is_flag=True, help="Estimate the machines that run each version, too.")
@click.option("--every", help="Follow the shares by h, d, w, mo, q, y; machine formats get a row a bucket and version.")
@click.option("--limit", type=ROWS, help="Rows to show, 0 for all (default: 20, in machine formats all).")
@combine(question_options, output_options, general_options)
def versions(**options: Any) -> int:
    """Tell which versions are taken and asked for, the newest first, and who is still active on each.

    Floating tags and digests count as the release they stood for, where a pull or --releases tells it; what has no place in its ecosystem's order stands apart.
    """
    limit = options["limit"] if options["limit"] is not None else 0 if choose_renderer(options).is_for_programs else 20
    metrics = "downloads,instances" if options["has_instances"] else "downloads"
    query = build_query({**options, "metrics": metrics, "limit": limit})
    return emit(answer(options["store"], Versions(query, options["active"], options["line"])), options)
