"""Lines that fit the narrow pattern of a format hold what its own pattern reads in them."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pullstats.clean_lines import join_lines
from pullstats.formats import FORMATS
from pullstats.formats.log_format import LENGTH
from pullstats.formats.narrow_patterns import match_lines, match_pattern
from pullstats.formats.templates import CompiledFormat, compile_log_format
from pullstats.formats.text_lines import TextReader
from support.effort import examples

NAMES = [
    "remote_addr", "http_x_forwarded_for", "upstream_addr", "upstream_status", "status", "body_bytes_sent", "request_time", "request_method",
    "remote_user", "time_local", "http_host", "host", "request", "http_user_agent", "ident", "server_name", "time_iso8601", "nothing", "proxy_protocol_addr", "rest",
]  # fmt: skip
JOINTS = [" ", " ", " ", '" "', ' "', '" ', "] ", " [", ":", "/", " : ", ", ", " - ", "\t", "|", '","', "][", "=", ";", "   "]
PIECES = [
    "", "-", "1", "1.2.3.4", "::1", "a", "é", '"', '\\"', "\\", ",", ", ", " ", "  ", ":", " : ", "[", "]", "/", "\t", "|", "+5", "200", "b, c : d", '""', "(", "\u2003",
]  # fmt: skip
VALUES = st.lists(st.sampled_from(PIECES), max_size=3).map("".join) | st.sampled_from(PIECES[:7])


def readers() -> dict[str, CompiledFormat]:
    """The formats of text that have a narrow pattern."""
    found = {name: getattr(one.reader, "inner", one.reader) for name, one in FORMATS.items()}
    return {name: reader.compiled for name, reader in found.items() if isinstance(reader, TextReader) and reader.compiled.narrow}


@st.composite
def templates(draw: st.DrawFn) -> str:
    """Formats of a few variables."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
    joints = draw(st.lists(st.sampled_from(JOINTS), min_size=len(names), max_size=len(names)))
    opening = draw(st.sampled_from(["", "", "[", '"', "  "]))
    return opening + "".join(f"${{{name}}}{joint}" for name, joint in zip(names, joints, strict=True)).removesuffix(draw(st.sampled_from(["", " "])))


@st.composite
def cases(draw: st.DrawFn) -> tuple[CompiledFormat, list[str]]:
    """A format, and lines in it whose values may be anything."""
    compiled = compile_log_format(draw(templates()), needs_time=False, needs_address=False, escaping=draw(st.sampled_from(["backslash", "doubled"])))
    parts = compiled.template.parts
    lines = ["".join(part if isinstance(part, str) else draw(VALUES) for part in parts) for _ in range(draw(st.integers(1, 6)))]
    return compiled, lines


def agree(compiled: CompiledFormat, lines: list[str]) -> None:
    """Check that lines are matched alike with and without the narrow pattern; lines that fit it come first, so that it is used."""
    assert compiled.narrow is not None
    texts = pl.Series(lines, dtype=pl.String)
    narrow = texts.filter(texts.str.contains(compiled.narrow))
    known = match_pattern(narrow, compiled.pattern)
    assert_frame_equal(match_pattern(narrow, compiled.narrow), known)
    assert known.to_series(0).null_count() == 0
    mixed = pl.concat([narrow, texts, narrow])
    assert_frame_equal(match_lines(mixed, compiled.pattern, compiled.narrow), match_pattern(mixed, compiled.pattern))


@examples(600)
@given(case=cases())
def test_a_narrow_pattern_reads_what_the_pattern_of_any_format_reads(case: tuple[CompiledFormat, list[str]]) -> None:
    compiled, lines = case
    if compiled.narrow is not None:
        agree(compiled, lines)


@examples(300)
@given(data=st.data())
def test_a_narrow_pattern_reads_odd_lines_of_known_formats_alike(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(readers())))
    sample = FORMATS[name].sample
    lines = [sample]
    for _ in range(data.draw(st.integers(1, 4))):
        start, length = data.draw(st.integers(0, len(sample))), data.draw(st.integers(0, 3))
        lines.append(sample[:start] + data.draw(VALUES) + sample[start + length :])
    agree(readers()[name], lines)


def test_formats_with_lists_of_addresses_and_more_behind_them_have_a_narrow_pattern_that_their_samples_fit() -> None:
    for name in ("nginx-msec", "nginx-main-plus", "nginx-combined-plus", "nginx-ingress-0.2x", "harbor", "istio", "apisix", "aws-alb", "aws-s3"):
        narrow = readers()[name].narrow
        assert narrow is not None
        assert pl.Series([FORMATS[name].sample]).str.contains(narrow).all(), name


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("apache-forwarded", "(", "(192.0.2.7, "),
        ("nginx-combined", '"-"', r'"a\"b"'),
        ("nginx-main", '"-"', r'"a\"b"'),
        ("aws-elb", "curl", r"cu\"rl"),
    ],
)
def test_a_few_lines_whose_values_hold_what_bounds_them_are_matched_together(name: str, old: str, new: str) -> None:
    reader, sample = FORMATS[name].reader, FORMATS[name].sample
    odd = sample.replace(old, new)
    assert odd != sample
    lines = pl.Series([sample, odd, sample] * 3)
    fast = reader.read_fast(join_lines(lines))
    assert fast is not None
    safe = reader.read_safe(lines)
    assert safe["reason"].null_count() == lines.len()
    assert_frame_equal(fast.drop(LENGTH), safe.drop("reason"))
    assert fast[LENGTH].sum() == len(join_lines(lines))
