"""The command that takes a number apart: whatever its question was asked with is understood here, too."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Final

import click

from pullstats.cli import suggestions
from pullstats.cli.cohorts import ask_cohorts, cohorts
from pullstats.cli.doctor import ask_inflation, inflation
from pullstats.cli.look import report, series
from pullstats.cli.offenders import ask_offenders, offenders
from pullstats.cli.options import SHARED, Command, CommandGroup, combine, general_options, refuse_before_name
from pullstats.cli.output import emit, output_options
from pullstats.cli.people import ask_behaviour, ask_orgs, behaviour, orgs, uniques
from pullstats.cli.questions import build_query, question_options, split_names
from pullstats.cli.versions import ask_versions, versions
from pullstats.metrics import UNIQUE_LEVELS
from pullstats.metrics.definitions import DEFAULT_METRICS
from pullstats.metrics.levels import find_levels
from pullstats.metrics.question import Accounted
from pullstats.metrics.questions.explain import Explanation
from pullstats.pipeline.answer import answer

_NO_REPORT: Final = frozenset({"is_explaining", "note_to"})
"""Options that ask for something else than the report that is explained."""


_EXPLAINED: Final = (report, series, uniques)
"""Commands whose rows metrics make: these are explained by one command, under any of their names."""


class _Explain(CommandGroup):
    """Understands the options of the commands whose numbers it explains; what changes no number changes nothing here."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Borrow the options that are not its own."""
        super().__init__(*args, **kwargs)
        for command in _EXPLAINED:
            own = {parameter.name for parameter in self.params}
            self.params += [_borrow(one, command) for one in command.params if isinstance(one, click.Option) and one.name not in own]


def _borrow(option: click.Option, command: click.Command) -> click.Option:
    found = copy.copy(option)
    found.help, found.expose_value, found.show_default = f"As in {command.name}; changes nothing here.", False, False
    SHARED[found] = "Of the report, and without effect here"
    return found


@click.group(cls=_Explain, invoke_without_command=True, subcommand_metavar="[behaviour|cohorts|doctor|offenders|orgs|versions] …")
@click.option("--by", shell_complete=suggestions.dimensions, default="package", show_default=True, help="The dimensions of the report.")
@click.option("--metric", "metrics", default=",".join(DEFAULT_METRICS), show_default=True, help="The metrics to take apart.")
@click.option("--level", "levels", help="As in uniques: take these levels apart instead of --metric.")
@combine(question_options, output_options, general_options)
@click.pass_context
def explain(context: click.Context, /, **options: Any) -> int:
    """Tell how a report's numbers came about: definition, window, filters, requests in and out by reason, rules, samples.

    By itself, or with their names, of report, series and uniques. With the name of another command (pullstats explain versions --adoption) it takes that command's options,
    and tells of every request of the window in which of its rows it is, or why in none.
    """
    if context.invoked_subcommand is not None:
        refuse_before_name(context, options)
        return 0
    return _explain_numbers(**options)


def _explain_numbers(**options: Any) -> int:
    if options["levels"] is not None:
        options["metrics"] = ",".join(UNIQUE_LEVELS[level] for level in find_levels(split_names(options["levels"])))
    return emit(answer(options["store"], Explanation(build_query(options))), options)


def _explain_also(command: click.Command, ask: Callable[[dict[str, Any]], Accounted], group: click.Group) -> None:
    """Let a group explain what a command answers.

    Args:
        command: whose options are taken.
        ask: makes its question of them.
        group: what the explanation stands below, under the command's name.
    """

    def run(**options: Any) -> int:
        question = ask({**dict.fromkeys(_NO_REPORT), **options})
        return emit(answer(options["store"], Explanation(question.query, question)), options)

    options = [one for one in command.params if one.name not in _NO_REPORT]
    words = f"Tell how the numbers of {command.name} came about: of every request in which row it is, or why in none."
    group.add_command(Command(command.name, params=options, callback=run, help=words))


for _same in _EXPLAINED:
    explain.add_command(
        Command(_same.name, params=explain.params, callback=_explain_numbers, help=f"Tell how the numbers of {_same.name} came about.")
    )


@explain.group(cls=CommandGroup)
def doctor() -> None:
    """Tell how the numbers of doctor inflation came about."""


_explain_also(inflation, ask_inflation, doctor)
for _command, _ask in ((behaviour, ask_behaviour), (cohorts, ask_cohorts), (offenders, ask_offenders), (orgs, ask_orgs), (versions, ask_versions)):
    _explain_also(_command, _ask, explain)
