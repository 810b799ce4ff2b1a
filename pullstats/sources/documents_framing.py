"""Where JSON that is not one object a line may be cut: between objects that lie in no other."""

from __future__ import annotations

import json
import re
from typing import Final

from pullstats.sources.framing import LineFraming, find_last
from pullstats.sources.json_structure import BETWEEN, last_start, split_objects
from pullstats.sources.record_envelopes import blank_envelopes

LIMIT: Final = 64 << 20
"""A longer object is no record of a log."""
_LONGEST_WORD: Final = 32
"""A number or a name that is cut may fail to decode though nothing is wrong with it."""
_START_WINDOW: Final = 4096
GAP: Final = rb"(?:[\s,\[\]\x00\x1e]|\xef\xbb\xbf)*"
BETWEEN_OBJECTS: Final = re.compile(GAP)
_APART: Final = re.compile(rb"\}[\s\x1e]*(?=\{\s*\"[^\"\s:,}\]])")
"""Behind it an object begins that lies in no other: none stand in one without a comma between, and a quote that ends a string is not followed so."""
_NEXT: Final = re.compile(rb"\}[\s,\[\]\x1e]*(?=\{)")
OBJECT_START: Final = re.compile(r'\{\s*"')
_FIRST_KEY: Final = re.compile(rb'\{\s*("(?:[^"\\]|\\.)*")')
DECODER: Final = json.JSONDecoder(strict=False)


class DocumentsFraming(LineFraming):
    """Cuts behind objects that lie in no other one, but for an envelope."""

    limit = LIMIT
    is_by_line = False

    def __init__(self, *, has_envelopes: bool = False) -> None:
        """Know whether records lie in envelopes."""
        self.has_envelopes = has_envelopes

    def bare(self, data: bytes) -> bytes:
        """Write blanks over what envelopes put around records; places stay what they are."""
        return blank_envelopes(data) if self.has_envelopes else data

    def last_cut(self, data: bytes) -> int:
        """Find where the last object begins that lies in no other; 0 if nowhere."""
        cut = last_start(self.bare(data))
        return cut if cut and _is_between(data, cut) else cut_odd(data)

    def final_cut(self, data: bytes) -> int:
        """Find where the last whole object ends: what is behind it, an array's end too, may change while the log grows."""
        return end_of_whole(data)

    def next_cut(self, data: bytes) -> int:
        """Find where the first whole object begins."""
        found = _APART.search(data) or _NEXT.search(data)
        return found.end() if found else 0


def end_of_whole(data: bytes, *, of_objects: bool = False) -> int:
    """Find where the last value ends that is whole, or the last of the objects before any other; 0 if there is none."""
    text = data.decode("latin-1")
    position = end = 0
    while (position := skip_gap(data, position)) < len(data):
        try:
            value, position = DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            found = OBJECT_START.search(text, position + 1)
            if found is None:
                break
            position = found.start()
            continue
        if of_objects and not isinstance(value, dict):
            break
        end = position
    return end


def _is_between(data: bytes, place: int) -> bool:
    """Tell whether an object may end before a place, and one begin there."""
    before = data[max(place - _START_WINDOW, 0) : place].rstrip(BETWEEN)
    return _FIRST_KEY.match(data, place) is not None and (not before or before.endswith(b"}") or place <= _START_WINDOW)


def cut_odd(data: bytes) -> int:
    """Find a place to cut at where quotes and braces do not tell; 0 if all may be one object that goes on."""
    if apart := find_last(_APART, data):
        return apart
    start = skip_gap(data, 0)
    first = _FIRST_KEY.match(data, start)
    if first is None:
        found = _NEXT.search(data)
        return found.end() if found else 0
    starts = split_objects(data[start:]).starts
    if starts and starts[-1]:
        return start + starts[-1]
    if not _is_broken(data, start):
        return 0
    return find_last(re.compile(rb"[\s,\[\]](?=\{\s*" + re.escape(first[1]) + rb"\s*:)"), data)


def _is_broken(data: bytes, start: int) -> bool:
    """Tell whether what begins like an object cannot be one, however it goes on."""
    try:
        DECODER.raw_decode(data.decode("latin-1"), start)
    except json.JSONDecodeError as error:
        return not error.msg.startswith("Unterminated") and error.pos < len(data) - _LONGEST_WORD
    except (ValueError, RecursionError):
        return True
    return False


def skip_gap(data: bytes, position: int, between: re.Pattern[bytes] = BETWEEN_OBJECTS) -> int:
    """Give the place behind what stands between objects at `position`, by the pattern `between`; `position` where nothing does."""
    found = between.match(data, position)
    return found.end() if found else position


def skip_between(data: bytes) -> int:
    """Find where the first object may begin."""
    return skip_gap(data, 0)
