"""Envelopes that services put around their records: an object with these in a list, under a key."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from pullstats.sources.json_structure import count_unmatched, without_escapes

_SCALAR: Final = rb'"[^"\\]*"\s*:\s*(?:"[^"\\]*"|[-+.0-9eE]+|null|true|false)'
_KEYS: Final = (b'"records"', b'"entries"')
_OPENING: Final = re.compile(rb"\{\s*(?:" + _SCALAR + rb"\s*,\s*){0,20}(?:" + b"|".join(_KEYS) + rb")\s*:\s*\[(?=\s*(?:[{\]]|\Z))")
_LONGEST_EDGE: Final = 4096
_ENDING: Final = rb"\]\s*(?:,\s*" + _SCALAR + rb"\s*){0,20}\}"
_CLOSING: Final = re.compile(_ENDING + rb"(?=[\s\x00\x1e]*\{)")
_LAST_CLOSING: Final = re.compile(_ENDING + rb"[\s\x00\x1e]*\Z")


def is_envelope(data: bytes) -> bool:
    """Tell whether text begins with a service's envelope: records in a list, under a key, among other keys of plain values."""
    return _OPENING.match(data) is not None


def blank_envelopes(data: bytes) -> bytes:
    """Write blanks over what envelopes put around their records; places stay what they are."""
    openings = [found for key in _KEYS for found in _openings(data, key)]
    if openings:
        edges = sorted([found.span() for found in (*openings, *_closings(data, sorted(found.end() for found in openings)))])
        data = write_over(data, edges)
    found = _LAST_CLOSING.search(data, max(len(data) - _LONGEST_EDGE, 0))
    return data[: found.start()] + b" " * (len(data) - found.start()) if found and count_unmatched(data) else data


def _openings(data: bytes, key: bytes) -> Iterator[re.Match[bytes]]:
    place = data.find(key)
    while place >= 0:
        found = _OPENING.match(data, max(data.rfind(b"{", max(place - _LONGEST_EDGE, 0), place), 0))
        if found and found.end() > place:
            yield found
        place = data.find(key, place + 1)


def _closings(data: bytes, begins: list[int]) -> Iterator[re.Match[bytes]]:
    """Find where envelopes end: a string may hold what looks like it.

    Args:
        data: text that begins outside of any string.
        begins: where envelopes have begun. No string goes on over one, nor over a line's end.
    """
    plain = without_escapes(data)
    place, is_in_string = 0, False
    for found in _CLOSING.finditer(data):
        begun = bisect_right(begins, found.start())
        fresh = max(begins[begun - 1] if begun else 0, data.rfind(b"\n", place, found.start()) + 1)
        if fresh > place:
            place, is_in_string = fresh, False
        is_in_string ^= plain.count(b'"', place, found.start()) % 2 == 1
        place = found.start()
        if not is_in_string:
            yield found


def write_over(data: bytes, edges: Sequence[tuple[int, int]]) -> bytes:
    """Write blanks over what lies between some edges, which are in order."""
    return b"".join(_pieces(data, edges)) if edges else data


def _pieces(data: bytes, edges: Sequence[tuple[int, int]]) -> Iterator[bytes]:
    """Give what stands between some edges, and blanks for these."""
    position = 0
    for start, stop in edges:
        yield data[position:start]
        yield b" " * (stop - start)
        position = stop
    yield data[position:]
