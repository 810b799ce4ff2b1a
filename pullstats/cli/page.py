"""The command that writes the page for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import EXIT_EMPTY, warn
from pullstats.cli.questions import build_query, question_options
from pullstats.errors import UsageError
from pullstats.metrics.answers.local_times import put_in_zone
from pullstats.pipeline.answer import answer_all, store_overview
from pullstats.pipeline.logs import report_logs, report_rejects
from pullstats.publish.page.document import NEEDED, ask_page, draw_page, list_optional
from pullstats.publish.page.sections.quality import LOGS, REJECTS
from pullstats.render import write_output


@click.command(cls=Command)
@click.option("--title", default="Who pulls what", show_default=True, help="Heading of the page.")
@click.option("--every", help="Size of a bucket over time: h, d, w, mo, … (default: days, of windows over 400 days weeks, over 1,500 months).")
@click.option(
    "--annotate",
    type=click.Path(path_type=Path),
    help="CSV of date,label (talks, outages) to mark over time; releases: those of --releases.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write, in one piece; - is the screen.")
@combine(question_options, general_options)
def html(title: str, **options: Any) -> int:
    """Write one page for a browser: a single file that needs no network and no server.

    It begins with sentences, and every number on it is one that report, series or another command prints. The file is replaced in one piece.
    """
    path: Path | None = options["output"]
    if path is None:
        raise UsageError("html writes a file: name it with -o page.html; -o - is the screen")
    query = build_query({**options, "metrics": "downloads", "other": True, "output_format": "table"})
    questions = ask_page(query)
    reports = answer_all(options["store"], questions, list_optional(questions))
    reports |= {LOGS: put_in_zone(report_logs(store_overview(options["store"])), query.tz), REJECTS: report_rejects(options["store"])}
    warn(reports[NEEDED], options)
    write_output(draw_page(query, reports, title), None if path == Path("-") else path)
    return EXIT_EMPTY if reports[NEEDED].is_empty else 0
