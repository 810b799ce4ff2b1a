"""Hold logs to the keys that a user named: one that occurs nowhere is misspelt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pullstats.errors import InputError
from pullstats.formats import Detector, Missing
from pullstats.pipeline.decoder import LogDecoder
from pullstats.sources import SourceFile, open_source

_CHUNK: Final = 4 << 20


def find_missing_keys(log: LogDecoder, detector: Detector) -> Sequence[Missing]:
    """Find the keys that no sampled line of a log has, if its format goes by them."""
    best = log.detection.best
    formats = detector.candidates if best is None else (best,)
    checks = [item.check for item in formats if item.check is not None]
    return checks[0](best, log.sample) if checks and log.sample else []


def refuse_missing_keys(file: SourceFile, log: LogDecoder, detector: Detector) -> None:
    """Refuse a log in which a key occurs nowhere: what a sample lacks is looked for in all of it.

    Raises:
        InputError: with the nearest key that the log has.
    """
    missing = list(find_missing_keys(log, detector))
    if not missing or file.path is None or not file.path.is_file():
        return
    if not all(item.needle for item in missing):
        raise InputError(next(item.text for item in missing if not item.needle))
    overlap = max(len(item.needle) for item in missing)
    with open_source(file) as source:
        before = b""
        while missing and (chunk := source.read(_CHUNK)):
            missing = [item for item in missing if item.needle not in before + chunk]
            before = chunk[-overlap:]
    if missing:
        raise InputError(missing[0].text)
