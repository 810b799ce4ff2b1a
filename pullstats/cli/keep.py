"""The commands that look after the store."""

from __future__ import annotations

import json
from typing import Any, Final

import click

from pullstats.cli.options import Command, combine, general_options, lock_option
from pullstats.cli.output import emit, output_options, warning_printer
from pullstats.pipeline.answer import store_overview
from pullstats.pipeline.compact import compact as run_compact
from pullstats.pipeline.logs import report_logs
from pullstats.pipeline.verify import VerifyOutcome
from pullstats.pipeline.verify import verify as run_verify
from pullstats.render.cells import format_bytes
from pullstats.render.sanitise import for_terminal

EXIT_DAMAGED: Final = 2


@click.command(cls=Command)
@combine(output_options, general_options)
def status(**options: Any) -> int:
    """Show what is in the store, and how fresh it is: one row per log."""
    return emit(report_logs(store_overview(options["store"])), options)


@click.command(cls=Command)
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the answer.")
@lock_option
@general_options
def compact(**options: Any) -> int:
    """Merge the files of many short runs into few large ones; every ingest does so once they slow reports down.

    No number changes. The old files are swept an hour later by the next ingest, for readers that began before.
    """
    say = warning_printer(options)
    summary = run_compact(options["store"], say, options["lock_timeout"])
    for warning in summary.warnings:
        say(warning)
    if options["output_format"] == "json":
        click.echo(json.dumps(summary.to_json()))
    else:
        done = f"{summary.merged:,} small files merged" if summary.merged else "nothing to merge"
        files = f"{summary.files:,} {'file' if summary.files == 1 else 'files'}"
        click.echo(f"{done}; {summary.events:,} events in {files} ({format_bytes(summary.bytes)})")
    return 0


@click.command(cls=Command)
@click.option("--repair", is_flag=True, help="Set aside what is damaged (nothing is deleted); the next ingest reads the lost lines again.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True, help="Form of the answer.")
@lock_option
@general_options
def verify(**options: Any) -> int:
    """Check every file of the store against its transaction log: presence, size, checksum, and whether the counts agree.

    Exits with 2 if anything is damaged.
    """
    verdict = run_verify(options["store"], is_repair=options["repair"], lock_timeout=options["lock_timeout"])
    if options["output_format"] == "json":
        click.echo(json.dumps(verdict.to_json()))
    else:
        _say_verdict(verdict, is_verbose=options["verbose"])
    if verdict.left.is_clean:
        return 0
    count = len(verdict.left.problems)
    hint = "restore a backup" if options["repair"] else "pullstats verify --repair sets it aside"
    click.echo(f"pullstats: the store is damaged in {count:,} place{'s' if count > 1 else ''}; {hint}", err=True)
    return EXIT_DAMAGED


def _say_verdict(verdict: VerifyOutcome, *, is_verbose: bool) -> None:
    found, left = verdict.found, verdict.left
    for problem in found.problems:
        click.echo(for_terminal(problem))
    if verdict.repair is not None:
        place = "file was" if len(verdict.repair.moved) == 1 else "files were"
        click.echo(f"{len(verdict.repair.moved):,} {place} set aside in damaged/")
        for remark in verdict.repair.remarks:
            click.echo(for_terminal(remark))
    for gap in left.gaps:
        click.echo(for_terminal(gap))
    if left.is_clean:
        summed = f"{left.files - left.unsummed:,} of {left.files:,}" if left.unsummed else f"{left.files:,}"
        speed = f" in {left.seconds:.1f} s" if is_verbose else ""
        click.echo(f"all is well: {summed} files ({format_bytes(left.bytes)}) are as they were written{speed}")
    for remark in left.remarks:
        click.echo(for_terminal(remark))
