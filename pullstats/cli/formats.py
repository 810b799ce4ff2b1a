"""The commands that tell what a log is written in."""

from __future__ import annotations

import json
from typing import Any, Final

import click
import polars as pl

from pullstats.cli.options import ROWS, Command, chosen_maps, combine, map_option
from pullstats.cli.output import PIPED_WIDTH, render_options
from pullstats.formats import FORMATS, REASONS, RECOMMENDED, FormatChoice, LogFormat, choose_formats
from pullstats.percentages import write_share
from pullstats.pipeline.check import Failure, LogCheck, check_logs
from pullstats.render import render
from pullstats.render.sanitise import for_terminal
from pullstats.reports import Column, Report
from pullstats.sources import WRAPPERS

_SHOWN: Final = 10
_LEAD: Final = 60
"""Characters shown in front of a caret."""
_CHECK_COLUMNS: Final = (
    Column("file", "log", "text"),
    Column("format", "format", "text"),
    Column("wrapper", "wrapped in", "text"),
    Column("confidence", "sure", "share"),
    Column("lines", "lines", "count", additive=True),
    Column("failed", "failed", "count", additive=True),
    Column("reasons", "why", "text"),
)
_LIST_COLUMNS: Final = (Column("name", "name", "text"), Column("kind", "kind", "text"), Column("help", "written by", "text"))

form_option = click.option(
    "--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True, help="For people or for scripts."
)
reading_options = combine(
    click.option("--lines", type=ROWS, default=10_000, show_default=True, help="Lines to read of each log, 0 for all."),
    click.option("--input-format", default="auto", show_default=True, help="Only this log format."),
    click.option("--log-format", help="Only the server's own format string, or @nginx.conf[:name], @apache2.conf[:name], @haproxy.cfg[:name]."),
    map_option,
    click.option("--debug", is_flag=True, help="Show a traceback where something fails."),
)


@click.group(invoke_without_command=True)
@click.pass_context
def formats(context: click.Context) -> None:
    """Tell which format a log is in, how sure, and which lines fail; list what can be read."""
    if context.invoked_subcommand is None:
        context.invoke(list_formats)


@formats.command("list", cls=Command)
@form_option
def list_formats(output_format: str = "table") -> int:
    """List the log formats and wrappers that are known, and the nginx log_format we recommend."""
    rows = [{"name": item.name, "kind": "format", "help": item.help, "doc_url": item.doc_url, "sample": item.sample} for item in FORMATS.values()]
    rows += [{"name": item.name, "kind": "wrapper", "help": item.help, "doc_url": item.doc_url, "sample": item.sample} for item in WRAPPERS.values()]
    if output_format == "json":
        click.echo(json.dumps(rows))
        return 0
    frame = pl.DataFrame(rows).select(column.name for column in _LIST_COLUMNS)
    click.echo(_draw(Report(frame, _LIST_COLUMNS)), nl=False)
    click.echo("\nFor nginx we recommend this, in the http block ('pullstats formats recommend' prints it alone):\n")
    click.echo(RECOMMENDED)
    return 0


@formats.command(cls=Command)
def recommend() -> int:
    """Print the nginx log_format we recommend, ready to paste."""
    click.echo(RECOMMENDED)
    return 0


@formats.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="FILE…")
@form_option
@reading_options
def detect(paths: tuple[str, ...], **options: Any) -> int:
    """Tell the format of logs, what they are wrapped in, how sure, and how many lines fail."""
    checks, notes = check_logs(paths, _candidates(options), options["lines"])
    if options["output_format"] == "json":
        click.echo(json.dumps([check.to_json() for check in checks]))
        return 0
    rows = [{**check.to_json(), "wrapper": check.wrapper or "", "format": check.format or "none", "reasons": _say_reasons(check)} for check in checks]
    frame = pl.DataFrame(rows, schema=dict.fromkeys((column.name for column in _CHECK_COLUMNS), None), strict=False)
    frame = frame.cast({"file": pl.String, "format": pl.String, "wrapper": pl.String, "confidence": pl.Float64, "reasons": pl.String})
    click.echo(_draw(Report(frame, _CHECK_COLUMNS, meta={"warnings": notes})), nl=False)
    if any(check.format is None for check in checks):
        click.echo("\nWhere no format fits, 'pullstats formats test FILE' shows why; --log-format takes the server's own.", err=True)
    return 0


@formats.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="FILE…")
@form_option
@click.option("--show", type=ROWS, default=_SHOWN, show_default=True, help="Failing lines to show of each log.")
@reading_options
def test(paths: tuple[str, ...], **options: Any) -> int:
    """Show the lines of logs that no format reads, and where each departs from the nearest one."""
    checks, notes = check_logs(paths, _candidates(options), options["lines"], options["show"])
    if options["output_format"] == "json":
        click.echo(json.dumps([{**check.to_json(), "failures": [_failure_json(failure) for failure in check.failures]} for check in checks]))
        return 0
    for check in checks:
        click.echo(_say_check(check))
        for failure in check.failures:
            click.echo(_say_failure(failure))
        if check.failed > len(check.failures):
            click.echo(f"\n  and {check.failed - len(check.failures):,} more; --show {check.failed} prints all")
    for note in notes:
        click.echo(f"pullstats: {for_terminal(note)}", err=True)
    return 0


def _candidates(options: dict[str, Any]) -> tuple[LogFormat, ...]:
    return choose_formats(FormatChoice(options["input_format"], options["log_format"], *chosen_maps(options)))


def _draw(report: Report) -> str:
    return str(render(report, "table", render_options({"meta": False, "no_color": False, "formula_guard": True}, None)))


def _say_reasons(check: LogCheck) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in check.reasons.most_common())


def _say_check(check: LogCheck) -> str:
    name = for_terminal(check.file)
    wrapped = f" in {check.wrapper}" if check.wrapper else ""
    found = f"{check.format}{wrapped}, {write_share(check.confidence)} of the lines looked at" if check.format else "no known log format fits"
    return f"{name}: {found}; {check.lines:,} lines read, {check.ignored:,} ignored, {check.failed:,} failed"


def _say_failure(failure: Failure) -> str:
    """Write a failing line with a caret under the first column that does not fit."""
    mismatch = failure.mismatch
    start = max(mismatch.column - _LEAD, 0)
    lead = for_terminal(failure.text[start : mismatch.column])
    rest = for_terminal(failure.text[mismatch.column : mismatch.column + PIPED_WIDTH])
    shown = f"{'…' if start else ''}{lead}{rest}"[: PIPED_WIDTH - 4]
    caret = " " * (len(lead) + bool(start)) + "^"
    why = REASONS.get(failure.reason, failure.reason)
    return f"\n  line {failure.line:,}: {why}\n    {shown}\n    {caret} {mismatch.format_name} expects {for_terminal(mismatch.expected)} here"


def _failure_json(failure: Failure) -> dict[str, Any]:
    mismatch = failure.mismatch
    return {
        "line": failure.line,
        "reason": failure.reason,
        "text": failure.text,
        "format": mismatch.format_name,
        "column": mismatch.column + 1,
        "expected": mismatch.expected,
    }
