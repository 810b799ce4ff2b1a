"""Options that say what is asked, and the query they make."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli import suggestions
from pullstats.cli.options import ROWS, F, Number, configured_routes, share
from pullstats.cli.output import choose_renderer, has_words, refuse_total
from pullstats.errors import UsageError
from pullstats.metrics import DIMENSIONS, METRICS, UNIQUE_LEVELS, Query, find_unique_metric
from pullstats.metrics.behaviour.rules import load_rules
from pullstats.metrics.dimensions import LABEL
from pullstats.metrics.levels import find_level
from pullstats.metrics.synonyms import name_dimension
from pullstats.metrics.time.dates import Annotation, annotate_releases, read_annotations, read_releases
from pullstats.metrics.time.releases import Release
from pullstats.metrics.time.weekdays import WEEKDAYS
from pullstats.metrics.vocabulary import CLASSES

class_rules_option = click.option(
    "--class-rules",
    type=click.Path(path_type=Path),
    help="TOML file with signs, weights and thresholds of classes of your own; see docs/behaviour.md.",
)
count_as_option = click.option(
    "--count-as",
    shell_complete=suggestions.rules,
    default="pullstats@2",
    show_default=True,
    help="Counting rules, with commas: a column each. See pullstats counts.",
)
pull_window_option = click.option(
    "--pull-window",
    type=Number("number of seconds", 900),
    default=5.0,
    show_default=True,
    help="Seconds after which a pull's requests are another's.",
)
same_request_option = click.option(
    "--same-request", type=click.Choice(["id"]), help="Count once what several logs hold under one request id: an edge and what is behind it."
)
zone_option = click.option(
    "--tz", shell_complete=suggestions.zones, default="UTC", show_default=True, help="Time zone whose days count, e.g. Europe/Berlin."
)
releases_option = click.option(
    "--releases",
    type=click.Path(path_type=Path),
    help="CSV of version,date[,package][,digest], or @FOLDER for the tags of a git checkout: what versions, 'since v1.4.0', '14d after v1.4.0' and "
    "floating tags (--by release) go by.",
)
memory_option = click.option("--memory", default="3GB", show_default=True, help="What an answer may take; beyond it, networks are answered apart.")

question_options = share(
    "Which requests, and how they count",
    click.option(
        "--window",
        "-w",
        shell_complete=suggestions.windows,
        default="30d",
        show_default=True,
        help="all, 30d, last-month, 2025-Q2, a..b, 'every tuesday this year', …",
    ),
    click.option(
        "--where",
        shell_complete=suggestions.filters,
        help="Filter, e.g. 'package=nginx and status<400', 'client like docker%', 'ci is null', 'path ~ \"^/v2/\"'.",
    ),
    click.option(
        "--class",
        "classes",
        shell_complete=suggestions.classes,
        help=f"Only these classes, with commas: {', '.join(CLASSES)}; see pullstats behaviour.",
    ),
    click.option("--exclude-class", "exclude_classes", shell_complete=suggestions.classes, help="Leave these classes out, with commas."),
    class_rules_option,
    click.option("--exclude-kind", "exclude_kinds", help="Leave these kinds of client out, e.g. mirror,bot."),
    click.option(
        "--exclude-net", "exclude_nets", help='Leave these organisations out, with commas ("Acme, Inc." in quotes); @ours for your own networks.'
    ),
    count_as_option,
    pull_window_option,
    click.option(
        "--visit-gap",
        type=Number("number of seconds", 900),
        default=30.0,
        show_default=True,
        help="Seconds after which a visit (checks, invocations) is another.",
    ),
    click.option(
        "--session-gap", type=Number("number of seconds", 86_400), default=1800.0, show_default=True, help="Seconds after which a session is another."
    ),
    same_request_option,
    click.option(
        "--unique-by", shell_complete=suggestions.levels, default="origin", show_default=True, help=f"What one is: {', '.join(UNIQUE_LEVELS)}."
    ),
    zone_option,
    click.option("--week-start", type=click.Choice(WEEKDAYS), default="monday", show_default=True, help="First day of a week."),
    click.option("--as-of", help="Count relative windows back from: now, newest, or a date (default: now; newest where all events are older)."),
    click.option("--complete", "is_complete", is_flag=True, help="Leave the unfinished day out of Nd."),
    releases_option,
    memory_option,
    click.option("--min-origins", type=ROWS, default=0, show_default=True, help="Fold rows with fewer endpoints into one."),
)

other_option = click.option("--other/--no-other", default=True, show_default=True, help="Add a row for what --limit cuts off.")


def metric_option(default: str) -> Callable[[F], F]:
    """Make the option that names metrics."""
    return click.option(
        "--metric", "metrics", shell_complete=suggestions.metrics, default=default, show_default=True, help=f"Any of {', '.join(METRICS)}."
    )


def limit_option(when: str = "") -> Callable[[F], F]:
    """Make the option that says how many rows are shown; `when` they are not always."""
    return click.option("--limit", type=ROWS, default=20, show_default=True, help=f"Rows to show{when}, 0 for all.")


_NAME: Final = re.compile(r"""\s*(?:"(?P<quoted>(?:[^"]|"")*)"\s*(?:,|$)|(?P<open>")|(?P<plain>[^,"\s][^,]*)(?:,|$))""")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SIZE: Final = re.compile(r"^([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([KMGT]?)B?$", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_LEAST_MEMORY: Final = 10**6


def parse_size(text: str) -> int:
    """Read a number of bytes: 800MB, 3GB.

    Raises:
        UsageError: it is none, or less than 1 MB.
    """
    match = _SIZE.match(text.strip())
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < _LEAST_MEMORY:
        raise UsageError(f"--memory '{text}' is no size from 1MB up; write 800MB or 3GB")
    return size


def build_query(options: dict[str, Any]) -> Query:
    """Make the query that the options of a command describe."""
    _refuse_bytes(options)
    refuse_total(options)
    unique = find_unique_metric(options["unique_by"])
    releases = read_releases(options["releases"], options["tz"]) if options["releases"] else ()
    metrics = tuple(unique if name == "origins" and "metrics" not in name_given() else name for name in split_names(options["metrics"]))
    return Query(
        metrics=metrics,
        dimensions=_name_labels(split_names(options.get("by", ""))),
        window=options["window"],
        where=options["where"],
        classes=split_names(options["classes"]),
        exclude_classes=split_names(options["exclude_classes"]),
        class_rules=load_rules(options["class_rules"]) if options["class_rules"] else None,
        exclude_kinds=split_names(options["exclude_kinds"]),
        exclude_nets=split_names(options["exclude_nets"]),
        count_as=split_names(options["count_as"]),
        unique_by=find_level(options["unique_by"]),
        tz=options["tz"],
        as_of=options["as_of"],
        is_shifting=not choose_renderer(options).keeps_window,
        is_complete=options["is_complete"],
        every=options.get("every"),
        week_start=options["week_start"],
        sort=options.get("sort"),
        limit=_find_limit(options),
        has_other=options.get("other", False),
        has_percent=options.get("percent", False),
        min_origins=options["min_origins"],
        pull_window=options["pull_window"],
        visit_gap=options["visit_gap"],
        session_gap=options["session_gap"],
        same_request=options["same_request"],
        rolling=options.get("rolling"),
        annotations=_find_annotations(options, releases),
        is_marking_releases=str(options.get("annotate")) == _RELEASES and not releases,
        releases=releases,
        memory=parse_size(options["memory"]),
        has_total=options.get("total", False),
        is_listed=choose_renderer(options).is_for_programs,
        is_bare=not has_words(options),
    )


_RELEASES: Final = "releases"


def _find_annotations(options: dict[str, Any], releases: Sequence[Release]) -> tuple[Annotation, ...]:
    """Read what happened when: from a file, or the releases of a list."""
    path = options.get("annotate")
    if str(path) == _RELEASES:
        return annotate_releases(releases)
    return read_annotations(path, options["tz"]) if path else ()


def _refuse_bytes(options: dict[str, Any]) -> None:
    """Refuse text in another encoding, which Python hands on as lone surrogates."""
    given = {parameter.name: max(parameter.opts, key=len) for parameter in click.get_current_context().command.params}
    for name, value in options.items():
        if isinstance(value, str) and _SURROGATE.search(value):
            raise UsageError(f"{given.get(name, name)} holds bytes that are no UTF-8: '{value}'")


def _name_labels(names: tuple[str, ...]) -> tuple[str, ...]:
    """Let the columns that one's own routes add be named like any other dimension."""
    routes, _ = configured_routes()
    found = {name for form in routes or () for name in re.findall(r"\{(\w+)\*?\}", form)}
    return tuple(f"{LABEL}{name}" if name in found and name not in DIMENSIONS else name for name in names)


def _find_limit(options: dict[str, Any]) -> int:
    """Give the number of rows; where nobody set it, hours and days of the week are shown whole."""
    names = [name_dimension(name) for name in split_names(options.get("by", ""))]
    is_whole = bool(names) and all(name in DIMENSIONS and DIMENSIONS[name].is_ordered for name in names)
    return 0 if is_whole and "limit" not in name_given() else options.get("limit", 0)


def ask_whole_history(options: dict[str, Any]) -> None:
    """Let a command whose default is the whole history have it, unless the user set a window."""
    if "window" not in name_given():
        options["window"] = "all"


def name_given() -> set[str]:
    """Name the options that the user set, in whatever way."""
    context = click.get_current_context()
    default = click.core.ParameterSource.DEFAULT
    return {name for name in context.params if context.get_parameter_source(name) != default}


def split_names(text: str | None) -> tuple[str, ...]:
    """Split names at commas; one that holds a comma stands in double quotes.

    Raises:
        UsageError: a quote that does not end.
    """
    names = []
    for match in _NAME.finditer(text or ""):
        if match["open"]:
            raise UsageError(f"the quote that opens in '{text}' is not closed")
        name = match["quoted"].replace('""', '"') if match["quoted"] is not None else match["plain"].strip()
        names.append(name)
    return tuple(name for name in names if name)
