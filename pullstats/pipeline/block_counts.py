"""Count what became of the lines of blocks: rejects by reason, events, and what their summary tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import polars as pl

from pullstats.formats import REFUSED_SCHEMA, Parsed
from pullstats.ids import ID_TYPE
from pullstats.pipeline.balancers import find_forwarding
from pullstats.pipeline.block_results import TOLD, BlockJob, BlockResult

_SAMPLE: Final = 1_000
_NEARLY_ALL: Final = 0.8
"""Share of a block from which on an endpoint is looked at."""
OWNER: Final = "owner"
"""Column of the block that an event belongs to, by its place among those that were worked on together."""


def count_parsed(job: BlockJob, parsed: Parsed, before: int) -> BlockResult:
    """Count the lines of a block, and redact those that were refused.

    Args:
        job: the block.
        parsed: what became of its lines.
        before: lines of the log before it.
    """
    refused = pl.concat([pl.DataFrame(schema=REFUSED_SCHEMA), *parsed.rejects])
    rejects = _redact(refused) if refused.height else refused
    return BlockResult(
        job=job,
        lines=parsed.lines,
        next_line=before + parsed.lines + 1,
        rejects=rejects.sort("source_offset").select(
            pl.lit(job.source_id).alias("source_id"),
            pl.col("source_line") + before,
            "source_offset",
            pl.lit(job.log.formats[0].name).alias("log_format"),
            "reason",
            pl.col("text").alias("line"),
        ),
        ignored=parsed.ignored,
        remarks=frozenset(parsed.remarks),
        reasons=Counter(refused["reason"].to_list()),
    )


def _redact(refused: pl.DataFrame) -> pl.DataFrame:
    from pullstats.enrich.redact import redact_reject  # noqa: PLC0415 - not needed where nothing is new

    return redact_reject(refused, "text")


def count_events(results: Sequence[BlockResult], found: pl.DataFrame, events: pl.DataFrame) -> None:
    """Count the events of every block, and among them what its summary tells.

    Args:
        results: of the blocks; filled in.
        found: all events, with the block they belong to.
        events: those of them that were not known.
    """
    for owner, result in enumerate(results):
        mine = events if len(results) == 1 else events.filter(pl.col(OWNER) == owner)
        total = found.height if len(results) == 1 else int((found[OWNER] == owner).sum())
        result.events, result.duplicates = mine.height, total - mine.height
        fields = mine["field"].value_counts().drop_nulls()
        result.fields = Counter(dict(zip(fields["field"].cast(pl.String), fields["count"], strict=True)))
        result.told = Counter({what: mine.height - mine[column].null_count() for what, column in TOLD.items()})
        result.dominant = _find_dominant(mine["endpoint_id"])
        result.forwarding = find_forwarding(mine)
        result.first, result.last = mine["timestamp"].min(), mine["timestamp"].max()  # type: ignore[assignment]


def _find_dominant(endpoints: pl.Series) -> tuple[int, int] | None:
    """Find the endpoint that makes up nearly all of a block, if there is one; a sample says which it could be."""
    sample = endpoints.gather_every(max(endpoints.len() // _SAMPLE, 1)).drop_nulls()
    if not sample.len():
        return None
    top = sample.value_counts(sort=True).row(0)
    if top[1] < _NEARLY_ALL * sample.len():
        return None
    return top[0], int(endpoints.to_frame("id").select((pl.col("id") == pl.lit(top[0], ID_TYPE)).sum()).item())
