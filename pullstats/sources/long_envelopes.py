"""CloudWatch's subscription envelopes of many events, as Firehose delivers them, read as lines of an event each: a tokeniser takes lists slower.

{"messageType":"DATA_MESSAGE",…,"logEvents":[{"id":"…","timestamp":1548116776816,"message":"…"},{"id":…},…]}
"""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any, Final

import polars as pl

from pullstats.tokenisers import read_objects

LONG: Final = 4 << 10
"""Bytes of an envelope from which on it is worth looking at by itself."""
_SCHEMA: Final = pl.Schema({"id": pl.String(), "timestamp": pl.Int64(), "message": pl.String()})
_DATA: Final = "DATA_MESSAGE"
_HEAD: Final = re.compile(rb'\{\s*(?:"\w+"\s*:\s*(?:"[^"\\]*"|\[[^\[\]{}\\]*\])\s*,\s*){0,20}"logEvents"\s*:\s*\[\s*(?=\{)')
"""What stands before the events of an envelope."""
_ENDS: Final = ([b"]}"], [b"]", b"}"])


def read_long(data: bytes, starts: list[int]) -> pl.DataFrame | None:
    """Read envelopes of many events as lines of an event each, which the tokeniser takes twice as fast as lists; None if they are anything else.

    Args:
        data: whole envelopes.
        starts: where each begins.

    Returns:
        A row for each event with what its envelope says, `start` of that, and its `place` in it.
    """
    heads: list[tuple[str | None, str | None]] = []
    lines: list[bytes] = []
    for start, end in pairwise([*starts, len(data)]):
        head = _HEAD.match(data, start, end)
        stop = data.rfind(b"]", start, end)
        labels = _labels_of(head[0]) if head is not None else None
        if head is None or labels is None or stop < head.end() or data[stop:end].split() not in _ENDS:
            return None
        piece = data[head.end() : stop].replace(b"\n", b" ").replace(b'},{"', b'}\n{"')
        if not piece.startswith(b'{"') or not _is_object(piece[piece.rfind(b"\n") + 1 :]):
            return None
        heads.append(labels)
        lines.append(piece)
    events = read_objects(b"\n".join(lines), _SCHEMA)
    counts = [piece.count(b"\n") + 1 for piece in lines]
    if events is None or events.height != sum(counts) or events["message"].null_count() or events["timestamp"].null_count():
        return None
    envelopes = pl.DataFrame(heads, schema=dict.fromkeys(("logGroup", "logStream"), pl.String), orient="row")
    envelopes = envelopes.with_columns(pl.Series("start", starts, pl.Int64), place=pl.int_ranges(0, pl.Series(counts)))
    return events.hstack(envelopes.explode("place", empty_as_null=True, keep_nulls=True))


def _labels_of(head: bytes) -> tuple[str | None, str | None] | None:
    """Tell group and stream of an envelope by what stands before its events; None if it carries no lines of a log."""
    try:
        said = json.loads((head + b"]}").decode(), object_pairs_hook=_refuse_doubles)
    except ValueError:
        return None
    labels = said.get("logGroup"), said.get("logStream")
    is_plain = said.get("messageType") == _DATA and all(label is None or isinstance(label, str) for label in labels)
    return labels if is_plain else None


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError
    return dict(pairs)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line.decode()), dict)
    except (ValueError, RecursionError):
        return False
