"""The error for a log that no format reads: what it looks like out of its wrappers, and what to do about it."""

from __future__ import annotations

from pullstats.clock import Clock
from pullstats.errors import InputError
from pullstats.formats import Detector, say_refusal
from pullstats.pipeline.reading import LogReading
from pullstats.sources import MAX_LAYERS, PARQUET, Block, LinesPeeler, find_line_wrapper, take_off


def refuse_log(name: str, log: LogReading, detector: Detector, *, is_chosen: bool) -> InputError:
    """Build the error.

    Args:
        name: of the file.
        log: what was seen of it.
        detector: knows the formats that were tried.
        is_chosen: the user named the format.
    """
    is_table = (log.wrapper or "").startswith(PARQUET.name)
    return say_refusal(name, unwrap(log.sample), log.sample, detector.candidates, is_chosen=is_chosen, is_table=is_table)


def unwrap(sample: bytes) -> bytes:
    """Take off lines what they are wrapped in, as far as that is known."""
    clock = Clock()
    peeled = LinesPeeler((), clock).peel(Block(sample, 0))
    for _ in range(MAX_LAYERS):
        lines = peeled.messages["message"]
        wrapper = find_line_wrapper(lines.filter(lines.str.strip_chars().str.len_bytes() > 0))
        if wrapper is None:
            break
        peeled = take_off(peeled, [wrapper], clock)
    messages = peeled.messages["message"].drop_nulls()
    return "".join(f"{line}\n" for line in messages).encode()
