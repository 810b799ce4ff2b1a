"""What a text must hold for a regular expression to match it: patterns by the thousand are passed over without being compiled.

Only what is certain counts: of a construct that is not understood nothing is required.
Source: https://docs.python.org/3/library/re.html#regular-expression-syntax
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

_TOKEN: Final = re.compile(
    r"(?P<text>[^\\\[\](){}|*+?.^$]+)"
    r"|\\(?P<escaped>[^0-9A-Za-z])"
    r"|(?P<repeat>[*+?]|\{[0-9]*,?[0-9]*\})[?+]?"
    r"|(?P<open>\((?:\?:|\?P<\w+>|\?(?:<?[=!]))?)"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<other>\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.)",
    re.DOTALL,
)
_FLAGS: Final = re.compile(r"\(\?[^:P=!<]|\(\?P[^<]")

_PLAIN_GROUPS: Final = frozenset({"(", "(?:"})

Texts = tuple[str, ...]
"""Texts of which one must be there; none if nothing is known."""


@dataclass(slots=True)
class _Level:
    """A group that is being read: the run of plain characters that may go on, the best texts so far, those of the branches before."""

    is_counted: bool = True
    run: str = ""
    best: Texts = ()
    branches: list[Texts] = field(default_factory=list)

    def offer(self, texts: Texts) -> None:
        if texts and (not self.best or min(map(len, texts)) > min(map(len, self.best))):
            self.best = texts

    def end_run(self) -> None:
        if self.run:
            self.offer((self.run,))
            self.run = ""

    def end_repeated(self, repeat: str, closed: Texts) -> Texts:
        """End a run whose last character, or a group before it that requires texts, may be absent or come again."""
        if repeat[0] == "+" or (repeat[0] == "{" and repeat[1] not in "0,}"):
            self.offer(closed)
        else:
            self.run = self.run[:-1]
        self.end_run()
        return ()

    def end_branch(self) -> None:
        self.end_run()
        self.branches.append(self.best)
        self.best = ()

    def texts(self) -> Texts:
        self.end_branch()
        is_certain = self.is_counted and all(self.branches)
        return tuple(dict.fromkeys(text for branch in self.branches for text in branch)) if is_certain else ()


def find_required_texts(pattern: str) -> tuple[str, ...]:
    """Give texts of which a match of a regular expression holds one at least; none if nothing is certain.

    Args:
        pattern: as Python writes it, without flags, or to be compared with letters of one case.

    Example:
        >>> find_required_texts("(?:Mobile )?(Opera|Presto)[ /][0-9]+"), find_required_texts("[0-9]+")
        (('Opera', 'Presto'), ())
    """
    if _FLAGS.search(pattern):
        return ()
    levels = [_Level()]
    closed: Texts = ()  # What the group that was just closed requires, until it is known whether it may be absent.
    for token in _TOKEN.finditer(pattern):
        level = levels[-1]
        kind = token.lastgroup
        if kind == "repeat":
            closed = level.end_repeated(token[0], closed)
            continue
        if closed:
            level.offer(closed)
            closed = ()
        if kind == "text" or kind == "escaped":  # noqa: PLR1714 - a set costs more
            level.run += token[kind]
        elif kind == "bar":
            level.end_branch()
        else:
            level.end_run()
            if kind == "open":
                levels.append(_Level(is_counted=token[0] in _PLAIN_GROUPS or token[0].startswith("(?P<")))
            elif kind == "close" and len(levels) > 1:
                closed = levels.pop().texts()
    levels[-1].offer(closed)
    return levels[-1].texts() if len(levels) == 1 else ()
