r"""Syslog by octet counting: messages with their length in front, with or without newlines between.

    83 <34>1 2003-10-11T22:14:15.003Z host nginx - - - <line>67 <34>1 …

A length is believed where a message's end is followed by another's beginning, or by nothing. Where it is wrong (some
senders count characters), the message ends at the newline before the next; where there is none, what lies before the
next beginning is refused.

Source: RFC 6587 section 3.4.1 (octet counting), RFC 5425 section 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import polars as pl

from pullstats.sources.blocks import Block
from pullstats.sources.framing import LineFraming
from pullstats.sources.messages import Unwrapped, Unwrapper, Wrapper, refuse, shape_messages

_BEGINNING: Final = rb"[1-9][0-9]{0,5} <[0-9]{1,3}>"
_HEAD: Final = re.compile(rb"([1-9][0-9]{0,5}) (?=<[0-9]{1,3}>)")
_LATER: Final = re.compile(rb"(?<![0-9])" + _BEGINNING)
_NEXT: Final = re.compile(rb"\n(?=" + _BEGINNING + rb")")
_BETWEEN: Final = re.compile(rb"[\s\x00]*+")
_HALF_HEAD: Final = rb"[1-9][0-9]{0,5}(?:\Z| (?:\Z|<(?:\Z|[0-9]{1,3}(?:\Z|>))))"
_GOES_ON: Final = re.compile(rb"[\s\x00]*+" + _BEGINNING)
_FOLLOWS: Final = re.compile(rb"[\s\x00]*+(?:\Z|" + _HALF_HEAD + rb")")
_TELLING: Final = 4096
_ENVELOPE: Final = "envelope"


@dataclass(frozen=True, slots=True)
class Frame:
    """A message and the length in front of it, or a piece that is none.

    Attributes:
        start: where the length stands.
        text: where the message begins; None if it is none.
        end: where it ends.
    """

    start: int
    text: int | None
    end: int


def find_frames(data: bytes, follows: re.Pattern[bytes] = _FOLLOWS, *, is_closed: bool = False) -> Iterator[Frame]:
    """Walk through whole messages, up to one that has no end yet.

    Args:
        data: messages, from the beginning of one on.
        follows: what shows behind a message that its length is right.
        is_closed: the last message ends where the data does, whatever its length says.
    """
    position = _skip(data, 0)
    upcoming = -1
    while position < len(data):
        if upcoming < position:
            upcoming = _find_upcoming(data, position)
        head = _HEAD.match(data, position)
        end = head.end() + int(head[1]) if head else 0
        is_whole = head is not None and end <= len(data) and follows.match(data, end) is not None
        if head and is_whole and end <= upcoming + 1:
            yield Frame(position, head.end(), end)
            position = _skip(data, end)
        elif upcoming < len(data):
            yield Frame(position, head.end() if head else None, upcoming)
            position = upcoming + 1
        elif not is_closed and (end > len(data) or (head and _FOLLOWS.match(data, end))):
            return
        elif found := _LATER.search(data, head.end() if head else position + 1):
            yield Frame(position, None, found.start())
            position = found.start()
        elif head and is_closed:
            yield Frame(position, head.end(), len(data))
            return
        else:
            return


def _find_upcoming(data: bytes, position: int) -> int:
    """Find the newline before the next message that stands on a line of its own; the end of the data if there is none."""
    found = _NEXT.search(data, position)
    return found.start() if found else len(data)


def _skip(data: bytes, position: int) -> int:
    found = _BETWEEN.match(data, position)
    return found.end() if found else position


class FrameFraming(LineFraming):
    """Cuts behind messages."""

    is_by_line = False

    def last_cut(self, data: bytes) -> int:
        """Find where the last message ends that another follows."""
        return _end_of(find_frames(data, _GOES_ON))

    def final_cut(self, data: bytes) -> int:
        """Find where the last whole message ends: the rest of the next has not come yet."""
        return _end_of(find_frames(data))

    def next_cut(self, data: bytes) -> int:
        """Find where a message begins."""
        found = _LATER.search(data)
        return found.start() if found else 0


def _end_of(frames: Iterator[Frame]) -> int:
    end = 0
    for frame in frames:
        end = frame.end
    return end


class FrameUnwrapper:
    """Gives the messages of a log."""

    framing = FrameFraming()

    def __init__(self, first: bytes) -> None:
        """Note the first message, which tells the log from others."""
        self.telling: bytes | None = first[:_TELLING]

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the messages of a block; what is none, is refused."""
        data = block.data
        texts: list[str] = []
        starts: list[int] = []
        refused: list[Frame] = []
        end = 0
        for frame in find_frames(data, is_closed=True):
            end = frame.end
            if frame.text is None:
                refused.append(frame)
                continue
            texts.append(data[frame.text : end].rstrip(b"\r\n\0").decode("utf-8", "backslashreplace"))
            starts.append(block.offset + frame.start)
        rest = _skip(data, end)
        if rest < len(data):
            refused.append(Frame(rest, None, len(data)))
        messages = pl.DataFrame({"message": pl.Series(texts, dtype=pl.String), "source_offset": pl.Series(starts, dtype=pl.Int64)})
        return Unwrapped(shape_messages(messages), refuse([_refuse(block, piece) for piece in refused]))

    def remark(self, messages: int) -> str | None:  # noqa: ARG002 - nothing can be told by it
        """Say nothing."""
        return None


def _refuse(block: Block, piece: Frame) -> tuple[int, int, str, str]:
    text = block.data[piece.start : min(piece.end, piece.start + 2_000)].decode("utf-8", "backslashreplace")
    return block.offset + piece.start, piece.end - piece.start, _ENVELOPE, text


def _open(head: bytes, name: str) -> Unwrapper | None:  # noqa: ARG001 - the same for every wrapper
    start = _skip(head, 0)
    first = _HEAD.match(head, start)
    end = first.end() + int(first[1]) if first else 0
    if first is None or end > len(head) or not _FOLLOWS.match(head, end):
        return None
    return FrameUnwrapper(head[start:end])


WRAPPERS: Final = (
    Wrapper(
        "syslog-frames",
        "syslog by octet counting: the length in front of every message, with or without newlines between",
        "https://www.rfc-editor.org/rfc/rfc6587#section-3.4.1",
        '131 <190>1 2023-12-06T12:00:00.003Z gw nginx 14 - - 10.0.0.1 - - [06/Dec/2023:12:00:00 +0000] "GET / HTTP/1.1" 200 615 "-" "curl/8.5.0"',
        _open,
    ),
)
