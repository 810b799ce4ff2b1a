"""What a shell offers where a value of an option is to be typed.

Whatever names come from here are imported when a shell asks, so that commands start no slower for them. What logs hold is offered
only where it is plain: a shell puts it into a command line.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

Suggest = Callable[[click.Context, click.Parameter, str], list[CompletionItem[str]]]

_MOST: Final = 100
_PLAIN: Final = re.compile(r"@?[\w.+/:~-]+", re.ASCII)
_LAST_TERM: Final = re.compile(r"(?P<before>(?:.*(?:\s|\())?)(?P<term>[^\s(]*)$", re.DOTALL)
_WINDOWS: Final = {
    "30d": "the last 30 days",
    "7d": "the last 7 days",
    "24h": "the last 24 hours",
    "today": "since midnight",
    "yesterday": "the day before",
    "this-week": "since its first day",
    "last-week": "the week before",
    "this-month": "since its first day",
    "last-month": "the month before",
    "this-year": "since its first day",
    "last-year": "the year before",
    "all": "everything in the store",
}


def suggest(find: Callable[[click.Context], Iterable[tuple[str, str]]]) -> Suggest:
    """Offer names, one or several with commas.

    Args:
        find: gives each name and what it is.
    """

    def complete(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem[str]]:
        before, comma, last = typed.rpartition(",")
        return [CompletionItem(f"{before}{comma}{name}", help=text) for name, text in find(context) if name.startswith(last)]

    return complete


def _dimensions(_: click.Context) -> Iterable[tuple[str, str]]:
    from pullstats.metrics import DIMENSIONS  # noqa: PLC0415 - see above

    return [(name, one.help) for name, one in DIMENSIONS.items()]


def _metrics(_: click.Context) -> Iterable[tuple[str, str]]:
    from pullstats.metrics import METRICS  # noqa: PLC0415 - see above

    return [(name, one.help) for name, one in METRICS.items()]


def _rules(_: click.Context) -> Iterable[tuple[str, str]]:
    from pullstats.metrics.counting import COUNTING_RULES  # noqa: PLC0415 - see above

    return [(label, rule.text) for label, rule in COUNTING_RULES.items()]


def _levels(_: click.Context) -> Iterable[tuple[str, str]]:
    from pullstats.metrics import METRICS, UNIQUE_LEVELS  # noqa: PLC0415 - see above

    return [(name, METRICS[metric].help) for name, metric in UNIQUE_LEVELS.items()]


def _classes(_: click.Context) -> Iterable[tuple[str, str]]:
    from pullstats.metrics.vocabulary import CLASSES  # noqa: PLC0415 - see above

    return [(name, "") for name in CLASSES]


def _zones(_: click.Context) -> Iterable[tuple[str, str]]:
    from zoneinfo import available_timezones  # noqa: PLC0415 - see above

    return [(name, "") for name in sorted(available_timezones())]


dimensions: Final = suggest(_dimensions)
metrics: Final = suggest(_metrics)
rules: Final = suggest(_rules)
levels: Final = suggest(_levels)
classes: Final = suggest(_classes)
zones: Final = suggest(_zones)
windows: Final = suggest(lambda _: _WINDOWS.items())


def filters(context: click.Context, _: click.Parameter, typed: str) -> list[CompletionItem[str]]:
    """Offer the dimensions of a filter, and behind `=` the values that the store has most of: `package=nginx`."""
    match = _LAST_TERM.match(typed)
    before, term = (match["before"], match["term"]) if match else ("", typed)
    name, sign, value = term.partition("=")
    if sign:
        return [CompletionItem(f"{before}{name}={found}") for found in _values(context, name) if found.startswith(value)]
    return [CompletionItem(f"{before}{found}=", help=text) for found, text in _dimensions(context) if found.startswith(term)]


def _values(context: click.Context, name: str) -> list[str]:
    from pullstats.cli.options import DEFAULT_STORE  # noqa: PLC0415 - see above
    from pullstats.metrics import DIMENSIONS, Breakdown, Query  # noqa: PLC0415 - see above
    from pullstats.pipeline.answer import answer  # noqa: PLC0415 - see above

    if name not in DIMENSIONS:
        return []
    if known := DIMENSIONS[name].values:
        return list(known)
    store = Path(context.params.get("store") or os.environ.get("PULLSTATS_STORE") or DEFAULT_STORE)
    report = answer(store, Breakdown(Query(metrics=("requests",), dimensions=(name,), window="all", limit=_MOST, is_bare=True)))
    values: list[Any] = report.frame[DIMENSIONS[name].key].to_list()
    return [value for value in values if isinstance(value, str) and _PLAIN.fullmatch(value)]
