"""An outline that is left out without its pattern is that of no line."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullstats.errors import InputError
from pullstats.formats import FORMATS, detect_format
from pullstats.formats.outlines import Outline, find_possible
from pullstats.formats.templates import CompiledFormat, compile_template, split_nginx
from pullstats.formats.text_lines import TextReader
from support.effort import examples

OUTLINES = list(dict.fromkeys(outline for log_format in FORMATS.values() for outline in log_format.reader.outlines))
SAMPLES = [log_format.sample for log_format in FORMATS.values()]
TEXTS = st.text(alphabet=' -"[]|$ab:1/\t', max_size=12)


def fitting(outlines: list[Outline], lines: list[str]) -> list[Outline]:
    return [outline for outline in outlines if pl.Series(lines, dtype=pl.String).str.contains(outline.pattern).any()]


@st.composite
def near_samples(draw: st.DrawFn) -> str:
    """A sample whose blanks, and some of whose characters, are another number."""
    line = draw(st.sampled_from(SAMPLES))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(line)))
        line = line[:place] + draw(TEXTS) + line[place + draw(st.integers(0, 2)) :]
    return line.replace(" ", " " * draw(st.integers(1, 3)))


@examples(150)
@given(lines=st.lists(near_samples(), min_size=1, max_size=3))
def test_no_format_that_fits_a_line_is_left_out(lines: list[str]) -> None:
    possible = find_possible(lines, OUTLINES)
    assert [outline for outline in fitting(OUTLINES, lines) if outline not in possible] == []


@examples(300)
@given(
    parts=st.lists(TEXTS.filter(lambda text: "$" not in text), min_size=2, max_size=5),
    lines=st.lists(TEXTS, min_size=1, max_size=4),
    is_cut=st.booleans(),
)
def test_no_template_that_fits_a_line_is_left_out(parts: list[str], lines: list[str], *, is_cut: bool) -> None:
    names = ["remote_user", "status", "uri", "http_referer", "other"]
    template = split_nginx("".join(f"{part}${{{name}}}" for part, name in zip(parts[:-1], names, strict=False)) + parts[-1])
    compiled = CompiledFormat(template, is_cut=is_cut)
    outline = Outline(compiled.lenient, compiled.literals)
    full = ["".join(f"{part}{value}" for part, value in zip(parts, [*lines, "", "", "", ""], strict=False)), *lines]
    full.append(full[0][:-1])
    for line in full:
        if fitting([outline], [line]):
            assert find_possible([line], [outline]) == [outline]


def test_many_lines_are_asked_for_what_all_of_them_hold() -> None:
    plain = FORMATS["nginx-combined"].sample
    main, pipes = (FORMATS[name].reader.outlines[0] for name in ("nginx-main", "artifactory"))
    assert find_possible([plain], [main, pipes]) == []
    assert find_possible([plain] * 100, [main, pipes]) == []
    assert find_possible([*[plain] * 100, FORMATS["nginx-main"].sample], [main, pipes]) == [main]


@pytest.mark.parametrize("name", FORMATS)
def test_the_pattern_of_a_format_is_not_too_large(name: str) -> None:
    outlines = list(FORMATS[name].reader.outlines)
    assert fitting(outlines, [FORMATS[name].sample]) or not outlines


def test_a_template_that_is_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="too large to compile"):
        compile_template(split_nginx(" ".join(f"$a{index}" for index in range(200))), values={f"a{index}": "[a-z]{1,900}" for index in range(200)})


def test_a_pattern_is_written_where_a_line_holds_the_literals_and_not_before() -> None:
    """Writing those of all formats takes longer than all else that a small log needs to be recognised."""
    line = FORMATS["nginx-combined"].sample
    odd = replace(FORMATS["nginx-combined"], name="odd", reader=TextReader(compile_template(split_nginx("$remote_addr §§ [$time_local] $status"))))
    assert detect_format(f"{line}\n".encode(), [FORMATS["nginx-combined"], odd]).name == "nginx-combined"
    assert "pattern" not in vars(odd.reader.outlines[0])
