"""The commands that bring logs in."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

import click

from pullstats.cli.options import Command, chosen_maps, combine, general_options, lock_option, map_option
from pullstats.cli.output import PIPED_WIDTH, terminal_width, warning_printer
from pullstats.cli.progress import progress_bar
from pullstats.cli.rule_options import rule_sources, rules_option
from pullstats.cli.summary import summary_text
from pullstats.enrich import NetworkSources
from pullstats.errors import UsageError
from pullstats.formats import FormatChoice
from pullstats.pipeline.ingest import ingest as run_ingest
from pullstats.pipeline.plan import MAX_EXPANDED, IngestPlan, IngestSummary
from pullstats.render import RenderOptions
from pullstats.render.sanitise import for_terminal

EXIT_UNREAD: Final = 2
EXIT_QUALITY: Final = 3

reading_options = combine(
    click.option("--input-format", default="auto", show_default=True, help="Name of the log format, or auto."),
    click.option(
        "--log-format",
        help="The server's own format string (nginx, Apache, HAProxy, Envoy, Caddy, Gitea, #Fields), or @nginx.conf[:name], @apache2.conf[:name], @haproxy.cfg[:name].",
    ),
    map_option,
    click.option("--source", "source_name", help="Name of the source: logs of two names are two, whatever they hold."),
    click.option("--tz-in", default="UTC", show_default=True, help="Time zone of log times that name none, e.g. Europe/Berlin."),
    click.option(
        "--max-expanded",
        default=MAX_EXPANDED,
        show_default=True,
        help="How far a compressed log may expand: a multiple of its size, or a size such as 20GB.",
    ),
    click.option(
        "--trusted-proxy",
        multiple=True,
        help="CIDR range whose word about the client counts, or private, cloudflare, fastly, cloudfront; repeatable.",
    ),
    click.option("--geo-db", type=click.Path(path_type=Path), help="MaxMind-format database instead of the bundled one."),
    click.option(
        "--orgs", type=click.Path(path_type=Path), help="CSV of address ranges and names that go over the network owner's; @ours for your own."
    ),
    click.option("--ours", multiple=True, help="CIDR range of your own networks; repeatable."),
    click.option(
        "--cloud-ranges",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Ranges as AWS, Google Cloud, Azure, Oracle or GitHub publish them (JSON): cloud, region, CI runners; repeatable.",
    ),
    rules_option,
    click.option(
        "--digests", type=click.Path(path_type=Path), multiple=True, help="Image index (JSON) that names the platform of digests; repeatable."
    ),
    click.option("--key-file", type=click.Path(path_type=Path), help="Key of the hashes (default: your own, made on first use)."),
    click.option("--new-key-epoch", "is_new_key_epoch", is_flag=True, help="Hash with another key from now on: everybody counts as somebody new."),
    click.option("--again", "is_again", is_flag=True, help="Read logs that may have been read before, where a lost identity key leaves no telling."),
    click.option("--keep-addresses", is_flag=True, help="Keep client addresses in clear. They are personal data."),
    click.option(
        "--keep-attributes", is_flag=True, help="Keep what JSON logs carry under keys that are not known, redacted, in the column attributes."
    ),
)


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@reading_options
@click.option("--dry-run", is_flag=True, help="Read and count everything, keep nothing.")
@lock_option
@click.option("--max-bad", help="Exit 3 if more than this share of lines is rejected, e.g. 0.5%.")
@click.option("--format", "output_format", type=click.Choice(["table", "json"]), default="table", show_default=True, help="Form of the summary.")
@general_options
def ingest(paths: tuple[str, ...], **options: Any) -> int:
    """Read access logs into the store, each line exactly once.

    PATH is a file, a folder, a glob in quotes, or - for standard input; plain, gz, bz2, xz, zst or Parquet.
    Run it again as often as you like: lines that are in the store are not counted twice.
    """
    limit = parse_share(options["max_bad"])
    plan = make_plan(paths, options)
    with progress_bar(is_wanted=not options["quiet"], use_color=not options["no_color"]) as step:
        summary = run_ingest(plan, step, warning_printer(options))
    _print_summary(summary, options)
    return judge(summary, limit)


def make_plan(paths: tuple[str, ...], options: dict[str, Any]) -> IngestPlan:
    """Make the plan that the options of a command that reads logs describe."""
    return IngestPlan(
        paths=paths,
        store=options["store"],
        formats=FormatChoice(options["input_format"], options["log_format"], *chosen_maps(options), keeps_attributes=options["keep_attributes"]),
        source_name=options["source_name"],
        tz_in=options["tz_in"],
        max_expanded=options["max_expanded"],
        trusted_proxies=options["trusted_proxy"],
        geo_db=options["geo_db"],
        digests=options["digests"],
        networks=NetworkSources(options["orgs"], options["ours"], options["cloud_ranges"]),
        rules=rule_sources(options),
        key_file=options["key_file"],
        keep_addresses=options["keep_addresses"],
        is_new_key_epoch=options["is_new_key_epoch"],
        is_again=options["is_again"],
        is_dry_run=options.get("dry_run", False),
        lock_timeout=options.get("lock_timeout", 0),
    )


def parse_share(text: str | None) -> float | None:
    """Read a share such as `0.5%` or `0.005`.

    Raises:
        UsageError: it is neither.

    Example:
        >>> parse_share("0.5%"), parse_share("0.25"), parse_share(None)
        (0.005, 0.25, None)
    """
    if text is None:
        return None
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(f"--max-bad '{text}' is no share; write 0.5% or 0.005")
    return share


def _print_summary(summary: IngestSummary, options: dict[str, Any]) -> None:
    if options["output_format"] == "json":
        click.echo(json.dumps(summary.to_json()))
    if not options["quiet"]:
        is_screen = sys.stderr.isatty()
        width = terminal_width() if is_screen else PIPED_WIDTH
        color = is_screen and not options["no_color"] and not os.environ.get("NO_COLOR")
        click.echo(summary_text(summary, RenderOptions(color=color, width=width)), err=True, nl=False)


def judge(summary: IngestSummary, limit: float | None) -> int:
    """Give the exit code: 2 if a log could not be read whole, 3 if too many lines were rejected."""
    if summary.failures:
        more = f" ({len(summary.failures) - 1:,} more like it)" if len(summary.failures) > 1 else ""
        said = for_terminal(summary.failures[0])
        rest = "all that could be read was counted" if summary.is_dry_run else "all that could be read is in the store"
        click.echo(f"pullstats: not everything could be read: {said}{more}; {rest}", err=True)
        return EXIT_UNREAD
    read = summary.total("lines") - summary.total("duplicates")
    if limit is None or not read or summary.total("rejected") / read <= limit:
        return 0
    click.echo(f"pullstats: {summary.total('rejected'):,} of {read:,} lines were rejected, more than --max-bad allows", err=True)
    return EXIT_QUALITY
