"""The command that shows the counting rules: what each counts, by whose word, and on what cases."""

from __future__ import annotations

from typing import Any, Final

import click
import polars as pl

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import emit, output_options
from pullstats.metrics.counting import COUNTED, COUNTING_RULES, CountingRule, find_rule
from pullstats.metrics.counting.cases import Case, load_cases
from pullstats.reports import Column, Report

_WIDTH: Final = 96


@click.group()
def counts() -> None:
    """Show the counting rules: their text, their source, and worked cases."""


@counts.command(name="list", cls=Command)
@combine(output_options, general_options)
def list_rules(**options: Any) -> int:
    """List all rules, a line each."""
    rows = [(rule.label, ",".join(rule.defines), _first_sentence(rule.text), rule.source) for rule in COUNTING_RULES.values()]
    names = ("rule", "counts", "text", "source")
    frame = pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")
    columns = tuple(Column(name, name, "prose" if name in {"text", "source"} else "text") for name in names)
    footer = "pullstats counts show NAME prints a rule in full, with its cases; report --count-as A,B puts several side by side"
    return emit(Report(frame, columns, footer=footer), options)


@counts.command(cls=Command)
@click.argument("name")
@combine(output_options, general_options)
def show(name: str, **options: Any) -> int:
    """Print a rule in full: its text, its source, and what it makes of worked cases."""
    rule = find_rule(name)
    if options["output_format"] is not None or options["output"] is not None:
        return emit(_show_cases(rule), options)
    click.echo(f"{rule.label}\n")
    click.echo(click.wrap_text(rule.text, width=_WIDTH, initial_indent="  ", subsequent_indent="  "))
    if rule.differs:
        click.echo()
        click.echo(click.wrap_text(rule.differs, width=_WIDTH, initial_indent="  ", subsequent_indent="  "))
    click.echo(f"\n  source: {rule.source}\n  counts: {', '.join(rule.defines)}\n\ncases\n")
    for case, row in zip(_named_cases(rule), _show_cases(rule).frame.drop("case", "requests").to_dicts(), strict=True):
        click.echo(f"  {case.shows}\n    " + "\n    ".join(case.requests))
        click.echo("    → " + ", ".join(f"{count:,} {name}" for name, count in row.items() if count is not None) + _tell_before(rule, case) + "\n")
    return 0


def _first_sentence(text: str) -> str:
    return text.split(". ", maxsplit=1)[0].rstrip(".") + "."


def _named_cases(rule: CountingRule) -> list[Case]:
    return [case for case in load_cases() if case.names(rule)]


def _tell_before(rule: CountingRule, case: Case) -> str:
    """Say what the version before makes of a case, where that is something else."""
    before = COUNTING_RULES.get(f"{rule.name}@{rule.version - 1}")
    if before is None:
        return ""
    others = [f"{count:,} {name}" for name in COUNTED if (count := case.count(name, before)) is not None and count != case.count(name, rule)]
    return f" ({before.label}: {', '.join(others)})" if others else ""


def _show_cases(rule: CountingRule) -> Report:
    """Give one row per case in which the rule counts something, or tells that it does not."""
    cases = _named_cases(rule)
    named = [counted for counted in COUNTED if any({rule.name, rule.label} & {*case.expected.get(counted, {})} for case in cases)]
    rows = [{"case": case.shows, "requests": "; ".join(case.requests), **{counted: case.count(counted, rule) for counted in named}} for case in cases]
    schema = {"case": pl.String, "requests": pl.String} | dict.fromkeys(named, pl.Int64)
    columns = [Column("case", "case", "text"), Column("requests", "requests", "text"), *(Column(one, one, "count", additive=True) for one in named)]
    meta = {"rule": rule.label, "text": rule.text, "differs": rule.differs, "source": rule.source, "counts": list(rule.defines)}
    return Report(pl.DataFrame(rows, schema=schema), tuple(columns), meta=meta)
