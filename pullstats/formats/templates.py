r"""Compile a template of log lines into a parser of them.

A template is literals and slots in turn, whatever language it was written in: nginx's `log_format`
is read here, the others by modules of their own (`own_formats.py`). It is compiled twice: to a
pattern that takes any line apart (anchored at both ends, linear time, so that hostile templates
and lines cannot hang it), and, where blanks and quotes alone bound every value, to the fields of a
faster reader.

Two or more blanks in a template stand for one or more in a line, at its beginning for any number.

Source: nginx src/http/modules/ngx_http_log_module.c (`$name`, `${name}`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import polars as pl

from pullstats.errors import InputError
from pullstats.escaping import Escaping
from pullstats.formats.line_patterns import Piece, pattern_pieces
from pullstats.formats.template import TARGET, Part, Slot, Template
from pullstats.formats.template_fields import TemplateField, cut_fields
from pullstats.formats.variables import ADDRESS, FROM_UTC, REST, TIMES

_VARIABLE: Final = re.compile(r"\$(?:\{(?P<braced>\w+)\}|(?P<name>\w+))")
_BLANKS: Final = re.compile("  +")
MAX_LENGTH: Final = 10_000
MAX_VARIABLES: Final = 200
_SHOWN: Final = 80


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
        """What stands between fields: a blank, a pipe or a tab."""
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

    @cached_property
    def narrow(self) -> str | None:
        """The pattern of most lines; see `narrow_patterns.py`. None if there is none that is simpler."""
        pieces = [piece.narrow for piece in self._pieces]
        known = [piece for piece in pieces if piece is not None]
        end = "" if self._has_rest else self._end
        return f"^{''.join(known)}{end}" if len(known) == len(pieces) and self.variables and not self.is_cut else None

    @property
    def _has_rest(self) -> bool:
        last = self.template.parts[-1]
        return isinstance(last, Slot) and last.name == REST

    @property
    def _end(self) -> str:
        return "?\\s*$" if self.is_cut else "\\s*$"

    @cached_property
    def fields(self) -> tuple[TemplateField, ...] | None:
        """The template cut at its separators, None if these and quotes do not bound every value."""
        return None if self.values or self.is_cut else cut_fields(self.template.parts, self.separator)

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
        raise InputError(f"the log format is too large to compile ({len(template.slots)} variables); shorten it") from error
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
