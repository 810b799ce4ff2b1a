"""The command that writes a letter about a month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import EXIT_EMPTY, choose_form, output_option
from pullstats.cli.questions import build_query, name_given, question_options
from pullstats.pipeline.answer import answer_all
from pullstats.render import write_output

_NAMES: Final = ("md", "html", "txt", "json")
_OWN: Final = frozenset({"window", "where"})


@click.command(cls=Command)
@click.option("--title", help="Its title (default: the window).")
@click.option("--format", "letter_format", type=click.Choice(_NAMES), help="What to write (default: by -o's ending, else md).")
@combine(output_option, question_options, general_options)
def digest(**options: Any) -> int:
    """Write a letter about a month: what was taken, what changed, versions, new and lost organisations, and what to keep in mind.

    \b
    pullstats digest -o letter.md
    pullstats digest --window 2026-10 --format txt | mail -s "Downloads" team@example.org

    The window is the last month if none is set, and is never moved to where the logs end. Under each part stands the command that prints its numbers.
    """  # noqa: D301 - click reads the character itself
    from pullstats.publish.letter.formats import FORMATS  # noqa: PLC0415 - other commands need none of it
    from pullstats.publish.letter.questions import REFUSABLE, ask_letter, write_commands  # noqa: PLC0415
    from pullstats.publish.letter.sections import write_letter  # noqa: PLC0415

    path = options["output"]
    render = FORMATS[choose_form(options["letter_format"], path, _NAMES, _NAMES[0], "format of a letter")]
    if "window" not in name_given():
        options["window"] = "last-month"
    query = build_query({**options, "output": None, "output_format": "md", "meta": False, "metrics": "downloads"})
    query = replace(query, is_shifting=False)
    reports = answer_all(options["store"], ask_letter(query), REFUSABLE)
    letter = write_letter(reports, write_commands(reports, list(_list_flags()), query), options["title"])
    write_output(render(letter), path)
    return EXIT_EMPTY if letter.is_empty else 0


def _list_flags() -> Iterator[str]:
    """Write the options of the question that the user set, as a command takes them; of files the names alone, for a letter goes out."""
    context = click.get_current_context()
    known = {parameter.name for parameter in _QUESTION.params}
    for parameter in context.command.params:
        name = str(parameter.name)
        value = context.params.get(name)
        if name not in known - _OWN or value is None or context.get_parameter_source(name) is ParameterSource.DEFAULT:
            continue
        flag = max(parameter.opts, key=len)
        yield from ((flag,) if value else ()) if isinstance(value, bool) else (flag, value.name if isinstance(value, Path) else str(value))


@click.command
@question_options
def _QUESTION() -> None:  # noqa: N802 - it only holds the options
    """Hold the options of a question."""
