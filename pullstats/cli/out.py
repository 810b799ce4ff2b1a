"""The commands that write files: stable schemas, replaced in one piece."""

from __future__ import annotations

from typing import Any, Final

import click

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import choose_renderer, emit, output_options, warning_printer
from pullstats.cli.questions import ask_whole_history, build_query, question_options
from pullstats.errors import UsageError
from pullstats.metrics import DAILY_METRICS, Daily
from pullstats.pipeline.answer import answer, export_events, export_rejects
from pullstats.render import write_frames

SETS: Final = ("daily", "events", "rejects")


@click.command(cls=Command)
@click.option("--set", "export_set", type=click.Choice(SETS), default="daily", show_default=True, help="What to write.")
@combine(question_options, output_options, general_options)
def export(**options: Any) -> int:
    """Write files for cron: daily numbers, events, rejected lines.

    The file is replaced in one piece, so whoever reads it never sees half of it.
    """
    ask_whole_history(options)
    if options["export_set"] == "daily":
        query = build_query({**options, "metrics": ",".join(DAILY_METRICS), "limit": 0})
        if options["output"] is None and options["output_format"] is None:
            options["output_format"] = "csv"
        return emit(answer(options["store"], Daily(query)), options)
    _refuse_unused(options)
    name = choose_renderer(options, "csv").name
    if options["export_set"] == "rejects":
        frames = export_rejects(options["store"], warning_printer(options))
    else:
        frames = export_events(options["store"], build_query({**options, "metrics": "requests"}), warning_printer(options))
    write_frames(frames, name, options["output"], formula_guard=options["formula_guard"])
    return 0


def _refuse_unused(options: dict[str, Any]) -> None:
    """Refuse options that a set has no use for, rather than leave them out unsaid."""
    filters = ("where", "classes", "exclude_classes", "exclude_kinds", "exclude_nets")
    unused = ("min_origins", *(filters if options["export_set"] == "rejects" else ()))
    given = [name for name in unused if options[name]]
    if given:
        raise UsageError(
            f"--set {options['export_set']} takes no {', '.join('--' + name.replace('_', '-') for name in given)}; filter the file it writes"
        )
