"""Cut lines at the one literal that stands between all values of their format, without a pattern."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from pullstats.formats.log_format import LENGTH
from pullstats.formats.template import Slot
from pullstats.formats.templates import CompiledFormat
from pullstats.formats.variables import FREE, REST, WORD

_ANY_WORD: Final = (FREE, WORD)
"""Patterns that every word fits."""
_OTHER_BLANK: Final = r"[^\S ]"


@dataclass(frozen=True, slots=True)
class Joint:
    """One literal between all values of a format: lines are cut there, without a pattern.

    A blank may stand in a value, too: where a line holds as many as its format, none does.

    Attributes:
        text: the literal: a tab, a blank, or `","` around which every value is quoted.
        edge: what stands before the first value, and behind the last.
        names: the slots; of a name that is there twice the first counts.
        kept: those of them that are wanted.
        has_rest: behind the last but one, anything may follow.
        patterns: what values must look like, by place, where a blank stands between them and not any word will do.
    """

    text: str
    edge: str
    names: tuple[str, ...]
    kept: tuple[str, ...]
    has_rest: bool
    patterns: Mapping[int, str] = field(default_factory=dict)

    def split(self, lines: pl.Series) -> pl.DataFrame | None:
        """Cut lines into the kept columns and `line_length`; None if one of them may mean another thing."""
        line, count = pl.col("line"), len(self.names) - 1
        joints = line.str.count_matches(self.text, literal=True)
        checks = [(joints >= count).all() if self.has_rest else (joints == count).all()]
        if self.edge:
            checks += [line.str.starts_with(self.edge).all(), line.str.ends_with(self.edge).all()]
            checks.append((line.str.count_matches(self.edge, literal=True) == 2 * len(self.names)).all())
        frame = lines.to_frame("line")
        if not frame.select(pl.all_horizontal(checks)).item():
            return None
        if self.text == " " and lines.str.contains(_OTHER_BLANK).any():
            return None
        inner = line.str.slice(1).str.head(-1) if self.edge else line
        cut = frame.select(inner.str.splitn(self.text, count + 1).alias("cut"), (line.str.len_bytes() + 1).alias(LENGTH))
        words = [pl.col("cut").struct[place].str.contains(f"^(?:{pattern})$").all() for place, pattern in self.patterns.items()]
        if words and not cut.select(pl.all_horizontal(words)).item():
            return None
        fields = [pl.col("cut").struct[self.names.index(name)].alias(name) for name in self.kept]
        return cut.select(*fields, LENGTH)


def find_joint(compiled: CompiledFormat) -> Joint | None:
    """Tell whether one literal stands between all values of a format, and what is quoted is quoted by doubling; None if not."""
    parts = compiled.template.parts
    names = tuple(part.name for part in parts if isinstance(part, Slot))
    literals = [part for part in parts if isinstance(part, str)]
    is_quoted = compiled.escaping == "doubled" and literals[:1] == ['"'] == literals[-1:]
    between = set(literals[1:-1] if is_quoted else literals)
    if compiled.values or between not in ([{'","'}] if is_quoted else [{"\t"}, {" "}]) or len(names) != len(literals) + (-1 if is_quoted else 1):
        return None
    text = between.pop()
    if text != " ":
        return Joint(text, '"' if is_quoted else "", names, compiled.variables, names[-1] == REST)
    patterns = {place: slot.pattern for place, slot in enumerate(compiled.template.slots) if slot.pattern not in _ANY_WORD}
    return None if names[-1] == REST else Joint(text, "", names, compiled.variables, has_rest=False, patterns=patterns)
