"""What lines of a format look like: a pattern, and before it what asks without one.

A pattern must be compiled, which for all formats takes a twentieth of a second; most of them hold
literals (`" "`, `|`, ` - `) that a log of another format holds nowhere.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

_BLANKS: Final = re.compile("  +")
_FEW: Final = 40


@dataclass(frozen=True)
class Outline:
    """What lines look like, roughly.

    Attributes:
        given: what they match, or what writes it: most formats are known not to be meant before it is.
        literals: texts that they hold one behind the other, where one blank stands for several in both.
    """

    given: str | Callable[[], str]
    literals: tuple[str, ...] = ()

    @cached_property
    def pattern(self) -> str:
        """What lines match."""
        return self.given if isinstance(self.given, str) else self.given()

    @cached_property
    def signs(self) -> Counter[str]:
        """How often a line holds each character of the literals at least, blanks aside."""
        return Counter("".join(self.literals).replace(" ", ""))

    def may_fit(self, line: str) -> bool:
        """Tell whether a line, whose blanks stand alone, holds the literals; one blank may end a literal and begin the next."""
        end = 0
        for literal in self.literals:
            begin = end - 1 if end and literal[0] == " " == line[end - 1] else end
            end = line.find(literal, begin) + len(literal)
            if end < len(literal):
                return False
        return True


def join_outlines(outlines: Sequence[Outline]) -> str:
    """Give the pattern of lines that have one of some outlines."""
    return "|".join(outline.pattern for outline in outlines)


def find_possible(lines: Sequence[str], outlines: Sequence[Outline]) -> list[Outline]:
    """Leave out outlines whose literals no line holds; of many lines a pattern is sooner asked than each of them looked at."""
    texts = [_BLANKS.sub(" ", line) for line in lines]
    whole = "\n".join(texts)
    possible = [outline for outline in outlines if all(literal in whole for literal in outline.literals)]
    most = {sign: max(text.count(sign) for text in texts) for sign in {sign for outline in possible for sign in outline.signs}}
    possible = [outline for outline in possible if all(most[sign] >= count for sign, count in outline.signs.items())]
    return possible if len(texts) > _FEW else [outline for outline in possible if any(map(outline.may_fit, texts))]
