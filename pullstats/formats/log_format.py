"""A log format: what reads its lines, and how its logs are told from others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from pullstats.clock import Clock
from pullstats.escaping import Escaping
from pullstats.formats.headings import Headings
from pullstats.formats.outlines import Outline
from pullstats.formats.sense import AMBIGUOUS, REQUEST, find_doubtful, find_nonsense
from pullstats.formats.shaping import read_statuses, read_times

LENGTH: Final = "line_length"
MISFIT: Final = "format"
"""Reason of a line that does not fit."""
DIRECTIVE: Final = "^#[Ff]ields:"
"""A line that names the columns of those behind it."""
SEVERAL: Final = 2
"""Lines in which a guess must make sense."""
IGNORED: Final = "ignored"
"""Reason of a line that is no event by nature, such as a server's own message in the same log."""


class Reader(Protocol):
    """How a format takes lines apart."""

    escaping: Escaping
    has_fast: bool

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """What lines look like that are read or known: cheaper than reading them."""

    def read_fast(self, data: bytes) -> pl.DataFrame | None:
        """Read whole lines: a row each, raw text columns and `line_length` (bytes with newline).

        A row may carry the `reason` `IGNORED`. None if the piece needs the safe way.
        """

    def read_safe(self, lines: pl.Series) -> pl.DataFrame:
        """Read lines of text: a row each, raw text columns, and `reason` where a line does not fit."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A key that the user named and no line that was looked at has.

    Attributes:
        needle: bytes that a line with it holds; none where the lines that were looked at tell for all.
        text: a sentence that says so.
    """

    needle: bytes
    text: str


@dataclass(frozen=True, slots=True)
class LogFormat:
    """A log format.

    Attributes:
        name: as `--input-format` takes it.
        help: what writes it, in a few words.
        doc_url: the vendor's page.
        sample: one real line.
        reader: takes lines apart.
        rank: of formats that fit a line equally well the highest names the most.
        sign: pattern of what shows in lines of this format, and not in those of others that fit equally well.
        leads: where its sign shows it goes before all others: it knows which of the lines that these would read tell of the same requests.
        is_catch_all: it reads lines of formats that are not known by name, and less of them than these would.
        headed: finds the lines of the log that name its columns (`#Fields:`, a table's header); None if there are none.
        caution: what its lines cannot tell, in a sentence; None if they tell what is needed.
        is_guess: nothing in a line says what its columns are but their place: it takes several lines in which all makes sense.
        proof: pattern of lines that cannot mean anything else; the others are believed where most of the log's lines are such
            (or any, see `proof_share`). None if every line that fits is believed.
        proof_share: share of the lines that must be proven.
        bind: gives the format for one log from a sample of its lines, where that depends on what they hold; None if it does not.
        is_lone: it reads no single lines of logs in other formats, and what it made of one log says nothing of the next.
        check: finds what the user named and a sample of lines lacks, given the format that fits it, if one does; None if nothing needs it.
    """

    name: str
    help: str
    doc_url: str
    sample: str
    reader: Reader
    rank: int = 0
    sign: str | None = None
    is_catch_all: bool = False
    headed: Headings[LogFormat] | None = None
    caution: str | None = None
    is_guess: bool = False
    proof: str | None = None
    proof_share: float = 0.5
    bind: Callable[[bytes], LogFormat] | None = None
    is_lone: bool = False
    check: Callable[[LogFormat | None, bytes], Sequence[Missing]] | None = None
    leads: bool = False

    def judge(self, lines: pl.Series, *, has_time: bool = False) -> pl.Series:
        """Say per line why the format does not read it, null where it does.

        Args:
            lines: texts.
            has_time: every line has a time from elsewhere, so it needs none of its own.
        """
        raw = self.reader.read_safe(lines)
        statuses = read_statuses(raw)
        is_guess = self.is_guess and not lines.str.contains(DIRECTIVE).any()
        reasons = add_nonsense(raw, statuses, is_guess=is_guess)
        late = pl.lit(read_times(raw, Clock()).is_null()) & pl.lit(not has_time)
        doubtful = pl.lit(find_doubtful(raw, statuses))
        found = pl.when(pl.lit(reasons).is_not_null()).then(pl.lit(reasons)).when(late).then(pl.lit("time")).when(doubtful).then(pl.lit(REQUEST))
        reasons = raw.select(found.alias("reason")).to_series()
        if is_guess and reasons.null_count() < SEVERAL:
            return reasons.fill_null(MISFIT)
        return self._believe(lines, reasons)

    def _believe(self, lines: pl.Series, reasons: pl.Series) -> pl.Series:
        """Take back what was read in lines of which too few prove what they mean."""
        is_read = reasons.is_null()
        count = int(is_read.sum())
        if self.proof is None or not count:
            return reasons
        proven = int((is_read & lines.str.contains(self.proof)).sum())
        return reasons if proven and proven >= self.proof_share * count else reasons.fill_null(AMBIGUOUS)


def add_nonsense(raw: pl.DataFrame, statuses: pl.Series, *, is_guess: bool) -> pl.Series:
    """Give the reasons of raw rows, and those of values that make no sense."""
    nonsense = find_nonsense(raw, statuses, is_guess=is_guess)
    return raw["reason"] if nonsense is None else raw["reason"].zip_with(raw["reason"].is_not_null(), nonsense)
