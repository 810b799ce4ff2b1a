"""Read CloudWatch's JSON by the block: the fast ways.

Each hands whole blocks to a SIMD tokeniser and answers None where a block is anything but what it
expects; then `cloudwatch_values` reads it value by value.
"""

from __future__ import annotations

import json
import re
from typing import Final

import polars as pl

from pullstats.escaping import plain_text
from pullstats.sources.long_envelopes import LONG, read_long
from pullstats.sources.messages import Unwrapped, refuse, shape_messages
from pullstats.tokenisers import read_objects

MAX_DOCUMENT: Final = 64 << 20
"""Bytes of one document, or of one element of a document, that are held at a time."""
WINDOW: Final = 256 << 10
CONTROL: Final = "CONTROL_MESSAGE"

EVENT_KEYS: Final = r"logStreamName|timestamp|message|ingestionTime|eventId|id"
EVENTS: Final = re.compile(rb'"(?:events|logEvents)"\s*:\s*\[')
_SUBSCRIPTION: Final = re.compile(rb'\}\s*(?=\{\s*"(?:messageType|owner|logGroup|logStream|subscriptionFilters|logEvents)"\s*:)')
_EVENT: Final = re.compile(rb'(\}\s*),(?=\s*\{\s*"(?:' + EVENT_KEYS.encode() + rb')"\s*:)')
_EVENT_START: Final = re.compile(rb'\s*\{\s*"(?:' + EVENT_KEYS.encode() + rb')"\s*:')
_GROUP: Final = re.compile(rb'"logGroup"\s*:\s*("(?:[^"\\]|\\.)*")')
_STREAM: Final = re.compile(rb'"logStream"\s*:\s*("(?:[^"\\]|\\.)*")')
_VALUE: Final = rb'(?:"(?:[^"\\]|\\.)*"|\[[^\[\]]*\]|\{[^{}]*\}|[\w.+-]+)'
_BETWEEN: Final = re.compile(rb'(?:,? ?\] ?(?:, ?"\w+" ?: ?' + _VALUE + rb' ?)*\} ?)?(?:\{ ?(?:"\w+" ?: ?' + _VALUE + rb" ?, ?)*)?")
"""What may stand between the events of two documents, blanks run together: the tail of one, the head of the next."""
_MAX_BETWEEN: Final = 64 << 10

_ENVELOPE_SCHEMA: Final = pl.Schema(
    {
        "messageType": pl.String(),
        "logGroup": pl.String(),
        "logStream": pl.String(),
        "logEvents": pl.List(pl.Struct({"id": pl.String(), "timestamp": pl.Int64(), "message": pl.String()})),
    }
)
_EVENT_SCHEMA: Final = pl.Schema(
    {"logStreamName": pl.String(), "timestamp": pl.Int64(), "message": pl.String(), "eventId": pl.String(), "id": pl.String()}
)
_DECODER: Final = json.JSONDecoder(strict=False)


def unwrap_subscriptions(data: bytes, offset: int) -> Unwrapped | None:
    """Read whole subscription envelopes with a tokeniser; None if they are anything else."""
    starts = [0, *(found.end() for found in _SUBSCRIPTION.finditer(data))]
    long = read_long(data, starts) if len(data) >= LONG * len(starts) else None
    if long is not None:
        return _shape_events(long, offset)
    flat = memoryview(data.replace(b"\n", b" ") if b"\n" in data else data)
    text = b"\n".join(flat[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True))
    envelopes = read_objects(text, _ENVELOPE_SCHEMA)
    if envelopes is None or envelopes.height != len(starts) or envelopes["messageType"].null_count() or envelopes["logEvents"].null_count():
        return None
    envelopes = envelopes.with_columns(pl.Series("start", starts, pl.Int64))
    control = envelopes["messageType"] == CONTROL
    ignored = int(envelopes.filter(control)["logEvents"].list.len().sum())
    counts = pl.col("logEvents").list.len()
    events = envelopes.filter(~control & (envelopes["logEvents"].list.len() > 0)).with_columns(place=pl.int_ranges(0, counts))
    events = events.explode("logEvents", "place", empty_as_null=True, keep_nulls=True).unnest("logEvents")
    if events.height and (events["message"].null_count() or events["timestamp"].null_count()):
        return None
    return _shape_events(events, offset, ignored)


def _shape_events(events: pl.DataFrame, offset: int, ignored: int = 0) -> Unwrapped:
    messages = events.select(
        "message",
        (pl.col("start") + pl.col("place") + offset).alias("source_offset"),
        from_epoch(pl.col("timestamp")).alias("envelope_time"),
        pl.col("logGroup").alias("cloudwatch_log_group"),
        pl.col("logStream").alias("cloudwatch_log_stream"),
        pl.when(pl.col("id") != "").then("id").alias("event_id"),
    )
    return Unwrapped(shape_messages(messages), refuse(()), ignored)


