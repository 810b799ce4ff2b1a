"""Markdown: every cell, title and footer is shown letter by letter, and what is plain is written as it is."""

from __future__ import annotations

import html
import re

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pullstats.render import RenderOptions, render
from pullstats.render.sanitise import for_markdown, visible
from pullstats.reports import Column, Report
from support.effort import examples

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PIECES = (
    "*", "**", "_", "__", "~", "~~", "`", "``", "[", "]", "](http://x.example)", "[x]", "![", "(", ")", "|", "\\", "\\|", "<b>", "</td>", "<!--", "-->", "&amp;",
    "&#42;", "&", ";", "#", "# ", "- ", "+ ", "1. ", "1) ", "> ", "---", "===", "```", "~~~", ":-", "    ", " ", "a", "b_c", "é", "$", "{", "}", "<http://x>",
    "[^1]", "[x]: /u", "@a/b", "!", "\n", "\t", "'", '"', "=", "．", "，", "\u00a0",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=8).map("".join)


def shown_cells(table: str) -> list[list[str]]:
    """Give what a reader sees of each cell; tags within one are told."""
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [[html.unescape(cell) for cell in re.findall(r"<t[hd]>(.*?)</t[hd]>", row, re.DOTALL)] for row in rows]


@examples(400)
@given(st.lists(TEXTS, min_size=1, max_size=3), TEXTS, TEXTS, TEXTS)
@example(["\\", "a\\|", "x_y_ _z", "a~b~c", "`a` `", "&lt;", "*"], "- x", "1. x", "a|b")
@example(["__init__", "_a", "a_", "(a) _b", "b&c;"], "# x", "    x", "_x_")
@example(["a"], "| a |", "---", "===")
def test_a_parser_shows_every_text_letter_by_letter(cells: list[str], title: str, footer: str, head: str) -> None:
    texts = [text.encode("utf-8", "backslashreplace").decode() for text in (*cells, title, footer, head)]
    *cells, title, footer, head = texts
    frame = pl.DataFrame({"a": cells, "n": list(range(len(cells)))}, schema={"a": pl.String, "n": pl.Int64})
    report = Report(frame, (Column("a", head, "dimension"), Column("n", "n", "count")), title=title, footer=footer)
    written = PARSER.render(str(render(report, "md", RenderOptions())))
    before, _, rest = written.partition("<table>")
    table, _, after = rest.rpartition("</table>")
    want = [[visible(head), "n"], *([visible(cell), str(number)] for number, cell in enumerate(cells))]
    assert [[cell.strip() for cell in row] for row in shown_cells(table)] == [[cell.strip() for cell in row] for row in want]
    for text, paragraph in ((title, before), (footer, after)):
        seen = html.unescape(paragraph.strip().removeprefix("<p>").removesuffix("</p>"))
        assert seen.strip() == visible(text).strip()


@pytest.mark.parametrize(
    "text",
    [
        "python-requests", "1.2.3", "my_pkg", "@scope/pkg", "linux/amd64", "linux/arm/v7", "a_b_c-d.e", "1.0~rc1", "1.1.1k-1+deb11u2", "libstdc++", "C#",
        "sha256:0123", "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101", "docker/24.0.7 go/go1.20.10 os/linux", "org.apache.maven:maven-core", "50.0 %",
        "/v2/acme/app/manifests/1.0?ns=docker.io&a=b", "_private", "größe_x", "zh_CN", "registry.example:5000", "2026-11-02T00:00:00+00:00", "R&D", "wow!",
        "https://registry.example/v2/",
    ],
)  # fmt: skip
def test_what_is_plain_is_written_as_it_is(text: str) -> None:
    assert for_markdown(text) == text


@pytest.mark.parametrize("text", ["__init__", "*/*", "a|b", "[x](y)", "<b>", "&amp;", "\\*", "`x`", "a~b~c", "_a_"])
def test_what_may_be_markup_is_escaped(text: str) -> None:
    assert for_markdown(text) != text
