r"""`--where`: comparisons of dimensions, joined by and, or, not and parentheses.

    status<400 and package=nginx          country in (DE, AT, CH)
    client like "docker%" or ci=true      version is null and path ~ "^/v2/"

    =  !=  <  <=  >  >=        numbers as numbers, texts by their characters
    in (a, b)   not in (a, b)
    like   not like            % is any text, _ any character; \% and \_ are these themselves
    ~  !~                      a regular expression (Rust's, without look-around) found anywhere
    is null   is not null

Words of the grammar may be upper or lower case; values are compared as they are. A value with
blanks, commas, quotes or operators stands in `"` or `'`, where a backslash takes the next
character as it is. An id is named by its first digits, six or more, and a log (`source`) by its name, too. What tables and JSON print is understood out of quotes: `unknown` and `null` are
what is missing, `yes` and `no` are true and false. A missing value equals nothing: `ci=true`, `ci in (true)` and `hour<5` do not
hold where CI or time is unknown; `!=`, `not in`, `not like`, `!~` and `not (…)` are their exact
opposites, and do.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from pullstats.errors import UsageError
from pullstats.metrics.dimension import Dimension
from pullstats.metrics.dimensions import find_dimension
from pullstats.metrics.filtering.comparisons import is_missing, is_one_of, join_all, write_like
from pullstats.metrics.filtering.token_reader import TokenReader
from pullstats.metrics.filtering.tokens import KEYWORDS
from pullstats.metrics.log_names import SOURCE, name_logs

_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_OPERATORS: Final = "=, !=, <, <=, >, >=, ~, !~, in, like or is"
_MAX_DEPTH: Final = 50
_FLAGS: Final = {"true": True, "yes": True, "false": False, "no": False}
"""As JSON and as tables write them."""
_INTEGER: Final = re.compile(r"-?[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was read.

    Attributes:
        text: as written.
        expr: true for the events that stay, never null.
        columns: event columns it reads.
        named: the texts that dimensions are said to equal.
        dimensions: names of the dimensions it compares.
        parts: what must hold, each by itself; together they are `expr`.
    """

    text: str
    expr: pl.Expr
    columns: tuple[str, ...]
    named: tuple[tuple[Dimension, str], ...] = ()
    dimensions: frozenset[str] = frozenset()
    parts: tuple[pl.Expr, ...] = ()


def parse_filter(text: str, zone: str, logs: Mapping[str, Sequence[str]] | None = None) -> Filter:
    """Read a filter.

    Args:
        text: as written.
        zone: of hours and weekdays.
        logs: the ids of the logs of each name.

    Raises:
        UsageError: with a caret under the place where it goes wrong.
    """
    reader = _FilterParser(text, zone, logs or {})
    expr = reader.read_any(0)
    if reader.here is not None:
        raise reader.fail("expected 'and', 'or' or the end; a value with blanks stands in quotes")
    return Filter(text, expr, tuple(sorted(reader.columns)), tuple(reader.named), frozenset(reader.dimensions), tuple(reader.parts))


