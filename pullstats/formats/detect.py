"""Tell a log's format from a sample of its lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import polars as pl

from pullstats.formats.lines import split_text
from pullstats.formats.log_format import IGNORED, MISFIT, SEVERAL, LogFormat, Reader
from pullstats.formats.outlines import find_possible, join_outlines
from pullstats.formats.variables import KEPT, TIMES

_SAMPLE_LINES: Final = 400
_SAMPLE_PARTS: Final = 8
_PART_BYTES: Final = 64 << 10
_LIKE: Final = 40
_VARIABLE: Final = re.compile(r"\$\{?(\w+)")
_ALONE: Final = 0.9
"""Share of the lines from which on a log is held to be in one format."""
_CATCH_ALL: Final = 0.5
"""What a line counts for a format that reads whatever comes: half, so that one known by name goes before it."""


@dataclass(frozen=True, slots=True)
class Detection:
    """What a sample says about a log.

    Attributes:
        formats: the formats to read it with, the best first; empty if none fits any line.
        confidence: share of the sampled lines that the best one reads, 0–1.
        shares: that share for every format tried; empty if there was no line to try them on.
        known: share of the lines that the best one knows to be no request, 0–1.
    """

    formats: tuple[LogFormat, ...]
    confidence: float
    shares: dict[str, float]
    known: float = 0.0

    @property
    def best(self) -> LogFormat | None:
        """The winner."""
        return self.formats[0] if self.formats else None

    @property
    def name(self) -> str | None:
        """The winner's name; None where nothing won, or nothing was there to read."""
        return self.best.name if self.best is not None and self.shares else None

    @property
    def sure(self) -> float:
        """How sure the winner is: the share that it reads of those lines that it does not know to be none, 0–1."""
        return round(self.confidence / (1 - self.known), 9) if self.known < 1 else 0.0


class Detector:
    """Tells the formats of many logs: those of one folder mostly look alike, which is quickly seen."""

    def __init__(self, candidates: Sequence[LogFormat]) -> None:
        """Know nothing yet.

        Args:
            candidates: formats to try.
        """
        self.candidates = tuple(candidates)
        self._last: _Likeness | None = None

    def detect(self, data: bytes, *, has_time: bool = False) -> Detection:
        """Score every candidate on lines spread over a block.

        Args:
            data: whole lines, the beginning of a log.
            has_time: every line has a time from elsewhere.

        Returns:
            The candidates that read at least one sampled line, best first (ties go to the format
            that names more), followed by the others: an odd line may still be theirs.
        """
        lines, _ = split_text(sample_lines(data))
        lines = lines.filter(lines.str.strip_chars().str.len_bytes() > 0)
        if not lines.len():
            return Detection((), 0.0, {})
        if self._last is not None and self._last.holds(lines, has_time=has_time):
            return self._last.detection
        detection = _rank(lines, self.candidates, has_time=has_time)
        if detection.confidence == 1.0 and detection.best is not None and not (detection.best.is_catch_all or detection.best.is_lone):
            self._last = _Likeness(detection, self.candidates, lines, has_time=has_time)
        return detection


