r"""Compile a template of log lines into a parser of them.

A template is literals and slots in turn, whatever language it was written in: nginx's `log_format`
is read here, the others by modules of their own (`own_formats.py`). It is compiled twice: to a
pattern that takes any line apart (anchored at both ends, linear time, so that hostile templates
and lines cannot hang it), and, where blanks and quotes alone bound every value, to the tokens of a
faster reader.

Two or more blanks in a template stand for one or more in a line, at its beginning for any number.

Source: nginx src/http/modules/ngx_http_log_module.c (`$name`, `${name}`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import polars as pl

from pullstats.errors import InputError
from pullstats.escaping import Escaping
from pullstats.formats.conversions import Conversion
from pullstats.formats.variables import ADDRESS, BLANKS, FREE, FROM_UTC, HOST, KEPT, REST, TIMES, WORD, bare_pattern

_VARIABLE: Final = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<name>\w+))")
_CLOSING: Final = {'"': '"', "[": "]", "(": ")", "<": ">", "{": "}", "'": "'"}
_DOUBLED: Final = r'[^"]*(?:""[^"]*)*'
_BLANKS: Final = re.compile("  +")
_GROUP: Final = re.compile(r"[A-Za-z_]\w*")
MAX_LENGTH: Final = 10_000
MAX_VARIABLES: Final = 200
_SHOWN: Final = 80
TARGET: Final = ("request", "request_uri", "uri")
"""Variables that say what was asked for."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A place of a template where a value stands.

    Attributes:
        name: raw column of the value; a name that is not kept is read past.
        label: as its language spells it.
        bare: pattern of the value where no quotes bound it; None for that of the variable.
    """

    name: str
    label: str
    bare: str | None = None

    @property
    def is_kept(self) -> bool:
        """The value is needed: it is a variable's, or is made into one."""
        return self.name in KEPT or self.bare is not None

    @property
    def pattern(self) -> str:
        """Pattern of the value where no quotes bound it."""
        return bare_pattern(self.name) if self.bare is None else self.bare


Part = str | Slot
"""A literal or a slot."""


@dataclass(frozen=True, slots=True)
class Template:
    """What a language makes of a text.

    Attributes:
        text: as given.
        parts: literals and slots in turn.
        conversions: what is made of the values of slots.
    """

    text: str
    parts: tuple[Part, ...]
    conversions: tuple[Conversion, ...] = ()

    @property
    def slots(self) -> list[Slot]:
        """The slots, in order."""
        return [part for part in self.parts if isinstance(part, Slot)]

    @property
    def literals(self) -> list[str]:
        """What stands between the slots, in order."""
        return [part for part in self.parts if isinstance(part, str)]

    @property
    def says(self) -> frozenset[str]:
        """Variables that lines in it give."""
        return frozenset({slot.name for slot in self.slots} | {variable for item in self.conversions for variable in item.gives})


