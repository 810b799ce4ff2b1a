r"""Read CloudWatch's JSON value by value: the slow way, which must get everything right.

What no tokeniser takes, half an envelope, rubbish between documents, base64, nested messages, is
taken here: every event that is whole is found, every piece that is none is refused and counted.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from pullstats.escaping import plain_text
from pullstats.sources.cloudwatch_tokens import CONTROL, EVENTS, MAX_DOCUMENT, find_labels, from_epoch, unwrap_subscriptions
from pullstats.sources.messages import Unwrapped, refuse, shape_messages

MAX_FAILURES: Final = 1_000
"""Pieces of a block that may fail to decode before what is left of it is refused whole."""

_KEY: Final = re.compile(r'\{\s*"[A-Za-z@]')
_TAIL: Final = re.compile(r'\s*\]?\s*(?:,\s*"\w+"\s*:\s*(?:"[^"]*"|\[[^\[\]]*\]|\{[^{}]*\}|[\w.+-]+)\s*)*\}?\s*\]?[\s,]*')
_UNFINISHED: Final = frozenset({"Running", "Scheduled", "Timeout", "Cancelled", "Failed", "Unknown"})
_DECODER: Final = json.JSONDecoder(strict=False)


class ValueReader:
    """Reads one block."""

    def __init__(self, group: str | None, stream: str | None) -> None:
        """Start with the labels of the envelope that is open."""
        self._labels = (group, stream)
        self._rows: list[tuple[str, int, int | None, str | None, str | None, str | None]] = []
        self._refused: list[tuple[int, int, str, str]] = []
        self._ignored = 0
        self._remarks: set[str] = set()

    def unwrap(self, data: bytes, offset: int) -> Unwrapped:
        """Read all values of a block."""
        text = data.decode("utf-8", "surrogateescape")
        position, place, failures = 0, offset, 0
        while position < len(text):
            begin = position + len(text[position : position + 4096]) - len(text[position : position + 4096].lstrip(" \t\r\n,\ufeff\x00"))
            if begin > position:
                place, position = place + _width(text[position:begin]), begin
                continue
            found = None if failures > MAX_FAILURES else _decode(text, position)
            if found is None:
                failures += 1
                end = self._pass_over(text, position, place, is_last=failures > MAX_FAILURES)
            else:
                value, end = found
                self._take(value, place, text[position:end])
            place, position = place + _width(text[position:end]), end
        names = ("message", "source_offset", "millis", "cloudwatch_log_group", "cloudwatch_log_stream", "event_id")
        types = (pl.String, pl.Int64, pl.Int64, pl.String, pl.String, pl.String)
        messages = pl.DataFrame(self._rows, schema=dict(zip(names, types, strict=True)), orient="row")
        return Unwrapped(
            shape_messages(messages.with_columns(envelope_time=from_epoch(pl.col("millis")))),
            refuse(self._refused),
            self._ignored,
            frozenset(self._remarks),
        )

    def _pass_over(self, text: str, position: int, place: int, *, is_last: bool) -> int:
        """Go on behind what does not decode: an envelope's open head or tail, or rubbish, which is refused."""
        tail = _TAIL.match(text, position)
        if tail is not None and tail.end() > position and not is_last:
            return tail.end()
        found = None if is_last else _KEY.search(text, position + 1)
        end = found.start() if found else len(text)
        piece = text[position:end]
        raw = piece.encode("utf-8", "surrogateescape")
        marks = list(EVENTS.finditer(raw))
        if marks and not raw[marks[-1].end() :].strip():
            self._labels = find_labels(raw)
        else:
            self._refused.append((place, len(raw), "envelope", plain_text(piece)))
        return end

    def _take(self, value: Any, place: int, text: str) -> None:
        """Take the messages out of a decoded value, whichever shape it has."""
        if isinstance(value, list):
            self._take_list(value, place)
        elif not isinstance(value, dict):
            self._refused.append((place, _width(text), "envelope", plain_text(text)))
        elif isinstance(events := value.get("logEvents"), list):
            self._take_subscription(value, events, place)
        elif isinstance(events := value.get("events"), list):
            self._take_each(events, place, None, None)
        elif isinstance(rows := value.get("results"), list):
            if (status := value.get("status")) in _UNFINISHED:
                self._remarks.add(f"the query's status is {status}, so its results are partial; run the query to its end and ingest it again")
            self._take_each([_row(row) for row in rows], place, None, None)
        elif isinstance(records := value.get("Records", value.get("records")), list):
            for index, record in enumerate(records):
                self._take_data(record, place + index)
        elif "awslogs" in value or "kinesis" in value:
            self._take_data(value, place)
        else:
            self._take_event(value, place, *self._labels, text)

    def _take_list(self, values: list[Any], place: int) -> None:
        for index, value in enumerate(values):
            if isinstance(value, list):
                self._take_event(_row(value), place + index, None, None, "")
            elif isinstance(value, dict) and not value.keys() & {"logEvents", "events", "results", "Records", "awslogs", "kinesis"}:
                self._take_event(value, place + index, *self._labels, "")
            elif isinstance(value, dict):
                self._take(value, place + index, "")
            else:
                self._refused.append((place + index, 0, "envelope", plain_text(json.dumps(value))))

    def _take_subscription(self, envelope: dict[str, Any], events: list[Any], place: int) -> None:
        if envelope.get("messageType") == CONTROL:
            self._ignored += max(len(events), 1)
            return
        self._take_each(events, place, _text(envelope.get("logGroup")), _text(envelope.get("logStream")))

    def _take_each(self, events: list[Any], place: int, group: str | None, stream: str | None) -> None:
        for index, event in enumerate(events):
            self._take_event(event, place + index, group, stream, "")

    def _take_event(self, event: Any, place: int, group: str | None, stream: str | None, text: str) -> None:
        """Take one event, or refuse what has no message."""
        message = event.get("message", event.get("@message")) if isinstance(event, dict) else None
        if message is None:
            is_event = isinstance(event, dict) and event.keys() & {"message", "@message", "eventId", "@timestamp"}
            shown = text or json.dumps(event, ensure_ascii=False)
            self._refused.append((place, _width(shown), "no-message" if is_event else "envelope", plain_text(shown)))
            return
        line = message if isinstance(message, str) else json.dumps(message, ensure_ascii=False)
        stream = _text(event.get("logStreamName")) or _text(event.get("@logStream")) or stream
        group = _text(event.get("@log")) or group
        time = _millis(event.get("timestamp", event.get("@timestamp")))
        self._rows.append((plain_text(line), place, time, group, stream, _text(event.get("eventId")) or _text(event.get("id"))))

    def _take_data(self, record: Any, place: int) -> None:
        """Take what a record carries as gzip in base64."""
        holder = record.get("awslogs", record.get("kinesis", record)) if isinstance(record, dict) else None
        data = holder.get("data") if isinstance(holder, dict) else None
        inner = None if not isinstance(data, str) else _unpack(data)
        if inner is None:
            shown = json.dumps(record, ensure_ascii=False)
            self._refused.append((place, _width(shown), "envelope", plain_text(shown)))
            return
        scan = ValueReader(None, None)
        unwrapped = unwrap_subscriptions(inner, place) or scan.unwrap(inner, place)
        self._rows += unwrapped.messages.select(
            "message", "source_offset", pl.col("envelope_time").dt.epoch("ms"), "cloudwatch_log_group", "cloudwatch_log_stream", "event_id"
        ).rows()
        self._refused += unwrapped.refused.rows()
        self._ignored += unwrapped.ignored


