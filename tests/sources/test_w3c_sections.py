"""A log under directives is cut where what they say of its lines changes, wherever they stand."""

from __future__ import annotations

import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pullstats.formats.w3c_directives import last_heading, split_sections
from support.effort import examples

PIECES = [
    "#Fields: date time", "#fields: c-ip", "#Fields: time c-ip", "#Fields:", "#Date: 2024-03-12 00:00:00", "#date: 2024-03-13", "#Date:",
    "#Version: 1.0", "a b", "a\tb", " #Fields: x", "x #Fields: y", "x #Date: y", "\r", "#", "é", "",
]  # fmt: skip

Held = tuple[str, str]


def follow(held: Held, line: bytes) -> Held:
    """Look at one line."""
    text = line.decode().rstrip("\r")
    if re.match("#[Ff]ields:", text):
        return text, held[1]
    return (held[0], text) if re.match("#[Dd]ate:", text) else held


def follow_all(held: Held, data: bytes) -> Held:
    for line in data.split(b"\n"):
        held = follow(held, line)
    return held


def heading_of(held: Held) -> str | None:
    return "\n".join(held) if held[1] else held[0] or None


def telling(held: Held) -> str | None:
    """Of the lines themselves: the date counts only where the fields have a time and no date."""
    names = held[0].split()[1:]
    return heading_of(held) if "time" in names and "date" not in names else held[0] or None


@examples(400)
@given(
    lines=st.lists(st.sampled_from(PIECES), max_size=12),
    before=st.tuples(st.sampled_from(["", PIECES[0], PIECES[2]]), st.sampled_from(["", PIECES[4]])),
    is_ended=st.booleans(),
)
def test_sections_hold_every_byte_under_its_directives(lines: list[str], before: Held, *, is_ended: bool) -> None:
    data = ("\n".join(lines) + "\n" * is_ended).encode()
    sections = list(split_sections(data, heading_of(before)))
    assert b"".join(data[section.start : section.end] for section in sections) == data
    assert all(one.heading != other.heading for one, other in pairwise(sections))
    held = before
    for section in sections:
        for line in data[section.start : section.end].removesuffix(b"\n").split(b"\n"):
            following = follow(held, line)
            assert telling(following) == section.heading
            held = following
    assert last_heading(data, heading_of(before)) == heading_of(follow_all(before, data))
