"""Look at logs without keeping anything: which format, how sure, which lines fail and where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import polars as pl

from pullstats.enrich.redact import redact_reject
from pullstats.errors import InputError
from pullstats.formats import JSON_SHAPE, REFUSED_SCHEMA, Detection, Detector, LogFormat, drop_like
from pullstats.formats.mismatch import Mismatch, find_mismatch
from pullstats.pipeline.decoder import LogDecoder
from pullstats.pipeline.log_detection import detect_log
from pullstats.pipeline.map_check import find_missing_keys, refuse_missing_keys
from pullstats.sources import SourceFile, expand_paths, open_source, read_blocks

_BLOCK: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Failure:
    """A line that no format reads.

    Attributes:
        line: its 1-based number.
        reason: code, as in `REASONS`.
        text: the line, redacted.
        mismatch: where it departs from the nearest format.
    """

    line: int
    reason: str
    text: str
    mismatch: Mismatch


@dataclass(slots=True)
class LogCheck:
    """What a log looks like.

    Attributes:
        file: its name.
        format: the format that fits best, None if none fits any line.
        wrapper: what it is wrapped in, None for plain lines.
        confidence: share of the sampled lines that the format reads, 0–1.
        lines: lines looked at.
        ignored: of these, lines that are no event by nature.
        reasons: failed lines by reason.
        failures: the first of them.
    """

    file: str
    format: str | None
    wrapper: str | None
    confidence: float
    lines: int = 0
    ignored: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Lines that no format reads."""
        return sum(self.reasons.values())

    def to_json(self) -> dict[str, Any]:
        """Give the keys that scripts rely on."""
        return {
            "file": self.file,
            "format": self.format,
            "wrapper": self.wrapper,
            "confidence": round(self.confidence, 4),
            "lines": self.lines,
            "failed": self.failed,
            "reasons": dict(self.reasons.most_common()),
        }


def check_logs(paths: Sequence[str], candidates: Sequence[LogFormat], max_lines: int, shown: int = 0) -> tuple[list[LogCheck], list[str]]:
    """Look at logs.

    Args:
        paths: files, folders, globs, `-`.
        candidates: formats to try.
        max_lines: lines to read of each log, 0 for all.
        shown: failing lines to describe of each log.

    Returns:
        A check per log; and a note for each thing that was passed over.

    Raises:
        InputError: an argument names nothing that can be read.
    """
    found = expand_paths(paths)
    detector = Detector(candidates)
    checks: list[LogCheck] = []
    for file in found.files:
        try:
            checks.append(_check_log(file, detector, max_lines, shown, found.notes))
        except InputError as error:
            if file.is_named:
                raise
            found.notes.append(str(error))
    return checks, found.notes


def _check_log(file: SourceFile, detector: Detector, max_lines: int, shown: int, notes: list[str]) -> LogCheck:
    with open_source(file) as source:
        log = detect_log(source, detector)
        if file.is_named:
            refuse_missing_keys(file, log, detector)
        if log.detection.best is not None:
            notes += [f"{file.name}: {item.text}" for item in find_missing_keys(log, detector)]
        best = log.detection.best
        check = LogCheck(file.name, log.detection.name, log.wrapper, log.detection.sure)
        for block in read_blocks(source, block_size=_BLOCK, framing=log.framing):
            log = log if best else _unknown_log(block.data, detector.candidates)
            parsed = log.read(block)
            rejects = pl.concat([pl.DataFrame(schema=REFUSED_SCHEMA), *parsed.rejects]).sort("source_line")
            check.reasons += Counter(rejects["reason"].to_list())
            check.failures += _describe(rejects.head(shown - len(check.failures)), check.lines, log)
            check.lines += parsed.lines
            check.ignored += parsed.ignored
            if 0 < max_lines <= check.lines:
                break
    return check


def _unknown_log(data: bytes, candidates: Sequence[LogFormat]) -> LogDecoder:
    """Read a log that no format fits with all that may be meant, so that each line says why; of objects those that read objects say it."""
    sure = [candidate for candidate in candidates if not candidate.is_guess] or list(candidates)
    if data.lstrip().startswith(b"{"):
        sure.sort(key=lambda candidate: [outline.pattern for outline in candidate.reader.outlines] != [JSON_SHAPE])
    return LogDecoder(Detection(drop_like(sure), 0.0, {}))


def _describe(rejects: pl.DataFrame, before: int, log: LogDecoder) -> list[Failure]:
    # A line of a log whose format is known departs from that one, not from the one it happens to fit furthest.
    formats = log.formats[:1] if log.detection.confidence else log.formats
    rows = redact_reject(rejects, "text").select("source_line", "reason", "text").rows()
    return [Failure(before + line, reason, text, find_mismatch(text, formats, reason)) for line, reason, text in rows]
