"""Unwrap the CSV that the CloudWatch Logs Insights console downloads.

    @timestamp,@message,@logStream
    2019-01-22 00:29:11.981,"89.47.79.75 - - [..] ""GET / HTTP/1.1"" 200 ...",gateway/nginx/f18d

Source: RFC 4180; docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_RunSampleQuery.html.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Final

import polars as pl

from pullstats.sources.blocks import Block
from pullstats.sources.cloudwatch_documents import remark_on_pages
from pullstats.sources.framing import LineFraming
from pullstats.sources.messages import Unwrapped, Unwrapper, Wrapper, refuse, shape_messages

LIMIT: Final = 64 << 20
_HEADER: Final = re.compile(rb'^(?:\xef\xbb\xbf)?("?@?\w+"?(?:,"?@?\w+"?)*)\r?\n')
_ROW: Final = re.compile(rb'\n(?="?[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?"?,)')
_NEEDED: Final = "@message"


csv.field_size_limit(LIMIT)


class RowFraming(LineFraming):
    """Cuts where a row begins with its time; a table that begins otherwise stays whole."""

    limit = LIMIT
    may_grow = False
    is_by_line = False

    def last_cut(self, data: bytes) -> int:
        """Find where the last row begins."""
        return max((found.end() for found in _ROW.finditer(data)), default=0)

    def next_cut(self, data: bytes) -> int:
        """Find where the first row begins."""
        found = _ROW.search(data)
        return found.end() if found else 0


class RowUnwrapper:
    """Unwraps the rows of one table."""

    framing = RowFraming()

    def __init__(self, head: bytes, columns: list[str]) -> None:
        """Prepare for a table.

        Args:
            head: its first bytes.
            columns: its header.
        """
        self.telling = head[:4096]
        self._columns = columns

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the messages of a block; a row of the wrong width is refused."""
        data = block.data
        header = _HEADER.match(data) if block.offset == 0 else None
        text = data[header.end() if header else 0 :].decode("utf-8", "backslashreplace")
        offset = block.offset + (header.end() if header else 0)
        rows: list[tuple[str, int, str | None, str | None]] = []
        refused: list[tuple[int, int, str, str]] = []
        for place, fields in enumerate(csv.reader(io.StringIO(text, newline=""), strict=False)):
            if not fields:
                continue
            row = dict(zip(self._columns, fields, strict=False))
            if len(fields) != len(self._columns) or not row[_NEEDED]:
                refused.append((offset + place, len(",".join(fields)), "envelope", ",".join(fields)))
                continue
            rows.append((row[_NEEDED], offset + place, row.get("@timestamp"), row.get("@logStream") or None))
        names = ("message", "source_offset", "time", "cloudwatch_log_stream")
        frame = pl.DataFrame(rows, schema=dict(zip(names, (pl.String, pl.Int64, pl.String, pl.String), strict=True)), orient="row")
        time = pl.col("time").str.to_datetime("%Y-%m-%d %H:%M:%S%.f", strict=False, time_unit="us").dt.replace_time_zone("UTC")
        ignored = 1 if header else 0
        return Unwrapped(shape_messages(frame.with_columns(envelope_time=time)), refuse(refused), ignored)

    def remark(self, messages: int) -> str | None:
        """Tell an answer that was probably cut off."""
        return remark_on_pages(messages)


def _open(head: bytes, name: str) -> Unwrapper | None:  # noqa: ARG001 - the same for every wrapper
    header = _HEADER.match(head)
    columns = [column.strip('"') for column in header[1].decode().split(",")] if header else []
    return RowUnwrapper(head, columns) if _NEEDED in columns else None


WRAPPERS: Final = (
    Wrapper(
        "cloudwatch-csv",
        "Logs Insights: CSV of the console",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData_RunSampleQuery.html",
        '@timestamp,@message\n2019-01-22 00:29:11.981,"89.47.79.75 - - [22/Jan/2019:03:59:11 +0330] ""GET / HTTP/1.1"" 200 12946 ""-"" ""-"""',
        _open,
    ),
)
