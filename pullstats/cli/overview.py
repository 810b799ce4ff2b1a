"""The command that answers from a log at once."""

from __future__ import annotations

import shlex
import tempfile
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli.ingest import judge, make_plan, reading_options
from pullstats.cli.options import Command, combine, general_options, share
from pullstats.cli.output import EXIT_EMPTY, terminal_width, warning_printer
from pullstats.cli.progress import progress_bar
from pullstats.cli.questions import ask_whole_history, build_query, question_options
from pullstats.clock import write_time
from pullstats.metrics import Query
from pullstats.percentages import write_share
from pullstats.pipeline.answer import answer, answer_all
from pullstats.pipeline.ingest import ingest as run_ingest
from pullstats.pipeline.plan import IngestSummary
from pullstats.publish.overview import ask_panels, ask_totals, choose_step, find_reach, make_panels, name_step, read_series
from pullstats.render.cells import format_bytes
from pullstats.render.panels import draw_panels, draw_series
from pullstats.render.sanitise import for_terminal
from pullstats.reports import Report

_ROWS: Final = 5


@click.command(cls=Command)
@click.argument("paths", nargs=-1, metavar="[LOG…]")
@click.option("--rows", type=click.IntRange(1, 100), default=_ROWS, show_default=True, help="Rows of a panel.")
@combine(share("How a log is read (pullstats help ingest)", reading_options), question_options, general_options)
def overview(paths: tuple[str, ...], **options: Any) -> int:
    """Show what is in a log on one screen; without LOG, what is in the store.

    \b
    pullstats overview access.log      (pullstats access.log is the same)
    pullstats overview --window 7d     of the store

    A log is read into a store of its own, under a key of its own, which are thrown away.
    """  # noqa: D301 - click reads the character itself
    ask_whole_history(options)
    query = build_query({**options, "metrics": "requests", "output": None, "output_format": None, "meta": False})
    if not paths:
        return _show(options["store"], query, options)
    with tempfile.TemporaryDirectory(prefix="pullstats-overview-") as folder:
        plan = replace(make_plan(paths, options), store=Path(folder) / "store", key_file=Path(folder) / "key")
        with progress_bar(is_wanted=not options["quiet"], use_color=not options["no_color"]) as step:
            summary = run_ingest(plan, step, warning_printer(options))
        if not summary.total("events"):
            click.echo(_tell_reading(summary))
            return judge(summary, None) or EXIT_EMPTY
        code = _show(plan.store, query, options)
        click.echo(f"{_tell_reading(summary)}\n{_tell_next(paths)}")
        return judge(summary, None) or code


def _show(store: Path, query: Query, options: dict[str, Any]) -> int:
    """Print the overview of a store."""
    totals = answer(store, ask_totals(query))
    say = warning_printer(options)
    for warning in totals.meta["warnings"]:
        say(str(warning))
    if totals.is_empty:
        click.echo("no request lies in the window, or none passes the filters")
        return EXIT_EMPTY
    first, last = find_reach(totals)
    every = choose_step(first, last)
    reports = answer_all(store, ask_panels(query, every, rows=options["rows"]))
    width = terminal_width()
    click.echo(_tell_totals(totals, f"{write_time(first, query.tz)} to {write_time(last, query.tz)}", width))
    click.echo(draw_series(*read_series(reports), f"requests over time, {name_step(every)} each", width))
    click.echo(draw_panels(make_panels(reports, options["rows"]), width))
    return 0


def _tell_totals(totals: Report, reach: str, width: int) -> str:
    """Say what there was in all."""
    row = totals.frame.row(0, named=True)
    errors = write_share(row["errors"] / row["requests"])
    asked = f"{row['requests']:,} requests from {row['origins']:,} origins, {format_bytes(row['bytes'] or 0)}, {errors} errors"
    said = f"{asked}; {row['downloads']:,} downloads by {row['downloaders']:,} downloaders; {reach}"
    return "\n".join(textwrap.wrap(said, width, break_long_words=False)) + "\n"


def _tell_reading(summary: IngestSummary) -> str:
    """Say what became of the lines, and in which formats they were."""
    formats = ", ".join(dict.fromkeys(source.format for source in summary.sources if source.format))
    parts = [f"{summary.total('lines'):,} lines: {summary.total('events'):,} requests"]
    parts += [f"{summary.total(name):,} {name}" for name in ("ignored", "rejected") if summary.total(name)]
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in summary.rejects.items())
    return f"{', '.join(parts)}{f' ({reasons})' if reasons else ''}; {formats or 'no log format fits'}"


def _tell_next(paths: Sequence[str]) -> str:
    """Say what to type next."""
    named = for_terminal(shlex.join(paths))
    return (
        f"Nothing was kept. To keep it and ask further:\n  pullstats ingest {named}\n  pullstats report --by package --window 30d\n  pullstats help"
    )
