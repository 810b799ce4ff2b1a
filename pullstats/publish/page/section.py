"""What a section of the page is: questions, each drawn as a figure with its table, its command and its notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pullstats.metrics import Query
from pullstats.metrics.question import Question
from pullstats.publish.page.commands import write_command
from pullstats.publish.page.markup import draw_notes, draw_table, paragraph
from pullstats.publish.period import write_sentence
from pullstats.render.sanitise import for_html
from pullstats.reports import MOVED, Report

Reports = Mapping[str, Report]
OPEN_ROWS: Final = 24
"""Rows up to which a table is shown without being asked for."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One question and how it is shown.

    Attributes:
        name: of the question among all of the page.
        title: heading, and caption of the table.
        ask: makes the question of what the page asks.
        command: what of `pullstats` prints the same numbers.
        lead: a sentence on how to read it.
        has_headline: whether the report's headline stands above the table.
    """

    name: str
    title: str
    ask: Callable[[Query], Question]
    command: str
    lead: str = ""
    has_headline: bool = False

    def draw(self, query: Query, reports: Reports, said: frozenset[str]) -> str:
        """Draw the figure.

        Args:
            query: what the page asks.
            reports: all answers by name.
            said: warnings and footers that the page gives elsewhere.
        """
        report = reports[self.name]
        table = draw_table(report, self.title)
        if report.frame.height > OPEN_ROWS:
            table = f"<details><summary>Table: {report.frame.height:,} rows</summary>{table}</details>"
        headline = paragraph(write_sentence(report.headline), "headline") if self.has_headline and report.frame.height else ""
        notes = [text for text in map(str, report.meta.get("warnings", ())) if text not in said and not text.endswith(MOVED)]
        asked = self.ask(query).query
        command = write_command(self.command, replace(asked, every=report.meta.get("every", asked.every)))
        footer = f"{for_html(report.footer)} · " if report.footer not in said else ""
        source = f"<p class=source>{footer}<code>{for_html(command)}</code></p>" if report.footer else ""
        return f'<div class=figure><h3 id="{self.name}">{for_html(self.title)}</h3>{paragraph(self.lead)}{headline}{table}{draw_notes(notes)}{source}</div>'


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        key: id of its element.
        title: heading.
        figures: what it asks and shows, in order.
        before: draws what stands before the figures, of all answers.
        unseen: questions that `before` alone shows, by name.
    """

    key: str
    title: str
    figures: tuple[Figure, ...] = ()
    before: Callable[[Reports], str] = lambda _: ""
    unseen: Mapping[str, Callable[[Query], Question]] = field(default_factory=dict)

    def ask(self, query: Query) -> dict[str, Question]:
        """Give the questions of the section by name."""
        return {figure.name: figure.ask(query) for figure in self.figures} | {name: ask(query) for name, ask in self.unseen.items()}

    def draw(self, query: Query, reports: Reports, said: frozenset[str]) -> str:
        """Draw the section; see `Figure.draw`."""
        figures = "".join(figure.draw(query, reports, said) for figure in self.figures)
        return f'<section id="{self.key}" aria-labelledby="{self.key}-head"><h2 id="{self.key}-head">{for_html(self.title)}</h2>{self.before(reports)}{figures}</section>'
