"""A letter in Markdown, as GitHub, GitLab and wikis read it: no text of a log is markup, mentions anybody or becomes a link.

What would mention somebody, refer to an issue or be made a link stands as code: no escape keeps those from it, for they are looked for in what
was rendered.

Sources: CommonMark 0.31, sections 2.4 and 6.1; GitHub Flavored Markdown 0.29, sections 4.10 and 6.9;
GitHub, "Autolinked references and URLs", https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls
"""

from __future__ import annotations

import re
from typing import Final

from pullstats.publish.letter.letter import Letter, Section, Table
from pullstats.render.sanitise import for_markdown, for_markdown_paragraph, visible
from pullstats.reports import NUMERIC

_LINKED: Final = re.compile(
    r"[^\s(),;]*(?:(?<![A-Za-z0-9])@|@[\w-]+\.\w|[a-z][a-z0-9+.-]*:/|\bmailto:|\bxmpp:|www\.|[#!]\d|\bGH-\d|\b[0-9a-f]{7,}\b)[^\s(),;]*",
    re.IGNORECASE,
)
"""Words that renderers make more of than text: mentions, addresses, links, issues, commits."""
_PAIR: Final = re.compile(r"\\(.)")
_HARMLESS: Final = frozenset("()+")
"""What is no markup within a line whose square brackets are escaped."""
_TICKS: Final = re.compile("`+")


def render_markdown(letter: Letter) -> str:
    """Write a letter in Markdown."""
    parts = [f"# {write_words(letter.title)}", *(part for section in letter.sections for part in _write_section(section))]
    return "\n\n".join(parts) + "\n"


def _write_section(section: Section) -> list[str]:
    heading = [f"## {write_words(section.heading)}"] if section.heading else []
    text = [_write_paragraph(" ".join(section.sentences))] if section.sentences else []
    table = [_write_table(section.table)] if section.table else []
    return [*heading, *text, *table, *([_write_code(section.command)] if section.command else [])]


def _write_paragraph(text: str) -> str:
    return write_words(text) if _LINKED.match(text) else _write(text, is_first=True)


def write_words(text: str) -> str:
    """Write any text so that it is shown letter by letter."""
    return _write(text, is_first=False)


def _write(text: str, *, is_first: bool) -> str:
    """Write what is linked as code and escape the rest; of a paragraph the first sign, too."""
    shown, place, parts = visible(text), 0, []
    for match in _LINKED.finditer(shown):
        parts += [shown[place : match.start()], match[0]]
        place = match.end()
    parts.append(shown[place:])
    written = [_write_code(part) if number % 2 else _escape(part, is_first=is_first and not number) for number, part in enumerate(parts)]
    return "".join(written)


def _escape(text: str, *, is_first: bool) -> str:
    """Escape text; blanks at its ends stay, for code may follow."""
    inner = text.strip(" ")
    escaped = for_markdown_paragraph(inner) if is_first else for_markdown(inner)
    escaped = _PAIR.sub(lambda pair: pair[1] if pair[1] in _HARMLESS and pair.start() else pair[0], escaped)
    lead = "" if is_first else " " * (len(text) - len(text.lstrip(" ")))
    return f"{lead}{escaped}{' ' * (len(text) - len(text.rstrip(' ')))}" if inner else text


def _write_code(text: str) -> str:
    """Write text as code, whatever backticks are in it."""
    shown = visible(text)
    longest = max((len(run) for run in _TICKS.findall(shown)), default=0)
    fence, pad = "`" * (longest + 1), " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _write_table(table: Table) -> str:
    heads = [_write_cell(column.title) for column in table.columns]
    rules = ["---:" if column.kind in NUMERIC else "---" for column in table.columns]
    lines = [heads, rules, *([_write_cell(value) for value in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _write_cell(text: str) -> str:
    """Write a cell: a bar ends it even within code."""
    return re.sub(r"(?<!\\)\|", r"\\|", write_words(text))
