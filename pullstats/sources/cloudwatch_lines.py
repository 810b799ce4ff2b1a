r"""Unwrap the text that CloudWatch Logs hands its events out in: a time, perhaps a stream, the line.

    2018-03-29T14:40:23.417Z <line>                                export to S3
    2019-01-22T00:26:16.017000+00:00 gateway/nginx/f18d <line>     aws logs tail
    2019-01-22T00:26:16 <line>                                     aws logs tail --format short

`--color on` puts the time in green and the stream in cyan; `--format json` breaks a JSON line over
many. A line without a time belongs to the event before it.

Sources: aws/aws-cli awscli/customizations/logs/tail.py; docs.aws.amazon.com/AmazonCloudWatch/
latest/logs/S3Export.html.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import polars as pl

from pullstats.clean_lines import split_lines
from pullstats.sources.blocks import Block
from pullstats.sources.framing import LineFraming, find_last
from pullstats.sources.messages import Unwrapped, Unwrapper, Wrapper, refuse, shape_messages

LIMIT: Final = 16 << 20
"""Bytes of one event, its continuation lines included."""
_LINES_LOOKED_AT: Final = 50
_SHARE: Final = 0.5
"""Share of a log's first lines that must begin as the wrapper's do: the others continue them."""
_COLOUR: Final = r"(?:\x1b\[[0-9;]*m)?"
_CLOCK: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"


@dataclass(frozen=True, slots=True)
class EventStart:
    """How events begin in one kind of text.

    Attributes:
        pattern: what every event begins with, with a group `time` and perhaps `stream`.
        width: bytes in front of the message where all events have as many, 0 where they differ.
    """

    pattern: str
    width: int


_EXPORT: Final = EventStart(rf"(?P<time>{_CLOCK}\.[0-9]{{3}})Z ", 25)
_TAIL: Final = EventStart(rf"{_COLOUR}(?P<time>{_CLOCK}(?:\.[0-9]{{6}})?)\+00:00{_COLOUR} {_COLOUR}(?P<stream>[^\s\x1b]+){_COLOUR}(?: |$)", 0)
_SHORT: Final = EventStart(rf"{_COLOUR}(?P<time>{_CLOCK}){_COLOUR} ", 20)


class EventFraming(LineFraming):
    """Cuts where an event begins, never between the lines of one."""

    limit = LIMIT
    is_by_line = False

    def __init__(self, shape: EventStart) -> None:
        """Look for the beginnings of a shape."""
        self._start = re.compile(rb"\n(?=" + shape.pattern.encode() + rb")")

    def last_cut(self, data: bytes) -> int:
        """Cut in front of the last event that is followed by another: it may go on."""
        return find_last(self._start, data)

    def next_cut(self, data: bytes) -> int:
        """Cut in front of the first event."""
        found = self._start.search(data)
        return found.end() if found else 0


class LineUnwrapper:
    """Takes the time and the stream off every event."""

    telling: bytes | None = None

    def __init__(self, shape: EventStart, stream: str | None = None) -> None:
        """Prepare for one log.

        Args:
            shape: how its events begin.
            stream: the stream all of them come from, where the log itself does not say.
        """
        self._shape = shape
        self._stream = stream
        self.framing = EventFraming(shape)

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the messages of a block."""
        lines, lengths = split_lines(block.data)
        placed = pl.DataFrame({"line": lines, "source_offset": lengths.cum_sum() - lengths + block.offset})
        uniform = self._unwrap_uniform(placed) if self._shape.width else None
        frame = uniform if uniform is not None else self._unwrap_varied(placed)
        frame = frame.with_columns(_parse_time(pl.col("time")).alias("envelope_time"), pl.col("stream").alias("cloudwatch_log_stream"))
        return Unwrapped(shape_messages(frame), refuse(()))

    def remark(self, messages: int) -> str | None:  # noqa: ARG002 - these have no pages
        """Nothing: such a log has no end that could be cut off unseen."""
        return None

    def _unwrap_uniform(self, frame: pl.DataFrame) -> pl.DataFrame | None:
        """Cut at a fixed width where every line is an event; None where one is not."""
        if not frame["line"].str.contains("^" + self._shape.pattern).all() or frame["line"].str.starts_with("\x1b").any():
            return None
        width = self._shape.width
        time = pl.col("line").str.slice(0, width - 1).str.strip_suffix("Z")
        return frame.select(
            pl.col("line").str.slice(width).alias("message"), "source_offset", time.alias("time"), pl.lit(self._stream, pl.String).alias("stream")
        )

    def _unwrap_varied(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Match every line; one that is no event's first goes to the event before it, as JSON or as a line."""
        groups = pl.col("line").str.extract_groups("^" + self._shape.pattern)
        frame = frame.with_columns(groups.struct.field("time").alias("time"))
        stream = groups.struct.field("stream") if "<stream>" in self._shape.pattern else pl.lit(self._stream, pl.String)
        is_first = pl.col("time").is_not_null()
        frame = frame.with_columns(
            stream=stream,
            rest=pl.when(is_first).then(pl.col("line").str.replace("^" + self._shape.pattern, "")).otherwise("line"),
            event=is_first.cum_sum(),
        )
        if frame["time"].null_count() == 0:
            return frame.rename({"rest": "message"})
        message = pl.col("rest").str.join("\n").str.strip_chars("\n").alias("message")
        return frame.group_by("event", maintain_order=True).agg(message, pl.col("source_offset", "time", "stream").first())


def _parse_time(text: pl.Expr) -> pl.Expr:
    """Read `2019-01-22T00:26:16` and a fraction, in UTC; whole seconds repeat and are parsed once."""
    whole = text.str.slice(0, 19).str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_unit="us")
    fraction = text.str.slice(20).str.pad_end(6, "0").cast(pl.Int64, strict=False).fill_null(0)
    return (whole + pl.duration(microseconds=fraction)).dt.replace_time_zone("UTC")


