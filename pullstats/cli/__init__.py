"""The command line: arguments to plans and queries, errors to exit codes. No data logic.

To add a command: write it in the file of its help group and list it in `COMMANDS`. Modules are
imported when their command runs, so that `--help` stays quick.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from pullstats.errors import InternalError, PullstatsError, UsageError, unknown_name

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

EXIT_INTERNAL: Final = 1
EXIT_USAGE: Final = 2
EXIT_INTERRUPTED: Final = 130
COMPLETION_ASKED: Final = "_PULLSTATS_COMPLETE"
"""The variable by which a shell asks for completions."""


class HelpLine(NamedTuple):
    """A command of the help page: where it lives and what it does."""

    group: str
    module: str
    help: str


COMMANDS: Final[dict[str, HelpLine]] = {
    "ingest": HelpLine("In", "pullstats.cli.ingest", "Read access logs into the store."),
    "formats": HelpLine("In", "pullstats.cli.formats", "Tell the format of a log, and which lines fail; list what can be read."),
    "overview": HelpLine("Look", "pullstats.cli.overview", "Show what is in a log on one screen, or what is in the store."),
    "report": HelpLine("Look", "pullstats.cli.look", "Break any metric down by one to three dimensions."),
    "series": HelpLine("Look", "pullstats.cli.look", "Show metrics over time, in buckets."),
    "uniques": HelpLine("Look", "pullstats.cli.people", "Count networks, endpoints, origins side by side; new, returning and churned ones."),
    "origins": HelpLine("Look", "pullstats.cli.people", "List who is behind the numbers; with an ID, one's timeline."),
    "behaviour": HelpLine("Look", "pullstats.cli.people", "Tell why origins come: production, CI, development, mirrors; and what says so."),
    "concentration": HelpLine("Look", "pullstats.cli.people", "Tell how much of a number a few make up, and the number without them."),
    "orgs": HelpLine("Look", "pullstats.cli.people", "List which organisations take how much, why and what, and whether it grew."),
    "versions": HelpLine("Look", "pullstats.cli.versions", "Tell which versions are taken, who is still on old ones, and how releases landed."),
    "cohorts": HelpLine("Look", "pullstats.cli.cohorts", "Tell how many of those who came for the first time came again, by week or month."),
    "offenders": HelpLine("Look", "pullstats.cli.offenders", "List who makes requests that need not be made, and what they cost."),
    "compare": HelpLine("Look", "pullstats.cli.look", "Compare two windows, versions, hosts or filters; is it noise?"),
    "explain": HelpLine("Look", "pullstats.cli.explain", "Tell how a report's numbers came about."),
    "demand": HelpLine("Look", "pullstats.cli.look", "Show which platforms are asked for, answered, and missing."),
    "export": HelpLine("Out", "pullstats.cli.out", "Write files for cron: daily numbers, events, rejected lines."),
    "html": HelpLine("Out", "pullstats.cli.page", "Write one page for a browser, in a single file: sentences, charts, tables."),
    "badge": HelpLine("Out", "pullstats.cli.badge", "Make one number a badge: an SVG, or JSON for shields.io."),
    "digest": HelpLine("Out", "pullstats.cli.digest", "Write a letter about a month: Markdown, HTML or plain text."),
    "alert": HelpLine("Out", "pullstats.cli.alert", "Tell whether a number fell, rose or passed a bound; exit code 5 if it did."),
    "sql": HelpLine("Out", "pullstats.cli.sql", "Ask the store in SQL, read-only: events, downloads, origins, sources."),
    "status": HelpLine("Keep", "pullstats.cli.keep", "Show what is in the store, and how fresh it is."),
    "compact": HelpLine("Keep", "pullstats.cli.keep", "Merge the files of many short runs into few large ones."),
    "verify": HelpLine("Keep", "pullstats.cli.keep", "Check every file of the store against its log; set aside what is damaged."),
    "doctor": HelpLine("Keep", "pullstats.cli.doctor", "List unknown agents and paths, and what is out of date."),
    "rebuild": HelpLine("Keep", "pullstats.cli.rules", "Derive agent, package and network columns anew after a change of rules."),
    "counts": HelpLine("Keep", "pullstats.cli.counts", "Show the counting rules, and what each makes of worked cases."),
    "clients": HelpLine("Keep", "pullstats.cli.rules", "Show how user agents are read, and why."),
    "packages": HelpLine("Keep", "pullstats.cli.rules", "Show how request paths are read."),
    "help": HelpLine("Start", "pullstats.cli.help", "Tell about a command, the options that many share, or variables, files and exit codes."),
    "version": HelpLine("Start", "pullstats.cli.help", "Tell the version, and those of what it stands on."),
    "completion": HelpLine("Start", "pullstats.cli.completion", "Let bash, zsh or fish complete commands, options and names."),
    "demo": HelpLine("Start", "pullstats.cli.start", "Walk through pullstats on the bundled sample logs."),
}


_CALLED: Final = {
    word: name
    for name, words in {
        "ingest": "add import load parse read",
        "report": "breakdown query show stats table top",
        "series": "daily history timeline timeseries trend",
        "uniques": "distinct unique",
        "origins": "ips people users visitors who",
        "compare": "diff versus vs",
        "explain": "how why",
        "status": "info ls",
        "compact": "merge optimize vacuum",
    }.items()
    for word in words.split()
}
"""What people call commands."""


class LazyGroup(click.Group):
    """A group whose commands are imported only when one of them runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name the commands in the order of the help page."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import the module that holds a command."""
        if cmd_name not in COMMANDS:
            meant = _CALLED.get(cmd_name.lower())
            if meant is None:
                raise unknown_name("command", cmd_name, COMMANDS)
            raise UsageError(f"no command '{cmd_name}'; what you may mean is {meant}: {COMMANDS[meant].help}")
        command = getattr(importlib.import_module(COMMANDS[cmd_name].module), cmd_name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a log in its place is looked at at once."""
        if args and args[0] not in COMMANDS and os.path.exists(args[0]):  # noqa: PTH110 - never raises
            return "overview", self.get_command(ctx, "overview"), args
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        """Offer the commands without importing them."""
        from pullstats.cli.completion import offer_commands  # noqa: PLC0415 - only a shell asks

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return offer_commands({name: entry.help for name, entry in COMMANDS.items()}, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the commands by help group."""
        for group in dict.fromkeys(entry.group for entry in COMMANDS.values()):
            with formatter.section(group):
                formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items() if entry.group == group])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="pullstats", prog_name="pullstats")
