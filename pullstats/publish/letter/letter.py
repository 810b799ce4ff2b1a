"""What a letter is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pullstats.render.cells import format_cell
from pullstats.reports import Column, Report


@dataclass(frozen=True, slots=True)
class Table:
    """Some columns of a report.

    Attributes:
        report: the report.
        columns: those that are shown, in order.
    """

    report: Report
    columns: tuple[Column, ...]

    @property
    def rows(self) -> list[list[str]]:
        """The values as people read them; texts of logs harmless to a terminal and to nothing else."""
        frame = self.report.frame.select(column.name for column in self.columns)
        return [[format_cell(value, column) for value, column in zip(row, self.columns, strict=True)] for row in frame.rows()]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a letter.

    Attributes:
        heading: what stands over it; none over the first.
        sentences: texts; what comes from logs is in them as it came.
        command: what prints the report that its numbers are of; empty where there is none.
        table: a table, or none.
    """

    heading: str
    sentences: Sequence[str]
    command: str
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter.

    Attributes:
        title: its title, any text.
        sections: its parts.
        is_empty: no request lay in its window.
    """

    title: str
    sections: Sequence[Section]
    is_empty: bool = False


def choose_columns(report: Report, *names: str) -> Table | None:
    """Make a table of some columns of a report, in this order; None where it has no rows.

    Args:
        report: the report.
        names: of columns; the report need not have all.
    """
    known = {column.name: column for column in report.columns}
    return Table(report, tuple(known[name] for name in names if name in known)) if report.frame.height else None
