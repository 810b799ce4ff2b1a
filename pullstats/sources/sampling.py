"""A sample of the lines of a log, taken without moving in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pullstats.sources.streams import HEAD_LENGTH, SKIP_CHUNK, Source

_NULL: Final = b"\0"
_LOOK_FURTHER: Final = 32 << 20
"""Bytes of a compressed log to look at where it begins with NULs alone."""
_PARTS: Final = 8
_PART_LENGTH: Final = 64 << 10
_MAX_UNFINISHED: Final = 1 << 20
"""A file without a newline that is larger than this is no log whose first line is being written."""


def take_sample(source: Source) -> bytes:
    """Take whole lines from several places of a log without moving in it.

    A plain file gives lines from its whole length, a stream from its beginning.
    """
    head = _told_head(source)
    parts = [head]
    if source.is_plain and source.size > 2 * HEAD_LENGTH:
        step = source.size // _PARTS
        parts += [source.at(start, _PART_LENGTH) for start in range(step, source.size, step)]
    lines = [part[(part.find(b"\n") + 1 if index else 0) : part.rfind(b"\n") + 1] for index, part in enumerate(parts)]
    is_unfinished = source.is_plain and source.size <= _MAX_UNFINISHED
    return b"".join(lines) or (b"" if is_unfinished else head)


def _told_head(source: Source) -> bytes:
    """Give the first bytes, or the first behind the NULs that a rotation may have left, with a whole line among them if there is one near."""
    head = source.peek(HEAD_LENGTH)
    if len(head) < HEAD_LENGTH or (head.strip(_NULL) and b"\n" in head):
        return head.lstrip(_NULL)
    if not source.is_plain:
        ahead = source.peek(_LOOK_FURTHER).lstrip(_NULL)
        return ahead[: ahead.find(b"\n") + 1 + HEAD_LENGTH]
    begin = _find_data(source, lambda part: bool(part.strip(_NULL)), 0)
    end = _find_data(source, lambda part: b"\n" in part.lstrip(_NULL), begin)
    return source.at(begin if end - begin <= _MAX_UNFINISHED else end, SKIP_CHUNK + HEAD_LENGTH).lstrip(_NULL)


def _find_data(source: Source, is_wanted: Callable[[bytes], bool], start: int) -> int:
    """Find the first piece of a plain file from a place on that is as wanted, holes left out; the place itself if there is none."""
    place = source.first_data(start)
    while place < source.size:
        if is_wanted(source.at(place, SKIP_CHUNK)):
            return place
        place = source.first_data(place + SKIP_CHUNK)
    return start
