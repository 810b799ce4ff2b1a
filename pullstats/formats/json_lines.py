r"""Read access logs that hold one JSON object a line, whatever their keys are called.

The fast way lets a SIMD tokeniser read whole pieces, every value as text. The safe way goes line
by line: it repairs `\xHH` (nginx without `escape=json`), keeps bytes that are no UTF-8 as text,
and tells objects that are no access event (a server's own messages) from lines that are no JSON.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final

import polars as pl

from pullstats.clean_lines import cut_clean, join_lines
from pullstats.escaping import Escaping, plain_text
from pullstats.formats.half_read import find_blind, is_half_read, refuse_half_read
from pullstats.formats.held_keys import HeldKeys
from pullstats.formats.json_keys import KNOWN, NEST, KeyTable, KeyTree
from pullstats.formats.json_rest import collect_rest
from pullstats.formats.json_shapes import join_flat, read_shapes
from pullstats.formats.json_values import pick_values
from pullstats.formats.lines import LINE_LIMIT
from pullstats.formats.log_format import IGNORED, LENGTH
from pullstats.formats.notices import KEYS, load_object, tell_object
from pullstats.formats.outlines import Outline
from pullstats.tokenisers import read_objects

JSON_SHAPE: Final = r"^\s*\{"
"""What a line that may be an object looks like."""
_BEGINNING: Final = re.compile(rb"\s*\{")
_TARGET_VALUE: Final = r'"\s*:\s*"(?:[A-Z]{3,10} )?(?:\\?/|https?:)'
"""What a line holds that may have a target somewhere."""
_EMPTY_VALUE: Final = re.compile(r'(?<!\\)":\s*(?=[,}])')
_LOST_COMMA: Final = re.compile(r'(?<=[^\\:,{\[ ])"(?="\w+":)')
_ODD_ESCAPE: Final = r"\\u(?:[dD]|0000)"
"""What the tokeniser takes for a NUL: half a surrogate pair, or a NUL itself. Whole pairs go the safe way too."""
_BYTE_ESCAPE: Final = re.compile(rb"\\x([0-9A-Fa-f]{2})")


class JsonReader:
    """Reads JSON lines through the alias table."""

    escaping: Escaping = "none"
    has_fast = True
    outlines = (Outline(JSON_SHAPE, ("{",)),)

    def __init__(self, table: KeyTable = KNOWN, *, keeps_rest: bool = False) -> None:
        """Know which keys say what, and whether what lies under other keys is wanted, too."""
        self._table = table
        self._keeps_rest = keeps_rest

    def keep_rest(self) -> JsonReader:
        """Give a reader that keeps what the objects hold besides; see `json_rest.py`."""
        return JsonReader(self._table, keeps_rest=True)

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines, or None if one of them is no plain JSON object."""
        lines = cut_clean(data) if data.endswith(b"\n") and _BEGINNING.match(data) else None
        if lines is None:
            return None
        lengths = lines.str.len_bytes().cast(pl.Int64) + 1
        if (lengths.max() or 0) > LINE_LIMIT:  # type: ignore[operator]
            return None
        table = self._table
        flat = self._flatten(data, lines)
        if flat is None or not table.paths.intersection(flat.columns):
            return None
        raw = pick_values(flat, table)
        blind = find_blind(raw) if not table.is_own else None
        if blind is not None and any(is_half_read(_load(line)) for line in lines.filter(blind & lines.str.contains(_TARGET_VALUE))):
            return None
        known = _tell_others(raw.with_columns(lengths.alias(LENGTH)), lines)
        return known if known is None else self._add_rest(known, lines)

    def _flatten(self, data: bytes, lines: pl.Series) -> pl.DataFrame | None:
        """Give the values of objects by key: of those that have a shape by that, of the others by the parser; None if one is no plain object."""
        found = read_shapes(data, lines, self._table)
        if found is None:
            return self.parse(data, lines)
        flat, is_read = found
        if is_read.all():
            return flat
        others = lines.filter(~is_read)
        parsed = self.parse(join_lines(others), others)
        order = pl.concat([is_read.arg_true(), (~is_read).arg_true()])
        return None if parsed is None else join_flat([flat, parsed])[order.arg_sort()]

    def parse(self, data: bytes, lines: pl.Series) -> pl.DataFrame | None:
        """Give the values of objects by key; None if one of the lines is no plain object."""
        escaped = lines.filter(lines.str.contains("\\", literal=True))
        if escaped.str.contains(_ODD_ESCAPE).any():
            return None
        table = self._table
        keys = HeldKeys(data, table)
        tree = keys.tree
        top = _tokenise(data, keys.schema)
        if top is not None and not keys.is_all(lines, escaped, top) and lines.str.contains(_other_keys(table.names - keys.seen)).any():
            tree = table.tree
            top = _tokenise(data, pl.Schema(dict.fromkeys(tree, pl.String)))
        if top is None or top.height != lines.len() or (escaped.len() and _holds_packed(top, tree)):
            return None
        return _unnest(_open(top, "", table.address_keys), tree, "")

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines one by one; `reason` is set where a line is no JSON or no access event."""
        tree = self._table.tree
        objects = [_load(line) for line in lines]
        rows = [_flatten(item, tree, "") if item is not None else {} for item in objects]
        held = self._held_paths(rows)
        frame = pl.DataFrame({name: pl.Series(name, [row.get(name) for row in rows], pl.String) for name in held})
        raw = pick_values(frame, self._table)
        if not self._table.is_own:
            raw = refuse_half_read(raw, lambda place: objects[place])
        others = [
            "not-json" if item is None else tell_object(item) if reason == KEYS else reason
            for item, reason in zip(objects, raw["reason"], strict=True)
        ]
        return self._add_rest(raw.with_columns(pl.Series("reason", others, pl.String)), lines)

    def _held_paths(self, rows: list[dict[str, str]]) -> list[str]:
        """List the paths of the table that some row holds, any one where none does: a column for each that it knows costs more than the rows."""
        held = {path for row in rows for path in row} & self._table.paths
        return sorted(held or [min(self._table.paths)])

    def _add_rest(self, raw: pl.DataFrame, lines: pl.Series) -> pl.DataFrame:
        return raw.with_columns(collect_rest(lines, self._table.tree)) if self._keeps_rest else raw


def _tell_others(raw: pl.DataFrame, lines: pl.Series) -> pl.DataFrame | None:
    """Pass over the objects that are known to be no request; None if there are others that cannot be read."""
    other = (raw["reason"] == KEYS).fill_null(value=False)
    if not other.any():
        return raw
    items = [_load(line) for line in lines.filter(other)]
    is_known = all(item is not None and tell_object(item) == IGNORED for item in items)
    return raw.with_columns(pl.when(other).then(pl.lit(IGNORED)).otherwise("reason").alias("reason")) if is_known else None


def _tokenise(data: bytes, schema: pl.Schema) -> pl.DataFrame | None:
    """Read objects with the keys of a schema; None if one is none, or a number is too much for its type."""
    found = read_objects(data, schema)
    plain = pl.Schema(dict.fromkeys(schema, pl.String))
    return found if found is not None or schema == plain else read_objects(data, plain)


def _open(frame: pl.DataFrame, prefix: str, address_keys: frozenset[str]) -> pl.DataFrame:
    """Open objects that were read as such; their keys get dotted names. Of a list of header values the first counts."""
    columns: list[pl.Series] = []
    for column in frame:
        name = prefix + column.name
        if isinstance(column.dtype, pl.Struct):
            columns += _open(column.struct.unnest(), f"{name}{NEST}", address_keys).get_columns()
        elif isinstance(column.dtype, pl.List):
            columns.append((column.list.join(", ") if column.name in address_keys else column.list.first()).alias(name))
        else:
            columns.append(column.alias(name))
    return pl.DataFrame(columns)


def _holds_packed(frame: pl.DataFrame, tree: KeyTree) -> bool:
    """Tell whether an object came back as text: the tokeniser does not write it as it was where a value holds an escape."""
    packed = [name for name, below in tree.items() if below and frame.schema[name] == pl.String]
    return any(bool(frame[name].str.starts_with("{").any()) for name in packed)


@lru_cache(maxsize=64)
def _other_keys(others: frozenset[str]) -> str:
    names = "|".join(re.escape(name) for name in sorted(others))
    return f'"(?:{names})"\\s*:'


def _unnest(frame: pl.DataFrame, tree: KeyTree, prefix: str) -> pl.DataFrame | None:
    """Open the nested objects that the alias table asks for; their keys get dotted names. None if a text only begins like one."""
    for key, below in tree.items():
        if not below or prefix + key not in frame.columns:
            continue
        text = frame[prefix + key]
        is_object = text.str.starts_with("{").fill_null(value=False)
        schema = pl.Schema({f"{prefix}{key}{NEST}{name}": pl.String() for name in below})
        if not is_object.any():
            continue
        packed = "\n".join(text.filter(is_object)).encode()
        inner = read_objects(packed, pl.Schema(dict.fromkeys(below, pl.String)))
        if inner is None or inner.height != is_object.sum():
            return None
        inner = _unnest(inner.rename(dict(zip(below, schema, strict=True))), below, f"{prefix}{key}{NEST}")
        if inner is None:
            return None
        place = pl.when(is_object).then(is_object.cast(pl.UInt32).cum_sum() - 1)
        frame = frame.with_columns(inner.select(pl.all().gather(frame.select(place).to_series())))
    return frame


def _load(line: str) -> dict[str, Any] | None:
    """Parse one line; None if it is no JSON object."""
    return load_object(line, _repair) if line.lstrip().startswith("{") else None


def _repair(line: str) -> str:
    r"""Make JSON of what nginx writes that is none.

    Without `escape=json`, `\xHH` stands for a byte; with it, an unset number is nothing at all. A
    comma that is missing or too many is docker-registry-proxy's.
    """
    line = _LOST_COMMA.sub('",', line).replace(",}", "}") if _LOST_COMMA.search(line) or line.rstrip().endswith(",}") else line
    raw = _BYTE_ESCAPE.sub(_byte_or_escape, _EMPTY_VALUE.sub('":null', line).encode("utf-8", "replace"))
    return raw.decode("utf-8", "surrogateescape")


def _byte_or_escape(match: re.Match[bytes]) -> bytes:
    value = int(match[1], 16)
    return bytes((value,)) if value >= 0x80 else b"\\u00" + match[1]


def _flatten(item: dict[str, Any], tree: KeyTree, prefix: str) -> dict[str, str]:
    """Take the wanted keys of an object, nested ones under dotted names, all as text."""
    row: dict[str, str] = {}
    for key, below in tree.items():
        value = item.get(key)
        if value is None:
            continue
        if isinstance(value, dict) and below:
            row |= _flatten(value, below, f"{prefix}{key}{NEST}")
        row[prefix + key] = _to_text(value)
    return row


def _to_text(value: Any) -> str:
    r"""Write a value as text; bytes that were no UTF-8 as `\xhh`, lone surrogates as `\udhhh`."""
    return plain_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
