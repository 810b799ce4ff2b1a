"""Short lists with bars, beside each other as the terminal has room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pullstats.render.cells import cut, draw_bar, pad, sparkline, width_of
from pullstats.render.sanitise import for_terminal

_NARROWEST: Final = 36
"""What a panel is given at least, where the terminal has it."""
_GAP: Final = 4
_LEAST_NAME: Final = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of a panel.

    Attributes:
        name: any text.
        number: as it is written.
        part: how much of the largest it is, from 0 to 1.
    """

    name: str
    number: str
    part: float


@dataclass(frozen=True, slots=True)
class Panel:
    """A list, the largest first.

    Attributes:
        title: over it.
        bars: its rows.
    """

    title: str
    bars: tuple[Bar, ...]


def draw_panels(panels: Sequence[Panel], width: int) -> str:
    """Draw panels side by side, as many as there is room for; no number is cut.

    Args:
        panels: in the order in which they are read, line by line.
        width: columns of the terminal.
    """
    count = max((width + _GAP) // (_NARROWEST + _GAP), 1)
    each = (width - _GAP * (count - 1)) // count
    lines: list[str] = []
    for start in range(0, len(panels), count):
        blocks = [_draw(panel, each) for panel in panels[start : start + count]]
        height = max(map(len, blocks))
        filled = [[*block, *[""] * (height - len(block))] for block in blocks]
        lines += [(" " * _GAP).join(pad(part, each) for part in row).rstrip() for row in zip(*filled, strict=True)]
        lines.append("")
    return "\n".join(lines)


def _draw(panel: Panel, width: int) -> list[str]:
    number = max((width_of(bar.number) for bar in panel.bars), default=0)
    names = [for_terminal(bar.name) for bar in panel.bars]
    room = max(min(max(map(width_of, names), default=0), width * 5 // 9), _LEAST_NAME)
    left = width - room - number - 2
    lines = [cut(panel.title, width), "─" * width]
    for name, bar in zip(names, panel.bars, strict=True):
        drawn = f" {draw_bar(bar.part, left)}" if left > 1 else ""
        lines.append(f"{pad(cut(name, room), room)} {bar.number:>{number}}{drawn}")
    return lines


def draw_series(buckets: Sequence[str], values: Sequence[float | None], title: str, width: int) -> str:
    """Draw numbers over time in one line, with its first and last bucket below, and the most that one holds above.

    Args:
        buckets: how each bucket is called.
        values: a number each, None where nobody knows.
        title: what is counted.
        width: columns of the terminal.
    """
    top = max((value for value in values if value is not None), default=0)
    wide = max(width // max(len(values), 1), 1)
    line = "".join(mark * wide for mark in sparkline(values))
    first, last = (buckets[0], buckets[-1]) if buckets else ("", "")
    axis = f"{first}{last:>{max(len(line) - len(first), len(last) + 1)}}" if last != first else first
    return "\n".join([f"{title}; the most is {top:,.0f}", line, axis, ""])
