"""The command that lets a shell complete commands, options and names."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete, add_completion_class, split_arg_string

from pullstats.cli.options import Command
from pullstats.errors import UsageError

_BREAKS: Final = "=:@"
"""Characters at which bash takes a word to begin anew."""

_BASH: Final = """\
%(complete_func)s() {
    local IFS=$'\\n' kind value
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value"); [[ $value == *= ]] && compopt -o nospace ;;
        esac
    done < <(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT %(complete_var)s=bash_complete "$1" 2>/dev/null)
}
complete -F %(complete_func)s %(prog_name)s
"""


class WholeLineComplete(BashComplete):
    """Completion for bash that reads the line as it was typed: bash cuts words at `=` and `:`, which filters and rules are full of."""

    source_template = _BASH

    def source(self) -> str:
        """Give the script; bash 3 would not know all of it, and says so itself."""
        return ShellComplete.source(self)

    def get_completion_args(self) -> tuple[list[str], str]:
        """Take the words up to the cursor apart."""
        line = _typed()
        words = split_arg_string(line)
        is_begun = (bool(line) and not line[-1].isspace()) or _is_quoted(line)
        return (words[1:-1], words[-1]) if is_begun and len(words) > 1 else (words[1:], "")

    def complete(self) -> str:
        """Give what may follow, without what stands before the place at which bash goes on."""
        args, typed = self.get_completion_args()
        head = 0 if _is_quoted(_typed()) else max(typed.rfind(sign) for sign in _BREAKS) + 1
        items = self.get_completions(args, typed)
        return "\n".join(f"{item.type},{item.value[head:] if item.value.startswith(typed[:head]) else item.value}" for item in items)


class _Shell(NamedTuple):
    """How a shell is told: the class that speaks to it, where its file goes, and what else is to be done."""

    speaker: type[ShellComplete]
    place: str
    variable: str
    fallback: str
    next: str


SHELLS: Final = {
    "bash": _Shell(
        WholeLineComplete,
        "bash-completion/completions/pullstats",
        "XDG_DATA_HOME",
        ".local/share",
        "open a new shell (package bash-completion reads it)",
    ),
    "zsh": _Shell(
        ZshComplete,
        ".zfunc/_pullstats",
        "ZDOTDIR",
        "",
        "put these lines into .zshrc, if they are not there, and open a new shell: fpath+=({folder}); autoload -Uz compinit && compinit",
    ),
    "fish": _Shell(FishComplete, "fish/completions/pullstats.fish", "XDG_CONFIG_HOME", ".config", "open a new shell"),
}


def prepare() -> None:
    """Let click answer shells as we want it."""
    add_completion_class(WholeLineComplete, "bash")


def offer_commands(commands: dict[str, str], typed: str) -> list[CompletionItem[str]]:
    """Offer commands, each with its help, without importing them."""
    return [CompletionItem(name, help=text) for name, text in commands.items() if name.startswith(typed)]


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(list(SHELLS)), required=False)
@click.option("--install", is_flag=True, help="Put it where the shell looks, instead of printing it.")
def completion(shell: str | None, **options: Any) -> int:
    """Let bash, zsh or fish complete commands, options, dimensions, metrics, rules, windows, and what logs hold.

    \b
    pullstats completion --install
    pullstats completion fish | source
    """  # noqa: D301 - click reads the character itself
    from pullstats.cli import COMPLETION_ASKED, main  # noqa: PLC0415 - the commands import this package
    from pullstats.render.output import write_output  # noqa: PLC0415 - completing needs none of it

    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise UsageError(f"no shell was named and SHELL names none of {', '.join(SHELLS)}; say pullstats completion bash")
    known = SHELLS[name]
    script = known.speaker(main, {}, "pullstats", COMPLETION_ASKED).source()
    if not options["install"]:
        click.echo(script, nl=False)
        return 0
    path = Path(os.environ.get(known.variable) or Path.home() / known.fallback) / known.place
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder '{path.parent}': {error.strerror}; print it with pullstats completion {name}") from error
    write_output(script, path)
    click.echo(f"written to {path}; {known.next.format(folder=shlex.quote(str(path.parent)))}")
    return 0


def _typed() -> str:
    line = os.environ.get("COMP_LINE", "").encode("utf-8", "surrogateescape")
    point = os.environ.get("COMP_POINT", "")
    return line[: int(point) if point.isascii() and point.isdigit() else len(line)].decode("utf-8", "replace")


def _is_quoted(line: str) -> bool:
    """Tell whether a quote is open at the end of a line."""
    try:
        shlex.split(line)
    except ValueError:
        return not line.endswith("\\")
    return False
