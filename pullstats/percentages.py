"""Percentages as people read them, all in one spelling: one decimal, a blank before the sign; 0 % is nothing at all, 100 % is all.

What rounds to either without being it is told from its side: `< 0.1 %`, `> 99.9 %`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

_LEAST: Final = 0.001
_NEAREST: Final = 1 - _LEAST
_HALF: Final = _LEAST / 2
DIGITS: Final = 6
WHOLES: Final = (-1.0, 0.0, 1.0)


def write_share(share: float) -> str:
    """Write what part of a whole something is, 0 to 1: `12.3 %`.

    Example:
        >>> [write_share(share) for share in (0, 0.00001, 0.1234, 0.99999, 1)]
        ['0.0 %', '< 0.1 %', '12.3 %', '> 99.9 %', '100.0 %']
    """
    if 0 < share < _HALF:
        return f"< {_write(_LEAST)}"
    return f"> {_write(_NEAREST)}" if 1 - _HALF <= share < 1 else _write(share)


def write_change(change: float) -> str:
    """Write by what part of itself something grew, -1 or more: `+12.3 %`; -100 % is a fall to nothing.

    Example:
        >>> [write_change(change) for change in (0.123, -0.00001, -1)]
        ['+12.3 %', '> -0.1 %', '-100.0 %']
    """
    if 0 < abs(change) < _HALF:
        return f"{'<' if change > 0 else '>'} {_write(_LEAST if change > 0 else -_LEAST, '+')}"
    return f"< {_write(-_NEAREST, '+')}" if -1 < change <= _HALF - 1 else _write(change, "+")


def round_share(share: float) -> float:
    """Round a share or a change for programs, to six digits: never to nothing or all what is not."""
    rounded = round(share, DIGITS)
    return share if rounded in WHOLES else rounded


def write_points(difference: float, sign: str = "") -> str:
    """Write the difference of two shares: `+1.2 points`, for a percentage of what is a percentage would be another number."""
    return f"{difference * 100:{sign}.1f} points"


def write_level(share: float | Fraction) -> str:
    """Write a share that was set, not counted, as short as it is: `5 %`, `99.5 %`."""
    return f"{float(share * 100):.10g} %"


def _write(share: float, sign: str = "") -> str:
    return f"{share * 100:{sign},.1f} %"
