"""The command about versions: who takes which, and what became of releases."""

from __future__ import annotations

from typing import Any, Final

import click

from pullstats.cli.options import ROWS, Command, combine, general_options
from pullstats.cli.output import choose_limit, emit, output_options
from pullstats.cli.questions import ask_whole_history, build_query, name_given, question_options
from pullstats.errors import UsageError
from pullstats.metrics import Query
from pullstats.metrics.question import Accounted
from pullstats.metrics.questions.release_echo import ReleaseEcho
from pullstats.metrics.questions.value_adoption import ValueAdoption
from pullstats.metrics.questions.version_adoption import VersionAdoption
from pullstats.metrics.questions.version_lag import VersionLag
from pullstats.metrics.questions.versions import Versions
from pullstats.metrics.questions.would_miss import METRICS as MISSED
from pullstats.metrics.questions.would_miss import WouldMiss
from pullstats.metrics.versions.kinds import LINES
from pullstats.pipeline.answer import answer

_ALL: Final = "all"
_VIEWS: Final = {"adoption": "adoption", "lag": "has_lag", "stuck": "stuck", "would-miss": "would_miss", "echo": "has_echo"}
_DAYS: Final = click.IntRange(1, 3650)


@click.command(cls=Command)
@click.option("--by", "line", default="release", show_default=True, help=f"What a row is: {', '.join(LINES)} (1.4.2, 1.4, 1); with --of minor.")
@click.option("--active", type=_DAYS, default=30, show_default=True, help="Days before the end in which whoever asked is active.")
@click.option("--instances", "has_instances", is_flag=True, help="Estimate the machines that run each version, too.")
@click.option("--every", help="Follow the shares by h, d, w, mo, q, y; machine formats get a row a bucket and version.")
@click.option(
    "--adoption",
    is_flag=False,
    flag_value=_ALL,
    metavar="[RELEASE]",
    help="Follow the downloads by days since a release came out; of all releases if none is named.",
)
@click.option(
    "--of",
    metavar="DIMENSION",
    help="Follow what those who ask are on instead of versions: arch, os, runtime-version, client, kernel, …; with --would-miss who is on one value.",
)
@click.option("--lag", "has_lag", is_flag=True, help="Tell how long whoever was on an older version took to move to each release.")
@click.option("--stuck", metavar="RELEASE", help="List who was on an older version and has not moved to this one.")
@click.option(
    "--would-miss",
    metavar="VERSION",
    help="Tell who would notice if this version or tag, or with --of this platform or runtime, were gone: who asked for it within --active days.",
)
@click.option("--echo", "has_echo", is_flag=True, help="Tell what machines took of each release within --echo-hours from demand.")
@click.option("--echo-hours", type=click.IntRange(1, 720), default=24, show_default=True, help="How long the echo of a release lasts.")
@click.option("--limit", type=ROWS, help="Rows to show, 0 for all (default: 20, in machine formats all).")
@combine(question_options, output_options, general_options)
def versions(**options: Any) -> int:
    """Tell which versions are taken and asked for, the newest first, and who is still active on each; or what became of releases.

    Floating tags and digests count as the release they stood for, where a pull or --releases tells it; what has no place in its ecosystem's order stands apart.
    --adoption, --lag, --stuck, --echo, --would-miss and --of look at the whole history if no --window is given.
    """
    return emit(answer(options["store"], ask_versions(options)), options)


def ask_versions(options: dict[str, Any]) -> Accounted:
    """Make the question that the options of `versions` ask.

    Raises:
        UsageError: several things at once.
    """
    metrics = "downloads,instances" if options["has_instances"] else ",".join(MISSED) if options["would_miss"] is not None else "downloads"
    if _name_views(options) or options["of"] is not None:
        ask_whole_history(options)
    query = build_query({**options, "metrics": metrics, "limit": choose_limit(options)})
    return _choose_question(query, options)


def _name_views(options: dict[str, Any]) -> list[str]:
    return [f"--{name}" for name, key in _VIEWS.items() if options[key] is not None and options[key] is not False]


def _choose_question(query: Query, options: dict[str, Any]) -> Accounted:
    """Choose what is asked of the versions.

    Raises:
        UsageError: several things at once.
    """
    views = _name_views(options)
    if len(views) > 1:
        raise UsageError(f"{' and '.join(views)} are two questions; ask one")
    if views:
        called = {"line": "--by", "every": "--every", "has_instances": "--instances"}
        given = sorted(called.keys() & name_given())
        if given:
            raise UsageError(f"{views[0]} takes no {', '.join(called[name] for name in given)}")
    if options["of"] is not None:
        return _choose_values(query, options, views)
    if options["adoption"] is not None:
        return VersionAdoption(query, None if options["adoption"] == _ALL else options["adoption"])
    if options["would_miss"] is not None:
        return WouldMiss(query, options["would_miss"], options["active"])
    if options["has_echo"]:
        return ReleaseEcho(query, options["echo_hours"])
    if options["has_lag"] or options["stuck"] is not None:
        return VersionLag(query, options["active"], options["stuck"])
    return Versions(query, options["active"], options["line"])


def _choose_values(query: Query, options: dict[str, Any], views: list[str]) -> Accounted:
    """Choose what is asked of the values of a dimension.

    Raises:
        UsageError: something that only versions have.
    """
    others = [*(view for view in views if view != "--would-miss"), *(["--instances"] if options["has_instances"] else [])]
    if others:
        raise UsageError(f"--of takes no {others[0]}: that is asked of versions; --of goes with --would-miss, --active, --by and --every")
    if options["would_miss"] is not None:
        return WouldMiss(query, options["would_miss"], options["active"], options["of"])
    return ValueAdoption(query, options["of"], options["active"], options["line"] if "line" in name_given() else None)
