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
from typing import Any, Final

import polars as pl

from pullstats.formats.json_keys import NEST, KeyTable, Path
from pullstats.formats.json_shape import ESCAPED_QUOTE, Between, OtherShapeError, Shape

_MAX_SHAPES: Final = 16
_MAX_QUOTES: Final = 600
_FEWEST: Final = 3
"""Bytes to a quote, at the least: what is cut at every one of them takes memory."""
_DEEP: Final = 2
"""Objects around a value from which on the parser is slow."""
_SIGN: Final = re.compile(r"[{}\[\]:,]|[^\s{}\[\]:,]+")


def find_shape(line: str, table: KeyTable) -> Shape | None:
    """Find the shape of a line; None if it is no object, or holds something that its shape does not tell.

    Args:
        line: a line.
        table: the keys that are wanted.
    """
    pieces = line.split('"')
    if len(pieces) > _MAX_QUOTES or ESCAPED_QUOTE in line:
        return None
    try:
        item = json.loads(line, object_pairs_hook=_refuse_doubles)
        return _Walk(table).shape(pieces) if isinstance(item, dict) else None
    except (ValueError, RecursionError, OtherShapeError):
        return None


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise OtherShapeError
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
                    raise OtherShapeError
                shape.keys[place] = self._key = piece
            else:
                shape.texts.append(place)
                self._take(shape, place)
        if not shape.values and not any(key for piece in shape.between.values() for key in piece.keys):
            raise OtherShapeError
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

    def _pass(self, text: str) -> Between:
        """Go through what stands between two quotes."""
        found = Between([], [])
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
                    raise OtherShapeError
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
                raise OtherShapeError  # a list of objects where a value is wanted
            name = self._wanted(path) if path else None
            if name is not None and (self._below(name) if sign == "[" else not self._holds(path or ())):
                raise OtherShapeError  # wanted as text
        self._above.append((sign, path))
        self._open_at.append(self._taken)
        self._is_key = sign == "{"

    def _close(self) -> None:
        path = self._above.pop()[1]
        if self._open_at.pop() == self._taken and path and self._wanted(path) is not None:
            raise OtherShapeError  # it holds nothing that is wanted, and is wanted as text

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
    left = (~lines.str.contains(ESCAPED_QUOTE, literal=True)).arg_true()
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
