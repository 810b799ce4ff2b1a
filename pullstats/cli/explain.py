"""The command that takes a number apart: whatever its question was asked with is understood here, too."""

from __future__ import annotations

import copy
from typing import Any

import click

from pullstats.cli.look import report, series
from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import emit, output_options
from pullstats.cli.people import uniques
from pullstats.cli.questions import build_query, question_options, split_names
from pullstats.metrics import UNIQUE_LEVELS
from pullstats.metrics.definitions import DEFAULT_METRICS
from pullstats.metrics.levels import find_levels
from pullstats.metrics.questions.explain import Explanation
from pullstats.pipeline.answer import answer


class _Explain(Command):
    """Understands the options of the commands whose numbers it explains; what changes no number changes nothing here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Borrow the options that are not its own."""
        super().__init__(*args, **kwargs)
        for command in (report, series, uniques):
            own = {parameter.name for parameter in self.params}
            self.params += [_borrow(one, command) for one in command.params if isinstance(one, click.Option) and one.name not in own]


def _borrow(option: click.Option, command: click.Command) -> click.Option:
    found = copy.copy(option)
    found.help, found.expose_value, found.show_default = f"As in {command.name}; changes nothing here.", False, False
    return found


@click.command(cls=_Explain)
@click.option("--by", default="package", show_default=True, help="The dimensions of the report.")
@click.option("--metric", "metrics", default=",".join(DEFAULT_METRICS), show_default=True, help="The metrics to take apart.")
@click.option("--level", "levels", help="As in uniques: take these levels apart instead of --metric.")
@combine(question_options, output_options, general_options)
def explain(**options: Any) -> int:
    """Tell how a report's numbers came about: definition, window, filters, requests in and out by reason, rules, samples."""
    if options["levels"] is not None:
        options["metrics"] = ",".join(UNIQUE_LEVELS[level] for level in find_levels(split_names(options["levels"])))
    return emit(answer(options["store"], Explanation(build_query(options))), options)
