"""The command that shows the counting rules: what each counts, by whose word, and on what cases."""

from __future__ import annotations

from typing import Any, Final

import click
import polars as pl

from pullstats.cli.options import Command, combine, general_options
from pullstats.cli.output import emit, output_options
from pullstats.metrics.counting import COUNTED, COUNTING_RULES, CountingRule, find_rule
from pullstats.metrics.counting.cases import load_cases
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
    click.echo(f"\n  source: {rule.source}\n  counts: {', '.join(rule.defines)}\n\ncases\n")
    for row in _show_cases(rule).frame.to_dicts():
        click.echo(f"  {row.pop('case')}\n    " + row.pop("requests").replace("; ", "\n    "))
        click.echo("    → " + ", ".join(f"{count} {name}" for name, count in row.items() if count is not None) + "\n")
    return 0


def _first_sentence(text: str) -> str:
    return text.split(". ", maxsplit=1)[0].rstrip(".") + "."


def _show_cases(rule: CountingRule) -> Report:
    """Give one row per case in which the rule counts something, or tells that it does not."""
    named = [counted for counted in (*COUNTED, "invocations") if any(rule.name in case.expected.get(counted, {}) for case in load_cases())]
    rows = [
        {"case": case.shows, "requests": "; ".join(case.requests), **{counted: case.count(counted, rule) for counted in named}}
        for case in load_cases()
        if any(rule.name in counts_of for counts_of in case.expected.values())
    ]
    schema = {"case": pl.String, "requests": pl.String} | dict.fromkeys(named, pl.Int64)
    columns = [Column("case", "case", "text"), Column("requests", "requests", "text"), *(Column(one, one, "count", additive=True) for one in named)]
    meta = {"rule": rule.label, "text": rule.text, "source": rule.source, "counts": list(rule.defines)}
    return Report(pl.DataFrame(rows, schema=schema), tuple(columns), meta=meta)
