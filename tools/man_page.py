"""Write the man page from the texts of `--help`.

Source: man-pages(7), groff_man(7).
"""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version

import click

from pullstats.cli import COMMANDS, main
from pullstats.cli.environment import TABLES
from pullstats.cli.options import SHARED, Command

_SECTIONS = {"Variables": "ENVIRONMENT", "Files": "FILES", "Exit codes": "EXIT STATUS"}


def man_page() -> str:
    """Give pullstats(1)."""
    root = click.Context(main, info_name="pullstats")
    lines = [
        f'.TH PULLSTATS 1 "" "pullstats {version("pullstats")}" "User Commands"',
        ".SH NAME",
        f"pullstats \\- {_escape(_first_sentence(main).rstrip('.').lower())}",
        ".SH SYNOPSIS",
        ".B pullstats",
        ".I command",
        "[options] [arguments]",
        ".SH DESCRIPTION",
        *_paragraphs(main.help or ""),
    ]
    shared: dict[str | None, click.Option] = {}
    lines.append(".SH COMMANDS")
    for name in COMMANDS:
        command = main.get_command(root, name)
        assert command is not None
        lines += _command(command, click.Context(command, info_name=f"pullstats {name}"), shared)
    lines.append(".SH OPTIONS OF MANY COMMANDS")
    for title in dict.fromkeys(SHARED[one] for one in shared.values()):
        lines += [f".SS {_escape(title)}", *(line for one in shared.values() if SHARED[one] == title for line in _option(one, root))]
    for table in TABLES:
        lines.append(f".SH {_SECTIONS[table.title]}")
        lines += [line for name, text in table.rows for line in (".TP", f".B {_escape(name)}", _escape(text))]
    return "\n".join(lines) + "\n"


def _command(command: click.Command, context: click.Context, shared: dict[str | None, click.Option]) -> list[str]:
    """Tell of a command, its own options, and those below it; options that others have, too, are put aside."""
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f".SS {_escape(context.info_name or '')}", _escape(usage), *_paragraphs(command.help or "")]
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    for one in options:
        if one in SHARED:
            shared.setdefault(one.name, one)
        elif "--help" not in one.opts:
            lines += _option(one, context)
    if isinstance(command, click.Group) and isinstance(command, Command):
        for name, inner in command.commands.items():
            lines += _command(inner, click.Context(inner, info_name=f"{context.info_name} {name}"), shared)
    return lines


def _option(option: click.Option, context: click.Context) -> list[str]:
    record = option.get_help_record(context)
    return [] if record is None else [".TP", f".B {_escape(record[0])}", _escape(record[1])]


def _first_sentence(command: click.Command) -> str:
    return re.split(r"(?<=\.)\s", (command.help or "").strip())[0].replace("\n", " ")


def _paragraphs(text: str) -> list[str]:
    r"""Turn the paragraphs of a docstring into those of a man page; what click keeps as it is (`\b`) stays so, too."""
    lines: list[str] = []
    for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(text).strip()):
        if paragraph.startswith("\b"):
            lines += [".PP", ".nf", *(_escape(line) for line in paragraph.splitlines()[1:]), ".fi"]
        else:
            lines += [".PP", _escape(" ".join(paragraph.split()))]
    return lines


def _escape(text: str) -> str:
    """Write a text so that troff prints it as it is, whatever encoding it reads."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    plain = "".join(letter if letter.isascii() else f"\\[u{ord(letter):04X}]" for letter in plain)
    return f"\\&{plain}" if plain[:1] in (".", "'") else plain
