"""The command that looks for requests that need not be made."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli.options import ROWS, Command, Number, combine, general_options
from pullstats.cli.output import choose_limit, emit, output_options, warn
from pullstats.cli.questions import build_query, other_option, question_options, split_names
from pullstats.metrics.offences.rules import list_kinds, load_offences
from pullstats.metrics.questions.offenders import LEVELS, PRICE, Offenders
from pullstats.pipeline.answer import answer
from pullstats.render import write_output
from pullstats.render.sanitise import for_terminal

_HIGHEST: Final = 1e9
"""More than 10⁹ bytes cost in any currency."""


@click.command(cls=Command)
@click.option("--kind", "kinds", help="Only these kinds, with commas: get-for-head, manifest-twice, polling, loop-404, …; docs/offenders.md.")
@click.option("--level", help=f"Whose waste is told: {', '.join(LEVELS)} (default: origins; networks for what builds download again and again).")
@click.option(
    "--price-per-gb", "price", type=Number("price", _HIGHEST), default=PRICE, show_default=True, help="What 10⁹ bytes sent cost you, in any currency."
)
@click.option("--note", "note_to", metavar="ID", help="Print a note to whoever this is, ready to send, instead of the list.")
@click.option("--offences", type=click.Path(path_type=Path), help="TOML file with thresholds of your own.")
@click.option("--explain", "is_explaining", is_flag=True, help="List the kinds with their thresholds and what would end them; no store is read.")
@click.option("--sort", help="Column to sort by; - in front reverses (default: requests, largest first).")
@click.option("--limit", type=ROWS, help="Rows to show, 0 for all (default: 20, in machine formats all).")
@other_option
@combine(question_options, output_options, general_options)
def offenders(**options: Any) -> int:
    """List who makes requests that need not be made, of which kind, what they cost, and which share of the downloads comes of them.

    GET where HEAD would do, manifests fetched twice, polling faster than a minute, loops on 401, 404 and 429, the whole catalogue every hour,
    no cache in CI, downloads that never finish. Somebody may have several rows; the first line counts each request once.
    """
    question = ask_offenders(options)
    if options["is_explaining"]:
        return emit(list_kinds(question.rules), options)
    report = answer(options["store"], question)
    if options["note_to"] is None or options["output_format"] not in {None, "table"}:
        return emit(report, options)
    warn(report, options)
    lines = str(report.frame["note"].item()).split("\n")
    write_output("\n".join(map(for_terminal, lines)), options["output"])
    return 0


def ask_offenders(options: dict[str, Any]) -> Offenders:
    """Make the question that the options of `offenders` ask."""
    query = build_query({**options, "metrics": "downloads", "limit": choose_limit(options)})
    return Offenders(query, load_offences(options["offences"]), split_names(options["kinds"]), options["level"], options["price"], options["note_to"])
