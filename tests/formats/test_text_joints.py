"""Lines cut at the one literal between all values hold what their pattern finds in them."""

from __future__ import annotations

import polars as pl
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pullstats.formats.joints import find_joint
from pullstats.formats.templates import compile_log_format
from pullstats.formats.text_lines import TextReader
from support.effort import examples

NAMES = [
    "w3c_date",
    "w3c_time",
    "remote_addr",
    "request_method",
    "uri",
    "args",
    "status",
    "bytes_sent",
    "http_host",
    "http_user_agent",
    "remote_user",
]
NAMES += ["field_1", "field_2", "request_time_ms", "upstream_addr", "time_local", "http_x_forwarded_for"]
WORDS = [
    "-",
    "",
    "200",
    "1.2.3.4",
    "::1",
    "/a",
    "a+b",
    'a"b',
    '"',
    "a,b",
    "a\tb",
    "a\u00a0b",
    "é",
    "10:20:30",
    "2024-01-02",
    "dl.example.org:80",
    "[::1]",
    "x y",
    "+1",
]
TEXTS = st.one_of(st.sampled_from(WORDS), st.text(max_size=4).filter(lambda text: "\n" not in text))


@examples(150)
@example(names=["uri", "http_user_agent"], rows=[["/a", "b"], ["", "b"]])
@example(names=["status", "uri"], rows=[["200", "/a\t"]])
@example(names=["status", "uri"], rows=[["abc", "/a"]])
@given(
    names=st.lists(st.sampled_from(NAMES), min_size=2, max_size=6),
    rows=st.lists(st.lists(TEXTS, min_size=6, max_size=6), min_size=1, max_size=4),
)
def test_what_is_cut_is_what_the_pattern_finds(names: list[str], rows: list[list[str]]) -> None:
    reader = TextReader(compile_log_format(" ".join(f"${name}" for name in names), needs_time=False, needs_address=False))
    assume(reader.compiled.variables)
    found = find_joint(reader.compiled)
    assert found is not None
    lines = pl.Series([" ".join(row[: len(names)]) for row in rows], dtype=pl.String)
    cut = found.split(lines)
    if cut is None:
        return
    raw = reader.read_safe(lines)
    assert raw["reason"].null_count() == raw.height
    assert cut.drop("line_length").equals(raw.drop("reason"))


def test_words_that_fit_are_cut_and_not_matched() -> None:
    found = find_joint(compile_log_format("$w3c_date $remote_addr $status $uri $other", needs_time=False))
    assert found is not None
    cut = found.split(pl.Series(["2024-01-02 192.0.2.1 200 /a -", "2024-01-02 2001:db8::1 404 /b+c x"]))
    assert cut is not None
    assert cut["uri"].to_list() == ["/a", "/b+c"]
    assert found.split(pl.Series(["2024-01-02 192.0.2.1 ok /a -"])) is None
    assert found.split(pl.Series(["2024-01-02 192.0.2.1 200 /a  b -"])) is None
