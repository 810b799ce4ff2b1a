r"""Compile an nginx `log_format` string into a parser of lines.

A format is literals and variables in turn. It is compiled twice: to a pattern that takes any
line apart (anchored at both ends, linear time, so that hostile formats and lines cannot hang
it), and, where blanks and quotes alone bound every value, to the tokens of a faster reader.

Source: nginx src/http/modules/ngx_http_log_module.c (`$name`, `${name}`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pullstats.errors import InputError
from pullstats.escaping import Escaping
from pullstats.formats.variables import ADDRESS, BLANKS, FREE, HOST, KEPT, REST, TIMES, WORD, bare_pattern

_VARIABLE: Final = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<name>\w+))")
_CLOSING: Final = {'"': '"', "[": "]", "(": ")", "<": ">", "{": "}", "'": "'"}
_DOUBLED: Final = r'(?:[^"]|"")*'
MAX_LENGTH: Final = 10_000
MAX_VARIABLES: Final = 200


@dataclass(frozen=True, slots=True)
class Token:
    """What stands between two blanks of a format.

    Attributes:
        variable: name of the value, None for a literal.
        prefix: literal in front of the value (`[`).
        suffix: literal behind it (`]`).
        is_quoted: the value stands in double quotes.
    """

    variable: str | None
    prefix: str = ""
    suffix: str = ""
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class CompiledFormat:
    """A `log_format`, ready to read lines.

    Attributes:
        text: the format as given.
        variables: variables that are kept, in order, each once.
        pattern: regular expression of a whole line with a group per kept variable.
        tokens: the format cut at its separators, None if these and quotes do not bound every value.
        separator: what stands between tokens: a blank, a pipe or a tab.
        escaping: how a quote in a quoted value is written.
        values: patterns of values that say more than what bounds them.
        lenient: the pattern that takes several blanks for one.
    """

    text: str
    variables: tuple[str, ...]
    pattern: str
    tokens: tuple[Token, ...] | None
    separator: str = " "
    escaping: Escaping = "backslash"
    values: Mapping[str, str] = field(default_factory=dict)
    lenient: str = ""


def compile_log_format(
    text: str,
    *,
    needs_time: bool = True,
    needs_address: bool = True,
    escaping: Escaping = "backslash",
    values: Mapping[str, str] | None = None,
    is_cut: bool = False,
) -> CompiledFormat:
    """Compile a `log_format` string.

    Args:
        text: the string.
        escaping: how the server writes what it would not write as it is.
        values: patterns of values, by variable, where what bounds them says too little.
        is_cut: the last quote may be missing, where syslog cut the line.
        needs_time: refuse a format without a time; a wrapper may have one.
        needs_address: refuse a format without a client address.

    Raises:
        InputError: it is empty, too long, has no variables, lacks a time or a client address, or
            holds two variables with nothing between them.
    """
    parts = _split(text)
    names = [name for name, _ in parts if name]
    _check(text, names, needs_time=needs_time, needs_address=needs_address)
    values = values or {}
    pieces = pattern_pieces(text, escaping, values)
    end = "?\\s*$" if is_cut else "\\s*$"
    pattern = f"^{''.join(piece.pattern for piece in pieces)}{end}"
    try:
        pl.Series([""]).str.contains(pattern)
    except pl.exceptions.ComputeError as error:
        message = f"the log format is too large to compile ({len(names)} variables); shorten it"
        raise InputError(message) from error
    kept = tuple(dict.fromkeys(name for name in names if name in KEPT))
    separator = "\t" if "\t" in text else "|" if "|" in text and " " not in text else " "
    lenient = f"^{''.join(piece.lenient for piece in pieces)}{end}" if separator == " " else pattern
    tokens = None if values or is_cut else _build_tokens(text, separator)
    return CompiledFormat(text, kept, pattern, tokens, separator, escaping, values, lenient)


def _split(text: str) -> list[tuple[str | None, str]]:
    """Cut a format into (variable, "") and (None, literal) parts, in order."""
    parts: list[tuple[str | None, str]] = []
    position = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > position:
            parts.append((None, text[position : match.start()]))
        parts.append((match["braced"] or match["name"], ""))
        position = match.end()
    if position < len(text):
        parts.append((None, text[position:]))
    return parts


def _check(text: str, names: list[str], *, needs_time: bool, needs_address: bool) -> None:
    shown = text if len(text) <= 80 else text[:77] + "…"
    if len(text) > MAX_LENGTH or len(names) > MAX_VARIABLES:
        message = f"the log format is too long ({len(text)} characters, {len(names)} variables); {MAX_LENGTH} and {MAX_VARIABLES} are the limits"
    elif not names:
        message = f"the log format {shown!r} has no $variables; paste the string of nginx's log_format directive, or @nginx.conf:name"
    elif needs_time and not any(name in TIMES for name in names):
        message = f"the log format {shown!r} has no time; it needs one of ${', $'.join(TIMES)}"
    elif needs_address and not any(name in ADDRESS for name in names):
        message = f"the log format {shown!r} has no client address; it needs one of ${', $'.join(ADDRESS)}"
    else:
        return
    raise InputError(message)


@dataclass(frozen=True, slots=True)
class Piece:
    """A literal or a value of a format.

    Attributes:
        pattern: what it looks like in a line.
        label: what it is, for people.
        lenient: the same, where several blanks are taken for one.
    """

    pattern: str
    label: str
    lenient: str


def pattern_pieces(text: str, escaping: Escaping = "backslash", values: Mapping[str, str] | None = None) -> list[Piece]:
    """Write the pattern of a line in pieces: literals as they are, values by what bounds them.

    Two blanks in a format stand for one or more, at its beginning for any number.
    """
    parts = _split(text)
    pieces: list[Piece] = []
    seen: set[str] = set()
    for index, (name, literal) in enumerate(parts):
        if name is None:
            pattern = re.escape(literal).replace(r"\ ", " ")
            strict = re.sub("   *", " +" if index else " *", pattern)
            pieces.append(Piece(strict, f"'{literal}'", re.sub(" [+*]?", " +", strict) if index else strict))
            continue
        before = parts[index - 1][1] if index else ""
        after = parts[index + 1][1] if index + 1 < len(parts) else ""
        value = _DOUBLED if escaping == "doubled" and before[-1:] == '"' else (values or {}).get(name) or _value_pattern(name, before, after)
        group = f"?P<{name}>" if name in KEPT and name not in seen else "?:"
        seen.add(name)
        pieces.append(Piece(f"({group}{value})", f"${name}", f"({group}{value})"))
    return pieces


def _value_pattern(name: str, before: str, after: str) -> str:
    opening = before[-1:]
    closing = _CLOSING.get(opening)
    bare = bare_pattern(name)
    if name == REST:
        return FREE
    if opening == '"' and after.startswith('"'):
        return r'[^"\\]*(?:\\.[^"\\]*)*'
    if after.startswith(("\t", "|")):
        return f"[^{re.escape(after[0])}]*"
    if not after and "\t" in before:
        return r"[^\t]*"
    if closing and after.startswith(closing) and bare == FREE:
        return FREE
    if closing and after.startswith(closing):
        return f"[^{re.escape(closing)}]*"
    if bare in (WORD, HOST) and after and not after[0].isspace():
        return f"[^\\s{re.escape(after[0])}]*"
    return bare


def _build_tokens(text: str, separator: str) -> tuple[Token, ...] | None:
    """Cut a format at its separators; None where that does not give one value a token."""
    if not text or "  " in text or text != text.strip() or "\\" in text or (separator != " " and text.endswith(f"${REST}")):
        return None
    tokens: list[Token] = []
    is_blank = separator == " "
    for word in text.split(separator):
        names = _VARIABLE.findall(word)
        if len(names) > 1 or (not names and is_blank and '"' in word):
            return None
        if not names:
            tokens.append(Token(None, prefix=word))
            continue
        match = _VARIABLE.search(word)
        assert match is not None
        name, prefix, suffix = match["braced"] or match["name"], word[: match.start()], word[match.end() :]
        if not is_blank:
            tokens.append(Token(name, prefix, suffix))
        elif prefix == suffix == '"':
            tokens.append(Token(name, is_quoted=True))
        elif '"' in prefix + suffix:
            return None
        elif name == "time_local":
            tokens += [Token("time_local", prefix=prefix), Token("time_zone", suffix=suffix)]
        elif bare_pattern(name) in BLANKS and name != "remote_user":
            return None
        else:
            tokens.append(Token(name, prefix, suffix))
    return tuple(tokens)