class _Likeness:
    """What the lines of a log whose format is known look like to the formats that could be meant as well."""

    def __init__(self, detection: Detection, candidates: Sequence[LogFormat], lines: pl.Series, *, has_time: bool) -> None:
        self.detection = detection
        self._has_time = has_time
        self._best = detection.formats[0]
        self._candidates = candidates
        self._lines = lines

    @cached_property
    def _looks(self) -> list[pl.Expr]:
        """What to ask of lines; there is nothing to ask before a second log."""
        samples = pl.Series([candidate.sample for candidate in self._candidates])
        takes = samples.str.contains(join_outlines(self._best.reader.outlines))
        own = pl.Series("line", [*self._lines.head(_LIKE), self._best.sample])
        rivals = [
            candidate
            for candidate, taken in zip(self._candidates, takes, strict=True)
            if candidate.reader is not self._best.reader and (taken or own.str.contains(join_outlines(candidate.reader.outlines)).any())
        ]
        line = pl.col("line")
        shapes = list(dict.fromkeys([join_outlines(self._best.reader.outlines), *(join_outlines(rival.reader.outlines) for rival in rivals)]))
        signs = [candidate.sign for candidate in self._candidates if candidate.sign]
        return [
            *(line.str.contains(shape).all().alias(f"all{index}") for index, shape in enumerate(shapes)),
            *(line.str.contains(shape).any().alias(f"any{index}") for index, shape in enumerate(shapes[1:])),
            *(line.str.contains(sign).any().alias(f"sign{index}") for index, sign in enumerate(signs)),
        ]

    @cached_property
    def _flags(self) -> tuple[bool, ...]:
        return self._look(self._lines)

    def _look(self, lines: pl.Series) -> tuple[bool, ...]:
        return lines.to_frame("line").select(self._looks).row(0)

    def holds(self, lines: pl.Series, *, has_time: bool) -> bool:
        """Tell whether other lines look the same: each fits the format, and the rest of what was seen is equal, too.

        What they look like says little of their values, and nothing of the keys of an object: some are read as well.
        """
        if self._has_time != has_time or not self._flags[0] or self._look(lines) != self._flags:
            return False
        some = lines.gather_every(max(lines.len() // _LIKE, 1))
        return self._best.judge(some, has_time=has_time).null_count() == some.len()


def detect_format(data: bytes, candidates: Sequence[LogFormat], *, has_time: bool = False) -> Detection:
    """Tell the format of one log; see `Detector.detect`."""
    return Detector(candidates).detect(data, has_time=has_time)


def _rank(lines: pl.Series, candidates: Sequence[LogFormat], *, has_time: bool) -> Detection:
    judged = _judge(lines, candidates, has_time=has_time)
    shares = {name: reasons.null_count() / lines.len() for name, reasons in judged.items()}
    ignored = {id(reasons): int((reasons == IGNORED).sum()) for reasons in {id(reasons): reasons for reasons in judged.values()}.values()}
    known = {name: ignored[id(reasons)] for name, reasons in judged.items()}
    # A format that knows the other lines of the log goes before one that only knows its requests; one that knows that these tell of
    # the same requests as its own (distribution's access lines and messages) before any that would count both.
    signs = dict.fromkeys(candidate.sign for candidate in candidates if candidate.sign)
    shown = {
        column.name for column in lines.to_frame("line").select(pl.col("line").str.contains(sign).any().alias(sign) for sign in signs) if column[0]
    }
    signed = {candidate.name: candidate.sign in shown for candidate in candidates}

    def order(candidate: LogFormat) -> tuple[bool, bool, float, int, bool, int, str]:
        name = candidate.name
        share = shares[name] * (_CATCH_ALL if candidate.is_catch_all else 1)
        is_whole = bool(share) and not candidate.is_catch_all and known[name] + judged[name].null_count() == lines.len()
        leads = candidate.leads and signed[name] and share > 0
        return not leads, not is_whole, -share, -known[name], not signed[name], -candidate.rank, name

    ranked = sorted(candidates, key=order)
    best = shares[ranked[0].name]
    if not best and ranked[0].bind is not None and known[ranked[0].name] == lines.len():
        return Detection((ranked[0],), best, shares)  # a header that has no rows yet
    if not best:
        return Detection((), best, shares)
    return Detection(_agreeing(drop_like(ranked), judged), best, shares, known[ranked[0].name] / lines.len())


def _agreeing(ranked: Sequence[LogFormat], judged: Mapping[str, pl.Series]) -> tuple[LogFormat, ...]:
    """Leave the formats that may read single lines of a log: not those that guess, nor those that mean another thing by the place of a value.

    A format that contradicts the best one is left where that one does not read nearly all, or where several lines show that the log holds both.
    """
    best = ranked[0]
    is_alone = judged[best.name].null_count() >= _ALONE * judged[best.name].len()

    def is_shown(other: LogFormat) -> bool:
        return int((judged[other.name].is_null() & judged[best.name].is_not_null()).sum()) >= SEVERAL

    others = [
        other for other in ranked[1:] if not (other.is_guess or other.is_lone) and (not is_alone or not _contradicts(best, other) or is_shown(other))
    ]
    return (best, *others)


def _contradicts(one: LogFormat, other: LogFormat) -> bool:
    """Tell whether two formats begin alike, up to the time, and then hold different values in one place."""
    mine, theirs = _places(one), _places(other)
    times = [index for index, name in enumerate(mine) if name in TIMES]
    if not times or mine[: times[0] + 1] != theirs[: times[0] + 1]:
        return False
    pairs = zip(mine[times[0] :], theirs[times[0] :], strict=False)
    return any(left != right and left in KEPT and right in KEPT for left, right in pairs)


def _places(log_format: LogFormat) -> tuple[str, ...]:
    """Name what stands between the blanks of a format, empty where it is a literal; nothing for formats that go by names."""
    compiled = getattr(log_format.reader, "compiled", None)
    return () if compiled is None else _places_of(compiled.text)


@lru_cache(maxsize=256)
def _places_of(text: str) -> tuple[str, ...]:
    found = [_VARIABLE.search(word) for word in text.split(" ")]
    return tuple(match[1] if match and match[1] != "ident" else "" for match in found)


def drop_like(formats: Sequence[LogFormat]) -> tuple[LogFormat, ...]:
    """Leave one of the formats that read alike: the first."""
    by_reader: dict[int, LogFormat] = {}
    for candidate in formats:
        by_reader.setdefault(id(candidate.reader), candidate)
    return tuple(by_reader.values())


def _judge(lines: pl.Series, candidates: Sequence[LogFormat], *, has_time: bool) -> dict[str, pl.Series]:
    """Ask every candidate for its reasons: those that read alike once, those whose shape no line has not at all."""
    readers = {id(candidate.reader): candidate.reader for candidate in candidates}
    fitting = _find_fitting(lines, readers)
    misfit = pl.Series([MISFIT], dtype=pl.String).new_from_index(0, lines.len())
    by_reader: dict[int, pl.Series] = {}
    for candidate in candidates:
        key = id(candidate.reader)
        if key not in by_reader:
            by_reader[key] = candidate.judge(lines, has_time=has_time) if key in fitting else misfit
    return {candidate.name: by_reader[id(candidate.reader)] for candidate in candidates}


def _find_fitting(lines: pl.Series, readers: Mapping[int, Reader]) -> set[int]:
    """Name the readers of which a line has an outline; patterns are compiled only of those whose literals a line holds."""
    outlines = list(dict.fromkeys(outline for reader in readers.values() for outline in reader.outlines))
    possible = frozenset(find_possible(lines.to_list(), outlines))
    asked = dict.fromkeys(outline.pattern for outline in outlines if outline in possible)
    found = lines.to_frame("line").select(pl.col("line").str.contains(pattern).any().alias(pattern) for pattern in asked)
    fitting = {column.name for column in found if column[0]}
    return {key for key, reader in readers.items() if any(outline in possible and outline.pattern in fitting for outline in reader.outlines)}


def sample_lines(data: bytes) -> bytes:
    """Take up to 400 whole lines, spread over a block."""
    step = max(len(data) // _SAMPLE_PARTS, 1)
    wanted = _SAMPLE_LINES // _SAMPLE_PARTS
    parts: list[bytes] = []
    end = 0
    for start in range(0, len(data), step):
        begin = max(end, start if start == 0 else data.find(b"\n", start) + 1)
        if start and not begin:
            break
        lines = data[begin : begin + _PART_BYTES].splitlines(keepends=True)[: wanted + 1]
        whole = [line for line in lines if line.endswith(b"\n")][:wanted] or (lines if begin + _PART_BYTES >= len(data) else [])
        parts += whole
        end = begin + sum(map(len, whole))
    return b"".join(parts)
