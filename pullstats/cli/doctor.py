"""The command that looks for what pullstats does not understand yet, and for what its numbers are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pullstats.cli.options import ROWS, Command, CommandGroup, combine, general_options, refuse_before_name
from pullstats.cli.output import choose_limit, emit, output_options
from pullstats.cli.questions import build_query, other_option, question_options
from pullstats.cli.rule_options import rule_sources, rules_option
from pullstats.metrics.offences.rules import load_offences
from pullstats.metrics.questions.inflation import Inflation
from pullstats.pipeline.answer import answer
from pullstats.pipeline.doctor import examine


@click.group(cls=CommandGroup, invoke_without_command=True)
@click.option("--limit", type=ROWS, default=20, show_default=True, help="Rows of each list, 0 for all.")
@click.option("--fix-hints", is_flag=True, help="Print rules ready to be completed and pasted instead of the lists.")
@combine(rules_option, output_options, general_options)
@click.pass_context
def doctor(context: click.Context, /, **options: Any) -> int:
    """List unknown agents and paths, most frequent first; say what in the store is out of date, and which logs hold the same requests."""
    if context.invoked_subcommand is not None:
        refuse_before_name(context, options)
        return 0
    found = examine(options["store"], limit=options["limit"], rules=rule_sources(options))
    if options["fix_hints"]:
        click.echo(found.hints(), nl=False)
        return 0
    return emit(found.report(), options)


@doctor.command(cls=Command)
@click.option("--offences", type=click.Path(path_type=Path), help="TOML file with thresholds of your own, as for offenders.")
@click.option("--limit", type=ROWS, help="Client versions to show, 0 for all (default: 20, in machine formats all).")
@other_option
@combine(question_options, output_options, general_options)
def inflation(**options: Any) -> int:
    """Tell how many downloads repeat what their origin had, by client and version, with the adjusted count beside the published one.

    A pull that found everything there (GET where HEAD would do), and the same thing taken again by one origin on one day, are repeats.
    """
    return emit(answer(options["store"], ask_inflation(options)), options)


def ask_inflation(options: dict[str, Any]) -> Inflation:
    """Make the question that the options of `doctor inflation` ask."""
    query = build_query({**options, "metrics": "downloads", "limit": choose_limit(options)})
    return Inflation(query, load_offences(options["offences"]))
