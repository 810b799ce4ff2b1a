r"""JSON that is not one object a line: arrays, indented documents, objects with nothing or a comma between.

    [{"httpRequest": …}, …]            gcloud logging read --format json, the download of Logs Explorer
    {\n  "ClientIP": …\n}\n{…          jq, pretty-printed logs
    {"ClientIP":…}{"ClientIP":…}       records joined by a queue
    {"records":[{…}, …]}               Azure's resource logs

Every object becomes a message on one line, at the offset where it begins. A block is cut only
between objects that lie in no other one; memory follows the block, not the file.

Sources: RFC 8259, RFC 7464 (record separators); cloud.google.com/logging/docs/view/logs-explorer
(download); learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import polars as pl

from pullstats.sources.blocks import Block, LineFraming, find_last
from pullstats.sources.messages import Peeled, Peeler, Wrapper, refuse, shape_messages

LIMIT: Final = 64 << 20
"""A longer object is no record of a log."""
MAX_FAILURES: Final = 1_000
"""Pieces of a block that may fail to decode before what is left of it is refused whole."""
_BETWEEN: Final = re.compile(rb"[\s,\[\]\x00\x1e]*(?:\xef\xbb\xbf)?[\s,\[\]\x00\x1e]*")
"""What may stand between objects: brackets of arrays, commas, record separators."""
_APART: Final = re.compile(rb"\}[\s\x1e]*(?=\{\s*\"[^\"\s:,}\]])")
"""Behind it an object begins that lies in no other: none stand in one without a comma between, and a quote that ends a string is not followed so."""
_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NEXT: Final = re.compile(rb"\}[\s,\[\]\x1e]*(?=\{)")
_KEY: Final = re.compile(r'\{\s*"')
_RECORDS: Final = ("records", "entries")
_DECODER: Final = json.JSONDecoder(strict=False)


class DocumentsFraming(LineFraming):
    """Cuts behind objects that lie in no other one."""

    limit = LIMIT
    is_by_line = False

    def last_cut(self, data: bytes) -> int:
        """Find where the last object begins that lies in no other; 0 if nowhere."""
        cut = find_last(_APART, data)
        return max(cut, _last_element(data, cut))

    def final_cut(self, data: bytes) -> int:
        """Find where the last whole object ends: what is behind it, an array's end too, may change while the log grows."""
        text = data.decode("latin-1")
        position = end = 0
        while (position := _skip(data, position)) < len(data):
            try:
                _, position = _DECODER.raw_decode(text, position)
            except (ValueError, RecursionError):
                found = _KEY.search(text, position + 1)
                if found is None:
                    break
                position = found.start()
                continue
            end = position
        return end

    def next_cut(self, data: bytes) -> int:
        """Find where the first whole object begins."""
        found = _APART.search(data) or _NEXT.search(data)
        return found.end() if found else 0


def _last_element(data: bytes, start: int) -> int:
    """Find the last place between two objects at which every object is closed, strings left out of the count."""
    rest = data[start:]
    bare = _STRING.sub(lambda found: b" " * (found.end() - found.start()), rest).partition(b'"')[0]  # without a string that goes on behind
    last = 0
    depth = bare.count(b"{") - bare.count(b"}")
    end = len(bare)
    for found in reversed(list(_NEXT.finditer(bare))):
        depth -= bare.count(b"{", found.end(), end) - bare.count(b"}", found.end(), end)
        end = found.end()
        if depth == 0:
            last = end
            break
    return start + last if last else 0


def _skip(data: bytes, position: int) -> int:
    found = _BETWEEN.match(data, position)
    return found.end() if found else position


class DocumentsPeeler:
    """Gives every object of a block as a line."""

    framing = DocumentsFraming()

    def __init__(self, head: bytes) -> None:
        """Note what tells the log from others: its first object."""
        start = _skip(head, 0)
        text = head[start:].decode("latin-1")
        try:
            end = _DECODER.raw_decode(text)[1]
        except (ValueError, RecursionError):
            end = 4096
        self.telling: bytes | None = head[start : start + min(end, 4096)]

    def peel(self, block: Block) -> Peeled:
        """Give the objects of a block; what is none is refused."""
        data = block.data
        text = data.decode("latin-1")  # a character a byte, so that places are offsets
        rows: list[tuple[str, int]] = []
        refused: list[tuple[int, int, str, str]] = []
        position = 0
        while (position := _skip(data, position)) < len(data):
            try:
                value, end = _DECODER.raw_decode(text, position) if len(refused) <= MAX_FAILURES else (None, len(data))
            except (ValueError, RecursionError):
                found = _KEY.search(text, position + 1)
                value, end = None, found.start() if found else len(data)
            if isinstance(value, dict) and (lines := _lines(value, data[position:end], block.offset + position)) is not None:
                rows += lines
            else:
                refused.append((block.offset + position, end - position, "not-json", _plain(data[position : min(end, position + 2_000)])))
            position = end
        frame = pl.DataFrame(rows, schema={"message": pl.String, "source_offset": pl.Int64}, orient="row")
        return Peeled(shape_messages(frame), refuse(refused))

    def remark(self, messages: int) -> str | None:  # noqa: ARG002 - nothing can be told by it
        """Say nothing."""
        return None


def _lines(value: dict[str, Any], raw: bytes, offset: int) -> list[tuple[str, int]] | None:
    """Give an object as a line, or the records that a service's envelope holds, each at a place of its own; None if its bytes are no JSON."""
    records = next((value[key] for key in _RECORDS if isinstance(value.get(key), list)), None)
    if records is None or not all(isinstance(record, dict) for record in records):
        return [(_plain(raw).replace("\r", " ").replace("\n", " "), offset)]
    try:
        whole = json.loads(_plain(raw), strict=False)
    except (ValueError, RecursionError):  # bytes that are no UTF-8 are an escape that JSON does not know
        return None
    key = next(key for key in _RECORDS if isinstance(whole.get(key), list))
    return [(json.dumps(record), offset + index) for index, record in enumerate(whole[key])]


def _plain(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _open(head: bytes, name: str) -> Peeler | None:  # noqa: ARG001 - the same for every wrapper
    return DocumentsPeeler(head) if is_documents(head) else None


def is_documents(head: bytes) -> bool:
    """Tell whether a log is JSON, but not one object a line, from its first bytes."""
    start = head.lstrip(b" \t\r\n\xef\xbb\xbf\x00\x1e")
    if start[:1] == b"[":
        return re.match(rb"\[\s*(?:\{\s*[\"}]|\]\s*$)", start) is not None
    if re.match(rb"\{\s*\"", start) is None:
        return False
    text = start.decode("latin-1")
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return re.match(rb"\{[ \t\r]*\n", start) is not None
    if any(isinstance(value.get(key), list) and value[key] and isinstance(value[key][0], dict) for key in _RECORDS):
        return True
    between = re.match(r"[\s,]*", text[end : end + 4096])
    assert between is not None
    follows = text[end + between.end() : end + between.end() + 1] in ("{", "\x1e")
    return "\n" in text[:end] or ("," in between[0] and follows) or ("\n" not in between[0] and follows)


WRAPPERS: Final = (
    Wrapper(
        "json-documents",
        "JSON that is not one object a line: arrays, indented, objects with nothing between",
        "https://www.rfc-editor.org/rfc/rfc8259",
        '[{"insertId":"1gsr2mrg1kvkbfw","timestamp":"2024-03-12T15:22:28Z","httpRequest":{"requestMethod":"GET","status":200,"remoteIp":"203.0.113.7"}},…]',
        _open,
    ),
)
