"""The commands that show what the rules make of a value, and why."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import polars as pl

from pullstats.cli.options import Command, combine, general_options, lock_option
from pullstats.cli.output import emit, output_options, warning_printer
from pullstats.cli.rule_options import rule_sources, rules_option
from pullstats.enrich import RuleBook, load_rules
from pullstats.enrich.agents import AgentExplanation, explain_agent
from pullstats.enrich.escapes import unescape
from pullstats.enrich.meaning import read_packages
from pullstats.enrich.packages import action_by_method
from pullstats.enrich.redact import redact_text
from pullstats.pipeline.rebuild import RebuildSummary
from pullstats.pipeline.rebuild import rebuild as run_rebuild
from pullstats.reports import Column, Report

_TAKEN: Final = {200, 301, 302, 303, 307, 308}
form_option = click.option(
    "--format", "output_format", type=click.Choice(["table", "json", "ndjson"]), default="table", show_default=True, help="For people or for scripts."
)


@click.group()
def clients() -> None:
    """Show how user agents are read."""


@clients.command("test", cls=Command)
@click.argument("agents", nargs=-1, required=True, metavar="'UA'…")
@combine(rules_option, form_option, general_options)
def test_clients(agents: tuple[str, ...], **options: Any) -> int:
    """Read user agents, and say which rule took each, what it captured, and why.

    With - one agent a line is read from standard input. Escapes as nginx and Apache write them are undone first.
    """
    rules = load_rules(rule_sources(options))
    return _show((_client_row(text, explain_agent(unescape(text), rules.agents)) for text in _values(agents)), options)


def _client_row(text: str, found: AgentExplanation) -> dict[str, Any]:
    agent = found.agent
    runtime = f"{agent.runtime}/{agent.runtime_version}" if agent.runtime else None
    return {
        "ua": _redact(text),
        "client": agent.name,
        "client_version": agent.version,
        "client_kind": agent.kind,
        "os": agent.os,
        "arch": agent.arch,
        "ci": agent.is_ci,
        "runtime": runtime,
        "env": agent.environment,
        "distro": agent.distro,
        "libc": agent.libc,
        "machine": agent.host_os or agent.os,
        "rule": found.rule,
        "captures": {name: _redact(value) for name, value in found.captures.items()},
        "reasons": found.reasons,
    }


@click.group()
def packages() -> None:
    """Show how request paths are read."""


@packages.command("test", cls=Command)
@click.argument("paths", nargs=-1, required=True, metavar="'PATH'…")
@click.option("--method", default="GET", show_default=True, help="Request method.")
@click.option("--status", type=click.IntRange(0, 999), default=200, show_default=True, help="Status of the answer.")
@click.option("--hint", help="Ecosystem that the site's host or the client suggests, where the path alone does not tell.")
@combine(rules_option, form_option, general_options)
def test_packages(paths: tuple[str, ...], **options: Any) -> int:
    """Read request paths: ecosystem, package, version, platform, action, and whether it can be a download.

    With - one path a line is read from standard input; a line may also be a JSON object with method, path, status and hint.
    """
    rules = load_rules(rule_sources(options))
    return _show((_package_row(text, options, rules) for text in _values(paths)), options)


def _package_row(text: str, options: dict[str, Any], rules: RuleBook) -> dict[str, Any]:
    asked = {"method": options["method"], "path": text, "status": options["status"], "hint": options["hint"]} | _read_object(text)
    path = None if asked["path"] is None else str(asked["path"])
    hint = pl.Series([asked["hint"]], dtype=pl.String)
    found = read_packages(pl.Series([path], dtype=pl.String), rules, hint)
    found = found.with_columns(action=action_by_method(pl.lit(str(asked["method"])), pl.col("action")))
    row = found.row(0, named=True)
    is_counted = asked["method"] == "GET" and asked["status"] in _TAKEN and row["is_downloadable"] and row["action"] in ("download", "manifest")
    return {
        "path": _redact(path or ""),
        "method": asked["method"],
        "status": asked["status"],
        "ecosystem": row["package_type"],
        "package": row["package_name"],
        "version": row["package_version"],
        "version_normalized": row["package_version_normalized"],
        "reference": row["reference_kind"],
        "action": row["action"],
        "os": row["package_os"],
        "arch": row["package_arch"],
        "counts_as_download": bool(is_counted),
        "labels": json.loads(row["labels"]) if row["labels"] else {},
        "needs_hint": row["needs_hint"],
    }


def _read_object(text: str) -> dict[str, Any]:
    """Read a line that is a JSON object; any other line is a path."""
    try:
        found = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict):
        return {}
    asked: dict[str, Any] = {key: found[key] for key in ("method", "path", "status", "hint") if key in found}
    if not isinstance(asked.get("hint"), str | None):
        asked.pop("hint")
    return asked


def _values(arguments: tuple[str, ...]) -> Iterator[str]:
    for argument in arguments:
        if argument == "-":
            for line in sys.stdin.buffer:
                yield line.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
        else:
            yield argument


def _redact(text: str) -> str:
    return str(pl.select(redact_text(pl.lit(text))).item())


def _show(rows: Iterator[dict[str, Any]], options: dict[str, Any]) -> int:
    if options["output_format"] == "ndjson":
        for row in rows:
            click.echo(json.dumps(row))
    elif options["output_format"] == "json":
        click.echo(json.dumps(list(rows)))
    else:
        for number, row in enumerate(rows):
            click.echo(("\n" if number else "") + "\n".join(_describe(row)))
    return 0


def _describe(row: dict[str, Any]) -> Iterator[str]:
    from pullstats.render.sanitise import for_terminal  # noqa: PLC0415 - only tables need it

    for name, value in row.items():
        if isinstance(value, dict):
            for inner, text in value.items():
                yield f"  {name:<20} {inner}: {for_terminal(str(text))}"
        else:
            shown = "unknown" if value is None else str(value).lower() if isinstance(value, bool) else for_terminal(str(value))
            yield f"  {name.replace('_', ' '):<20} {shown}" if name not in ("ua", "path") else shown


@click.command(cls=Command)
@click.option("--digests", type=click.Path(), multiple=True, help="Image index (JSON) that names the platform of digests; repeatable.")
@click.option("--key-file", type=click.Path(), help="Key of the hashes (default: your own).")
@click.option("--dry-run", is_flag=True, help="Count what would change, change nothing.")
@combine(rules_option, lock_option, output_options, general_options)
def rebuild(**options: Any) -> int:
    """Derive agent, package and network columns anew after a change of rules, without the logs.

    File by file, each in one transaction: a rebuild that is interrupted goes on where it stopped.
    """
    summary = run_rebuild(
        options["store"],
        rules=rule_sources(options),
        digests=tuple(map(Path, options["digests"])),
        key_file=Path(options["key_file"]) if options["key_file"] else None,
        is_dry_run=options["dry_run"],
        tell=warning_printer(options),
        lock_timeout=options["lock_timeout"],
    )
    return emit(_rebuild_report(summary), options)


def _rebuild_report(summary: RebuildSummary) -> Report:
    rows = pl.DataFrame(
        sorted(summary.columns.items(), key=lambda item: (-item[1], item[0])), schema={"column": pl.String, "events": pl.Int64}, orient="row"
    )
    verb = "would be" if summary.is_dry_run else "were"
    before = ", ".join(f"{version or 'unknown'} ({count:,} events)" for version, count in sorted(summary.before.items()))
    headline = f"{summary.events:,} events in {summary.files:,} files read anew, {summary.changed:,} {verb} changed"
    footer = f"rule set {summary.rule_set_version}; before: {before or 'none'}"
    meta = {
        "files": summary.files,
        "events": summary.events,
        "changed": summary.changed,
        "rule_set_version": summary.rule_set_version,
        "before": summary.before,
        "dry_run": summary.is_dry_run,
        "warnings": summary.warnings,
    }
    return Report(
        rows, (Column("column", "column", "text"), Column("events", "events changed", "count")), headline=headline, footer=footer, meta=meta
    )