def _opens(shape: EventStart, head: bytes) -> bool:
    """Tell whether enough of the first lines begin as the shape does."""
    start = re.compile(shape.pattern.encode())
    lines = [line for line in head.split(b"\n")[:_LINES_LOOKED_AT] if line.strip()]
    if not lines or not start.match(lines[0]):
        return False
    firsts = sum(1 for line in lines if start.match(line))
    return firsts / len(lines) >= _SHARE or lines[1].startswith((b"{", b"    "))


def _open_export(head: bytes, name: str) -> Unwrapper | None:
    folder = PurePath(name).parent.name
    is_export = PurePath(name).name.split(".")[0].isdecimal() and folder
    return LineUnwrapper(_EXPORT, folder if is_export else None) if _opens(_EXPORT, head) else None


def _open_tail(head: bytes, name: str) -> Unwrapper | None:  # noqa: ARG001 - the same for every wrapper
    return LineUnwrapper(_TAIL) if _opens(_TAIL, head) else None


def _open_short(head: bytes, name: str) -> Unwrapper | None:  # noqa: ARG001 - the same for every wrapper
    return LineUnwrapper(_SHORT) if _opens(_SHORT, head) else None


_TAIL_URL: Final = "https://docs.aws.amazon.com/cli/latest/reference/logs/tail.html"

WRAPPERS: Final = (
    Wrapper(
        "cloudwatch-export",
        "export task to S3",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html",
        '2019-01-22T00:27:59.940Z 66.249.66.91 - - [22/Jan/2019:03:57:59 +0330] "GET /image/46111 HTTP/1.1" 200 2493 "-" "Googlebot-Image/1.0" "-"',
        _open_export,
    ),
    Wrapper(
        "cloudwatch-tail",
        "aws logs tail, detailed and json",
        _TAIL_URL,
        '2019-01-22T00:26:16.017000+00:00 gateway/nginx/f18d 31.56.96.51 - - [22/Jan/2019:03:56:16 +0330] "GET /image/60844 HTTP/1.1" 200 5667 "-" "-"',
        _open_tail,
    ),
    Wrapper(
        "cloudwatch-tail-short",
        "aws logs tail --format short",
        _TAIL_URL,
        '2019-01-22T00:26:16 31.56.96.51 - - [22/Jan/2019:03:56:16 +0330] "GET /image/60844 HTTP/1.1" 200 5667 "-" "-"',
        _open_short,
    ),
)
