r"""Read JSON lines of one shape: the same keys in the same order, nested alike, as a program writes them.

Such lines differ in nothing but what stands in quotes and in numbers. Cut at their quotes, each value
has its place, and between the values stand the same signs on every line; where they do, the line is
JSON as the first one is, and no parser need look at it. A log has a few shapes (a header that some
clients send is one more); what fits none of them, holds another escape than `\\\\`, or spells a
number as no program does is left to the parser. Flat objects the parser reads as fast.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from pullstats.formats.json_keys import NEST, KeyTable, Path

_MAX_SHAPES: Final = 16
_MAX_QUOTES: Final = 600
_FEWEST: Final = 3
"""Bytes to a quote, at the least: what is cut at every one of them takes memory."""
_DEEP: Final = 2
"""Objects around a value from which on the parser is slow."""
_ESCAPED_QUOTE: Final = '\\"'
_BACKSLASHES: Final = r"^(?:[^\\]|\\\\)*$"
_SIGN: Final = re.compile(r"[{}\[\]:,]|[^\s{}\[\]:,]+")
_WHOLE: Final = "(?:0|-?[1-9][0-9]{0,17})"
_SHORT: Final = 16
"""Characters of a decimal up to which its digits are those of the number that it is read as."""
_NUMBER: Final = r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)"
_DECIMAL: Final = r"^-?(?:0|[1-9][0-9]{0,14})\.[0-9]+$"

_ZERO: Final = r"^-?0\.0*$"


class _OtherShapeError(Exception):
    """The line holds what is not read by its shape."""


@dataclass(slots=True)
class _Between:
    """What stands between two quotes of a line: signs, and numbers among them.

    Attributes:
        texts: the signs; between each two of them stands a number.
        keys: names of the numbers, None for one that is not wanted.
    """

    texts: list[str]
    keys: list[str | None]


@dataclass(slots=True)
class Shape:
    """The shape of a line.

    Attributes:
        width: pieces that it has, cut at quotes.
        keys: texts that stand in quotes on every line, by place.
        between: what stands outside of quotes, by place.
        texts: places of all values in quotes.
        values: places of the texts of each wanted value, the first alone or all of a list.
    """

    width: int
    keys: dict[int, str] = field(default_factory=dict)
    between: dict[int, _Between] = field(default_factory=dict)
    texts: list[int] = field(default_factory=list)
    values: dict[str, list[int]] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """How many objects a wanted value lies in, at the most."""
        names = [*self.values, *(key for piece in self.between.values() for key in piece.keys if key is not None)]
        return max(name.count(NEST) for name in names)

    def read(self, pieces: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
        """Read lines that have as many quotes: their wanted values by key, and which of them have this shape.

        Args:
            pieces: what stands between the quotes of all lines, `width` for each.
        """
        fits = [self._take(pieces, place) == text for place, text in self.keys.items()]
        texts: dict[int, pl.Series] = {}
        for place in self.texts:
            texts[place], check = _unescape(self._take(pieces, place))
            fits += [] if check is None else [check]
        columns = []
        for name, places in self.values.items():
            joined = (
                texts[places[0]] if len(places) == 1 else pl.select(pl.concat_str([texts[place] for place in places], separator=", ")).to_series()
            )
            columns.append(joined.alias(name))
        for place, piece in self.between.items():
            numbers, check = _read_between(self._take(pieces, place), piece)
            columns += numbers
            fits.append(check)
        return pl.DataFrame(columns), pl.select(pl.all_horizontal(fits)).to_series()

    def _take(self, pieces: pl.Series, place: int) -> pl.Series:
        return pieces.gather_every(self.width, place)


def _unescape(texts: pl.Series) -> tuple[pl.Series, pl.Series | None]:
    """Write texts without their escapes, and tell which hold no other than that of the backslash itself; None if they hold none at all."""
    places = texts.str.contains("\\", literal=True).arg_true()
    if not places.len():
        return texts, None
    escaped = texts.gather(places)
    others = places.filter(~escaped.str.contains(_BACKSLASHES))
    check = pl.Series([True]).new_from_index(0, texts.len())
    plain = escaped.str.replace_all("\\\\", "\\", literal=True)
    return texts.scatter(places, plain), check.scatter(others, False) if others.len() else None


def _read_between(column: pl.Series, piece: _Between) -> tuple[list[pl.Series], pl.Series]:
    """Read the numbers between quotes, and tell which lines have the signs of the shape there."""
    if not piece.keys:
        return [], column == piece.texts[0]
    if len(piece.keys) == 1:
        before, after = piece.texts
        whole = column.str.contains(f"^{re.escape(before)}{_WHOLE}{re.escape(after)}$")
        if whole.all():
            name = piece.keys[0]
            return ([] if name is None else [_cut(column, before, after).cast(pl.Int64).alias(name)]), whole
    pattern = "".join(f"{re.escape(text)}({_NUMBER})" for text in piece.texts[:-1]) + re.escape(piece.texts[-1])
    found = column.to_frame("piece").select(pl.col("piece").str.extract_groups(f"^{pattern}$").struct.unnest())
    found.columns = [str(place) for place in range(len(piece.keys))]
    check = found["0"].is_not_null()
    numbers = []
    for place, name in enumerate(piece.keys):
        if name is not None:
            values, is_plain = _plain(found[str(place)])
            numbers.append(values.alias(name))
            check &= is_plain
    return numbers, check


def _cut(column: pl.Series, before: str, after: str) -> pl.Series:
    inner = column.str.slice(len(before))
    return inner.str.head(-len(after)) if after else inner


def _plain(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Write numbers as the parser does, null as nothing; and tell which of them are not spelled in another way than that."""
    values = texts.replace("null", None)
    is_whole = texts.str.contains(f"^(?:{_WHOLE}|true|false|null)$")
    if is_whole.all():
        return values, is_whole
    decimal = texts.str.contains(_DECIMAL) & ~texts.str.contains(_ZERO)
    is_short = decimal & (texts.str.len_bytes() <= _SHORT)
    is_exact = decimal & (texts.cast(pl.Float64, strict=False).cast(pl.String) == texts)
    cut = texts.str.strip_chars_end("0").str.strip_suffix(".")
    return values.zip_with(~is_short, cut), (is_whole | is_short | is_exact).fill_null(value=False)