class _FilterParser(TokenReader):
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, zone: str, logs: Mapping[str, Sequence[str]]) -> None:
        super().__init__(text)
        self.logs = logs
        self.zone = zone
        self.columns: set[str] = set()
        self.dimensions: set[str] = set()
        self.named: list[tuple[Dimension, str]] = []
        self.parts: list[pl.Expr] = []

    def read_any(self, depth: int) -> pl.Expr:
        """Read parts joined by `or`."""
        found = [self._read_all(depth)]
        while self.take("or"):
            found.append(self._read_all(depth))
        self.parts = found[0] if len(found) == 1 else []
        return join_all([join_all(parts) for parts in found], operator.or_)

    def _read_all(self, depth: int) -> list[pl.Expr]:
        """Read what is joined by `and`."""
        found = [self._read_one(depth)]
        while self.take("and"):
            found.append(self._read_one(depth))
        return found

    def _read_one(self, depth: int) -> pl.Expr:
        if depth > _MAX_DEPTH:
            raise self.fail(f"more than {_MAX_DEPTH} levels")
        if self.take("not"):
            return ~self._read_one(depth + 1)
        if self.take("("):
            found = self.read_any(depth + 1)
            if not self.take(")"):
                raise self.fail("expected 'and', 'or' or ')'")
            return found
        return self._read_comparison()

    def _read_comparison(self) -> pl.Expr:
        dimension = self._read_dimension()
        value, shown = dimension.expr(self.zone), name_logs(dimension, self.logs).expr(self.zone)
        if self.take("is"):
            is_negated = self.take("not")
            if not self.take("null"):
                raise self.fail("expected 'null'" if is_negated else "expected 'null' or 'not null'")
            return value.is_not_null() if is_negated else value.is_null()
        if self.take("not"):
            if self.take("in"):
                return ~self._read_list(dimension, value)
            if self.take("like"):
                return ~self._read_like(shown)
            raise self.fail("expected 'in' or 'like'")
        if self.take("in"):
            return self._read_list(dimension, value)
        if self.take("like"):
            return self._read_like(shown)
        return self._compare(dimension, value, shown)

    def _read_dimension(self) -> Dimension:
        token = self.here
        if token is None or token.is_mark or token.keyword in KEYWORDS:
            raise self.fail("expected a dimension")
        try:
            dimension = find_dimension(token.text)
        except UsageError as error:
            raise self.fail(str(error)) from error
        self.pass_over()
        self.columns.update(dimension.columns)
        self.dimensions.add(dimension.name)
        return dimension

    def _read_list(self, dimension: Dimension, value: pl.Expr) -> pl.Expr:
        if not self.take("("):
            raise self.fail("expected '('")
        parts, items = [], []
        while True:
            if self.take_unknown():
                parts.append(is_missing(dimension, value))
            else:
                items.extend(self._read_values(dimension))
            if not self.take(","):
                break
        if not self.take(")"):
            raise self.fail("expected ',' or ')'")
        return join_all([is_one_of(dimension, value, items), *parts], operator.or_)

    def _compare(self, dimension: Dimension, value: pl.Expr, shown: pl.Expr) -> pl.Expr:
        operation = self.here
        mark = operation.mark if operation else ""
        if operation is None or mark not in {"=", "!=", "~", "!~", *_ORDER}:
            raise self.fail(f"expected {_OPERATORS}")
        self.pass_over()
        if mark in {"~", "!~"}:
            found = self._read_pattern(shown)
            return found if mark == "~" else ~found
        if mark in _ORDER:
            if dimension.type == "boolean":
                raise self.fail(f"'{dimension.name}' is true, false or null, and has no order", operation)
            compared: pl.Expr = _ORDER[mark](shown, pl.lit(self._read_value(dimension, is_named=False)))
            return compared.fill_null(value=False)
        if self.take_unknown():
            is_unknown = is_missing(dimension, value)
            return is_unknown if mark == "=" else ~is_unknown
        is_it = is_one_of(dimension, value, self._read_values(dimension))
        return is_it if mark == "=" else ~is_it

    def _read_pattern(self, value: pl.Expr) -> pl.Expr:
        token = self.read_text()
        try:
            pl.Series([""]).str.contains(token.text)
        except pl.exceptions.PolarsError as error:
            reason = re.search(r"^error: ([^\n]*)", str(error), re.MULTILINE) or re.search(r"regex error: ([^\n]*)", str(error))
            raise self.fail(f"this is no regular expression: {reason[1].rstrip('.') if reason else 'it is refused'}", token) from error
        return value.cast(pl.String).str.contains(token.text).fill_null(value=False)

    def _read_like(self, value: pl.Expr) -> pl.Expr:
        token = self.read_text()
        return value.cast(pl.String).str.contains(write_like(token)).fill_null(value=False)

    def _read_values(self, dimension: Dimension) -> list[Any]:
        """Read a value; the name of logs is the ids of all that are called so."""
        token = self.here
        if dimension.name == SOURCE and token is not None and not token.is_mark and token.text in self.logs:
            self.pass_over()
            return list(self.logs[token.text])
        return [self._read_value(dimension)]

    def _read_value(self, dimension: Dimension, *, is_named: bool = True) -> str | int | bool:
        token = self.read_text()
        if dimension.type == "text":
            if not is_named:
                return token.text
            try:
                value = dimension.name_value(token.text)
            except UsageError as error:
                raise self.fail(str(error), token) from error
            is_id = any(value in sources for sources in self.logs.values())
            self.named.append((dimension if is_id else name_logs(dimension, self.logs), value))
            return value
        if dimension.type == "number" and _INTEGER.fullmatch(token.text):
            return int(token.text)
        if dimension.type == "boolean" and token.text.lower() in _FLAGS:
            return _FLAGS[token.text.lower()]
        wanted = "a whole number" if dimension.type == "number" else "true or false; what is missing 'is null'"
        raise self.fail(f"'{dimension.name}' is compared with {wanted}", token)