@dataclass(frozen=True, slots=True)
class Token:
    """What stands between two blanks of a template.

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


@dataclass(frozen=True)
class CompiledFormat:
    """A template, ready to read lines; what of it no log needs is not made.

    Attributes:
        template: the template.
        escaping: how a quote in a quoted value is written.
        values: patterns of values that say more than what bounds them.
        is_cut: the last quote may be missing.
    """

    template: Template
    escaping: Escaping = "backslash"
    values: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False

    @property
    def text(self) -> str:
        """The template as given."""
        return self.template.text

    @cached_property
    def variables(self) -> tuple[str, ...]:
        """Raw columns that are kept, in order, each once."""
        return tuple(dict.fromkeys(slot.name for slot in self.template.slots if slot.is_kept))

    @cached_property
    def separator(self) -> str:
        """What stands between tokens: a blank, a pipe or a tab."""
        literals = "".join(self.template.literals)
        return "\t" if "\t" in literals else "|" if "|" in literals and " " not in literals else " "

    @cached_property
    def _pieces(self) -> list[Piece]:
        return pattern_pieces(self.template, self.escaping, self.values)

    @cached_property
    def pattern(self) -> str:
        """Regular expression of a whole line with a group per kept column."""
        return f"^{''.join(piece.pattern for piece in self._pieces)}{self._end}"

    @cached_property
    def lenient(self) -> str:
        """The pattern that takes several blanks for one."""
        return f"^ *{''.join(piece.lenient for piece in self._pieces)}{self._end}" if self.separator == " " else self.pattern

    @property
    def _end(self) -> str:
        return "?\\s*$" if self.is_cut else "\\s*$"

    @cached_property
    def tokens(self) -> tuple[Token, ...] | None:
        """The template cut at its separators, None if these and quotes do not bound every value."""
        return None if self.values or self.is_cut else _build_tokens(self.template.parts, self.separator)

    @cached_property
    def literals(self) -> tuple[str, ...]:
        """What every line that fits holds in this order, where one blank stands for several in both."""
        first, *parts = self.template.parts
        if parts and self.is_cut and isinstance(parts[-1], str):
            parts.pop()
        literals = [first.lstrip(" ") if isinstance(first, str) else "", *(part for part in parts if isinstance(part, str))]
        return tuple(_BLANKS.sub(" ", literal) for literal in literals if literal)


def compile_log_format(
    text: str,
    *,
    needs_time: bool = True,
    needs_address: bool = True,
    escaping: Escaping = "backslash",
    values: Mapping[str, str] | None = None,
    is_cut: bool = False,
) -> CompiledFormat:
    """Compile an nginx `log_format` string.

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
    template = split_nginx(text)
    check_template(template, needs_time=needs_time, needs_address=needs_address)
    return compile_template(template, escaping, values, is_cut=is_cut)


def compile_template(
    template: Template, escaping: Escaping = "backslash", values: Mapping[str, str] | None = None, *, is_cut: bool = False
) -> CompiledFormat:
    """Compile a template that was checked; the arguments are those of `compile_log_format`.

    Raises:
        InputError: it is too large.
    """
    compiled = CompiledFormat(template, escaping, values or {}, is_cut)
    try:
        pl.Series([""]).str.contains(compiled.pattern)
    except pl.exceptions.ComputeError as error:
        message = f"the log format is too large to compile ({len(template.slots)} variables); shorten it"
        raise InputError(message) from error
    return compiled


def split_nginx(text: str) -> Template:
    """Cut an nginx format into literals and slots."""
    parts: list[Part] = []
    position = 0
    for match in _VARIABLE.finditer(text):
        if match.start() > position:
            parts.append(text[position : match.start()])
        parts.append(Slot(match["braced"] or match["name"], match[0]))
        position = match.end()
    if position < len(text):
        parts.append(text[position:])
    return Template(text, tuple(parts))


def show_template(text: str) -> str:
    """Quote a template for a message, the beginning of a long one."""
    return repr(text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "…")


def check_template(template: Template, *, needs_time: bool = True, needs_address: bool = True, needs_target: bool = False) -> None:
    """Refuse a template that cannot serve.

    Raises:
        InputError: it is too long, has no slots, or lacks what is needed.
    """
    text, says, shown = template.text, template.says, show_template(template.text)
    count = len(template.slots)
    if len(text) > MAX_LENGTH or count > MAX_VARIABLES:
        message = f"the log format is too long ({len(text)} characters, {count} variables); {MAX_LENGTH} and {MAX_VARIABLES} are the limits"
    elif not count:
        message = f"the log format {shown} has no $variables; paste the string of nginx's log_format directive, or @nginx.conf:name"
    elif needs_time and says.isdisjoint((*FROM_UTC, *TIMES)):
        message = f"the log format {shown} has no time; it needs one of ${', $'.join(TIMES)}"
    elif needs_address and says.isdisjoint(ADDRESS):
        message = f"the log format {shown} has no client address; it needs one of ${', $'.join(ADDRESS)}"
    elif needs_target and says.isdisjoint((*TARGET, *ADDRESS)):
        message = f"the log format {shown} names neither a request nor a client; nothing could be told of its lines"
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


