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
from pullstats.metrics.dimension import UNKNOWN, Dimension
from pullstats.metrics.dimensions import find_dimension
from pullstats.metrics.filtering.tokens import KEYWORDS, Token, filter_error, split_tokens
from pullstats.metrics.log_names import SOURCE, name_logs

_ORDER: Final[dict[str, Callable[[Any, Any], Any]]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_OPERATORS: Final = "=, !=, <, <=, >, >=, ~, !~, in, like or is"
_MAX_DEPTH: Final = 50
_MAX_TOKENS: Final = 20_000
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
    """

    text: str
    expr: pl.Expr
    columns: tuple[str, ...]
    named: tuple[tuple[Dimension, str], ...] = ()
    dimensions: frozenset[str] = frozenset()


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
    return Filter(text, expr, tuple(sorted(reader.columns)), tuple(reader.named), frozenset(reader.dimensions))


def join_all(parts: Sequence[pl.Expr], join: Callable[[Any, Any], Any] = operator.and_) -> pl.Expr:
    """Join parts two by two: a chain of thousands would be too deep for the engine."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    joined: pl.Expr = join(join_all(parts[:middle], join), join_all(parts[middle:], join))
    return joined


class _FilterParser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, zone: str, logs: Mapping[str, Sequence[str]]) -> None:
        self.text = text
        self.logs = logs
        self.zone = zone
        self.columns: set[str] = set()
        self.dimensions: set[str] = set()
        self.named: list[tuple[Dimension, str]] = []
        self._tokens = split_tokens(text)
        self._at = 0
        if len(self._tokens) > _MAX_TOKENS:
            raise filter_error(f"more than {_MAX_TOKENS:,} words", text, self._tokens[_MAX_TOKENS].position)

    @property
    def here(self) -> Token | None:
        """The token to read next."""
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def fail(self, reason: str, token: Token | None = None) -> UsageError:
        """Build the error with a caret under a token, by default the next one or the end."""
        place = token or self.here
        return filter_error(reason, self.text, place.position if place else len(self.text))

    def _take(self, word: str) -> bool:
        token = self.here
        if token is not None and word in {token.keyword, token.mark}:
            self._at += 1
            return True
        return False

    def read_any(self, depth: int) -> pl.Expr:
        """Read parts joined by `or`."""
        found = [self._read_all(depth)]
        while self._take("or"):
            found.append(self._read_all(depth))
        return join_all(found, operator.or_)

    def _read_all(self, depth: int) -> pl.Expr:
        found = [self._read_one(depth)]
        while self._take("and"):
            found.append(self._read_one(depth))
        return join_all(found)

    def _read_one(self, depth: int) -> pl.Expr:
        if depth > _MAX_DEPTH:
            raise self.fail(f"more than {_MAX_DEPTH} levels")
        if self._take("not"):
            return ~self._read_one(depth + 1)
        if self._take("("):
            found = self.read_any(depth + 1)
            if not self._take(")"):
                raise self.fail("expected 'and', 'or' or ')'")
            return found
        return self._read_comparison()

    def _read_comparison(self) -> pl.Expr:
        dimension = self._read_dimension()
        value, shown = dimension.expr(self.zone), name_logs(dimension, self.logs).expr(self.zone)
        if self._take("is"):
            is_negated = self._take("not")
            if not self._take("null"):
                raise self.fail("expected 'null'" if is_negated else "expected 'null' or 'not null'")
            return value.is_not_null() if is_negated else value.is_null()
        if self._take("not"):
            if self._take("in"):
                return ~self._read_list(dimension, value)
            if self._take("like"):
                return ~self._read_like(shown)
            raise self.fail("expected 'in' or 'like'")
        if self._take("in"):
            return self._read_list(dimension, value)
        if self._take("like"):
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
        self._at += 1
        self.columns.update(dimension.columns)
        self.dimensions.add(dimension.name)
        return dimension

    def _read_list(self, dimension: Dimension, value: pl.Expr) -> pl.Expr:
        if not self._take("("):
            raise self.fail("expected '('")
        parts, items = [], []
        while True:
            if self._take_unknown():
                parts.append(_is_unknown(dimension, value))
            else:
                items.extend(self._read_values(dimension))
            if not self._take(","):
                break
        if not self._take(")"):
            raise self.fail("expected ',' or ')'")
        return join_all([_is_one_of(dimension, value, items), *parts], operator.or_)

    def _take_unknown(self) -> bool:
        """Take the word that stands in tables or in JSON where a value is missing, out of quotes."""
        token = self.here
        is_unknown = token is not None and not token.is_mark and token.quoted is None and token.text.lower() in {UNKNOWN, "null"}
        self._at += is_unknown
        return is_unknown

    def _compare(self, dimension: Dimension, value: pl.Expr, shown: pl.Expr) -> pl.Expr:
        operation = self.here
        mark = operation.mark if operation else ""
        if operation is None or mark not in {"=", "!=", "~", "!~", *_ORDER}:
            raise self.fail(f"expected {_OPERATORS}")
        self._at += 1
        if mark in {"~", "!~"}:
            found = self._read_pattern(shown)
            return found if mark == "~" else ~found
        if mark in _ORDER:
            if dimension.type == "boolean":
                raise self.fail(f"'{dimension.name}' is true, false or null, and has no order", operation)
            compared: pl.Expr = _ORDER[mark](shown, pl.lit(self._read_value(dimension, is_named=False)))
            return compared.fill_null(value=False)
        if self._take_unknown():
            is_unknown = _is_unknown(dimension, value)
            return is_unknown if mark == "=" else ~is_unknown
        is_it = _is_one_of(dimension, value, self._read_values(dimension))
        return is_it if mark == "=" else ~is_it

    def _read_pattern(self, value: pl.Expr) -> pl.Expr:
        token = self._read_text()
        try:
            pl.Series([""]).str.contains(token.text)
        except pl.exceptions.PolarsError as error:
            reason = re.search(r"^error: ([^\n]*)", str(error), re.MULTILINE) or re.search(r"regex error: ([^\n]*)", str(error))
            raise self.fail(f"this is no regular expression: {reason[1].rstrip('.') if reason else 'it is refused'}", token) from error
        return value.cast(pl.String).str.contains(token.text).fill_null(value=False)

    def _read_like(self, value: pl.Expr) -> pl.Expr:
        token = self._read_text()
        return value.cast(pl.String).str.contains(_like_pattern(token)).fill_null(value=False)

    def _read_text(self) -> Token:
        token = self.here
        if token is None:
            raise self.fail("a value is missing here; where none is known, write unknown")
        if token.is_mark:
            raise self.fail(f"expected a value; one that holds {token.text} stands in quotes")
        self._at += 1
        return token

    def _read_values(self, dimension: Dimension) -> list[Any]:
        """Read a value; the name of logs is the ids of all that are called so."""
        token = self.here
        if dimension.name == SOURCE and token is not None and not token.is_mark and token.text in self.logs:
            self._at += 1
            return list(self.logs[token.text])
        return [self._read_value(dimension)]

    def _read_value(self, dimension: Dimension, *, is_named: bool = True) -> str | int | bool:
        token = self._read_text()
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


