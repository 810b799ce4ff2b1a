"""The command that prints what a figure of the page shows, with the options that the page was asked with."""

from __future__ import annotations

import shlex
from dataclasses import fields
from typing import Any, Final

from pullstats.metrics import Query

_OPTIONS: Final = {
    "window": "--window",
    "where": "--where",
    "classes": "--class",
    "exclude_classes": "--exclude-class",
    "exclude_kinds": "--exclude-kind",
    "exclude_nets": "--exclude-net",
    "count_as": "--count-as",
    "unique_by": "--unique-by",
    "tz": "--tz",
    "week_start": "--week-start",
    "as_of": "--as-of",
    "every": "--every",
    "pull_window": "--pull-window",
    "visit_gap": "--visit-gap",
    "session_gap": "--session-gap",
    "same_request": "--same-request",
    "min_origins": "--min-origins",
}
"""Options by the field of a query that holds them."""
_ALWAYS: Final = frozenset({"window"})
"""What is said though it is as usual: commands have windows of their own."""
_USUAL: Final = {field.name: field.default for field in fields(Query)}


def write_command(command: str, query: Query) -> str:
    """Write what to type to get a figure's numbers.

    Args:
        command: words behind `pullstats`, with what is the figure's own.
        query: what its question asks.

    Example:
        >>> write_command("report --by client", Query((), window="2018", where="status = 200"))
        "pullstats report --by client --window 2018 --where 'status = 200'"
    """
    given = {name: getattr(query, name) for name in _OPTIONS}
    words = [f"{_OPTIONS[name]} {_write(value)}" for name, value in given.items() if name in _ALWAYS or value != _USUAL[name]]
    complete = ["--complete"] if query.is_complete else []
    return " ".join(["pullstats", command, *words, *complete])


def _write(value: Any) -> str:
    if isinstance(value, tuple):
        value = ",".join(f'"{one}"' if "," in one else one for one in value)
    return shlex.quote(f"{value:g}" if isinstance(value, float) else str(value))
