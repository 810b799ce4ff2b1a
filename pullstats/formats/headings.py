"""Logs whose columns a line in them names: the line holds for those behind it, until another takes its place.

To add a kind: an object with the methods of `Headings`, as `headed` of a `LogFormat`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

FormatT_co = TypeVar("FormatT_co", covariant=True)
"""What stands under a heading: a `LogFormat`."""


@dataclass(frozen=True, slots=True)
class Section:
    """A run of lines under one heading.

    Attributes:
        start: where it begins in the piece.
        end: where it ends.
        heading: the line that names its columns, and what else says how to read them; None before the first.
        is_tabbed: the values stand between tabs.
    """

    start: int
    end: int
    heading: str | None
    is_tabbed: bool = False


class Headings(Protocol[FormatT_co]):
    """How the lines that name columns are found, and what they make of a format."""

    def last(self, data: bytes, heading: str | None) -> str | None:
        """Tell which heading holds behind some bytes, given the one before them; None if none does."""

    def split(self, data: bytes, heading: str | None) -> Iterator[Section]:
        """Cut whole lines where their heading changes; one that is repeated changes nothing.

        Args:
            data: whole lines.
            heading: the one that holds for the first of them.
        """

    def under(self, section: Section) -> FormatT_co | None:
        """Give the format of a section's lines; None for the log's own."""

    def cut(self, data: bytes) -> int:
        """Find where the last whole record of some bytes ends that begin with a whole one; 0 if nowhere."""
