r"""JSON that is not one object a line: arrays, indented documents, objects with nothing or a comma between.

    [{"httpRequest": …}, …]            gcloud logging read --format json, the download of Logs Explorer
    {\n  "ClientIP": …\n}\n{…          jq, pretty-printed logs
    {"ClientIP":…}{"ClientIP":…}       records joined by a queue
    {"records":[{…}, …]}               Azure's resource logs; Google's API: "entries"

Every object becomes a message on one line, at the offset where it begins. A block is cut only
between objects that lie in no other one, of an envelope between its records; memory follows the
block, not the file. Objects are told by their quotes and braces (`json_structure.py`); where these
do not fit, text is decoded object by object until they do again.

Sources: RFC 8259, RFC 7464 (record separators); cloud.google.com/logging/docs/view/logs-explorer
(download); learn.microsoft.com/azure/azure-monitor/platform/resource-logs-schema.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Final

import polars as pl

from pullstats.clean_lines import cut_clean
from pullstats.sources.blocks import Block
from pullstats.sources.documents_framing import BETWEEN_OBJECTS, DECODER, GAP, OBJECT_START, DocumentsFraming, skip_gap
from pullstats.sources.json_structure import Objects, split_objects
from pullstats.sources.messages import Unwrapped, Unwrapper, Wrapper, refuse, shape_messages
from pullstats.sources.record_envelopes import is_envelope

MAX_FAILURES: Final = 1_000
"""Pieces of a block that may fail to decode before what is left of it is refused whole."""
_TOGETHER: Final = 1 << 20
"""Bytes whose objects are told together."""
_STRETCH: Final = 64 << 10
"""Bytes that are decoded object by object where one is odd."""
_PATIENCE: Final = 8
"""Times that more of a block is looked at for the end of an object."""
_TELLING: Final = 4096
_BETWEEN_RECORDS: Final = re.compile(GAP.replace(rb"\[\]", rb"\[\]}"))
"""Behind the last record its envelope ends."""
_NOTHING: Final = Objects(b"", [], 0, is_odd=True)


class DocumentsUnwrapper:
    """Gives every object of a block as a line."""

    def __init__(self, head: bytes, framing: DocumentsFraming | None = None) -> None:
        """Note what tells the log from others, its first object.

        Args:
            head: its first bytes.
            framing: where it may be cut, and what lies around its objects; None where the head tells.
        """
        start = skip_gap(head, 0)
        self.framing = framing or DocumentsFraming(has_envelopes=is_envelope(head[start:]))
        try:
            end = DECODER.raw_decode(head[start:].decode("latin-1"))[1]
        except (ValueError, RecursionError):
            end = _TELLING
        self.telling: bytes | None = head[start : start + min(end, _TELLING)]

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the objects of a block; what is none is refused."""
        between = _BETWEEN_RECORDS if self.framing.has_envelopes else BETWEEN_OBJECTS
        data = self.framing.bare(block.data)
        text = _Text(data, between)
        position, together, patience = text.skip(0), _TOGETHER, _PATIENCE
        while position < len(data):
            objects = split_objects(data[position : position + together]) if data.startswith(b"{", position) else _NOTHING
            text.take(objects, position)
            if objects.end:
                position, together = text.skip(position + objects.end), _TOGETHER
            elif patience and not objects.is_odd and position + together < len(data):
                patience, together = patience - 1, 4 * together
            else:
                position, together = text.decode(position, position + _STRETCH), _TOGETHER
        return text.unwrapped(block.offset)

    def remark(self, messages: int) -> str | None:  # noqa: ARG002 - nothing can be told by it
        """Say nothing."""
        return None


class _Text:
    """A block, and what was found in it."""

    def __init__(self, data: bytes, between: re.Pattern[bytes]) -> None:
        self._data = data
        self._between = between
        self._lines: list[pl.Series] = []
        self._starts: list[int] = []
        self._refused: list[tuple[int, int, str, str]] = []

    @cached_property
    def _letters(self) -> str:
        return self._data.decode("latin-1")  # a character a byte, so that places are offsets

    def skip(self, position: int) -> int:
        """Pass over what may stand between objects."""
        return skip_gap(self._data, position, self._between)

    def take(self, objects: Objects, position: int) -> None:
        """Take objects that were found from a position on."""
        if objects.starts:
            self._lines.append(_to_texts(objects.lines))
            self._starts += [position + start for start in objects.starts]

    def decode(self, position: int, stop: int) -> int:
        """Decode object by object up to a place, or a little further; what is none is refused."""
        texts: list[str] = []
        while position < min(stop, len(self._data)):
            end, is_object = self._decode_one(position)
            raw = self._data[position:end]
            if is_object:
                texts.append(_plain(raw).replace("\r", " ").replace("\n", " "))
                self._starts.append(position)
            else:
                self._refused.append((position, len(raw), "not-json", _plain(raw[:2_000])))
            position = self.skip(end)
        self._lines.append(pl.Series(texts, dtype=pl.String))
        return position

    def _decode_one(self, position: int) -> tuple[int, bool]:
        """Tell where what stands at a place ends, and whether it is an object."""
        if len(self._refused) > MAX_FAILURES:
            return len(self._data), False
        try:
            value, end = DECODER.raw_decode(self._letters, position)
        except (ValueError, RecursionError):
            found = OBJECT_START.search(self._letters, position + 1)
            return found.start() if found else len(self._data), False
        return end, isinstance(value, dict)

    def unwrapped(self, offset: int) -> Unwrapped:
        """Give what was found; the block begins at `offset`."""
        texts = pl.concat(self._lines) if self._lines else pl.Series(dtype=pl.String)
        starts = pl.Series(self._starts, dtype=pl.Int64) + offset
        frame = pl.DataFrame({"message": texts, "source_offset": starts})
        return Unwrapped(shape_messages(frame), refuse([(offset + start, length, reason, text) for start, length, reason, text in self._refused]))


def _to_texts(lines: bytes) -> pl.Series:
    r"""Cut lines; bytes that are no UTF-8 become `\xhh`."""
    texts = cut_clean(lines)
    return pl.Series([_plain(line) for line in lines.split(b"\n")[:-1]], dtype=pl.String) if texts is None else texts


def _plain(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _open(head: bytes, name: str) -> Unwrapper | None:  # noqa: ARG001 - the same for every wrapper
    return DocumentsUnwrapper(head) if is_documents(head) else None


def is_documents(head: bytes) -> bool:
    """Tell whether a log is JSON, but not one object a line, from its first bytes."""
    start = head.lstrip(b" \t\r\n\xef\xbb\xbf\x00\x1e")
    if start[:1] == b"[":
        return re.match(rb"\[\s*(?:\{\s*[\"}]|\]\s*$)", start) is not None
    if re.match(rb"\{\s*\"", start) is None:
        return False
    if is_envelope(start):
        return True
    text = start.decode("latin-1")
    try:
        _, end = DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return re.match(rb"\{[ \t\r]*\n", start) is not None
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