def _decode(text: str, position: int) -> tuple[Any, int] | None:
    """Decode the value at a place, and tell where it ends; None if there is none."""
    try:
        return _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):
        return None


def _unpack(data: str) -> bytes | None:
    """Undo base64 and gzip; plain text in base64 is taken as it is, what cannot be undone is None."""
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None
    if not raw.startswith(b"\x1f\x8b"):
        return raw if raw.lstrip().startswith(b"{") else None
    parts: list[bytes] = []
    size = 0
    while raw.startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        try:
            part = member.decompress(raw, MAX_DOCUMENT - size)
        except zlib.error:
            return None
        parts.append(part)
        size += len(part)
        if not member.eof or size >= MAX_DOCUMENT:
            return None
        raw = member.unused_data
    return b"".join(parts)


def _row(fields: Any) -> dict[str, Any]:
    """Make an object of an Insights row, which is a list of fields."""
    if not isinstance(fields, list):
        return {}
    return {field["field"]: field.get("value") for field in fields if isinstance(field, dict) and isinstance(field.get("field"), str)}


def _millis(value: Any) -> int | None:
    """Read an event's time: milliseconds or seconds as a number, or text in UTC."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return int(value) if 0 <= value < 1e15 else None
    text = str(value)
    if text.isdecimal() and len(text) <= 15:
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000 + 0.5)


def _text(value: Any) -> str | None:
    return plain_text(value) if isinstance(value, str) and value else None


def _width(text: str) -> int:
    try:
        return len(text.encode("utf-8", "surrogateescape"))
    except UnicodeEncodeError:
        return len(text.encode("utf-8", "backslashreplace"))
