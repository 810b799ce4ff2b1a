"""The commands that look at who is behind the numbers: uniques, origins, behaviour, concentration."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

import click

from pullstats.cli import suggestions
from pullstats.cli.options import ROWS, Command, combine, general_options
from pullstats.cli.output import choose_limit, emit, output_options
from pullstats.cli.questions import build_query, limit_option, other_option, question_options, split_names
from pullstats.errors import UsageError
from pullstats.metrics.levels import LEVELS
from pullstats.metrics.organisations.naming import GROUPS
from pullstats.metrics.over_time.lifecycle import STATES
from pullstats.metrics.questions.behaviour import METRICS, Behaviour
from pullstats.metrics.questions.concentration import Concentration
from pullstats.metrics.questions.orgs import METRICS as ORG_METRICS
from pullstats.metrics.questions.orgs import Organisations
from pullstats.metrics.questions.origins import Origins
from pullstats.metrics.questions.uniques import Uniques
from pullstats.pipeline.answer import answer

_SHARE: Final = re.compile(r"^([0-9]{1,3}(?:\.[0-9]{1,9})?)(%?)$", re.ASCII)
_COUNT: Final = re.compile(r"^[1-9][0-9]{0,9}$", re.ASCII)


@click.command(cls=Command)
@click.option("--by", shell_complete=suggestions.dimensions, default="", help="One to three dimensions: a row each, with its own union.")
@click.option("--level", "levels", default=",".join(LEVELS), show_default=True, help="Levels to count, with commas; with --every one.")
@click.option("--every", help="Follow one level (--level, else --unique-by) through time: 5m, h, d, w, mo, q, y.")
@click.option("--sketch", "is_sketched", is_flag=True, help="Estimate with an Apache DataSketches HLL, and say how far it may be off.")
@limit_option(" with --by")
@other_option
@combine(question_options, output_options, general_options)
def uniques(**options: Any) -> int:
    """Count networks, endpoints, origins, organisations and users side by side; or new, returning, resurrected and churned ones over time."""
    query = build_query({**options, "metrics": "origins"})
    return emit(answer(options["store"], Uniques(query, split_names(options["levels"]), options["is_sketched"])), options)


@click.command(cls=Command)
@click.argument("who", required=False, metavar="[ID]")
@click.option("--state", help=f"Only those that are {', '.join(STATES)}.")
@click.option("--metric", "metrics", default="downloads,requests", show_default=True, help="What to count of each.")
@click.option("--sort", help="Column to sort by; - in front reverses (default: the first metric, largest first).")
@click.option("--limit", type=ROWS, help="Rows to show, 0 for all (default: 20, in machine formats all).")
@other_option
@combine(question_options, output_options, general_options)
def origins(who: str | None, **options: Any) -> int:
    """List who is behind the numbers, and whether they are new, returning, resurrected or churned; with an ID, one's timeline."""
    query = build_query({**options, "limit": choose_limit(options)})
    return emit(answer(options["store"], Origins(query, who, options["state"])), options)


@click.command(cls=Command)
@click.option("--state", help=f"Only those that are {', '.join(STATES)}.")
@click.option(
    "--networks", help=f"Only these kinds of network, with commas: {', '.join(GROUPS)}; own are those of companies, universities, authorities."
)
@click.option("--sort", help="Column to sort by; - in front reverses (default: kind of network, then downloads).")
@click.option("--limit", type=ROWS, help="Rows to show, 0 for all (default: 20, in machine formats all).")
@other_option
@combine(question_options, output_options, general_options)
def orgs(**options: Any) -> int:
    """List which organisations take how much, since when, with which classes and versions, and whether it grew by more than noise.

    Names are those of whoever owns the address, or your own for it; clouds and Internet providers stand apart from owners who ask themselves. The window is whole days
    (today is left out), by default the last four weeks, set beside the four before.
    """
    return emit(answer(options["store"], ask_orgs(options)), options)


def ask_orgs(options: dict[str, Any]) -> Organisations:
    """Make the question that the options of `orgs` ask."""
    query = build_query({**options, "metrics": ",".join(ORG_METRICS), "limit": choose_limit(options), "is_complete": True})
    return Organisations(query, options["state"], split_names(options["networks"]))


for _option in orgs.params:
    if _option.name == "window":  # whole weeks, so that as many Mondays lie in the one as in the other
        _option.default = "4w"


@click.command(cls=Command)
@click.option("--by", shell_complete=suggestions.dimensions, default="", help="One or two dimensions to break the mix down by, e.g. package.")
@click.option("--every", help="Follow the mix through time: 5m, h, d, w, mo, q, y.")
@click.option("--explain", "who", metavar="ID", help="Say why an origin has its class, package by package.")
@click.option("--metric", "metrics", default=",".join(METRICS), show_default=True, help="What to count of each class.")
@limit_option()
@other_option
@click.option("--percent", is_flag=True, help="Add the share of each additive metric.")
@combine(question_options, output_options, general_options)
def behaviour(**options: Any) -> int:
    """Tell why origins come: production, CI, development, mirrors, …, and what says so; in machine formats one row an origin."""
    return emit(answer(options["store"], ask_behaviour(options)), options)


def ask_behaviour(options: dict[str, Any]) -> Behaviour:
    """Make the question that the options of `behaviour` ask."""
    return Behaviour(build_query(options), options["who"])


@click.command(cls=Command)
@click.option("--metric", "metrics", default="downloads", show_default=True, help="What is concentrated: one metric that adds up.")
@click.option("--top", "tops", default="2,10,20", show_default=True, help="How many of the largest to add up, with commas.")
@click.option("--share", "shares", default="50%", show_default=True, help="Count how many make up these shares, with commas.")
@combine(question_options, output_options, general_options)
def concentration(**options: Any) -> int:
    """Tell how much of a number a few make up, and what is left without them."""
    question = Concentration(build_query(options), _read_tops(options["tops"]), _read_shares(options["shares"]))
    return emit(answer(options["store"], question), options)


def _read_tops(text: str) -> tuple[int, ...]:
    names = split_names(text)
    if not names or not all(_COUNT.match(name) for name in names):
        raise UsageError(f"--top '{text}' holds no numbers from 1 up; write 2,10,20")
    return tuple(dict.fromkeys(int(name) for name in names))


def _read_shares(text: str) -> tuple[Fraction, ...]:
    found = []
    for name in split_names(text):
        match = _SHARE.match(name)
        share = Fraction(match[1]) / (100 if match[2] else 1) if match else Fraction(0)
        if not 0 < share <= 1:
            raise UsageError(f"--share '{name}' is no share; write 50% or 0.5")
        found.append(share)
    return tuple(dict.fromkeys(found))
