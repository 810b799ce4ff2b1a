"""Tell how a log is to be read: as it is, or out of its wrappers, whichever gives more lines that a format fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import polars as pl

from pullstats.clock import Clock
from pullstats.formats import (
    Detection,
    Detector,
)
from pullstats.pipeline.decoder import LogDecoder
from pullstats.sources import (
    MAX_LAYERS,
    PARQUET,
    WRAPPERS,
    Block,
    LinesUnwrapper,
    LineWrapper,
    Source,
    Unwrapped,
    Unwrapper,
    Wrapper,
    find_answer,
    find_line_wrapper,
    find_wrapper,
    take_off,
)
from pullstats.sources.sampling import take_sample
from pullstats.sources.streams import HEAD_LENGTH

_BEGINNING: Final = 1 << 14
"""Bytes in which a wrapper shows."""
_LOOK_FURTHER: Final = 8 << 20
"""Bytes to look at where a wrapper's first event does not end in the usual number."""


def detect_log(source: Source, detector: Detector, zone: str = "UTC") -> LogDecoder:
    """Tell how to read a log: as it is, or out of its wrappers, whichever gives more lines a format fits.

    Args:
        source: the log, standing at its start; it is not moved.
        detector: tells formats, of this log and others.
        zone: IANA name of the zone of times that name none.
    """
    log = _bind(_detect_lines(source, detector, zone))
    if source.codec is None or source.codec.name != PARQUET.name:
        return log
    return replace(log, wrapper=PARQUET.name if log.wrapper is None else f"{PARQUET.name}+{log.wrapper}")


def _bind(log: LogDecoder) -> LogDecoder:
    """Give a format that depends on what a log holds for this very log."""
    best = log.detection.best
    if best is None or best.bind is None:
        return log
    return replace(log, detection=replace(log.detection, formats=(replace(best.bind(log.sample), check=best.check), *log.formats[1:])))


def _detect_lines(source: Source, detector: Detector, zone: str) -> LogDecoder:
    best = _detect_usual(source, detector, zone)
    answer = find_answer(source.peek(HEAD_LENGTH), source.file.name) if best.detection.confidence < 1.0 else None
    return best if answer is None else _detect_within(source, answer, detector, best) or best


def _detect_usual(source: Source, detector: Detector, zone: str) -> LogDecoder:
    clock = Clock(zone, source.written)
    sample = take_sample(source)
    plain = LogDecoder(detector.detect(sample), sample=sample, clock=clock)
    envelope = _find_envelope(sample)
    # A CRI line whose time has milliseconds begins as a line of a CloudWatch export does.
    found = None if envelope is not None and envelope.parts else find_wrapper(source.peek(HEAD_LENGTH), source.file.name)
    if found is not None:
        wrapper, unwrapper = found
        log = _detect_within(source, found, detector, plain)
        if log is not None:
            return log
        if plain.detection.best is None and not _unwrap_head(source, unwrapper, _LOOK_FURTHER).refused.height:
            return LogDecoder(Detection(detector.candidates, 0.0, {}), wrapper.name, unwrapper, sample or b"\n", clock)
    if not sample or (plain.detection.confidence == 1.0 and envelope is None):
        return plain
    return _unwrap_lines(plain, LinesUnwrapper((), clock).unwrap(Block(sample, 0)), detector, [], None)


def _detect_within(source: Source, found: tuple[Wrapper, Unwrapper], detector: Detector, other: LogDecoder) -> LogDecoder | None:
    """Tell how to read what a service wrapped, unless another reading fits more lines; None if there is nothing in it."""
    wrapper, unwrapper = found
    unwrapped = _unwrap_head(source, unwrapper, HEAD_LENGTH)
    if unwrapped.messages.is_empty():
        unwrapped = _unwrap_head(source, unwrapper, _LOOK_FURTHER)
    if unwrapped.messages.is_empty():
        return None
    names = [wrapper.name]
    return _unwrap_lines(_detect_in(unwrapped, detector, names, unwrapper, other.clock, other), unwrapped, detector, names, unwrapper)


def _find_envelope(sample: bytes) -> LineWrapper | None:
    """Find what the first lines are wrapped in as no server writes them, though a format may fit the whole of them."""
    lines = pl.Series(sample[:_BEGINNING].decode("utf-8", "replace").split("\n")[:-1], dtype=pl.String)
    return find_line_wrapper(lines.filter(lines.str.strip_chars().str.len_bytes() > 0), is_sure=True)


def _unwrap_lines(best: LogDecoder, unwrapped: Unwrapped, detector: Detector, names: list[str], outer: Unwrapper | None) -> LogDecoder:
    """Take wrappers off sampled lines as long as there are any; give what a format fits best."""
    clock = best.clock
    chain: list[LineWrapper] = []
    for _ in range(MAX_LAYERS):
        lines = unwrapped.messages["message"]
        wrapper = find_line_wrapper(lines.filter(lines.str.strip_chars().str.len_bytes() > 0))
        if wrapper is None:
            break
        chain.append(wrapper)
        unwrapped = take_off(unwrapped, [wrapper], Clock(clock.zone, clock.written))
        best = _detect_in(unwrapped, detector, [*names, *(layer.name for layer in chain)], LinesUnwrapper(tuple(chain), clock, outer), clock, best)
        if unwrapped.messages["message"].equals(lines):
            break  # what is left of these lines is they themselves, and would be so again
    return best


def _detect_in(unwrapped: Unwrapped, detector: Detector, names: list[str], unwrapper: Unwrapper, clock: Clock, other: LogDecoder) -> LogDecoder:
    """Tell the format of a wrapper's messages; another reading of the log stays if it fits more lines."""
    lines = "".join(f"{line}\n" for line in unwrapped.messages["message"]).encode()
    inner = detector.detect(lines, has_time=unwrapped.messages["envelope_time"].null_count() == 0)
    # Where both fit, the bare line is meant; but no server writes a service's documents, a runtime's envelope or colours by itself.
    if inner.confidence < other.detection.confidence or (inner.confidence == other.detection.confidence and not _is_sure(names[-1])):
        return other
    if inner.best is None:
        return LogDecoder(inner, sample=lines, clock=clock)
    return LogDecoder(inner, "+".join(names), unwrapper, lines, clock)


def _is_sure(name: str) -> bool:
    wrapper = WRAPPERS[name]
    return not isinstance(wrapper, LineWrapper) or wrapper.is_sure


def _unwrap_head(source: Source, unwrapper: Unwrapper, count: int) -> Unwrapped:
    """Unwrap the whole records among a log's first bytes."""
    head = source.peek(count)
    cut = len(head) if len(head) < count else unwrapper.framing.last_cut(head) or len(head)
    return unwrapper.unwrap(Block(head[:cut], 0))
