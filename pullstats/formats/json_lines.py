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
from pullstats.formats.json_keys import KNOWN, NEST, KeyTable, KeyTree
from pullstats.formats.json_rest import collect_rest
from pullstats.formats.json_shapes import join_flat, read_shapes
from pullstats.formats.json_vendors import is_no_request, read_by_vendor
from pullstats.formats.lines import IGNORED, LENGTH, LINE_LIMIT
from pullstats.formats.notices import KEYS, load_object, tell_object
from pullstats.formats.outlines import Outline
from pullstats.formats.variables import ADDRESS
from pullstats.tokenisers import read_objects

JSON_SHAPE: Final = r"^\s*\{"
"""What a line that may be an object looks like."""
_SAMPLE: Final = 40
_LINE: Final = 64 << 10
_HEADERS: Final = (
    "http_user_agent", "http_referer", "http_range", "http_authorization", "http_forwarded", "http_x_real_ip", "http_cf_connecting_ip",
)  # fmt: skip
_NAMES: Final = ("server_host", "remote_user")
"""Variables whose keys hold objects in other logs: of the machine, of an account."""
_NUMBERS: Final = ("status", "body_bytes_sent")
"""Variables that may stay numbers."""
_TELLING: Final = ("status", "request", "request_method", "request_uri", "uri", *ADDRESS)
"""Variables of which an object must say some to be a request."""
_OF_ANSWERS: Final = (
    "body_bytes_sent",
    "bytes_sent",
    "http_user_agent",
    "http_referer",
    "server_protocol",
    "request_time",
    "request_time_ms",
    "args",
)
"""Variables of which something must be said beside a client and a status where no request is named: logins and probes have these two as well."""
_DIGITS: Final = r"^[0-9]{1,3}$"
"""What a status looks like: `"status":"ok"` alone is somebody's health."""
_SPELLED: Final = r"^([0-9]{3})(?:\.0+| [A-Za-z][A-Za-z '-]*)$"
"""A status with its phrase (`200 OK`), or as a program writes it that holds all numbers as fractions."""
_LOOSE: Final = frozenset({"response", "code"})
"""Keys that name a status only where a status stands there: others hold an answer, or an error's name."""
_TARGET_VALUE: Final = r'"\s*:\s*"(?:[A-Z]{3,10} )?(?:\\?/|https?:)'
"""What a line holds that may have a target somewhere."""
_BARE_TARGET: Final = r"^(?:/|https?://)\S*$"
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
        lines = cut_clean(data) if data.endswith(b"\n") else None
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
        keys = _Keys(data, table)
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