def main() -> None:
    """Tell who pulls your packages, containers and downloads, from access logs, on this machine.

    \b
    pullstats ingest access.log
    pullstats report --by country --window 30d
    """  # noqa: D301 - click reads the character itself


def run(arguments: list[str]) -> int:
    """Run the command line.

    Args:
        arguments: what stands behind `pullstats`.

    Returns:
        The exit code: 0 ok, 1 internal error, 2 usage or bad input, 3 quality threshold passed,
        4 no data in the window, 5 an alarm, 130 interrupted.
    """
    if COMPLETION_ASKED in os.environ:
        return _complete()
    is_debug = "--debug" in arguments or os.environ.get("PULLSTATS_DEBUG") == "1"
    try:
        result = main.main(_put_command_first(arguments), prog_name="pullstats", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BaseException as error:
        if is_debug and isinstance(error, Exception) and not isinstance(error, click.ClickException | click.exceptions.Exit | click.exceptions.Abort):
            raise
        return _say_click(error)
    return _exit_code(result)


_WITH_VALUE: Final = frozenset({"--store", "--config"})
_WITHOUT: Final = frozenset({"--quiet", "-q", "--verbose", "-v", "--debug", "--no-color"})


def _put_command_first(arguments: list[str]) -> list[str]:
    """Put options that every command has behind the command, where people write them before it.

    Example:
        >>> _put_command_first(["--store", "s", "-q", "report", "--by", "client"])
        ['report', '--store', 's', '-q', '--by', 'client']
    """
    end = 0
    while end < len(arguments) and (arguments[end] in _WITHOUT | _WITH_VALUE or arguments[end].partition("=")[0] in _WITH_VALUE):
        end += 2 if arguments[end] in _WITH_VALUE else 1
    return [*arguments[end : end + 1], *arguments[:end], *arguments[end + 1 :]]


def _complete() -> int:
    """Answer a shell; whatever goes wrong, nothing is said between what a user types."""
    from pullstats.cli.completion import prepare  # noqa: PLC0415 - only a shell asks

    prepare()
    try:
        main.main([], prog_name="pullstats", standalone_mode=False)
    except SystemExit as done:
        return int(done.code or 0)
    except Exception:  # noqa: BLE001 - see above
        return 1
    return 0


def _say_click(error: BaseException) -> int:
    """Say what click reports, and give the exit code."""
    match error:
        case click.exceptions.Abort() | KeyboardInterrupt():
            return _fail("interrupted; nothing that was not already committed is kept", EXIT_INTERRUPTED)
        case click.exceptions.Exit():
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            click.echo(error.format_message())
            return EXIT_USAGE
        case click.ClickException():
            return _fail(_usage_message(error), EXIT_USAGE)
        case _:
            return _say(error)


def _say(error: BaseException) -> int:
    """Say what went wrong, and give the exit code."""
    match error:
        case BrokenPipeError() | SystemExit():  # click ends the process itself where nobody reads its output
            _close_stdout()
            return 0
        case OSError():
            _close_stdout()
            return _fail(_system_message(error), EXIT_USAGE)
        case PullstatsError():
            _drop_output()
            return _fail(str(error), EXIT_INTERNAL if isinstance(error, InternalError) else EXIT_USAGE)
        case _:
            return _fail(f"internal error ({type(error).__name__}); run it again with --debug and report what it prints", EXIT_INTERNAL)


def _exit_code(result: Any) -> int:
    return result if isinstance(result, int) else 0


def _usage_message(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    hint = f" ('{context.command_path} --help' lists the options)" if context else ""
    return error.format_message().rstrip(".") + hint


def _system_message(error: OSError) -> str:
    """Say what the system refuses: mostly to write what was to be printed, for no file is named then."""
    reason = "no space left on the disk" if error.errno == errno.ENOSPC else error.strerror or str(error)
    return f"cannot use '{error.filename}': {reason}" if error.filename else f"cannot write standard output: {reason}"


def _drop_output() -> None:
    """Leave nothing for Python to write at exit where it cannot be written."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except (OSError, ValueError):
        _close_stdout()


def _close_stdout() -> None:
    """Keep Python from complaining at exit that its output went nowhere."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _wrap(line: str) -> str:
    """Break a sentence between words at a terminal's width; a file or pipe gets it in one line, and what is indented stays as it is."""
    if sys.stderr is None or not sys.stderr.isatty() or line.startswith(" "):
        return line
    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, width, break_long_words=False, break_on_hyphens=False, replace_whitespace=False) if len(line) > width else line


def _fail(message: str, code: int) -> int:
    from pullstats.render.sanitise import for_terminal  # noqa: PLC0415 - not needed where nothing fails

    with contextlib.suppress(OSError, ValueError):  # the exit code says it, too
        click.echo("\n".join(_wrap(for_terminal(line)) for line in f"pullstats: {message}".split("\n")), err=True)
    return code
