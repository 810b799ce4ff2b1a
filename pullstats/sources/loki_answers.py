r"""Answers of Loki's HTTP API (query, query_range): lines beside their times, in streams.

    {"status":"success","data":{"resultType":"streams","result":[{"stream":{…},"values":[["1704164645678901234","<line>"],…]},…],"stats":{…}}}

Every pair of a time and a text is a line, wherever it stands: inside of a string each quote is escaped, so that no line can
pass for a pair. Blocks are cut behind pairs; what lies between them says nothing of requests.

Source: grafana.com/docs/loki/latest/reference/loki-http-api (query_range, structured metadata).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Final

import polars as pl

from pullstats.events import TIMESTAMP
from pullstats.sources.blocks import Block
from pullstats.sources.framing import LineFraming, find_last
from pullstats.sources.messages import Unwrapped, Unwrapper, Wrapper, refuse, shape_messages

LIMIT: Final = 64 << 20
_OPENING: Final = re.compile(rb'\s*\{\s*"status"\s*:\s*"success"\s*,\s*"data"\s*:\s*\{\s*"resultType"\s*:\s*"streams"')
_PAIR: Final = re.compile(rb'\[\s*"([0-9]{10,19})"\s*,\s*("(?:[^"\\]|\\.)*+")', re.DOTALL)
_HALF: Final = re.compile(rb'\[\s*"[0-9]{10,19}"\s*,?\s*"?')
_TELLING: Final = 4096
_ENVELOPE: Final = "envelope"


class PairFraming(LineFraming):
    """Cuts behind pairs."""

    limit = LIMIT
    is_by_line = False

    def last_cut(self, data: bytes) -> int:
        """Find where the last whole pair ends."""
        return find_last(_PAIR, data)

    def final_cut(self, data: bytes) -> int:
        """Find where the last whole pair ends: what is behind it may go on."""
        return self.last_cut(data)

    def next_cut(self, data: bytes) -> int:
        """Find where the first whole pair begins."""
        found = _PAIR.search(data)
        return found.start() if found else 0


class PairUnwrapper:
    """Gives the lines of answers."""

    framing = PairFraming()

    def __init__(self, head: bytes) -> None:
        """Note what tells the log from others."""
        self.telling: bytes | None = head[:_TELLING]

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the lines of a block; a pair that has no end is refused."""
        pairs = list(_PAIR.finditer(block.data))
        end = pairs[-1].end() if pairs else 0
        half = _HALF.search(block.data, end)
        refused = [] if half is None else [_refuse(block, half.start())]
        offsets = [block.offset + pair.start() for pair in pairs]
        nanoseconds = pl.Series([int(pair[1]) for pair in pairs], dtype=pl.UInt64)
        times = (nanoseconds // 1000).cast(pl.Int64).cast(TIMESTAMP)
        texts = pl.Series(_decode([pair[2] for pair in pairs]), dtype=pl.String)
        frame = pl.DataFrame({"message": texts, "source_offset": pl.Series(offsets, dtype=pl.Int64), "envelope_time": times})
        return Unwrapped(shape_messages(frame), refuse(refused))

    def remark(self, messages: int) -> str | None:  # noqa: ARG002 - nothing can be told by it
        """Say nothing."""
        return None


def _refuse(block: Block, start: int) -> tuple[int, int, str, str]:
    piece = block.data[start:]
    return block.offset + start, len(piece), _ENVELOPE, piece[:2_000].decode("utf-8", "backslashreplace")


def _decode(quoted: Sequence[bytes]) -> list[str]:
    """Read JSON strings; what is none, or no UTF-8, stays as it stands."""
    return [_decode_one(text.decode("utf-8", "backslashreplace")) for text in quoted]


def _decode_one(text: str) -> str:
    if "\\" not in text:
        return text[1:-1]
    try:
        return str(json.loads(text, strict=False)).encode("utf-8", "backslashreplace").decode()
    except ValueError:
        return text[1:-1]


def _open(head: bytes, name: str) -> Unwrapper | None:  # noqa: ARG001 - the same for every wrapper
    return PairUnwrapper(head) if _OPENING.match(head) else None


WRAPPERS: Final = (
    Wrapper(
        "loki-answer",
        "Loki's HTTP API: the answer to a query for log lines",
        "https://grafana.com/docs/loki/latest/reference/loki-http-api/",
        '{"status":"success","data":{"resultType":"streams","result":[{"stream":{"app":"gateway"},"values":[["1704164645678901234","10.244.0.1 - - […"]]}]}}',
        _open,
    ),
)
