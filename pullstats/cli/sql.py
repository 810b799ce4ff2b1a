"""The command that asks the store in SQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import choose_renderer, emit, output_options, warning_printer
from pullstats.cli.questions import (
    class_rules_option,
    count_as_option,
    memory_option,
    parse_size,
    pull_window_option,
    releases_option,
    same_request_option,
    split_names,
    zone_option,
)
from pullstats.errors import InputError, UsageError
from pullstats.metrics import Query
from pullstats.metrics.behaviour.rules import load_rules
from pullstats.metrics.time.dates import read_releases
from pullstats.pipeline.sql.asking import SHOWN, ask_sql, build_report
from pullstats.render import write_frames
from pullstats.small_files import read_small_text, tell_unreadable

_LONGEST: Final = 1 << 20
"""Bytes that a question may have."""


@click.command(cls=Command)
@click.argument("text", metavar="SELECT")
@combine(
    count_as_option,
    pull_window_option,
    same_request_option,
    class_rules_option,
    releases_option,
    zone_option,
    memory_option,
    output_options,
    general_options,
)
def sql(text: str, **options: Any) -> int:
    """Ask the store in SQL: one SELECT over the tables events, downloads, origins and sources.

    \b
    pullstats sql "SELECT package, count(*) FROM downloads GROUP BY 1 ORDER BY 2 DESC LIMIT 10"
    pullstats sql "DESCRIBE downloads"
    pullstats sql @question.sql --format csv -o answer.csv

    It reads one snapshot of the store and nothing else, and writes nothing. Needs DuckDB: pip install 'pullstats[sql]'. See docs/sql.md.
    """  # noqa: D301 - click reads the character itself
    renderer = choose_renderer(options)
    with ask_sql(options["store"], _read_text(text), _build_query(options)) as rows:
        if renderer.write_batches is None:
            return emit(build_report(rows, 0 if renderer.is_for_programs else SHOWN), options)
        write_frames(rows.frames, renderer.name, options["output"], formula_guard=options["formula_guard"])
        say = warning_printer(options)
        for warning in rows.warnings:
            say(warning)
    return 0


def _read_text(argument: str) -> str:
    """Read what is asked: the text itself, of `@` and a name a file, of `-` standard input.

    Raises:
        UserError: it cannot be read, is too long, or holds bytes that are no UTF-8.
    """
    text = argument
    if argument == "-":
        text = sys.stdin.read(_LONGEST + 1)
    elif argument.startswith("@"):
        try:
            text = read_small_text(Path(argument[1:]), _LONGEST)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the SQL in '{argument[1:]}': {tell_unreadable(error)}") from error
    if len(text) > _LONGEST:
        raise UsageError(f"a question in SQL has {_LONGEST:,} characters at most")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError("the SQL holds bytes that are no UTF-8; save it as UTF-8")
    return text


def _build_query(options: dict[str, Any]) -> Query:
    """Make the question for downloads that the tables answer."""
    return Query(
        metrics=("downloads",),
        window="all",
        class_rules=load_rules(options["class_rules"]) if options["class_rules"] else None,
        count_as=split_names(options["count_as"]),
        tz=options["tz"],
        pull_window=options["pull_window"],
        same_request=options["same_request"],
        releases=read_releases(options["releases"], options["tz"]) if options["releases"] else (),
        memory=parse_size(options["memory"]),
        is_shifting=False,
        is_bare=True,
    )
