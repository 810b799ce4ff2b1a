r"""Where the objects of JSON text begin and end, told from its quotes and braces at the speed of bytes.

Nothing is decoded: text is cut where a brace follows a brace, and of what lies between two cuts
only quotes and braces are kept. Of these shapes a log has few, so each is walked through once; where
one is no whole object (`},{` stood in a list or in a string), pieces are joined until one is.

Source: RFC 8259 sections 4, 7 and 8.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final

BETWEEN: Final = b" \t\r\n\x0b\x0c,[]\x00\x1e"
"""What may stand between objects: blanks, brackets of arrays, commas, record separators, and what a rotation left."""
_JOINT: Final = re.compile(rb"\}([\s,\[\]\x00\x1e]*+)(?=\{)")
_MARKS: Final = re.compile(rb'["{}]')
_NO_MARKS: Final = bytes(set(range(256)) - set(b'"{}'))
_NO_SHAPE: Final = bytes(set(range(256)) - set(b'"{}\n'))
_QUOTED: Final = re.compile(rb'"[^"]*"')
_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")
_MORE: Final = b" "
"""Ends the shape of what goes on behind its last brace."""
_WINDOW: Final = 4096


@dataclass(frozen=True, slots=True)
class Objects:
    """Whole objects that follow each other.

    Attributes:
        lines: the objects, each on a line.
        starts: where each begins.
        end: where the last of them ends.
        is_odd: what follows it is no object, nor the beginning of one.
    """

    lines: bytes
    starts: list[int]
    end: int
    is_odd: bool = False


def split_objects(data: bytes) -> Objects:
    """Take the whole objects from the beginning of some bytes.

    Args:
        data: text that begins with an object.
    """
    data = _on_one_line(data)
    parts = _JOINT.split(data)
    texts, gaps = parts[::2], parts[1::2]
    last = texts.pop().rstrip(BETWEEN)
    joined = b"".join((b"}\n".join(texts), b"}\n" if texts else b"", last, b"\n"))
    shapes = _shapes(joined)
    if not last.endswith(b"}"):
        shapes[-1] += _MORE
    starts = list(accumulate((len(text) + 1 + len(gap) for text, gap in zip(texts, gaps, strict=True)), initial=0))
    if all(map(_is_object, {*shapes[:-1]})):
        if _is_object(shapes[-1]):
            return Objects(joined, starts, starts[-1] + len(last))
        starts.pop()
        end = starts[-1] + len(texts[-1]) + 1 if starts else 0
        return Objects(joined[: len(joined) - len(last) - 1], starts, end, _is_odd(shapes[-1]))
    ends = [*(start + len(text) + 1 for start, text in zip(starts, texts, strict=False)), starts[-1] + len(last)]
    return _join(data, starts, ends, shapes)


def _on_one_line(data: bytes) -> bytes:
    return data.translate(_ONE_LINE) if b"\n" in data or b"\r" in data else data


def _is_odd(shape: bytes) -> bool:
    """Tell whether what begins like an object is more than the beginning of one."""
    return _walk(shape, is_in_string=False).lowest < 1


def _shapes(lines: bytes) -> list[bytes]:
    """Keep of every line its quotes and braces; two quotes between which there is no brace are left out."""
    if b"\\" in lines:
        lines = lines.replace(b"\\\\", b"").replace(b'\\"', b"")
    return lines.translate(None, _NO_SHAPE).replace(b'""', b"").split(b"\n")[:-1]


@dataclass(frozen=True, slots=True)
class _DepthChange:
    """What a shape does to the depth.

    Attributes:
        change: braces that open without those that close.
        lowest: the least depth before its last sign, but for the beginning.
        is_in_string: it ends in a string.
    """

    change: int
    lowest: int
    is_in_string: bool


@lru_cache(maxsize=4096)
def _walk(shape: bytes, *, is_in_string: bool) -> _DepthChange:
    depth, lowest = 0, len(shape) + 1
    for index, sign in enumerate(shape):
        if sign == 0x22:
            is_in_string = not is_in_string
        elif not is_in_string:
            depth += (sign == 0x7B) - (sign == 0x7D)
        if index < len(shape) - 1:
            lowest = min(lowest, depth)
    return _DepthChange(depth, lowest, is_in_string)


def _is_object(shape: bytes) -> bool:
    """Tell whether a shape is that of one whole object."""
    walk = _walk(shape, is_in_string=False)
    return bool(shape) and not walk.change and walk.lowest > 0 and not walk.is_in_string


def _join(data: bytes, starts: list[int], ends: list[int], shapes: list[bytes]) -> Objects:
    """Join pieces until they are whole objects, as far as that goes."""
    lines: list[bytes] = []
    firsts: list[int] = []
    first = end = depth = 0
    is_in_string = is_odd = False
    for start, stop, shape in zip(starts, ends, shapes, strict=True):
        if not depth:
            first = start
        walk = _walk(shape, is_in_string=is_in_string)
        if depth + walk.lowest < 1:
            is_odd = True
            break
        depth, is_in_string = depth + walk.change, walk.is_in_string
        if not depth:
            lines.append(data[first:stop])
            firsts.append(first)
            end = stop
    return Objects(b"".join(line + b"\n" for line in lines), firsts, end, is_odd)


def last_start(data: bytes) -> int:
    """Find where the last object begins that lies in no other.

    Args:
        data: text that begins outside of any object.

    Returns:
        Its place; 0 if there is none.
    """
    data = without_escapes(data)
    marks = data.translate(None, _NO_MARKS)
    braces = marks.replace(b'""', b"")
    if b'"' in braces:
        braces = _QUOTED.sub(b"", braces).partition(b'"')[0]
    depth = braces.count(b"{") - braces.count(b"}")
    is_in_string = marks.count(b'"') % 2 == 1
    for index in range(len(marks) - 1, -1, -1):
        sign = marks[index]
        if sign == 0x22:
            is_in_string = not is_in_string
        elif not is_in_string:
            depth += 1 if sign == 0x7D else -1
            if sign == 0x7B and not depth:
                return _place(data, len(marks) - index)
    return 0


def without_escapes(data: bytes) -> bytes:
    """Write over escaped quotes, so that those that are left begin and end strings; places stay what they are."""
    return data.replace(b"\\\\", b"__").replace(b'\\"', b"__") if b"\\" in data else data


def _place(data: bytes, count: int) -> int:
    """Find the place of a quote or brace by how many there are from it on."""
    size = _WINDOW
    while size < len(data) and len(data[-size:].translate(None, _NO_MARKS)) < count:
        size *= 4
    start = max(len(data) - size, 0)
    places = [found.start() for found in _MARKS.finditer(data, start)]
    return places[-count]


def count_unmatched(data: bytes) -> int:
    """Tell how many more braces close than open: the last of them close what an earlier block opened, or what was written over; 0 if none."""
    braces = _QUOTED.sub(b"", b"".join(_shapes(_on_one_line(data) + b"\n")))
    return max(braces.count(b"}") - braces.count(b"{"), 0)
