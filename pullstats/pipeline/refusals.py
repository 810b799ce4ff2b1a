"""The error for a log that no format reads: what it looks like out of its wrappers, and what to do about it."""

from __future__ import annotations

import re
from typing import Final

from pullstats.clock import Clock
from pullstats.errors import InputError
from pullstats.formats import Detector
from pullstats.pipeline.decoder import LogDecoder
from pullstats.sources import MAX_LAYERS, PARQUET, Block, LinesUnwrapper, find_line_wrapper, take_off


def refuse_log(name: str, log: LogDecoder, detector: Detector, *, is_chosen: bool) -> InputError:
    """Build the error.

    Args:
        name: of the file.
        log: what was seen of it.
        detector: knows the formats that were tried.
        is_chosen: the user named the format.
    """
    from pullstats.formats.advice import say_refusal  # noqa: PLC0415 - most logs are read

    is_table = (log.wrapper or "").startswith(PARQUET.name)
    return say_refusal(name, unwrap(log.sample), log.sample, detector.candidates, is_chosen=is_chosen, is_table=is_table)


_COUNTED: Final = re.compile(rb"[1-9][0-9]{0,5} <[0-9]{1,3}>")
"""How a message begins whose length stands in front of it (RFC 6587 3.4.1, octet counting)."""


def say_waiting(head: bytes, most: int) -> str:
    """Say what waits in a log that holds no whole line yet.

    Args:
        head: its first bytes, decompressed.
        most: bytes that were looked at, at most.
    """
    if not head:
        return "no whole line in it yet; passed over"
    count = f"{len(head):,} bytes" if len(head) < most else f"more than {most:,} bytes"
    if _COUNTED.match(head):
        return f"no whole message in it yet; {count} wait for its end (syslog by octet counting); passed over"
    return f"no whole line in it yet; {count} wait for a newline at their end; passed over"


def unwrap(sample: bytes) -> bytes:
    """Take off lines what they are wrapped in, as far as that is known."""
    clock = Clock()
    unwrapped = LinesUnwrapper((), clock).unwrap(Block(sample, 0))
    for _ in range(MAX_LAYERS):
        lines = unwrapped.messages["message"]
        wrapper = find_line_wrapper(lines.filter(lines.str.strip_chars().str.len_bytes() > 0))
        if wrapper is None:
            break
        unwrapped = take_off(unwrapped, [wrapper], clock)
    messages = unwrapped.messages["message"].drop_nulls()
    return "".join(f"{line}\n" for line in messages).encode()