def _is_unknown(dimension: Dimension, value: pl.Expr) -> pl.Expr:
    """Tell what a table shows as unknown: what is missing and, where that is a word of ours, what is called so."""
    return value.is_null() | value.eq_missing(pl.lit(UNKNOWN)) if dimension.has_unknown else value.is_null()


def _is_one_of(dimension: Dimension, value: pl.Expr, items: Sequence[Any]) -> pl.Expr:
    """Tell what equals one of some values; of an id, what begins with one."""
    if dimension.hash_of:
        begins = [dimension.begins_with(item) for item in items]
        return join_all(begins, operator.or_).fill_null(value=False) if begins else pl.lit(value=False)
    return value.eq_missing(pl.lit(items[0])) if len(items) == 1 else value.is_in(list(items)).fill_null(value=False)


def _like_pattern(token: Token) -> str:
    r"""Write a pattern with % and _ as a regular expression; `\%` in quotes is a percent sign."""
    written = token.text if token.quoted is None else token.quoted
    parts = []
    for escaped, character in re.findall(r"\\(.)|(.)", written, re.DOTALL) if token.quoted is not None else (("", one) for one in written):
        parts.append({"%": ".*", "_": "."}.get(character) or re.escape(escaped or character))
    return f"(?s)^{''.join(parts)}$"
