"""JSON lines that are read by their shape hold what the parser reads in them."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pullstats.formats import FORMATS
from pullstats.formats.json_keys import KNOWN
from pullstats.formats.json_lines import JsonReader
from pullstats.formats.json_shapes import find_shape, read_shapes
from support.effort import examples

CADDY = json.loads(FORMATS["caddy"].sample)
TEXTS = st.one_of(
    st.sampled_from(["", "-", "curl/8.5.0", "a\\b", 'a"b', "\\", "\\\\", "é", "😀", "\x7f", "{", "{x", "[", '["a"]', "a/b", "\n", "\t", "\x01", "1"]),
    st.text(max_size=8),
)
SPELLINGS = """0 -0 1 -5 200 007 +1 1.0 0.10 0.000001234 1716723772.6014805 1716723772.601480 1e5 1E-5 -0.0 0.0 123456789012345678
12345678901234567890 0.1234567890123456789 true false null nul 1. .5 "200" {} [] [1]"""
NUMBERS = st.sampled_from(SPELLINGS.split())
TEMPLATES = [
    '{"level":"info","ts":%n,"request":{"remote_ip":%t,"method":"GET","uri":%t,"headers":{"User-Agent":[%t],"Referer":[%t,%t]}},"size":%n,"status":%n}',
    '{"ts":%n,"request":{"remote_ip":%t,"method":%t,"uri":"/","headers":{"User-Agent":[%t]}},"status":%n}',
    '{ "ts": %n, "request": {"uri":%t, "client_ip": %t, "headers": {"X-Forwarded-For": [%t, %t]}, "n":[%n,%n]} , "status":%n }',
    '{"request":%t,"time":%t,"client":{"ip":%t},"list":[{"status":%n}],"status":%n,"bytes":%n}',
    '{"request":%t,"request":%t,"status":%n}',
    '{"status":%n,"remote_addr":[%t,%t],"request":"GET / HTTP/1.1","stat\\u0075s":%n,%t:%t}',
    '{"request":{"uri":{"a":%t}},"user":{"x":%n},"status":[%n],"uri":[{"a":%t}]}',
]


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """Lines of one or two shapes, the first of them plain; in others a value is odd, or they are cut or have a sign more."""
    found = []
    for template in draw(st.lists(st.sampled_from(TEMPLATES[:4]), min_size=1, max_size=2)):
        found += [fill(template, ["1", "20", "300"], ["a", "/b"])] * 2
    for template in draw(st.lists(st.sampled_from([*TEMPLATES, *(TEMPLATES[:4] * 2)]), max_size=6)):
        odd = draw(st.lists(NUMBERS, min_size=1, max_size=3)), draw(st.lists(TEXTS, min_size=1, max_size=3))
        line = fill(template, *odd, is_ascii=draw(st.booleans()))
        place = draw(st.integers(0, len(line)))
        line = draw(st.sampled_from([line] * 8 + [line[:place], line[:place] + draw(st.sampled_from('{}[]":,\\ 0')) + line[place:]]))
        found.append(line)
    return [line for line in found if line and "\n" not in line]


def fill(template: str, numbers: list[str], texts: list[str], *, is_ascii: bool = False) -> str:
    """Put numbers and texts into a template, over and over."""
    turns = {"n": itertools.cycle(numbers), "t": itertools.cycle(json.dumps(text, ensure_ascii=is_ascii) for text in texts)}
    return re.sub("%([nt])", lambda match: next(turns[match[1]]), template)


def read_alone(line: str) -> dict[str, Any] | None:
    """What the parser reads in a line."""
    flat = JsonReader().parse(f"{line}\n".encode(), pl.Series([line]))
    return None if flat is None else said(flat.row(0, named=True))


def said(row: dict[str, Any]) -> dict[str, str]:
    """Leave out what says nothing, and objects as texts: the parser gives them beside what it reads in them, where a number forces it to."""
    return {key: str(value) for key, value in row.items() if value is not None and not str(value).startswith("{")}


def filled(row: dict[str, Any]) -> dict[str, str]:
    """Leave out empty texts, which are nothing as null is, and brackets and quotes, which the parser's lists of addresses lose."""
    plain = {key: re.sub(r'[\[\]"\\]', "", value) for key, value in said(row).items()}
    return {key: value for key, value in plain.items() if value.strip(", ")}


@examples(60)
@example(found=[json.dumps(CADDY), json.dumps(CADDY, separators=(",", ":"))])
@example(found=['{"request":{"uri":"{x"},"status":200}', '{"request":"{x","status":200}'])
@given(found=lines())
def test_what_has_a_shape_is_read_as_the_parser_reads_it(found: list[str]) -> None:
    answer = read_shapes("".join(f"{line}\n" for line in found).encode(), pl.Series(found, dtype=pl.String), KNOWN, depth=0)
    if answer is None:
        return
    flat, is_read = answer
    assert flat.height == is_read.sum()
    for line, row in zip(pl.Series(found).filter(is_read), flat.iter_rows(named=True), strict=True):
        assert said(row) == read_alone(line), line


@examples(30)
@given(found=lines())
def test_a_log_is_read_alike_with_shapes_and_without(found: list[str]) -> None:
    data = "".join(f"{line}\n" for line in [json.dumps(CADDY), *found]).encode()
    fast = JsonReader().read_fast(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pullstats.formats.json_lines.read_shapes", lambda *_: None)
        plain = JsonReader().read_fast(data)
    if fast is not None and plain is not None:
        assert [filled(row) for row in fast.iter_rows(named=True)] == [filled(row) for row in plain.iter_rows(named=True)]


def test_logs_with_nested_headers_have_a_few_shapes() -> None:
    more = json.dumps(CADDY | {"request": CADDY["request"] | {"headers": {"Referer": ["/"], "User-Agent": ["a\\b"]}}})
    rows = [json.dumps(CADDY), more] * 40
    answer = read_shapes("\n".join(rows).encode(), pl.Series(rows), KNOWN)
    assert answer is not None
    flat, is_read = answer
    assert is_read.all()
    assert flat["request\x1fheaders\x1fUser-Agent"].to_list() == ["Mozilla/5.0", "a\\b"] * 40
    assert flat["request\x1fheaders\x1fReferer"].to_list() == [None, "/"] * 40


def test_lines_of_hardly_anything_but_quotes_are_left_to_the_parser() -> None:
    rows = [json.dumps({"request": {"headers": {"User-Agent": [""] * 400}}}, separators=(",", ":"))] * 3
    assert read_shapes("\n".join(rows).encode(), pl.Series(rows), KNOWN) is None


@pytest.mark.parametrize(
    "line", ['{"status":200,"status":200}', '{"st\\u0061tus":200}', '{"status":[200]}', '{"a":1}', "[1]", "{", '{"user":{"a":1}}']
)
def test_what_a_shape_does_not_tell_has_none(line: str) -> None:
    assert find_shape(line, KNOWN) is None