def find_shape(line: str, table: KeyTable) -> Shape | None:
    """Find the shape of a line; None if it is no object, or holds something that its shape does not tell.

    Args:
        line: a line.
        table: the keys that are wanted.
    """
    pieces = line.split('"')
    if len(pieces) > _MAX_QUOTES or _ESCAPED_QUOTE in line:
        return None
    try:
        item = json.loads(line, object_pairs_hook=_refuse_doubles)
        return _Walk(table).shape(pieces) if isinstance(item, dict) else None
    except (ValueError, RecursionError, _OtherShapeError):
        return None


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _OtherShapeError
    return dict(pairs)


class _Walk:
    """Goes through a line that is known to be JSON, and notes what stands where."""

    def __init__(self, table: KeyTable) -> None:
        self._table = table
        self._above: list[tuple[str, Path | None]] = []  # signs that opened what the place lies in, and the path of each
        self._open_at: list[int] = []  # how many wanted values stood before each
        self._taken = 0
        self._key: str | None = None
        self._is_key = False

    def shape(self, pieces: list[str]) -> Shape:
        """Give the shape.

        Args:
            pieces: the line, cut at its quotes.
        """
        shape = Shape(len(pieces))
        for place, piece in enumerate(pieces):
            if not place % 2:
                shape.between[place] = self._pass(piece)
            elif self._is_key:
                if "\\" in piece:
                    raise _OtherShapeError
                shape.keys[place] = self._key = piece
            else:
                shape.texts.append(place)
                self._take(shape, place)
        if not shape.values and not any(key for piece in shape.between.values() for key in piece.keys):
            raise _OtherShapeError
        return shape

    def _take(self, shape: Shape, place: int) -> None:
        name, is_list = self._name()
        if name is None:
            return
        self._taken += 1
        if is_list and (name not in shape.values or name.rpartition(NEST)[2] in self._table.address_keys):
            shape.values.setdefault(name, []).append(place)
        elif not is_list:
            shape.values[name] = [place]

    def _pass(self, text: str) -> _Between:
        """Go through what stands between two quotes."""
        found = _Between([], [])
        start = 0
        for match in _SIGN.finditer(text):
            sign = match[0]
            if sign in "{[":
                self._open(sign)
            elif sign in "}]":
                self._close()
            elif sign == ",":
                self._is_key = self._above[-1][0] == "{"
            elif sign == ":":
                self._is_key = False
            else:
                name, is_list = self._name()
                if name is not None and is_list:
                    raise _OtherShapeError
                self._taken += name is not None
                found.texts.append(text[start : match.start()])
                found.keys.append(name)
                start = match.end()
        found.texts.append(text[start:])
        return found

    def _open(self, sign: str) -> None:
        if not self._above:
            path: Path | None = ()
        else:
            kind, above = self._above[-1]
            path = None if kind == "[" or above is None else (*above, self._key or "")
            if kind == "[" and self._name()[0] is not None:
                raise _OtherShapeError  # a list of objects where a value is wanted
            name = self._wanted(path) if path else None
            if name is not None and (self._below(name) if sign == "[" else not self._holds(path or ())):
                raise _OtherShapeError  # wanted as text
        self._above.append((sign, path))
        self._open_at.append(self._taken)
        self._is_key = sign == "{"

    def _close(self) -> None:
        path = self._above.pop()[1]
        if self._open_at.pop() == self._taken and path and self._wanted(path) is not None:
            raise _OtherShapeError  # it holds nothing that is wanted, and is wanted as text

    def _name(self) -> tuple[str | None, bool]:
        """Name the value that stands here, None if it is not wanted; and tell whether it lies in a list."""
        sign, above = self._above[-1]
        if above is None:
            return None, sign == "["
        return self._wanted(above if sign == "[" else (*above, self._key or "")), sign == "["

    def _wanted(self, path: Path) -> str | None:
        name = NEST.join(path)
        return name if name in self._table.paths else None

    def _below(self, name: str) -> bool:
        node: Any = self._table.tree
        for key in name.split(NEST):
            node = (node or {}).get(key)
        return bool(node)

    def _holds(self, path: Path) -> bool:
        """Tell whether an object holds keys that are wanted: then it is opened, and not wanted itself."""
        return self._below(NEST.join(path))


