"""Draft a `log_format` string for lines of a server that nobody named, by what its values look like.

A draft is a suggestion for a person to check: it is never read with unasked. It is tried on the lines it was made from.
"""

from __future__ import annotations

import re
from typing import Final

import polars as pl

from pullstats.clients import ADDRESS
from pullstats.errors import InputError
from pullstats.formats.log_format import LogFormat
from pullstats.formats.notices import METHODS
from pullstats.formats.templates import compile_log_format
from pullstats.formats.text_lines import TextReader
from pullstats.formats.variables import DATED

_METHODS: Final = "|".join(sorted(METHODS))
_PARTS: Final = re.compile(
    r"""
      (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<bracketed>\[[^\]\s]+(?:\ [+-]\d{4})?\])
    | (?P<time>\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}\ [+-]\d{4})
    | (?P<dated>\d{4}[-/]\d{2}[-/]\d{2}\ \d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?=[\s\]|,;]|$))
    | (?P<word>\S+)
    | (?P<blank>\s+)
    """,
    re.VERBOSE,
)
_OPENING: Final = "<({['|=:,;"
_CLOSING: Final = ">)}]'|,;:"
"""What may stand before and behind a value."""
_TIMES: Final = (
    ("time_local", re.compile(r"\d{1,2}/[A-Z][a-z]{2}/\d{4}:\d{2}:\d{2}:\d{2}(?: [+-]\d{4})?")),
    ("time_iso8601", re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?")),
    ("time_dated", re.compile(DATED)),
    ("msec", re.compile(r"1[0-9]{9}(?:\.[0-9]{1,6})?")),
)
_WHOLE_ADDRESS: Final = re.compile(ADDRESS)
_LABEL: Final = re.compile(r"([A-Za-z_@][\w.@-]*[=:])(?=.)")
"""A key in front of a value: `ts=`, `time:`."""
_VALUES: Final = (
    ("remote_addr", _WHOLE_ADDRESS),
    ("request_method", re.compile(_METHODS)),
    ("request_uri", re.compile(r"(?:/|https?://)\S*")),
    ("server_protocol", re.compile(r"HTTP/[0-9.]+")),
    ("status", re.compile(r"[1-5][0-9]{2}")),
    ("body_bytes_sent", re.compile(r"[0-9]+|-")),
)
_REQUEST: Final = re.compile(rf"(?:{_METHODS}) \S+.*")
_AGENT: Final = re.compile(r"[A-Za-z][\w.+ -]*/[0-9v].*")
_NEEDED: Final = ("time_local", "time_iso8601", "time_dated", "msec")
_SHARE: Final = 0.5


def draft_log_format(lines: pl.Series) -> str | None:
    """Draft a format that reads lines.

    Args:
        lines: texts.

    Returns:
        A `log_format` string that reads at least half of them, so that their values make sense; None if there is none.
    """
    for line in lines.head(5):
        draft = _draft(line)
        if draft is not None and _works(draft, lines):
            return draft
    return None


def draft_columns(lines: pl.Series, separator: str) -> str | None:
    """Draft a format that reads lines of columns.

    Args:
        lines: texts, without a line that names the columns.
        separator: what stands between the columns.

    Returns:
        See `draft_log_format`.
    """
    for line in lines.head(5):
        used: set[str] = set()
        draft = separator.replace("\t", r"\t").join(_name_cell(cell, used) for cell in line.split(separator))
        if _has_needed(used) and _works(draft, lines):
            return draft
    return None


def _works(draft: str, lines: pl.Series) -> bool:
    try:
        reader = TextReader(compile_log_format(draft.replace(r"\t", "\t"), needs_address=False))
    except InputError:
        return False
    judged = LogFormat("draft", "", "", draft, reader).judge(lines)
    return judged.null_count() >= _SHARE * lines.len()


def _draft(line: str) -> str | None:
    used: set[str] = set()
    text = "".join(_name(found[0], found.lastgroup or "", used) for found in _PARTS.finditer(line.strip()))
    return text if _has_needed(used) else None


def _has_needed(used: set[str]) -> bool:
    has_time = not used.isdisjoint(_NEEDED)
    has_request = "request" in used or ({"request_method", "request_uri"} <= used) or ("request_uri" in used and "status" in used)
    return has_time and has_request


def _name_cell(cell: str, used: set[str]) -> str:
    """Write a cell as the variable that it looks like; quotes around it and a label in front of it stay."""
    label = _find_labels(cell)
    cell = cell[len(label) :]
    quote = '"' if len(cell) > 1 and cell[0] == cell[-1] == '"' else ""
    inner = cell[1:-1] if quote else cell
    names = [*_TIMES, *_VALUES, ("request", _REQUEST), ("http_user_agent", _AGENT)]
    name = next((name for name, pattern in names if name not in used and pattern.fullmatch(inner)), "field")
    if name == "body_bytes_sent" and "status" not in used:
        name = "field"
    return f"{label}{quote}${_take(name, used)}{quote}"


def _name(text: str, kind: str, used: set[str]) -> str:
    """Write a part of a line as the variable that it looks like."""
    if kind == "blank":
        return " "
    if kind == "quoted":
        return f'"${_take(_look_at_quoted(text[1:-1]), used)}"'
    label = _find_labels(text) if kind == "word" else ""
    return label + _name_word(text[len(label) :], used)


def _name_word(text: str, used: set[str]) -> str:
    if text == "-" and "status" not in used:
        return f"${_take('remote_user', used)}" if "remote_addr" in used and "ident" in used else f"${_take('ident', used)}"
    rest = text.lstrip(_OPENING)
    inner = rest.rstrip(_CLOSING)
    before, after = text[: len(text) - len(rest)], rest[len(inner) :]
    if not inner and "$" not in text:
        return text
    name = next((name for name, pattern in (*_TIMES, *_VALUES) if name not in used and pattern.fullmatch(inner)), None)
    if name is None or (name == "body_bytes_sent" and "status" not in used):
        return f"{before}${_take('field', used)}{after}"
    return f"{before}${_take(name, used)}{after}"


def _find_labels(text: str) -> str:
    """Give the keys in front of a value, none where the whole is a value of its own (`http://…`)."""
    start = 0
    while (found := _LABEL.match(text, start)) and not text.startswith(("http:", "https:"), start) and not _WHOLE_ADDRESS.fullmatch(text, start):
        start = found.end()
    return text[:start]


def _look_at_quoted(text: str) -> str:
    if _REQUEST.fullmatch(text):
        return "request"
    if text.startswith(("http://", "https://")) or text == "-":
        return "http_referer"
    return "http_user_agent" if _AGENT.fullmatch(text) else "field"


def _take(name: str, used: set[str]) -> str:
    """Use a name once; what comes again, or is not known, is a field with a number, which is read past."""
    if name in used or name == "field":
        name = f"field_{len(used)}"
    used.add(name)
    return name
