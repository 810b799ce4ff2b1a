"""Values as people read them, and the room that they take on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, Final

from pullstats.percentages import write_change, write_share
from pullstats.render.sanitise import for_terminal
from pullstats.reports import Column

_SPARKS: Final = "▁▂▃▄▅▆▇█"
_UNKNOWN_SPARK: Final = "·"
BAR_WIDTH: Final = 12
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
_KILO: Final = 1000
UNKNOWN: Final = "unknown"
_FLAGS: Final = {"true": "yes", "false": "no"}
"""Flags that the row of the others made texts."""


def width_of(text: str) -> int:
    """Give the columns of a terminal that a text takes: a letter of Chinese takes two, a combining accent none."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # noqa: PLC0415 - few names need it

    return cell_len(text)


def cut(text: str, room: int) -> str:
    """Cut a text that takes more than `room` columns of a terminal in its middle: beginnings and ends tell most."""
    if width_of(text) <= room:
        return text
    head = _fit(text, (room - 1) * 2 // 3)
    tail = _fit(text[::-1], room - 1 - width_of(head))[::-1]
    return f"{head}…{tail}"


def pad(text: str, width: int, *, is_left: bool = True) -> str:
    """Fill a text up with blanks.

    Args:
        text: what is to be drawn.
        width: columns of a terminal that it is to take.
        is_left: whether it stands to the left, with the blanks behind it.
    """
    blanks = " " * (width - width_of(text))
    return text + blanks if is_left else blanks + text


def _fit(text: str, room: int) -> str:
    """Give as much of a text's beginning as has room."""
    end = min(len(text), room)
    while width_of(text[:end]) > room:
        end -= 1
    return text[:end]


def format_cell(value: Any, column: Column) -> str:
    """Write one value for people, as a `column` says how to read it."""
    if column.kind == "spark":
        return sparkline(value or [])
    if value is None or value != value:  # noqa: PLR0124 - what is no number equals nothing, not even itself
        return UNKNOWN if column.kind in {"dimension", "bucket"} else "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value == UNKNOWN and not column.has_unknown:
        return f'"{UNKNOWN}"'  # somebody's name, and not what is missing
    if column.value == "boolean" and value in _FLAGS:
        return _FLAGS[value]
    if column.kind in _FORMS:
        return _FORMS[column.kind](value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, date):
        return value.isoformat()
    return for_terminal(str(value))


def format_bytes(count: int) -> str:
    """Write bytes in decimal units: 1.2 GB."""
    from rich.filesize import decimal  # noqa: PLC0415 - most tables show none

    return f"{count} B" if count < _KILO else decimal(count)


def _format_number(value: float) -> str:
    return f"{int(value):,}" if float(value).is_integer() else f"{value:,.2f}"


_FORMS: Final[dict[str, Callable[[Any], str]]] = {
    "share": write_share,
    "change": write_change,
    "number": _format_number,
    "ratio": lambda value: f"{value:.3g}",
    "bytes": lambda value: format_bytes(int(value)),
    "count": lambda value: f"{value:,}",
}
"""How each kind of number is written."""


def sparkline(values: Sequence[float | None]) -> str:
    """Draw numbers as a line of eight heights, zero as the lowest; what is not known is a dot."""
    top = max((value or 0 for value in values), default=0) or 1
    return "".join(
        _UNKNOWN_SPARK if value is None else _SPARKS[min(int(value / top * (len(_SPARKS) - 1) + 0.5), len(_SPARKS) - 1)] for value in values
    )


def draw_bar(part: float, width: int = BAR_WIDTH) -> str:
    """Draw a part of a whole as a bar, in eighths of a column.

    Args:
        part: from 0 to 1.
        width: columns of the whole.
    """
    eighths = round(part * width * 8)
    return _EIGHTHS[-1] * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
