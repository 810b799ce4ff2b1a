"""What a stranger wrote into a request, made harmless for each place it may be printed.

Text from logs passes here before it reaches a terminal, a CSV cell, Markdown or HTML: control and
format characters become visible, markup is escaped, formulas are guarded.

Sources: Unicode 16 (Cc, Cf, bidi controls), ECMA-48 (C1), OWASP CSV injection.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = (
    "\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f"
)
"""Characters that move the cursor, hide, reorder or end text, as a regular expression class."""

_HIDDEN: Final = re.compile(f"[{HIDDEN}]")
_FORMULA: Final = re.compile("^ *[=+\\-@\uff1d\uff0b\uff0d\uff20]")
_HARMLESS: Final = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?|@[a-z0-9._~-]+/[a-z0-9._~-]+")
"""Numbers and scoped packages, which no spreadsheet runs."""
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+!|~])")
_PLAIN: Final = re.compile(r"(?![ =])(?:[\w@/:.+~%,;?!#=&$) -]|(?:^|(?<= ))\()*")
"""What can be no markup but by what the next patterns find: names, versions, paths, and what stands in parentheses behind a blank."""
_DELIMITER: Final = re.compile(r"(?<![^\W_])_+|_+(?![^\W_])|~+")
"""Runs that may open or close emphasis, of which it takes two: `_` inside a word is none."""
_ENTITY: Final = re.compile(r"&#?[0-9A-Za-z]+;")
_BLOCK: Final = re.compile(r"[#>+=~|*_`-]|[0-9]{1,9}(?=[.)])")
"""What a paragraph may not begin with, lest it be a heading, a list, a quote, a rule, a table or code."""
_HTML: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}


def visible(text: str) -> str:
    r"""Write control and format characters as `\xNN`, `\uNNNN` or `\UNNNNNNNN`."""
    return _HIDDEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def for_terminal(text: str) -> str:
    r"""Make text safe to print; it must then be printed as it is, without markup.

    Example:
        >>> for_terminal("\x1b[31mred")
        '\\x1b[31mred'
    """
    return visible(text)


def for_csv(text: str) -> str:
    """Make text safe for a spreadsheet: what it would run as a formula gets a leading quote, but for numbers and scoped packages.

    Example:
        >>> for_csv("=HYPERLINK(1)"), for_csv("docker")
        ("'=HYPERLINK(1)", 'docker')
    """
    if _HARMLESS.fullmatch(text):
        return text
    shown = visible(text)
    return f"'{shown}" if text[:1] in {"\t", "\r", "\n"} or _FORMULA.match(shown) else shown


def for_markdown(text: str) -> str:
    """Make text safe for a Markdown table: it is shown letter by letter.

    Plain text, as nearly all names, versions and agents are, stays as it is; of what may be markup every sign is escaped, whether it alone
    would need it or not. A bare URL stays one: what some renderers make of it leads where it says.

    Sources: CommonMark 0.31 sections 2.4 and 6.2 (backslash escapes, delimiter runs); GitHub Flavored Markdown 0.29 sections 4.10 and 6.5.
    """
    shown = visible(text)
    if _PLAIN.fullmatch(shown) and len(_DELIMITER.findall(shown)) <= 1 and not _ENTITY.search(shown):
        return shown
    entities = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", entities)


def for_markdown_paragraph(text: str) -> str:
    """Make text safe for a line of its own, which is no heading, list, quote or code whatever it begins with."""
    shown = for_markdown(text.strip(" "))
    first = _BLOCK.match(shown)
    if first is None:
        return shown
    return f"{first[0]}\\{shown[first.end() :]}" if first[0].isdigit() else f"\\{shown}"


def for_html(text: str) -> str:
    """Make text safe for HTML content and quoted attributes."""
    return re.sub(r"[&<>\"']", lambda match: _HTML[match[0]], visible(text))
