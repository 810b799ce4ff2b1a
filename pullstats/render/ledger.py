"""A file that grows by what is new, and the state beside it that knows what it was told: both move on together, or neither does.

The state is the commit. What is new is written into a draft of the file, with all that the file holds; then the state names the draft and holds
the new rows as pending; then the draft takes the file's place. A run that is killed before the state is written has told nothing. After it, the draft
tells whether the file got the rows: where it still lies there, it never became the file, and its rows are told again; where it is gone, they were told.
So the file may be taken away between two runs, and the next one begins a new one.
"""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import polars as pl

from pullstats.errors import InputError, UsageError
from pullstats.escaping import plain_text
from pullstats.render.drafts import draft
from pullstats.render.output import find_mode, writing

STATE_SUFFIX: Final = ".pullstats-state"
_DRAFT_SUFFIX: Final = ".pullstats-increment"
_PENDING: Final = "is_pending"
_QUESTION, _NUMBER, _DRAFT = "pullstats.question", "pullstats.number", "pullstats.draft"
_MODE: Final = 0o600
_CREATE: Final = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Told:
    """What a ledger was told.

    Attributes:
        rows: all rows, every revision that its state still holds.
        number: how many times it grew.
    """

    rows: pl.DataFrame
    number: int


class Ledger:
    """A file and its state."""

    def __init__(self, path: Path, state: Path | None, question: str) -> None:
        """Name a ledger.

        Args:
            path: the file.
            state: where its state lies; None for beside it.
            question: what its rows answer: another question has another ledger.
        """
        self.path = path.resolve()
        self.state = (state or self.path.with_name(f".{_shorten(self.path)}{STATE_SUFFIX}")).resolve()
        self._question = question

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until no other run moves this ledger on.

        Raises:
            UserError: its folder cannot be used.
        """
        with writing(f"'{plain_text(str(self.state))}'"):
            folder = os.open(self.state.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def read(self, schema: pl.Schema) -> Told:
        """Read what was told.

        Args:
            schema: columns of the rows.

        Raises:
            UserError: the state cannot be read, is of another question, or is gone while the file is there.
        """
        if not self.state.exists():
            if self.path.exists():
                raise UsageError(
                    f"'{plain_text(str(self.path))}' is there, and what it was told is not known ('{plain_text(str(self.state))}' is missing); "
                    "move the file away to begin anew, or name another"
                )
            return Told(pl.DataFrame(schema=schema), 0)
        try:
            known, rows = pl.read_parquet_metadata(self.state), pl.read_parquet(self.state, glob=False)
            told = rows.filter(~pl.col(_PENDING)) if (self.state.parent / known[_DRAFT]).exists() else rows
            found = Told(told.select(pl.col(name).cast(dtype) for name, dtype in schema.items()), int(known[_NUMBER]))
        except (OSError, ValueError, KeyError, pl.exceptions.PolarsError) as error:
            raise InputError(f"'{plain_text(str(self.state))}' is no state of an export; move it and the file away to begin anew") from error
        if known[_QUESTION] != self._question:
            raise UsageError(
                f"'{plain_text(str(self.path))}' was begun with other options or by another version; use the same ones, or name another file"
            )
        return found

    def add(self, told: Told, rows: pl.DataFrame, write: Callable[[Path | None, IO[bytes]], None]) -> None:
        """Let the file grow.

        Args:
            told: what was told, as `read` gave it, less what nobody needs to know any more.
            rows: what is new; columns as in `told`.
            write: writes what the file holds, None where there is none, and the new rows behind it.

        Raises:
            UserError: a file cannot be written; what was there is still there.
        """
        target = self._draft(told.number + 1)
        with writing(f"'{plain_text(str(self.path))}' (what was there is unchanged)"):
            with open(os.open(target, _CREATE, find_mode(self.path)), "wb") as stream:  # noqa: PTH123 - of a descriptor
                os.fchmod(stream.fileno(), find_mode(self.path))
                write(self.path if self.path.exists() else None, stream)
                stream.flush()
                os.fsync(stream.fileno())
            self._commit(told, rows, target)
            target.replace(self.path)
            _sync(self.path.parent)
            self._sweep()

    def _commit(self, told: Told, rows: pl.DataFrame, target: Path) -> None:
        """Let the state hold the new rows, pending as long as the draft lies there."""
        known = {_QUESTION: self._question, _NUMBER: str(told.number + 1), _DRAFT: os.path.relpath(target, self.state.parent)}
        marked = pl.concat([part.with_columns(pl.lit(is_new).alias(_PENDING)) for part, is_new in ((told.rows, False), (rows, True))])
        with draft(self.state, _MODE) as stream:
            marked.write_parquet(stream, compression="zstd", metadata=known)
        _sync(self.state.parent)

    @property
    def _drafts(self) -> str:
        """What the names of this ledger's drafts begin with: a file may have another state, which another run moves on."""
        return f".{_shorten(self.path)}.{zlib.crc32(os.fsencode(self.state)):08x}{_DRAFT_SUFFIX}"

    def _draft(self, number: int) -> Path:
        return self.path.with_name(f"{self._drafts}{number}")

    def _sweep(self) -> None:
        """Remove the drafts that killed runs left."""
        for path in self.path.parent.iterdir():
            if path.name.startswith(self._drafts):
                path.unlink(missing_ok=True)


def _shorten(path: Path) -> str:
    return os.fsdecode(os.fsencode(path.name)[:_LONGEST])


def _sync(path: Path) -> None:
    """Bring a file or a folder to the disk."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