def unwrap_events(data: bytes, offset: int, group: str | None, stream: str | None) -> Unwrapped | None:
    """Read the events of API pages, or bare events, with a tokeniser; None if they are anything else."""
    marks = list(EVENTS.finditer(data))
    has_head = not marks or _EVENT_START.match(data) is not None
    segments: list[tuple[int, re.Match[bytes] | None]] = [(0, None)] if has_head else []
    segments += [(mark.end(), mark) for mark in marks]
    ends = [*(mark.start() for mark in (marks if has_head else marks[1:])), len(data)]
    frames: list[pl.DataFrame] = []
    ignored = 0
    behind = 0
    for (start, mark), end in zip(segments, ends, strict=True):
        if mark is not None:
            header = data[behind : mark.start()]
            if not _is_between(header):
                return None
            is_control = CONTROL.encode() in header
            group, stream = find_labels(header)
        else:
            is_control = False
        events, behind = _read_events(data, start, end, has_array=mark is not None)
        if events is None or (is_control and mark is None):
            return None
        if is_control:
            ignored += events.height
        elif events.height:
            named = [
                pl.lit(group, pl.String).alias("cloudwatch_log_group"),
                pl.coalesce("logStreamName", pl.lit(stream, pl.String)).alias("cloudwatch_log_stream"),
            ]
            frames.append(events.with_columns(*named, source_offset=pl.col("source_offset") + offset))
    if marks and not _is_between(data[behind:]):
        return None
    if not frames:
        return Unwrapped(shape_messages(pl.DataFrame(schema={"message": pl.String})), refuse(()), ignored) if marks else None
    messages = pl.concat(frames).with_columns(
        envelope_time=from_epoch(pl.col("timestamp")),
        event_id=pl.coalesce("eventId", "id").replace("", None),
    )
    return Unwrapped(shape_messages(messages), refuse(()), ignored)


def _is_between(piece: bytes) -> bool:
    """Tell whether a piece between events is the tail of a document and the head of the next, and nothing else."""
    return len(piece) <= _MAX_BETWEEN and _BETWEEN.fullmatch(b" ".join(piece.split())) is not None


def _read_events(data: bytes, start: int, end: int, *, has_array: bool) -> tuple[pl.DataFrame | None, int]:
    """Read a run of event objects: a row each with `source_offset`, and where the run ends.

    None where it holds anything but whole events with a time and a message.
    """
    if not _EVENT_START.match(data, start, end):
        is_empty = data[start:end].lstrip()[:1] in (b"]", b"")
        return (pl.DataFrame(schema={**_EVENT_SCHEMA, "source_offset": pl.Int64()}) if is_empty else None), start
    is_list = has_array or _EVENT.search(data, start, end) is not None
    stop = _object_end(data, _last_event(data, start, end), end) if is_list else end
    if stop is None:
        return None, end
    run = data[start:stop]
    text = _EVENT.sub(rb"\1" + b"\n", run.replace(b"\n", b" ")) if is_list else run
    events = read_objects(text, _EVENT_SCHEMA)
    starts = _line_starts(text)
    if events is None or events.height != len(starts) or events["message"].null_count() or events["timestamp"].null_count():
        return None, end
    return events.with_columns(source_offset=pl.Series(starts, dtype=pl.Int64) + start), stop


def _last_event(data: bytes, start: int, end: int) -> int:
    """Find where the last of some events with commas between them begins."""
    near = [found.end() for found in _EVENT.finditer(data, max(end - WINDOW, start), end)]
    return near[-1] if near else max((found.end() for found in _EVENT.finditer(data, start, end)), default=start)


def _line_starts(text: bytes) -> list[int]:
    starts, position = [], 0
    for line in text.split(b"\n"):
        if line.strip():
            starts.append(position)
        position += len(line) + 1
    return starts


def _object_end(data: bytes, start: int, end: int) -> int | None:
    """Find the end of the object that begins at a place; None if it does not end."""
    text = data[start:end].decode("utf-8", "surrogateescape")
    begin = len(text) - len(text.lstrip())
    try:
        _, stop = _DECODER.raw_decode(text, begin)
    except (ValueError, RecursionError):
        return None
    return start + len(text[:stop].encode("utf-8", "surrogateescape"))


def from_epoch(value: pl.Expr) -> pl.Expr:
    """Read seconds (up to 11 digits) or milliseconds since 1970."""
    millis = pl.when(value < 100_000_000_000).then(value * 1_000).otherwise(value)
    return (millis.clip(0, 250_000_000_000_000) * 1_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")


def find_labels(header: bytes) -> tuple[str | None, str | None]:
    """Find group and stream in the head of an envelope."""
    return _label(_GROUP, header), _label(_STREAM, header)


def _label(pattern: re.Pattern[bytes], header: bytes) -> str | None:
    found = pattern.search(header)
    try:
        text = json.loads(found[1].decode("utf-8", "surrogateescape")) if found else None
    except ValueError:
        return None
    return plain_text(text) if isinstance(text, str) else None