class _Keys:
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
        step = max(len(data) // _SAMPLE, 1)
        starts = {data.find(b"\n", start) + 1 for start in range(0, len(data), step)}  # a long line is found again and again
        lines = [data[start : start + _LINE].split(b"\n", 1)[0] for start in sorted({0, *starts})]
        lines = [line for line in lines if line]
        self.seen = frozenset(name for name in table.names if any(f'"{name}"'.encode() in line for line in lines))
        self.tree = _sample_tree(lines, table.tree) or _prune(table.tree, self.seen) or table.tree
        whole = {key for key, below in self.tree.items() if below is None and all(_is_whole_number(key, line) for line in lines)}
        self.schema = pl.Schema({key: pl.Int64() if key in whole else _dtype_of(key, below, lines) for key, below in self.tree.items()})
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
        quotes = int(lines.str.count_matches('"', literal=True).sum()) - int(escaped.str.count_matches('\\"', literal=True).sum())
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


def _dtype_of(key: str, below: KeyTree | None, lines: list[bytes]) -> pl.DataType:
    """Tell what lies under a key wherever the lines have it: an object whose keys are wanted, a list, or a value."""
    opening = re.compile(rb'"' + re.escape(key.encode()) + rb'"\s*:\s*([\[{]?)')
    kinds = {found[1] for line in lines for found in opening.finditer(line)}
    if below and kinds == {b"{"}:
        return pl.Struct({name: _dtype_of(name, under, lines) for name, under in below.items()})
    return pl.List(pl.String) if kinds == {b"["} and below is None else pl.String()


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


def _count_quotes(data: bytes) -> int:
    """Count the quotes that bound strings."""
    return data.count(b'"') - data.count(b'\\"')


def _is_whole_number(key: str, line: bytes) -> bool:
    found = re.search(rb'"' + re.escape(key.encode()) + rb'":\s*(-?[0-9]{1,15})\s*[,}]', line)
    return found is not None


@lru_cache(maxsize=64)
def _other_keys(others: frozenset[str]) -> str:
    names = "|".join(re.escape(name) for name in sorted(others))
    return f'"(?:{names})"\\s*:'


def _prune(tree: KeyTree, seen: frozenset[str]) -> KeyTree:
    """Leave the keys that were seen, and the objects they lie in."""
    pruned: KeyTree = {}
    for key, below in tree.items():
        if key in seen:
            pruned[key] = _prune(below, seen) if below else None
    return pruned


def pick_values(flat: pl.DataFrame, table: KeyTable) -> pl.DataFrame:
    """Choose, for each variable, the first of its keys that says something: raw columns, and `reason` where a row is no request.

    Args:
        flat: texts by key, nested keys joined by `NEST`.
        table: what the keys mean.
    """
    present = {name: [key for key in keys if key in flat.columns] for name, keys in table.keys.items()}
    whole = {name for name, keys in present.items() if name in _NUMBERS and len(keys) == 1 and flat.schema[keys[0]] == pl.Int64}
    if "bytes_sent" in table.keys:
        whole.discard("body_bytes_sent")  # the two are taken one for the other, as texts
    single = {present[name][0] for name in whole}
    flat = flat.with_columns(pl.col(name).cast(pl.String) for name, dtype in flat.schema.items() if dtype == pl.Int64 and name not in single)
    raw = flat.select(**{name: pl.col(keys[0]) if name in whole else _coalesce(keys) for name, keys in present.items() if keys})
    if raw.schema.get("status") == pl.String:
        raw = raw.with_columns(status=_pick_status(flat, present["status"], is_said="status" in table.said))
    raw = raw.with_columns(_first_of_list(name) for name in ("remote_addr", "http_x_forwarded_for") if name in raw.columns)
    raw = raw.with_columns(_first_item(name) for name in _HEADERS if name in raw.columns)
    raw = raw.with_columns(pl.when(~pl.col(name).str.starts_with("{")).then(name).alias(name) for name in _NAMES if name in raw.columns)
    if "request" in raw.columns:
        raw = _split_request_key(raw)
    other = is_no_request(raw)
    raw = raw.with_columns(is_other=other)
    raw = read_by_vendor(raw)
    says = {name: pl.col(name).is_not_null() if name in raw.columns else pl.lit(value=False) for name in _TELLING}
    is_client = pl.any_horizontal(says[name] for name in ADDRESS)
    is_target = says["request"] | says["request_uri"] | says["uri"]
    has_status = says["status"]
    if raw.schema.get("status") == pl.String:
        has_status = pl.col("status").str.contains(_DIGITS).fill_null(value=False)
    is_asked = says["request"] | says["request_method"]
    is_answered = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).is_not_null() for name in _OF_ANSWERS if name in raw.columns))
    is_event = (is_asked & (has_status | is_client | (says["status"] & is_target))) | (has_status & is_client & (is_target | is_answered))
    if table.is_own:
        is_event = pl.any_horizontal(says.values())
    reason = pl.when("is_other").then(pl.lit(IGNORED)).when(~is_event).then(pl.lit(KEYS))
    return raw.with_columns(reason=reason).drop("is_other")


def _split_request_key(raw: pl.DataFrame) -> pl.DataFrame:
    """Tell what `request` holds: a request line, an object (Caddy), the method alone (Fastly, rubygems), or the target alone (Logstash)."""
    lone = pl.col("request").str.contains(r"^[A-Z]{3,10}$")
    bare = pl.col("request").str.contains(_BARE_TARGET)
    method = pl.coalesce("request_method", pl.when(lone).then("request")) if "request_method" in raw.columns else pl.when(lone).then("request")
    target: pl.Expr = pl.when(bare).then("request")
    target = pl.coalesce(target, "request_uri") if "request_uri" in raw.columns else target
    line = pl.when(~lone & ~bare & ~pl.col("request").str.starts_with("{")).then("request")
    return raw.with_columns(request_method=method, request_uri=target, request=line)


def _pick_status(flat: pl.DataFrame, keys: list[str], *, is_said: bool) -> pl.Series:
    """Take the first of some keys under which a status stands; where none does, what else is told of one, but for an object or a list."""
    found = flat.select(_coalesce(keys).alias("status")).to_series()
    if found.str.contains(_DIGITS).all():
        return found
    texts = [(key, _coalesce([key])) for key in keys]
    sane = [pl.when(text.str.contains(_DIGITS)).then(text).otherwise(text.str.extract(_SPELLED)) for _, text in texts]
    odd = [pl.when(~text.str.contains(r"^[{\[]")).then(text) for key, text in texts if is_said or key not in _LOOSE]
    return flat.select(pl.coalesce(*sane, *odd).alias("status")).to_series()


def _coalesce(keys: list[str]) -> pl.Expr:
    """Take the first of some keys that says something; `-` and nothing say nothing."""
    return pl.coalesce(pl.when((pl.col(key) != "") & (pl.col(key) != "-")).then(pl.col(key)) for key in keys)


def _first_of_list(name: str) -> pl.Expr:
    """Write a JSON list of addresses as a plain list: `["a", "b"]` as `a, b`."""
    column = pl.col(name)
    return pl.when(column.str.starts_with('["')).then(column.str.replace_all(r'[\[\]"]', "")).otherwise(column).alias(name)


def _first_item(name: str) -> pl.Expr:
    """Take the first item of a list of header values (Caddy, Go servers)."""
    column = pl.col(name)
    return pl.when(column.str.starts_with('["')).then(column.str.json_path_match("$[0]")).otherwise(column).alias(name)


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
