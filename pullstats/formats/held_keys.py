"""Which keys a piece of JSON lines holds, told from a sample of it."""

from __future__ import annotations

import json
import re
from typing import Any, Final

import polars as pl

from pullstats.formats.json_keys import KeyTable, KeyTree

_SAMPLE: Final = 40
_LINE: Final = 64 << 10
_NUMBER: Final = re.compile(rb'"(?=([^"]*)":\s*-?[0-9]{1,15}\s*[,}])')
"""A key of a whole number. One pattern finds all: the table has hundreds of keys, and a pattern for each takes a fifth of a second to compile."""
_OPENING: Final = re.compile(rb'"(?=([^"]*)"\s*:\s*([\[{]?))')
"""A key, and how its value begins."""
Kinds = dict[bytes, set[bytes]]


class HeldKeys:
    """Which keys of the table a piece holds: reading all the table knows costs five times as much.

    A sample of lines names them. That no line has another is seen without reading them all once
    more: every key of the sample is in every line, and the quotes of the piece add up to as many
    as the sampled lines have each. Where they do not, one pass over the text looks for the others.
    """

    def __init__(self, data: bytes, table: KeyTable) -> None:
        """Look at a sample.

        Args:
            data: whole lines.
            table: the keys that are wanted.
        """
        self._names = table.names
        self._data = data
        step = max(len(data) // _SAMPLE, 1)
        starts = {data.find(b"\n", start) + 1 for start in range(0, len(data), step)}  # a long line is found again and again
        lines = [data[start : start + _LINE].split(b"\n", 1)[0] for start in sorted({0, *starts})]
        lines = [line for line in lines if line]
        quoted = frozenset(piece for line in lines for piece in line.split(b'"')[1:-1])
        self.seen = frozenset(name for name in table.names if name.encode() in quoted)
        self.tree = _sample_tree(lines, table.tree) or _prune(table.tree, self.seen) or table.tree
        numbers = [{found[1] for found in _NUMBER.finditer(line)} for line in lines]
        whole = {key for key, below in self.tree.items() if below is None and all(key.encode() in keys for keys in numbers)}
        kinds = _kinds_of(lines)
        self.schema = pl.Schema({key: pl.Int64() if key in whole else _dtype_of(key, below, kinds) for key, below in self.tree.items()})
        quotes = {_count_quotes(line) for line in lines}
        self._quotes = quotes.pop() if len(quotes) == 1 else 0

    def is_all(self, lines: pl.Series, escaped: pl.Series, top: pl.DataFrame) -> bool:
        """Tell whether no line can hold a key of the table that the sample lacks.

        Args:
            lines: the lines of the piece.
            escaped: those that hold a backslash.
            top: the objects as read.
        """
        if self.seen == self._names:
            return True
        if not self._quotes or any(top[key].null_count() for key in self.tree):
            return False
        quotes = self._data.count(b'"') - int(escaped.str.count_matches('\\"', literal=True).sum())
        return quotes == self._quotes * lines.len()


def _sample_tree(lines: list[bytes], tree: KeyTree) -> KeyTree | None:
    """Leave the keys of the table that the sampled objects hold where they hold them; None if one cannot be read."""
    try:
        items = [json.loads(line) for line in lines]
    except (ValueError, RecursionError):
        return None
    return _held(tree, [item for item in items if isinstance(item, dict)])


def _held(tree: KeyTree, items: list[dict[str, Any]]) -> KeyTree:
    held: KeyTree = {}
    for key, below in tree.items():
        values = [item[key] for item in items if key in item]
        if values:
            objects = [value for value in values if isinstance(value, dict)]
            held[key] = _held(below, objects) or None if below and objects else None
    return held


def _kinds_of(lines: list[bytes]) -> Kinds:
    """Tell how values begin, by key: with a brace, a bracket, or another sign."""
    kinds: Kinds = {}
    for line in lines:
        for found in _OPENING.finditer(line):
            kinds.setdefault(found[1], set()).add(found[2])
    return kinds


def _dtype_of(key: str, below: KeyTree | None, kinds: Kinds) -> pl.DataType:
    """Tell what lies under a key wherever the lines have it: an object whose keys are wanted, a list, or a value."""
    found = kinds.get(key.encode())
    if below and found == {b"{"}:
        return pl.Struct({name: _dtype_of(name, under, kinds) for name, under in below.items()})
    return pl.List(pl.String) if found == {b"["} and below is None else pl.String()


def _count_quotes(data: bytes) -> int:
    """Count the quotes that bound strings."""
    return data.count(b'"') - data.count(b'\\"')


def _prune(tree: KeyTree, seen: frozenset[str]) -> KeyTree:
    """Leave the keys that were seen, and the objects they lie in."""
    pruned: KeyTree = {}
    for key, below in tree.items():
        if key in seen:
            pruned[key] = _prune(below, seen) if below else None
    return pruned
