"""The command that looks for what pullstats does not understand yet."""

from __future__ import annotations

from typing import Any

import click

from pullstats.cli.options import ROWS, Command, combine, configured_routes, general_options, rules_option
from pullstats.cli.output import emit, output_options
from pullstats.pipeline.doctor import examine


@click.command(cls=Command)
@click.option("--limit", type=ROWS, default=20, show_default=True, help="Rows of each list, 0 for all.")
@click.option("--fix-hints", is_flag=True, help="Print rules ready to be completed and pasted instead of the lists.")
@combine(rules_option, output_options, general_options)
def doctor(**options: Any) -> int:
    """List unknown agents and paths, most frequent first; say what in the store is out of date, and which logs hold the same requests."""
    routes, place = configured_routes()
    found = examine(options["store"], limit=options["limit"], rules=options["rules"], routes=routes, routes_file=place)
    if options["fix_hints"]:
        click.echo(found.hints(), nl=False)
        return 0
    return emit(found.report(), options)
