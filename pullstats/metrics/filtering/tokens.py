"""The pieces of a filter: words, quoted texts and marks, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from pullstats.errors import UsageError
from pullstats.metrics.caret import point_at

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<quoted>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<mark>!=|<=|>=|!~|=|<|>|~|\(|\)|,)|(?P<word>[^\s"'=<>!~(),]+))""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPED: Final = re.compile(r"\\(.)", re.DOTALL)
KEYWORDS: Final = frozenset({"and", "or", "not", "in", "like", "is", "null"})


@dataclass(frozen=True, slots=True)
class Token:
    r"""A piece of a filter and where it stands.

    Attributes:
        text: what it says; of a quoted text, what stands between the quotes with `\"` undone.
        position: index of its first character.
        is_mark: an operator, parenthesis or comma.
        quoted: what stands between its quotes as written, None without quotes.
    """

    text: str
    position: int
    is_mark: bool = False
    quoted: str | None = None

    @property
    def keyword(self) -> str:
        """The word in lower case, empty for marks and quoted texts."""
        return "" if self.is_mark or self.quoted is not None else self.text.lower()

    @property
    def mark(self) -> str:
        """The operator, parenthesis or comma, empty for words and quoted texts."""
        return self.text if self.is_mark else ""


def split_tokens(text: str) -> list[Token]:
    """Cut a filter into its pieces.

    Args:
        text: as written.

    Raises:
        UsageError: a quote that does not end, or a lone `!`.
    """
    tokens: list[Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            start = len(text) - len(text[position:].lstrip())
            reason = f"the {text[start]} that opens here is not closed" if text[start] in "\"'" else "this is not understood; write != for unequal"
            raise filter_error(reason, text, start)
        kind = str(match.lastgroup)
        found = match[kind]
        if kind == "quoted":
            tokens.append(Token(_ESCAPED.sub(r"\1", found[1:-1]), match.start(kind), quoted=found[1:-1]))
        else:
            tokens.append(Token(found, match.start(kind), is_mark=kind == "mark"))
        position = match.end()
    return tokens


def filter_error(reason: str, text: str, position: int) -> UsageError:
    """Build the error of a filter, with a caret under the place.

    Args:
        reason: what is wrong with it.
        text: the filter.
        position: the place, in characters from 0.
    """
    return UsageError(f"--where: {reason}\n{point_at(text, position)}")