def pattern_pieces(template: Template, escaping: Escaping = "backslash", values: Mapping[str, str] | None = None) -> list[Piece]:
    """Write the pattern of a line in pieces: literals as they are, values by what bounds them."""
    parts = template.parts
    pieces: list[Piece] = []
    seen: set[str] = set()
    for index, part in enumerate(parts):
        if isinstance(part, str):
            pieces.append(_literal_piece(part, is_first=index == 0))
            continue
        before, after = parts[index - 1] if index else "", parts[index + 1] if index + 1 < len(parts) else ""
        opening, closing = before if isinstance(before, str) else "", after if isinstance(after, str) else ""
        is_doubled = escaping == "doubled" and opening[-1:] == '"'
        value = _DOUBLED if is_doubled else (values or {}).get(part.name) or _value_pattern(part, opening, closing)
        if value == HOST and isinstance(after, Slot) and after.name in TARGET:
            value = r'[^\s"/]*'  # $scheme://$host$request_uri
        group = f"?P<{part.name}>" if part.is_kept and part.name not in seen and _GROUP.fullmatch(part.name) else "?:"
        seen.add(part.name)
        pieces.append(Piece(f"({group}{value})", part.label, f"({group}{value})"))
    return pieces


def _literal_piece(text: str, *, is_first: bool) -> Piece:
    pattern = re.escape(text).replace(r"\ ", " ")
    strict = re.sub("   *", " *" if is_first else " +", pattern)
    return Piece(strict, f"'{text}'", strict if is_first else re.sub(" [+*]?", " +", strict))


def _value_pattern(slot: Slot, before: str, after: str) -> str:
    opening = before[-1:]
    closing = _CLOSING.get(opening)
    bare = slot.pattern
    if slot.name == REST:
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
    if bare == WORD and after and not after[0].isspace():
        return r"\S*?"  # up to the literal: a time may hold the colon that stands behind it, too
    if bare == HOST and after and not after[0].isspace():
        return HOST if after.startswith(":") else f"[^\\s{re.escape(after[0])}]*"
    return bare


def _words(parts: Sequence[Part], separator: str) -> list[list[Part]]:
    """Cut parts at a separator."""
    words: list[list[Part]] = [[]]
    for part in parts:
        if isinstance(part, Slot):
            words[-1].append(part)
            continue
        first, *others = part.split(separator)
        words[-1].append(first)
        words += [[other] for other in others]
    return [[part for part in word if part != ""] for word in words]


def _build_tokens(parts: Sequence[Part], separator: str) -> tuple[Token, ...] | None:
    """Cut a template at its separators; None where that does not give one value a token."""
    literals = "".join(part if isinstance(part, str) else "\x00" for part in parts)
    if not literals or "  " in literals or literals != literals.strip() or "\\" in literals:
        return None
    if separator != " " and isinstance(parts[-1], Slot) and parts[-1].name == REST:
        return None
    tokens: list[Token] = []
    for word in _words(parts, separator):
        found = _word_tokens(word, is_blank=separator == " ")
        if found is None:
            return None
        tokens += found
    return tuple(tokens)


def _word_tokens(word: Sequence[Part], *, is_blank: bool) -> list[Token] | None:
    """Make tokens of what stands between two separators: one, or two of a time and its zone."""
    slots = [index for index, part in enumerate(word) if isinstance(part, Slot)]
    text = "".join(part for part in word if isinstance(part, str))
    if len(slots) > 1 or (not slots and is_blank and '"' in text):
        return None
    if not slots:
        return [Token(None, prefix=text)]
    slot = word[slots[0]]
    assert isinstance(slot, Slot)
    prefix = "".join(part for part in word[: slots[0]] if isinstance(part, str))
    suffix = "".join(part for part in word[slots[0] + 1 :] if isinstance(part, str))
    if is_blank and prefix == suffix == '"':
        return [Token(slot.name, is_quoted=True)]
    if is_blank and slot.name == "time_local" and '"' not in text:
        return [Token("time_local", prefix=prefix), Token("time_zone", suffix=suffix)]
    is_wide = slot.bare is not None or (slot.pattern in BLANKS and slot.name != "remote_user")
    return None if is_blank and ('"' in text or is_wide) else [Token(slot.name, prefix, suffix)]
