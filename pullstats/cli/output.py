"""Print an answer, or write it to a file, in the format asked for."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli.options import share
from pullstats.errors import UsageError
from pullstats.render import RENDERERS, Renderer, RenderOptions, format_of_path, write_output
from pullstats.render.sanitise import for_terminal
from pullstats.reports import MOVED, Report

EXIT_EMPTY: Final = 4
PIPED_WIDTH: Final = 100
_NARROWEST: Final = 20
_WIDEST: Final = 1_000

IS_FOLDER: Final = "pullstats.is_folder"
"""Where a context keeps that the output was named as a folder, with a slash behind it."""


def _read_output(context: click.Context, _: click.Parameter, text: str | None) -> Path | None:
    """Read where an answer goes; None is the screen."""
    if text is None or text == "-":
        return None
    context.meta[IS_FOLDER] = text.endswith(os.sep)
    return Path(text)


output_option = click.option(
    "-o",
    "--output",
    type=click.Path(),
    callback=_read_output,
    help="Write to this file instead of the screen, in one piece; - is the screen.",
)
output_options = share(
    "How it is written",
    click.option("--format", "output_format", type=click.Choice(list(RENDERERS)), help="Output format (default: table, or by -o's ending)."),
    output_option,
    click.option("--meta", is_flag=True, help="Wrap JSON as {rows, meta}."),
    click.option("--formula-guard/--no-formula-guard", default=True, show_default=True, help="Guard CSV cells that a spreadsheet would run."),
)

_WITH_TOTALS: Final = [renderer.name for renderer in RENDERERS.values() if renderer.has_total_row]
total_option = click.option(
    "--total", is_flag=True, help=f"Add a row with the totals ({', '.join(_WITH_TOTALS)}); uniques are counted anew. JSON: --meta."
)


def choose_renderer(options: dict[str, Any], usual: str = "table") -> Renderer:
    """Choose the format that an answer will be written in: the one asked for, else by the ending of the file, else the usual one."""
    path: Path | None = options["output"]
    return RENDERERS[options["output_format"] or (format_of_path(path) if path else usual)]


def choose_form(name: str | None, path: Path | None, forms: Sequence[str], usual: str, noun: str) -> str:
    """Choose how a document is written: as it was asked for, else by the ending of the file, else as usual.

    Args:
        name: the form that was asked for, one of `forms`, or None.
        path: the file, None for the screen.
        forms: each is an ending without its dot, too.
        usual: the form of the screen.
        noun: what an ending should name.

    Raises:
        UsageError: the file's ending names none.
    """
    if name is not None or path is None:
        return name or usual
    if (ending := path.suffix.lower().removeprefix(".")) not in forms:
        endings = (" or " if len(forms) == 2 else ", ").join(f".{form}" for form in forms)
        raise UsageError(f"the ending of '{path}' names no {noun}; use {endings}, or --format")
    return ending


def choose_limit(options: dict[str, Any]) -> int:
    """Show people a page, and programs everything."""
    if options["limit"] is not None:
        return int(options["limit"])
    return 0 if choose_renderer(options).is_for_programs else 20


def has_words(options: dict[str, Any]) -> bool:
    """Tell whether the format tells more than the rows."""
    words = choose_renderer(options).words
    return words == "always" or (words == "meta" and bool(options["meta"]))


def refuse_total(options: dict[str, Any]) -> None:
    """Refuse a row of totals where a program reads rows.

    Raises:
        UsageError: the format has no room for it.
    """
    renderer = choose_renderer(options)
    if options.get("total") and not renderer.has_total_row:
        room = f"{', '.join(_WITH_TOTALS[:-1])} or {_WITH_TOTALS[-1]}"
        raise UsageError(
            f"--total adds a row to a {room}, and in {renderer.name} it would count like any other; JSON has it with --meta, as meta.totals"
        )


def emit(report: Report, options: dict[str, Any]) -> int:
    """Render a report where the user wants it.

    Returns:
        The exit code: 4 if no event lay in the window.
    """
    path: Path | None = options["output"]
    renderer = choose_renderer(options)
    report = _put_move_first(report)
    if not renderer.shows_warnings:
        warn(report, options)
    if renderer.is_for_programs and report.flat is not None:
        report = replace(report, frame=report.flat[0], columns=report.flat[1])
    write_output(renderer.render(report, render_options(options, path)), path)
    return EXIT_EMPTY if report.is_empty else 0


def _put_move_first(report: Report) -> Report:
    """Let a report whose window was counted back from the newest event begin with saying so."""
    warnings = [str(warning) for warning in report.meta.get("warnings", ())]
    moved = [text for text in warnings if text.endswith(MOVED)]
    if not moved:
        return report
    rest = [text for text in warnings if text not in moved]
    return replace(report, title="; ".join(moved), meta=report.meta | {"warnings": [*dict.fromkeys(moved), *rest]})


def warn(report: Report, options: dict[str, Any]) -> None:
    """Say on stderr what a machine format has no room for."""
    say = warning_printer(options)
    for warning in report.meta.get("warnings", ()):
        say(str(warning))


def warning_printer(options: dict[str, Any]) -> Callable[[str], None]:
    """Give what says a warning on stderr, or nothing where the user wants none."""

    def say(text: str) -> None:
        if not options["quiet"]:
            click.echo(f"pullstats: {for_terminal(text)}", err=True)

    return say


def terminal_width() -> int:
    """Give the width that `COLUMNS` or the terminal says, within reason."""
    return min(max(shutil.get_terminal_size((PIPED_WIDTH, 24)).columns, _NARROWEST), _WIDEST)


def render_options(options: dict[str, Any], path: Path | None) -> RenderOptions:
    """Work out width and colour from the terminal, if there is one."""
    is_screen = path is None and sys.stdout.isatty()
    width = terminal_width() if is_screen or os.environ.get("COLUMNS") else PIPED_WIDTH
    use_color = is_screen and not options["no_color"] and not os.environ.get("NO_COLOR")
    return RenderOptions(meta=options["meta"], color=use_color, width=width, formula_guard=options["formula_guard"])