def read_shapes(data: bytes, lines: pl.Series, table: KeyTable, depth: int = _DEEP) -> tuple[pl.DataFrame, pl.Series] | None:
    """Read the lines that have one of a few shapes.

    Args:
        data: what is perhaps an object a line.
        lines: the same, cut.
        table: the keys that are wanted.
        depth: objects that some wanted value of the first line must lie in.

    Returns:
        Values by key, a row for each line that was read, and which lines these are; None if it is not worth it.
    """
    first = find_shape(lines[0], table) if lines.len() else None
    if first is None or first.depth < depth or data.count(b'"') * _FEWEST > len(data):
        return None
    parts, places, count = [], [], 0
    for flat, rows in _read_each(lines, table):
        parts.append(flat)
        places.append(rows)
        count += rows.len()
    if count < lines.len() / 2 or not parts:
        return None
    if len(parts) == 1 and count == lines.len():
        return parts[0], pl.Series([True]).new_from_index(0, count)
    order = pl.concat(places)
    is_read = pl.Series([False]).new_from_index(0, lines.len()).scatter(order, True)
    return join_flat(parts)[order.arg_sort()], is_read


def _read_each(lines: pl.Series, table: KeyTable) -> Iterator[tuple[pl.DataFrame, pl.Series]]:
    """Take the shape of the first line that is left, again and again, and read what has it: values, and the places of the lines."""
    left = (~lines.str.contains(_ESCAPED_QUOTE, literal=True)).arg_true()
    cut = lines.str.split('"')
    widths = cut.list.len()
    for _ in range(_MAX_SHAPES):
        if not left.len():
            return
        shape = find_shape(lines[int(left[0])], table)
        if shape is None:
            left = left.slice(1)
            continue
        rows = left.filter(widths.gather(left) == shape.width)
        flat, fits = shape.read((cut if rows.len() == cut.len() else cut.gather(rows)).explode())
        if not fits.all():
            flat, rows = flat.filter(fits), rows.filter(fits)
        if rows.len():
            yield flat, rows
        first = left.head(1)  # it may spell a number as no program does
        left = left.filter(~left.is_in(pl.concat([rows, first]).implode())) if rows.len() < left.len() else left.clear()


def join_flat(parts: list[pl.DataFrame]) -> pl.DataFrame:
    """Put values by key below one another; what is a number in one part and a text in another is a text."""
    names = {name for part in parts for name in part.columns}
    whole = {name for name in names if all(part.schema.get(name) == pl.Int64 for part in parts)}
    return pl.concat(
        [part.with_columns(pl.col(name).cast(pl.String) for name in part.columns if name not in whole) for part in parts], how="diagonal"
    )
