r"""What runtimes and log daemons put around every line: taken off one after the other, in any nesting.

    {"log":"<line>\n","stream":"stdout","time":"2024-…Z"}      docker json-file
    2024-01-02T03:04:05.678901234Z stdout F <line>             CRI: containerd, CRI-O; P for a part
    web-1  | <line>                                            docker compose
    Feb  6 12:14:14 host nginx[14]: <line>                     syslog, RFC 3164 or with an ISO time; perhaps without a host
    <190>1 2024-… host nginx 14 - - <line>                     syslog, RFC 5424
    {"MESSAGE":"<line>","__REALTIME_TIMESTAMP":"1704…", …}     journald's JSON export
    [pod/web-5d9/nginx] <line>                                 kubectl logs --prefix
    {"date":1704164645.1,"log":"<line>","kubernetes":{…}}      fluent-bit, fluentd; Filebeat and Vector: "message"
    2024-01-02 03:04:05,678 INFO [gateway] <line>              whatever a program puts in front of common or combined

A line that is not wrapped stays as it is. Lines that a runtime cut (docker at 16 KiB, CRI with `P`)
are joined; the pieces behind the first count as ignored.

To add one: see `json_envelopes.py` and `text_prefixes.py`.

Sources: docs.docker.com/engine/logging/drivers/json-file; kubernetes/kubernetes design proposal
kubelet-cri-logging; RFC 3164, RFC 5424; systemd.io/JOURNAL_EXPORT_FORMATS (JSON); docs.fluentbit.io;
kubernetes.io/docs/reference/kubectl/generated/kubectl_logs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import polars as pl

from pullstats.clean_lines import split_lines
from pullstats.clock import Clock
from pullstats.events import TIMESTAMP
from pullstats.sources import json_envelopes, text_prefixes
from pullstats.sources.blocks import Block
from pullstats.sources.framing import BY_LINE, Framing, LineFraming
from pullstats.sources.line_wrapper import ID, PARTIAL, STREAM, LineWrapper
from pullstats.sources.messages import Unwrapped, Unwrapper, refuse, shape_messages

WRAPPERS: Final[tuple[LineWrapper, ...]] = (*json_envelopes.WRAPPERS, *text_prefixes.WRAPPERS)
_SHARE: Final = 0.5
"""Share of a log's lines that must be wrapped: others may be the runtime's own."""
MAX_LAYERS: Final = 4
_PARTS_LOOKED_AT: Final = 64


class PartFraming(LineFraming):
    """A record is a line with the parts before it: never cut between them."""

    is_by_line = False

    def __init__(self, parts: re.Pattern[bytes]) -> None:
        """Know a part by a pattern; see `LineWrapper.parts`."""
        self._parts = parts

    def last_cut(self, data: bytes) -> int:
        """Cut behind the last line that leaves no stream waiting for its end; anywhere if all of the last lines do."""
        edges = [data.rfind(b"\n") + 1]
        while edges[-1] and len(edges) <= _PARTS_LOOKED_AT:
            edges.append(data.rfind(b"\n", 0, edges[-1] - 1) + 1)
        waiting: set[bytes] = set()
        safe = 0
        for start, stop in pairwise(reversed(edges)):
            found = self._parts.match(data, start, stop)
            if found and found["end"] is None:
                waiting.add(found["stream"])
            elif found:
                waiting.discard(found["stream"])
            if not waiting:
                safe = stop
        return safe or (edges[0] if edges[-1] else 0)

    def final_cut(self, data: bytes) -> int:
        """Cut as anywhere: the runtime may be about to write the end of a line."""
        return self.last_cut(data)


class LinesUnwrapper:
    """Takes wrappers off every line, the outermost first."""

    telling: bytes | None = None

    def __init__(self, wrappers: Sequence[LineWrapper], clock: Clock, outer: Unwrapper | None = None) -> None:
        """Prepare for one log.

        Args:
            wrappers: what every line is wrapped in.
            clock: how times without a zone are read.
            outer: what the lines themselves lie in, None for a plain log.
        """
        self._wrappers = tuple(wrappers)
        self._clock = clock
        self._outer = outer
        parts = wrappers[0].parts if wrappers else None
        self.framing: Framing = outer.framing if outer else PartFraming(parts) if parts else BY_LINE
        if outer is not None:
            self.telling = outer.telling

    def unwrap(self, block: Block) -> Unwrapped:
        """Give the messages of a block."""
        unwrapped = self._outer.unwrap(block) if self._outer else _cut(block)
        return take_off(unwrapped, self._wrappers, self._clock)

    def remark(self, messages: int) -> str | None:
        """Say what the outer wrapper would."""
        return self._outer.remark(messages) if self._outer else None


def _cut(block: Block) -> Unwrapped:
    """Give the lines of a block as messages."""
    lines, lengths = split_lines(block.data)
    number = pl.int_range(1, pl.len() + 1, dtype=pl.Int64)
    frame = pl.DataFrame({"message": lines, "source_offset": lengths.cum_sum() - lengths + block.offset}).with_columns(source_line=number)
    return Unwrapped(shape_messages(frame), refuse(()))


def take_off(unwrapped: Unwrapped, wrappers: Sequence[LineWrapper], clock: Clock) -> Unwrapped:
    """Take wrappers off messages, the outermost first."""
    messages, ignored = unwrapped.messages, unwrapped.ignored
    for wrapper in wrappers:
        before = messages.height
        messages = _unwrap(messages, wrapper, clock)
        ignored += before - messages.height
    return Unwrapped(shape_messages(messages), unwrapped.refused, ignored, unwrapped.remarks)


def _unwrap(messages: pl.DataFrame, wrapper: LineWrapper, clock: Clock) -> pl.DataFrame:
    inner = wrapper.unwrap(messages.select("message"), clock)
    missing = inner["message"].is_null()
    message = inner["message"].zip_with(~missing, messages["message"]) if missing.any() else inner["message"]
    messages = messages.with_columns(message.alias("message"))
    if "time" in inner.columns:
        messages = messages.with_columns(pl.coalesce(inner["time"].cast(TIMESTAMP), "envelope_time").alias("envelope_time"))
    if ID in inner.columns:
        messages = messages.with_columns(pl.coalesce(inner[ID], pl.col(ID)).alias(ID))
    if PARTIAL in inner.columns and inner[PARTIAL].any():
        messages = _join_parts(messages.with_columns(inner[PARTIAL].fill_null(value=False), inner[STREAM].fill_null("")))
    return messages


def _join_parts(messages: pl.DataFrame) -> pl.DataFrame:
    """Join a line that a runtime cut: within a stream, up to the part that is the last."""
    begins = (~pl.col(PARTIAL)).shift(1, fill_value=True).cast(pl.UInt32).cum_sum().over(STREAM)
    numbered = messages.with_columns(begins.alias("group"))
    others = [pl.col(name).first() for name in messages.columns if name not in ("message", PARTIAL, STREAM)]
    joined = numbered.group_by(STREAM, "group", maintain_order=True).agg(pl.col("message").str.join(""), *others)
    return joined.select(name for name in messages.columns if name not in (PARTIAL, STREAM))


def find_line_wrapper(lines: pl.Series, *, is_sure: bool = False) -> LineWrapper | None:
    """Tell what most of some lines are wrapped in; None if they are bare.

    Args:
        lines: lines of a log, blank ones left out.
        is_sure: tell only of what no server writes by itself.
    """
    if not lines.len():
        return None
    text = "\n".join(lines)
    possible = [wrapper for wrapper in WRAPPERS if wrapper.literal in text]
    sure = _measure(lines, [wrapper for wrapper in possible if wrapper.is_sure])
    if is_sure and max(sure.values(), default=0.0) < _SHARE:
        return None  # the others need not be asked
    shares = sure | _measure(lines, [wrapper for wrapper in possible if not wrapper.is_sure])
    best = max(possible, key=lambda wrapper: shares[wrapper.name])
    return best if shares[best.name] >= _SHARE and (best.is_sure or not is_sure) else None


def _measure(lines: pl.Series, wrappers: Sequence[LineWrapper]) -> dict[str, float]:
    """Give the share of lines that each wrapper's pattern takes."""
    return (
        lines.to_frame("line")
        .select(pl.col("line").str.contains(wrapper.pattern).mean().alias(wrapper.name) for wrapper in wrappers)
        .row(0, named=True)
        if wrappers
        else {}
    )
