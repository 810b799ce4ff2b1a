"""Read a user's TOML file: a configuration, rules, thresholds; what it cannot be read for is said with the line, in one sentence."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pullstats.errors import InputError
from pullstats.small_files import read_small_text, tell_unreadable

_PLACE: Final = re.compile(r"\(at (?:line (?P<line>[0-9]+), column (?P<column>[0-9]+)|end of document)\)$", re.ASCII)
_TWICE: Final = ("Cannot ", "Duplicate ")
_OPEN: Final = ("Unclosed ", "Unterminated ", "Expected \"'", "Expected '\"", "Illegal character '\\n'")
_ADVICE: Final = 'a line of TOML is key = value, [table] or [[table]], with texts in quotes: "like this"'


@dataclass(frozen=True, slots=True)
class TomlFile:
    """A file that was read.

    Attributes:
        table: what it holds.
        text: itself, without a byte order mark, to know it by.
    """

    table: dict[str, Any]
    text: str


def read_toml(path: Path, called: str) -> TomlFile:
    """Read a file of TOML in UTF-8; a byte order mark before it is no matter.

    Args:
        path: the file.
        called: what messages call it: `the classes`.

    Raises:
        InputError: it cannot be read, or is no TOML; with the line, and what to do.
    """
    text = ""
    try:
        text = read_small_text(path)
        # As TOML has it, lines end in LF or CRLF; a number longer than Python reads is a ValueError.
        return TomlFile(tomllib.loads(text), text)
    except tomllib.TOMLDecodeError as error:
        reason = _tell_mistake(str(error), text)
    except (OSError, ValueError, RecursionError) as error:
        reason = tell_unreadable(error)
    raise InputError(f"cannot read {called} '{path}': {reason}")


def _tell_mistake(message: str, text: str) -> str:
    """Say where the decoder stopped, and what it takes for a mistake there."""
    place = _PLACE.search(message)
    last = text.count("\n") + (not text.endswith("\n"))
    line = int(place["line"]) if place and place["line"] else last
    if message.startswith(_TWICE):
        return f"line {line} names once more what an earlier line has named; leave one of the two"
    if message.startswith(_OPEN):
        return f"a quote or bracket that is open on line {line} is not closed; close it"
    if message.startswith("Invalid date"):
        return f"line {line} holds no date of the calendar; write 2025-04-16, or a text in quotes"
    column = f", column {place['column']}," if place and place["column"] else ""
    return f"line {line}{column} is not understood; {_ADVICE}"
