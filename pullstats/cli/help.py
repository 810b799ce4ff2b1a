"""The commands that tell about pullstats itself: help by topic, and its version."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of
from typing import Any, Final

import click

from pullstats.cli.environment import TABLES
from pullstats.cli.options import SHARED, Command
from pullstats.errors import UsageError, unknown_name

_TOLD: Final = ("polars", "deltalake", "pyarrow", "duckdb")
"""Libraries that a report of a fault should name."""


@click.command("help", cls=Command)
@click.argument("topic", nargs=-1)
def help_(topic: tuple[str, ...]) -> int:
    """Tell about a command, or about what all of them share.

    \b
    pullstats help                what there is
    pullstats help report         a command
    pullstats help options        options that many commands have
    pullstats help environment    variables, files, exit codes
    """  # noqa: D301 - click reads the character itself
    root = click.get_current_context().parent
    assert root is not None
    if not topic:
        click.echo(root.get_help())
    elif topic == ("options",):
        click.echo(_tell_options(root))
    elif topic == ("environment",):
        click.echo(_tell_environment(root))
    else:
        click.echo(_tell_command(root, topic))
    return 0


@click.command(cls=Command)
def version() -> int:
    """Tell the version, and those of what it stands on: for a report of a fault."""
    click.echo(f"pullstats {version_of('pullstats')}")
    parts = [f"Python {platform.python_version()}"]
    for name in _TOLD:
        try:
            parts.append(f"{name} {version_of(name)}")
        except PackageNotFoundError:
            parts.append(f"{name} not installed")
    click.echo(f"{', '.join(parts)}; {platform.system()} {platform.machine()}")
    return 0


def _tell_command(root: click.Context, words: tuple[str, ...]) -> str:
    """Give the help of a command, or of one below it.

    Raises:
        UsageError: there is none.
    """
    context = root
    for word in words:
        group = context.command
        if not isinstance(group, click.Group):
            raise UsageError(f"'{context.command_path}' has no parts; pullstats help {context.info_name} tells all of it")
        try:
            found = group.get_command(context, word)
        except UsageError as error:
            raise UsageError(f"{error}; pullstats help also knows: options, environment") from error
        if found is None:
            raise unknown_name("command", word, group.list_commands(context))
        context = found.context_class(found, info_name=word, parent=context)
    return context.get_help()


def _tell_options(root: click.Context) -> str:
    from pullstats.cli.look import report  # noqa: PLC0415 - it has them all, and imports all that answers

    formatter = root.make_formatter()
    shared = [one for one in report.params if one in SHARED]
    for title in dict.fromkeys(SHARED[one] for one in shared):
        records = [one.get_help_record(root) for one in shared if SHARED[one] == title]
        with formatter.section(title):
            formatter.write_dl([record for record in records if record is not None])
    return formatter.getvalue().rstrip("\n")


def _tell_environment(root: click.Context) -> str:
    formatter = root.make_formatter()
    for table in TABLES:
        with formatter.section(table.title):
            formatter.write_dl(table.rows)
    return formatter.getvalue().rstrip("\n")


def __getattr__(name: str) -> Any:
    """Give the command `help` by its name, which Python's own `help` has, too."""
    if name == "help":
        return help_
    raise AttributeError(name)
