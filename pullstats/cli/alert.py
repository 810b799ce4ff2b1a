"""The command that tells when a number fell, rose or passed a bound."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
from click.core import ParameterSource

from pullstats.cli import suggestions
from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import EXIT_EMPTY, choose_renderer, emit, output_options, terminal_width, warn
from pullstats.cli.questions import build_query, limit_option, name_given, question_options
from pullstats.cli.saved_alarms import saved_alarms
from pullstats.errors import UsageError
from pullstats.metrics import METRICS
from pullstats.metrics.alarms.condition import CHANGES, KINDS, Kind
from pullstats.pipeline.answer import answer
from pullstats.render import write_output
from pullstats.render.sentences import render_sentences

EXIT_ALARM: Final = 5
_SEVERAL: Final = "each of these alarms keeps the 5 % level by itself: the more there are, the more often one of them is wrong"


@click.command(cls=Command)
@click.argument("names", nargs=-1, metavar="[NAME]…")
@click.option("--metric", "metrics", shell_complete=suggestions.metrics, default="downloads", show_default=True, help=f"One of {', '.join(METRICS)}.")
@click.option("--drop", help="Alarm if it fell by so much, and by more than noise: 30%.")
@click.option("--rise", help="Alarm if it rose by so much, and by more than noise: 50%.")
@click.option("--below", help="Alarm if it is below a bound: 100, 12k; of shares 5%.")
@click.option("--above", help="Alarm if it is above a bound.")
@click.option("--against", help="Window to compare with (default: of less than a week the same a week before, else the span before).")
@click.option("--by", shell_complete=suggestions.dimensions, default="", help="One to three dimensions, e.g. package: each value is looked at.")
@limit_option(" with --by")
@combine(question_options, output_options, general_options)
def alert(names: tuple[str, ...], **options: Any) -> int:
    """Tell whether a number fell, rose or passed a bound, in a sentence; exit code 5 if it did.

    \b
    pullstats alert --metric downloads --drop 30% --window yesterday
    pullstats alert --metric error-rate --above 5% --by package
    pullstats alert nightly           [alerts.nightly] of pullstats.toml
    pullstats alert                   all that are saved there

    The window is yesterday if none is set, and is never moved to where the logs end. A change is an alarm only if compare's test calls it more than
    noise. What the logs do not hold whole, or too little past, is said and is no alarm.
    """  # noqa: D301 - click reads the character itself
    from pullstats.metrics.questions.alarms import SENTENCE, Alarm, Alarms  # noqa: PLC0415 - other questions need none of its statistics

    alarms = tuple(Alarm(build_query(one), *_find_condition(one), one["against"], name) for name, one in _list_asked(names, options))
    report = answer(options["store"], Alarms(alarms))
    if choose_renderer(options).name == "table":
        warn(report, options)
        several = [_SEVERAL] if sum(alarm.kind in CHANGES for alarm in alarms) > 1 else []
        is_screen = options["output"] is None and sys.stdout.isatty()
        write_output(render_sentences([*report.frame[SENTENCE], *several], terminal_width() if is_screen else None), options["output"])
    else:
        emit(report, options)
    return EXIT_ALARM if report.meta["fired"] else EXIT_EMPTY if report.is_empty else 0


def _list_asked(names: Sequence[str], options: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Give each alarm with its name and options: the one of the command line, or saved ones, over which the command line goes.

    Raises:
        UserError: none is meant, or one that is not saved as it must be.
    """
    if not names and any(options[kind] is not None for kind in KINDS):
        return [("", _settle(options, {}))]
    saved, typed = saved_alarms(), _name_typed()
    if wrong := typed & {*KINDS}:
        raise UsageError(f"an alarm that is saved has its own condition; leave --{min(wrong)} out, or the name")
    wanted = list(dict.fromkeys(names)) or saved.names()
    if not wanted:
        raise UsageError(
            f"an alarm needs a condition: --drop 30%, --rise, --below or --above; or some that are saved under [alerts.NAME] of {saved.path}"
        )
    return [
        (name, _settle({**options, **dict.fromkeys(KINDS)}, {key: value for key, value in saved.find(name).items() if key not in typed}))
        for name in wanted
    ]


def _settle(options: dict[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what is saved over the options; the window is yesterday where nobody set one."""
    usual = {} if "window" in name_given() else {"window": "yesterday"}
    return {**options, **usual, **saved}


def _name_typed() -> set[str]:
    """Name the options of the command line."""
    context = click.get_current_context()
    return {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}


def _find_condition(options: Mapping[str, Any]) -> tuple[Kind, str]:
    """Give the one condition of an alarm.

    Raises:
        UsageError: it has none, or several.
    """
    found = [(kind, str(options[kind])) for kind in KINDS if options[kind] is not None]
    if len(found) != 1:
        raise UsageError("an alarm has one condition; write one of --drop 30%, --rise 50%, --below 100, --above 5%")
    return found[0]
