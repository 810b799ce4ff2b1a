"""A log under `#Fields:` lines is cut where these change, wherever they stand."""

from __future__ import annotations

import re

from effort import examples
from hypothesis import given
from hypothesis import strategies as st

from pullstats.formats.w3c import last_directive, split_sections

PIECES = ["#Fields: date time", "#fields: c-ip", "#Fields:", "#Version: 1.0", "a b", "a\tb", " #Fields: x", "x #Fields: y", "\r", "#", "é", ""]


def find_directives(data: bytes) -> list[str]:
    """Look at every line."""
    return [line.decode().rstrip("\r") for line in data.split(b"\n") if re.match(rb"#[Ff]ields:", line)]


@examples(200)
@given(lines=st.lists(st.sampled_from(PIECES), max_size=12), before=st.sampled_from([None, PIECES[0]]), is_ended=st.booleans())
def test_sections_hold_every_byte_under_its_directive(lines: list[str], before: str | None, *, is_ended: bool) -> None:
    data = ("\n".join(lines) + "\n" * is_ended).encode()
    sections = list(split_sections(data, before))
    assert b"".join(data[section.start : section.end] for section in sections) == data
    for section in sections:
        told = [before] if before is not None else []
        told += find_directives(data[: section.start])
        own = find_directives(data[section.start : section.end])
        assert section.heading == (own[0] if own else told[-1] if told else None)
        assert len(set(own)) <= 1
    assert last_directive(data) == (find_directives(data) or [None])[-1]
