"""Write a folder of Parquet files, one a day, as Hive names them (`date=2026-11-01/`): each is replaced in one piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import polars as pl

from pullstats.errors import InternalError
from pullstats.escaping import plain_text
from pullstats.render.batches import write_parquet
from pullstats.render.output import opened, writing
from pullstats.render.renderer import RenderOptions

DAY: Final = "date"


def write_days(frames: Iterable[pl.DataFrame], folder: Path, name: str, *, is_whole: bool) -> None:
    """Write each day of a large export into a file of its own.

    Args:
        frames: batches of one schema, at least one, with `DAY`; the rows of a day stand together.
        folder: gets `date=…/NAME.parquet`; made if it is not there.
        name: of each file.
        is_whole: every day there is was asked for: the file of a day that has nothing any more is emptied.

    Raises:
        UserError: a folder or a file cannot be written.
    """
    written: set[Path] = set()
    empty = pl.DataFrame()
    for day, pieces in groupby(_cut(frames), itemgetter(0)):
        path = folder / f"{DAY}={day}" / f"{name}.parquet"
        if path in written:
            raise InternalError("the rows of a day do not stand together")
        empty = _write_day((part for _, part in pieces), path)
        written.add(path)
    if is_whole and written:
        for path in {*folder.glob(f"{DAY}=*/{name}.parquet")} - written:
            _write_day(iter([empty]), path)


def _cut(frames: Iterable[pl.DataFrame]) -> Iterator[tuple[date | None, pl.DataFrame]]:
    """Cut batches where a day ends."""
    for frame in frames:
        for part in frame.partition_by(DAY, maintain_order=True):
            yield part[DAY][0], part.drop(DAY)


def _write_day(parts: Iterator[pl.DataFrame], path: Path) -> pl.DataFrame:
    """Write one file; give a frame of its columns without a row."""
    first = next(parts)
    with writing(f"'{plain_text(str(path.parent))}'"):
        path.parent.mkdir(parents=True, exist_ok=True)
    with opened(path) as stream:
        write_parquet(chain([first], parts), stream, RenderOptions())
    return first.clear()
