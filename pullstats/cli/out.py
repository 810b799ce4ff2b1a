"""The commands that write files: stable schemas, replaced in one piece."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import polars as pl

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import EXIT_EMPTY, IS_FOLDER, choose_renderer, emit, output_options, render_options, warn, warning_printer
from pullstats.cli.questions import ask_whole_history, build_query, question_options
from pullstats.errors import UsageError
from pullstats.metrics import DAILY_METRICS, Daily, Query
from pullstats.metrics.increments import REVISION
from pullstats.pipeline.answer import answer, export_events, export_rejects
from pullstats.pipeline.increment import add_increment
from pullstats.render import RENDERERS, write_frames
from pullstats.render.partitions import DAY, write_days
from pullstats.render.sanitise import for_terminal

SETS: Final = ("daily", "events", "rejects")


@click.command(cls=Command)
@click.option("--set", "export_set", type=click.Choice(SETS), default="daily", show_default=True, help="What to write.")
@click.option("--final-only", "is_final_only", is_flag=True, help="Of daily: leave out the days that may still change.")
@click.option(
    "--incremental",
    "is_incremental",
    is_flag=True,
    help="Of daily: add to the file, once, what became final since the last run; what late logs change comes as a row of a higher revision.",
)
@click.option(
    "--state", type=click.Path(path_type=Path), help="Where --incremental keeps what it has told (default: beside the file); for names that change."
)
@combine(question_options, output_options, general_options)
def export(**options: Any) -> int:
    """Write files for cron: daily numbers, events, rejected lines.

    The file is replaced in one piece, so whoever reads it never sees half of it. A folder (-o exports/) gets a Parquet file a day.
    """
    ask_whole_history(options)
    is_folder = _choose_folder(options)
    _refuse_unused(options)
    if options["export_set"] == "daily":
        return _export_daily(options, is_folder=is_folder)
    if is_folder:
        days = (frame.with_columns(pl.col("timestamp").dt.date().alias(DAY)) for frame in _read_frames(options))
        write_days(days, options["output"], "events", is_whole=options["window"] == "all")
        return 0
    write_frames(_read_frames(options), choose_renderer(options, "csv").name, options["output"], formula_guard=options["formula_guard"])
    return 0


def _choose_folder(options: dict[str, Any]) -> bool:
    """Tell whether the output is a folder, which holds Parquet.

    Raises:
        UsageError: another format, or lines that have no day.
    """
    path: Path | None = options["output"]
    if path is None or not (path.is_dir() or click.get_current_context().meta.get(IS_FOLDER)):
        return False
    options["output_format"] = options["output_format"] or "parquet"
    if options["output_format"] != "parquet" or options["is_incremental"]:
        what = "--incremental writes one file" if options["is_incremental"] else f"a folder gets Parquet, not {options['output_format']}"
        raise UsageError(f"{what}; name a file with -o, as in -o {path / options['export_set']}.csv")
    if options["export_set"] == "rejects":
        raise UsageError(f"rejected lines have no day to be parted by; name a file with -o, as in -o {path / 'rejects.parquet'}")
    return True


def _read_frames(options: dict[str, Any]) -> Iterator[pl.DataFrame]:
    """Give what a large export writes, in batches."""
    if options["export_set"] == "rejects":
        return export_rejects(options["store"], warning_printer(options))
    return export_events(options["store"], build_query({**options, "metrics": "requests"}), warning_printer(options))


def _export_daily(options: dict[str, Any], *, is_folder: bool) -> int:
    """Write the daily numbers: all of them, or what is new."""
    if options["output"] is None and options["output_format"] is None:
        options["output_format"] = "csv"
    query = build_query({**options, "metrics": ",".join(DAILY_METRICS), "limit": 0})
    if options["is_incremental"]:
        return _add_increment(query, options)
    report = answer(options["store"], Daily(query, options["is_final_only"]))
    if not is_folder:
        return emit(report, options)
    warn(report, options)
    write_days([report.frame], options["output"], "daily", is_whole=options["window"] == "all")
    return EXIT_EMPTY if report.is_empty else 0


def _add_increment(query: Query, options: dict[str, Any]) -> int:
    """Add what is new to a file that grows, and say how much that is.

    Raises:
        UserError: an output that cannot grow, a store that lacks something, or a file of another question.
    """
    append, path = choose_renderer(options).append, options["output"]
    if append is None or path is None:
        formats = ", ".join(renderer.name for renderer in RENDERERS.values() if renderer.append is not None)
        raise UsageError(f"--incremental adds to a file of {formats}; name one with -o")
    if options["window"] != "all":
        raise UsageError("--incremental tells every day once, and takes no --window; leave it out")
    written = render_options(options, path)
    fresh = add_increment(options["store"], query, path, options["state"], lambda rows, before, stream: append(rows, before, stream, written))
    revised = fresh.filter(pl.col(REVISION) > 1).height
    if not options["quiet"]:
        more = f", {revised:,} of them a new revision of one told before" if revised else ""
        click.echo(for_terminal(f"pullstats: {fresh.height:,} new {'row' if fresh.height == 1 else 'rows'}{more}, in '{path}'"), err=True)
    return 0


def _refuse_unused(options: dict[str, Any]) -> None:
    """Refuse options that a set has no use for, rather than leave them out unsaid."""
    filters = ("where", "classes", "exclude_classes", "exclude_kinds", "exclude_nets")
    unused = ("min_origins", *(filters if options["export_set"] == "rejects" else ()))
    given = [name for name in unused if options[name]]
    if options["export_set"] != "daily" and (options["is_final_only"] or options["is_incremental"]):
        raise UsageError(f"--set {options['export_set']} knows no days that are final; --final-only and --incremental go with --set daily")
    if options["state"] is not None and not options["is_incremental"]:
        raise UsageError("--state goes with --incremental; leave it out, or add that")
    if options["export_set"] != "daily" and given:
        raise UsageError(
            f"--set {options['export_set']} takes no {', '.join('--' + name.replace('_', '-') for name in given)}; filter the file it writes"
        )
