"""`--where`: comparisons of dimensions, joined by and, or, not and parentheses.

    status<400 and package=nginx          country in (DE, AT, CH)
    client like "docker%" or ci=true      version is null, path ~ "^/v2/"

A missing value equals nothing: `ci != true` holds where CI is unknown.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.dimensions import Dimension, find_dimension

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<mark>!=|<=|>=|=|<|>|~|\(|\)|,)|(?P<word>[^\s"'=<>!~(),]+))""", re.VERBOSE
)
_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_MAX_DEPTH: Final = 50


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a filter and where it stands."""

    text: str
    position: int
    is_quoted: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was read.

    Attributes:
        text: as written.
        expr: true for the events that stay.
        columns: event columns it reads.
    """

    text: str
    expr: pl.Expr
    columns: tuple[str, ...]


def parse_filter(text: str, zone: str) -> Filter:
    """Read a filter.

    Raises:
        UsageError: with a caret under the place where it goes wrong.
    """
    reader = _Reader(text, zone)
    expr = reader.read_any(0)
    if reader.here is not None:
        raise reader.fail("expected 'and', 'or' or the end")
    return Filter(text, expr, tuple(sorted(reader.columns)))


class _Reader:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, zone: str) -> None:
        self.text = text
        self.zone = zone
        self.columns: set[str] = set()
        self._tokens = self._split()
        self._at = 0

    def _split(self) -> list[Token]:
        tokens: list[Token] = []
        position = 0
        while position < len(self.text.rstrip()):
            match = _TOKEN.match(self.text, position)
            if match is None:
                raise self.fail("this is not understood", len(self.text) - len(self.text[position:].lstrip()))
            quoted = match["text"]
            start = match.end() - len(match[0].lstrip())
            tokens.append(Token(re.sub(r"\\(.)", r"\1", quoted[1:-1]) if quoted else match[0].strip(), start, bool(quoted)))
            position = match.end()
        return tokens

    @property
    def here(self) -> Token | None:
        """The token to read next."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def fail(self, reason: str, position: int | None = None) -> UsageError:
        """Build the error with a caret under the place."""
        if position is None:
            position = self.here.position if self.here else len(self.text)
        return UsageError(f"--where: {reason}\n  {self.text}\n  {' ' * position}^")

    def _next(self) -> Token:
        token = self.here
        if token is None:
            raise self.fail("something is missing here")
        self._at += 1
        return token

    def _take(self, word: str) -> bool:
        token = self.here
        if token is not None and not token.is_quoted and token.text.lower() == word:
            self._at += 1
            return True
        return False

    def read_any(self, depth: int) -> pl.Expr:
        """Read parts joined by `or`."""
        found = self._read_all(depth)
        while self._take("or"):
            found = found | self._read_all(depth)
        return found

    def _read_all(self, depth: int) -> pl.Expr:
        found = self._read_one(depth)
        while self._take("and"):
            found = found & self._read_one(depth)
        return found

    def _read_one(self, depth: int) -> pl.Expr:
        if depth > _MAX_DEPTH:
            raise self.fail(f"more than {_MAX_DEPTH} levels")
        if self._take("not"):
            return ~self._read_one(depth + 1)
        if self._take("("):
            found = self.read_any(depth + 1)
            if not self._take(")"):
                raise self.fail("expected ')'")
            return found
        return self._read_comparison()

    def _read_comparison(self) -> pl.Expr:
        token = self._next()
        try:
            dimension = find_dimension(token.text)
        except UsageError as error:
            self._at -= 1
            raise self.fail(str(error)) from error
        self.columns.update(dimension.columns)
        value = dimension.expr(self.zone)
        if self._take("is"):
            negated = self._take("not")
            if not self._take("null"):
                raise self.fail("expected 'null'")
            return value.is_not_null() if negated else value.is_null()
        if self._take("not"):
            if not self._take("in"):
                raise self.fail("expected 'in'")
            return ~self._read_list(dimension, value)
        if self._take("in"):
            return self._read_list(dimension, value)
        return self._compare(dimension, value)

    def _read_list(self, dimension: Dimension, value: pl.Expr) -> pl.Expr:
        if not self._take("("):
            raise self.fail("expected '('")
        items = [self._read_value(dimension)]
        while self._take(","):
            items.append(self._read_value(dimension))
        if not self._take(")"):
            raise self.fail("expected ',' or ')'")
        return value.is_in(items).fill_null(value=False)

    def _compare(self, dimension: Dimension, value: pl.Expr) -> pl.Expr:
        mark = self._next()
        if mark.text.lower() == "like":
            pattern = re.escape(self._next().text).replace("%", ".*").replace("_", ".")
            return value.cast(pl.String).str.contains(f"(?s)^{pattern}$").fill_null(value=False)
        if mark.text == "~":
            return self._match(value)
        if mark.text == "=":
            return value.eq_missing(pl.lit(self._read_value(dimension)))
        if mark.text == "!=":
            return value.ne_missing(pl.lit(self._read_value(dimension)))
        if mark.text not in _ORDER:
            self._at -= 1
            raise self.fail("expected =, !=, <, <=, >, >=, ~, like, in or is")
        compared: pl.Expr = _ORDER[mark.text](value, pl.lit(self._read_value(dimension)))
        return compared.fill_null(value=False)

    def _match(self, value: pl.Expr) -> pl.Expr:
        pattern = self._next()
        try:
            pl.Series([""]).str.contains(pattern.text)
        except pl.exceptions.PolarsError as error:
            self._at -= 1
            raise self.fail("this is no regular expression") from error
        return value.cast(pl.String).str.contains(pattern.text).fill_null(value=False)

    def _read_value(self, dimension: Dimension) -> str | int | bool:
        token = self._next()
        if dimension.type == "text":
            return token.text
        if dimension.type == "number" and re.fullmatch(r"-?[0-9]{1,15}", token.text):
            return int(token.text)
        if dimension.type == "boolean" and token.text.lower() in {"true", "false"}:
            return token.text.lower() == "true"
        self._at -= 1
        wanted = "a whole number" if dimension.type == "number" else "true or false"
        raise self.fail(f"'{dimension.name}' is compared with {wanted}")
