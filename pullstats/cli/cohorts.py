"""The command about cohorts: who came for the first time, and who came again."""

from __future__ import annotations

from typing import Any

import click

from pullstats.cli.options import ROWS, Command, combine, general_options
from pullstats.cli.output import choose_limit, emit, output_options
from pullstats.cli.questions import ask_whole_history, build_query, question_options
from pullstats.metrics.questions.cohorts import Cohorts
from pullstats.pipeline.answer import answer


@click.command(cls=Command)
@click.option("--every", default="w", show_default=True, help="Size of a cohort: d, w, mo, q, y, with a number in front if wanted.")
@click.option(
    "--look-back",
    type=click.IntRange(1, 1000),
    default=4,
    show_default=True,
    help="How many whole buckets of logs must lie before a cohort, and behind whoever is gone.",
)
@click.option("--limit", type=ROWS, help="Cohorts to show, the last ones, 0 for all (default: 20, in machine formats all).")
@combine(question_options, output_options, general_options)
def cohorts(**options: Any) -> int:
    """Tell how many of those who came for the first time in a week came again, week by week.

    A cohort are those who were first seen in these logs in a bucket, after buckets in which they could have been seen. Looks at the whole history if no --window is
    given.
    """
    return emit(answer(options["store"], ask_cohorts(options)), options)


def ask_cohorts(options: dict[str, Any]) -> Cohorts:
    """Make the question that the options of `cohorts` ask."""
    ask_whole_history(options)
    return Cohorts(build_query({**options, "metrics": "requests", "limit": choose_limit(options)}), options["look_back"])
