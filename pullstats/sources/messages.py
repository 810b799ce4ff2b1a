"""What a wrapper holds: the server's own lines, each with what the wrapper says of it.

A wrapper is what a log service or a runtime puts around a line. Unwrapping gives back the lines and
loses nothing: what is no message is ignored or rejected, and counted.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import polars as pl

from pullstats.events import TIMESTAMP
from pullstats.sources.blocks import Block
from pullstats.sources.framing import Framing

MESSAGE_SCHEMA: Final = pl.Schema(
    {
        "message": pl.String(),
        "source_offset": pl.Int64(),
        "envelope_time": TIMESTAMP,
        "cloudwatch_log_group": pl.String(),
        "cloudwatch_log_stream": pl.String(),
        "event_id": pl.String(),
        "source_line": pl.Int64(),
    }
)
"""A line as the server wrote it, the byte offset that orders it in the decompressed log, what the
wrapper says of it (when its agent stamped it in µs UTC, group, stream, id), and its 1-based number in
the block where wrapped lines are lines of the log; null where the wrapper does not say."""

REFUSED_SCHEMA: Final = pl.Schema({"source_offset": pl.Int64(), "length": pl.Int64(), "reason": pl.String(), "text": pl.String()})
"""A piece of a wrapper that holds no message: its place, its length in bytes, a reason's code, its first characters."""

KEPT_OF_PIECE: Final = 2_000


@dataclass(frozen=True, slots=True)
class Unwrapped:
    """The content of a block of a wrapped log.

    Attributes:
        messages: columns of `MESSAGE_SCHEMA`, in the order of the log, no message holding a newline.
        refused: columns of `REFUSED_SCHEMA`.
        ignored: messages of the log service itself.
        remarks: what the user must know of the log as a whole.
    """

    messages: pl.DataFrame
    refused: pl.DataFrame
    ignored: int = 0
    remarks: frozenset[str] = frozenset()


class Unwrapper(Protocol):
    """Takes one log out of its wrapper."""

    @property
    def framing(self) -> Framing:
        """Where such a log may be cut into blocks."""

    @property
    def telling(self) -> bytes | None:
        """The first bytes of the log that tell it from others; None if its first line does."""

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the messages of a block."""

    def remark(self, messages: int) -> str | None:
        """Say what the number of messages of the whole log gives away."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A way logs are wrapped.

    Attributes:
        name: as shown to the user.
        help: what wraps like this, in a few words.
        doc_url: the vendor's page.
        sample: the beginning of a real one.
        open: from the first bytes of a log and its path, how to unwrap it; None if it is not wrapped so.
    """

    name: str
    help: str
    doc_url: str
    sample: str
    open: Callable[[bytes, str], Unwrapper | None]


def shape_messages(frame: pl.DataFrame) -> pl.DataFrame:
    """Give unwrapped messages the columns of `MESSAGE_SCHEMA`, a line each.

    A message of several lines becomes several, unless it is one JSON object; a wrapper's own
    newline at its end goes.

    Args:
        frame: `message`, `source_offset`, and any of the other columns.
    """
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in MESSAGE_SCHEMA.items() if name not in frame.columns]
    shaped = frame.with_columns(missing).select(pl.col(name).cast(dtype) for name, dtype in MESSAGE_SCHEMA.items())
    if not shaped["message"].str.contains("\n", literal=True).any():
        return shaped
    trimmed = pl.col("message").str.strip_chars_end("\r\n")
    is_object = trimmed.str.starts_with("{")
    lines = pl.when(is_object).then(trimmed.str.replace_all("\n", " ", literal=True)).otherwise(trimmed).str.split("\n")
    return shaped.with_columns(message=lines).explode("message", empty_as_null=True, keep_nulls=True)


def refuse(rows: Sequence[tuple[int, int, str, str]]) -> pl.DataFrame:
    """Make `REFUSED_SCHEMA` of (offset, length, reason, text)."""
    kept = [(offset, length, reason, text[:KEPT_OF_PIECE]) for offset, length, reason, text in rows]
    return pl.DataFrame(kept, schema=REFUSED_SCHEMA, orient="row")
