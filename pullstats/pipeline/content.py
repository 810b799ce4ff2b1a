"""What tells a log from any other: keyed digests of the bytes that were read, wherever they lie on the disk.

    bytes            0 ─ 2 MiB            2 ─ 4 MiB        4 ─ 8 MiB       …
    digest of it     every byte           a window of 4 KiB every 32 KiB, 64 KiB, … and the line at the end

A log up to `WHOLE` is digested whole. A longer one is digested by its first `BEGINNING` bytes, by 64 to 128
windows at places that its length alone decides, and by the line at its end: logs of two servers differ in
nearly every window, while a single byte changed outside of all windows goes unseen. Marks are the same
digests at every line of the first `WHOLE` bytes and at every window of any length, so that a shorter
piece of a log, cut wherever, can be known for one.

All digests are keyed: without the key nobody can test a guess at a line.

Source: BLAKE2 (RFC 7693), keyed mode and personalisation.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from typing import Final

from pullstats.pipeline.log_marks import MARK, Marks
from pullstats.pipeline.log_stems import to_number

WHOLE: Final = 2 << 20
"""Bytes up to which a log is digested whole."""
BEGINNING: Final = 256 << 10
"""Bytes at the beginning of a longer log that are digested whole."""
HEAD: Final = 64 << 10
"""Bytes by which logs that cannot be the same are told apart before anything else is read."""
WINDOW: Final = 4096
_STEP: Final = 16 << 10
"""Windows lie at multiples of this, doubled for every doubling of the length."""
_APART: Final = 16
"""Bytes that marks of the beginning are apart at least: lines of a byte or two share one."""


def window_step(length: int) -> int:
    """Bytes from window to window in a log of a length over `WHOLE`: 64 to 128 of them fit."""
    return _STEP << (max(length - 1, 0) // WHOLE).bit_length()


def window_places(length: int) -> range:
    """Places of the windows that lie wholly in a log of a length."""
    return range(0, max(length - WINDOW + 1, 0), window_step(length))


class Content:
    """Digests of one log from its first byte on, as far as it was read or looked at.

    Attributes:
        position: bytes that were fed or are known to be as they were.
        line_end: where the last whole line among them ends.
        lines: how many lines were fed, where they are counted.
    """

    def __init__(self, key: bytes, *, is_counting: bool = False) -> None:
        """Know nothing yet; count lines if told so."""
        self._key = key
        self._is_counting = is_counting
        self.position = 0
        self.line_end = 0
        self.lines = 0
        self._head = bytearray()
        self._windows: dict[int, bytes] = {}
        self._next = WHOLE  # place of the next window to take from what is fed
        self._partial = bytearray()
        self._recent = b""
        self._digests = _Prefixes(self._hash(b"log-prefix"), self._head)
        self._marks = _Prefixes(self._hash(b"log-prefix"), self._head)
        self._marked = 0

    def feed(self, offset: int, data: bytes) -> None:
        """Take in bytes that were read; what lies before `position` is known."""
        if offset > self.position:
            self._feed_nulls(offset)
        elif offset < self.position:
            data = data[self.position - offset :]
        if len(self._head) == self.position < WHOLE:
            self._head += data[: WHOLE - len(self._head)]
        end = self.position + len(data)
        if cut := data.rfind(b"\n") + 1:
            self.line_end = self.position + cut
            self.lines += data.count(b"\n") if self._is_counting else 0
        while self._next < end:
            start = max(self._next + len(self._partial) - self.position, 0)
            self._partial += data[start : start + WINDOW - len(self._partial)]
            if len(self._partial) < WINDOW:
                break
            self._windows[self._next] = self._digest_window(self._partial)
            self._partial.clear()
            self._next += window_step(self._next + 1)
        self._recent = data[-WINDOW:] if len(data) >= WINDOW else (self._recent + data)[-WINDOW:]
        self.position = end

    def _feed_nulls(self, end: int) -> None:
        """Take in a hole, which reads as NULs, without reading it."""
        if self.position < WHOLE:
            self.feed(self.position, bytes(min(end, WHOLE) - self.position))
        while self._next + WINDOW <= end:
            self._windows[self._next] = self._digest_window(bytes(self._partial).ljust(WINDOW, b"\0"))
            self._partial.clear()
            self._next += window_step(self._next + 1)
        self._partial += bytes(max(end - self._next - len(self._partial), 0))
        self._recent = (self._recent + bytes(min(end - self.position, WINDOW)))[-WINDOW:]
        self.position = end

    def before(self) -> bytes:
        """Give what stands right before `position`, `WINDOW` bytes or all."""
        return self._recent

    def tail(self) -> bytes:
        """Give the line that ends at `position`, its last bytes if it is long."""
        return last_line(self._recent)

    def start(self, count: int) -> bytes:
        """Give the first bytes, as far as they were read."""
        return bytes(self._head[:count])

    def begins_as(self, marks: Marks) -> bool:
        """Tell whether the last mark of another log in the first `WHOLE` bytes is one of this log, too."""
        place, digest = marks.at_or_before(min(self.position, WHOLE))
        return bool(place) and digest == _whole(self._digests.to(place).digest())

    def know(self, length: int, head: bytes, windows: Mapping[int, bytes], before: bytes) -> None:
        """Take over what was looked at of a log that will be read on from a place.

        Args:
            length: where it will be read on.
            head: all bytes before it, at most `WHOLE`.
            windows: the bytes at `window_places(length)`, where it is longer than `WHOLE`.
            before: what stands right before the place, `WINDOW` bytes or all.
        """
        self._head += head[len(self._head) :]
        self._windows = {place: self._digest_window(window) for place, window in windows.items()}
        self.position = self._marked = length
        self.line_end = length - len(before) + before.rfind(b"\n") + 1
        self._recent = before
        step = window_step(length + 1)
        begun = length // step * step
        self._partial = bytearray(before[len(before) - (length - begun) :]) if begun >= WHOLE and length < begun + WINDOW else bytearray()
        self._next = max(WHOLE, begun if self._partial or begun == length else begun + step)

    def forget_marks(self, length: int) -> None:
        """Give no marks up to a length: they were given when it was committed."""
        self._marked = length

    def beginning(self, length: int) -> int:
        """Digest the first bytes of a log of a length: `HEAD` of them at most."""
        return to_number(self._hash(b"log-head", bytes(self._head[: min(length, HEAD)])))

    def digest(self, length: int, tail: bytes) -> int:
        """Digest the first `length` bytes to a number a store can keep (62 bits).

        Args:
            length: not over `position`.
            tail: the line that ends there, its last bytes if it is long.
        """
        if length <= WHOLE:
            return to_number(self._digests.to(length))
        whole = self._hash(b"log-parts", struct.pack("<Q", length) + bytes(self._head[:BEGINNING]))
        for place in window_places(length):
            whole.update(self._window(place))
        whole.update(tail)
        return to_number(whole)

    def mark_to(self, length: int) -> bytes:
        """Give the marks between where they were last given and a length, packed."""
        marks = []
        end = min(length, WHOLE)
        while self._marked < end:
            self._marked = self._head.find(b"\n", self._marked + _APART - 1, end) + 1 or end
            marks.append((self._marked, _whole(self._marks.to(self._marked).digest())))
        new = (place for place in sorted(self._windows) if place >= WHOLE and self._marked < place + WINDOW <= length)
        marks.extend((place + WINDOW, _whole(self._windows[place])) for place in new)
        self._marked = length
        return b"".join(MARK.pack(*mark) for mark in marks)

    def is_beginning_of(self, marks: Marks) -> bool:
        """Tell whether the whole lines of this log are the beginning of another one, given by its marks."""
        end = min(self.line_end, WHOLE)
        place, digest = marks.at_or_before(end)
        if not place or end - place >= _APART or digest != _whole(self._digests.to(place).digest()):
            return False
        places = [place for place in window_places(self.line_end) if place >= WHOLE] if self.line_end > WHOLE else []
        return all(marks.at_or_before(place + WINDOW) == (place + WINDOW, _whole(self._window(place))) for place in places)

    def _window(self, place: int) -> bytes:
        if place not in self._windows:
            assert place + WINDOW <= len(self._head)
            self._windows[place] = self._digest_window(self._head[place : place + WINDOW])
        return self._windows[place]

    def _digest_window(self, window: bytes | bytearray) -> bytes:
        return self._hash(b"log-window", bytes(window)).digest()

    def _hash(self, person: bytes, data: bytes = b"") -> hashlib.blake2b:
        return hashlib.blake2b(data, key=self._key, digest_size=8, person=person)


def last_line(window: bytes) -> bytes:
    """Give the last line of some bytes, or all of them if it begins before."""
    return window[window.rfind(b"\n", 0, -1) + 1 :]


class _Prefixes:
    """Digests of the first bytes of a log, quickest at one length after another."""

    def __init__(self, empty: hashlib.blake2b, head: bytearray) -> None:
        """Stand at the beginning of `head`, which may grow."""
        self._empty = empty
        self._head = head
        self._hash = empty.copy()
        self._at = 0

    def to(self, length: int) -> hashlib.blake2b:
        """Digest the first `length` bytes."""
        if length < self._at:
            self._hash, self._at = self._empty.copy(), 0
        self._hash.update(self._head[self._at : length])
        self._at = length
        return self._hash.copy()


def _whole(digest: bytes) -> int:
    return int.from_bytes(digest, "little")
