"""A number as a badge: an SVG picture, or the JSON from which shields.io draws one.

Source: shields.io, "Endpoint Badge", https://shields.io/badges/endpoint-badge
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from pullstats.errors import UsageError
from pullstats.render.cells import format_cell, width_of
from pullstats.render.sanitise import for_html, visible
from pullstats.reports import Column

COLORS: Final = {
    "brightgreen": "#44cc11",
    "green": "#97ca00",
    "yellow": "#dfb317",
    "orange": "#fe7d37",
    "red": "#e05d44",
    "blue": "#007ec6",
    "grey": "#555555",
    "lightgrey": "#9f9f9f",
}
"""Names of colours that shields.io knows, and what it draws them as."""

_HEX: Final = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")
_THOUSAND: Final = 1000
_STEPS: Final = "kMGTPE"
_LONGEST: Final = 200
_NARROW: Final = frozenset("fijlrtI.,:;'|![]() /-")
_WIDE: Final = frozenset("mwMW@%")
_PAD: Final = 6
_HEIGHT: Final = 20
_DARK: Final = "#111111"
_DARK_LUMINANCE: Final = 0.0056

_SVG: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{height}" role="img" aria-label="{name}">
<title>{name}</title>
<clipPath id="r"><rect width="{whole}" height="{height}" rx="3"/></clipPath>
<g clip-path="url(#r)">
<rect width="{left}" height="{height}" fill="#555555"/>
<rect x="{left}" width="{right}" height="{height}" fill="{color}"/>
</g>
<g font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">
<text x="{pad}" y="14" textLength="{label_length}" fill="#ffffff">{label}</text>
<text x="{message_start}" y="14" textLength="{message_length}" fill="{ink}">{message}</text>
</g>
</svg>
"""


@dataclass(frozen=True, slots=True)
class Badge:
    """What a badge says.

    Attributes:
        label: its left half, any text.
        message: its right half.
        color: a name of `COLORS`, or hexadecimal, as `read_color` gives it.
    """

    label: str
    message: str
    color: str = "blue"


def read_color(text: str) -> str:
    """Read a colour: a name of `COLORS`, or three or six hexadecimal digits.

    Raises:
        UsageError: it is none.
    """
    if text in COLORS:
        return text
    if match := _HEX.fullmatch(text):
        return f"#{match[1].lower()}"
    raise UsageError(f"--color '{text}' is no colour; write one of {', '.join(COLORS)}, or hexadecimal digits as in 4c1 or 007ec6")


def write_short(value: Any, column: Column) -> str:
    """Write a number with three digits at most, as a badge has room for: `12.3k`, `4.5 GB`, `97.2 %`; a time as its day."""
    if column.kind == "time" and value is not None:
        return f"{value:%Y-%m-%d}"
    if column.kind == "count" and value is not None and value >= _THOUSAND:
        return _shorten(value)
    return format_cell(value, column)


def _shorten(count: int) -> str:
    """Write thousands, millions, … with three digits.

    Example:
        >>> _shorten(1_000), _shorten(12_345), _shorten(999_999), _shorten(2_500_000_000)
        ('1k', '12.3k', '1M', '2.5G')
    """
    rest, step = float(f"{count:.3g}"), -1
    while rest >= _THOUSAND and step < len(_STEPS) - 1:
        rest, step = rest / _THOUSAND, step + 1
    return f"{rest:.4g}{_STEPS[step]}"


def render_endpoint(badge: Badge) -> str:
    """Write the JSON that shields.io's endpoint badge reads: `schemaVersion`, `label`, `message`, `color`."""
    content = {"schemaVersion": 1, "label": _clean(badge.label), "message": _clean(badge.message), "color": badge.color.lstrip("#")}
    return json.dumps(content) + "\n"


def render_svg(badge: Badge) -> str:
    """Draw a badge: no script, no font and no picture from elsewhere, and a name for those who hear it."""
    label, message = _clean(badge.label), _clean(badge.message)
    label_length, message_length = _length(label), _length(message)
    left, right = (length + 2 * _PAD for length in (label_length, message_length))
    color = COLORS.get(badge.color, badge.color)
    return _SVG.format(
        whole=left + right,
        left=left,
        right=right,
        height=_HEIGHT,
        pad=_PAD,
        label_length=label_length,
        message_length=message_length,
        message_start=left + _PAD,
        name=for_html(f"{label}: {message}"),
        label=for_html(label),
        message=for_html(message),
        color=color,
        ink=_choose_ink(color),
    )


def _clean(text: str) -> str:
    shown = visible(text)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _length(text: str) -> int:
    """Give the pixels that a text takes, about: it is drawn to fit them whatever font there is."""
    narrow, wide = (sum(letter in letters for letter in text) for letters in (_NARROW, _WIDE))
    return max(1, round(7 * width_of(text) - 2.6 * narrow + 3 * wide))


def _choose_ink(color: str) -> str:
    """Choose the text that stands out more, of white and nearly black (relative luminance and contrast, WCAG 2.2)."""
    digits = color.lstrip("#")
    pairs = [digits[place : place + 2] for place in (0, 2, 4)] if len(digits) == 6 else [letter * 2 for letter in digits]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (int(pair, 16) / 255 for pair in pairs))
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return _DARK if (luminance + 0.05) ** 2 > 1.05 * (_DARK_LUMINANCE + 0.05) else "#ffffff"
