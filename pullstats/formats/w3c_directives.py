"""The lines of a W3C log that say how to read those behind them: `#Fields:` and `#Date:`.

A heading is the last `#Fields:` line and, behind a newline, the last `#Date:` line, where there is one. Lines are
cut at a `#Date:` only where their fields have a time and no date.

Source: w3.org/TR/WD-logfile.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pullstats.formats.headings import Section

_DIRECTIVE: Final = re.compile(rb"#(?:[Ff]ields|[Dd]ate):[^\n]*")
_LATER: Final = re.compile(rb"\n(?=#(?:[Ff]ields|[Dd]ate):)")
"""What stands in front of a directive that is not the first line: `^` would be tried at every byte."""
_FIELDS: Final = (b"#Fields:", b"#fields:")
_DATE: Final = (b"#Date:", b"#date:")


@dataclass(frozen=True, slots=True)
class Directives:
    """What holds for some lines.

    Attributes:
        fields: the `#Fields:` line, None before the first.
        date: the `#Date:` line, None before the first.
    """

    fields: str | None = None
    date: str | None = None

    @property
    def heading(self) -> str | None:
        """Both in one text; None if there is neither."""
        if self.date is None:
            return self.fields
        return f"{self.fields or ''}\n{self.date}"

    @property
    def telling(self) -> str | None:
        """The heading of the lines themselves: without a date where their fields have one, or no time."""
        if self.fields is None:
            return None
        names = self.fields.lower().partition(":")[2].split()
        return self.heading if "time" in names and "date" not in names else self.fields

    def then(self, line: str) -> Directives:
        """Give what holds behind one more directive."""
        is_date = line[:6].lower() == "#date:"
        return Directives(self.fields, line) if is_date else Directives(line, self.date)


def parse_heading(heading: str | None) -> Directives:
    """Take a heading apart."""
    fields, _, date = (heading or "").partition("\n")
    return Directives(fields or None, date or None)


def last_heading(data: bytes, heading: str | None = None) -> str | None:
    """Tell what holds behind some bytes, given what holds before them; None if nothing does."""
    before = parse_heading(heading)
    return Directives(_last(data, _FIELDS) or before.fields, _last(data, _DATE) or before.date).heading


def _last(data: bytes, names: tuple[bytes, bytes]) -> str | None:
    """Find the last line that begins with one of some names."""
    start = max(data.rfind(b"\n" + name) + 1 for name in names)
    found = _DIRECTIVE.match(data, start) if start or data.startswith(names) else None
    return _text(found) if found else None


def _text(found: re.Match[bytes]) -> str:
    return found[0].decode("utf-8", "replace").rstrip("\r")


def split_sections(data: bytes, heading: str | None) -> Iterator[Section]:
    """Cut whole lines where what holds for them changes; a directive that is repeated changes nothing.

    Args:
        data: whole lines.
        heading: what holds for the first of them.
    """
    start, held = 0, parse_heading(heading)
    telling = held.telling
    for found in _directives(data):
        held = held.then(_text(found))
        if held.telling == telling:
            continue
        if found.start() > start:
            yield Section(start, found.start(), telling, _is_tabbed(data, start))
        start, telling = found.start(), held.telling
    if start < len(data):
        yield Section(start, len(data), telling, _is_tabbed(data, start))


def _directives(data: bytes) -> Iterator[re.Match[bytes]]:
    """Find the lines that are directives."""
    starts = (0, *(later.end() for later in _LATER.finditer(data)))
    yield from filter(None, (_DIRECTIVE.match(data, start) for start in starts))


def _is_tabbed(data: bytes, start: int) -> bool:
    """Tell whether the first line that is no comment holds a tab."""
    while data[start : start + 1] == b"#":
        start = data.find(b"\n", start) + 1
        if not start:
            return False
    end = data.find(b"\n", start)
    return data.find(b"\t", start, end if end >= 0 else len(data)) >= 0
