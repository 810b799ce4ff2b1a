"""Drafts: a file is written beside its target and moved over it once it is whole.

A draft has the same name whenever its target is written, so a killed run's is written over by the
next one; the kernel's lock on it (`flock`, dropped when its owner dies) tells it from a draft that
another process is writing now.

Source: flock(2), https://man7.org/linux/man-pages/man2/flock.2.html
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO, Final

_SUFFIX: Final = ".pullstats-draft"
_LONGEST: Final = 200
"""Bytes of the target's name that a draft's may hold: names end at 255."""


@contextmanager
def draft(target: Path, mode: int) -> Iterator[IO[bytes]]:
    """Write a file that appears in one piece, on the disk, and only if all went well; sweep what killed runs left.

    Args:
        target: what the draft replaces.
        mode: permissions of the new file.

    Raises:
        OSError: the folder or the disk.
    """
    path, handle = _take_draft(target)
    with open(handle, "wb") as stream:  # noqa: PTH123 - of a descriptor
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            os.fchmod(stream.fileno(), mode)
            path.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                path.unlink()
            raise


def _take_draft(target: Path) -> tuple[Path, int]:
    """Take the first draft of a target that no living process writes, and remove the others."""
    stem = os.fsdecode(os.fsencode(target.name)[:_LONGEST])
    taken: tuple[Path, int] | None = None
    for number in count():
        path = target.with_name(f".{stem}{_SUFFIX}{number or ''}")
        if taken is not None and not path.exists():
            return taken
        handle = _lock(path)
        if handle is None:
            continue
        if taken is None:
            taken = path, handle
        else:
            path.unlink(missing_ok=True)
            os.close(handle)
    raise AssertionError


def _lock(path: Path) -> int | None:
    """Open a draft, empty and ours; None if another process writes it."""
    while True:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, handle):
                os.ftruncate(handle, 0)
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # Its owner has just moved it over the target: what we hold is no draft any more.


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(follow_symlinks=False), os.fstat(handle))
    except FileNotFoundError:
        return False
