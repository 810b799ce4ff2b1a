"""The writer's lock: one process at a time writes to a store, and who it is can be seen.

The kernel holds the lock (`flock`) and drops it when its owner dies, however it dies, so there is
never a stale lock to break; the text in the file only tells people who has it.

Source: flock(2), https://man7.org/linux/man-pages/man2/flock.2.html
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pullstats.errors import StoreError
from pullstats.store.modes import settle_file

LOCK_NAME: Final = "writer.lock"
_PAUSE: Final = 0.05
"""Seconds between two looks at a lock that somebody else holds."""


@contextmanager
def lock_store(store: Path, timeout: float = 0, tell: Callable[[str], None] = lambda _: None) -> Iterator[None]:
    """Hold the store's write lock for the length of a `with` block.

    Args:
        store: folder of the store.
        timeout: seconds to wait for whoever holds it.
        tell: takes a sentence where it is waited for.

    Raises:
        StoreError: another process (or another `with` block of this one) holds the lock,
            or the lock file cannot be written.
    """
    path = store / LOCK_NAME
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise StoreError(f"cannot lock the store: {path}: {error.strerror}") from error
    try:
        settle_file(path, store)
        try:
            _take(handle, store, timeout, tell)
        except BlockingIOError as error:
            raise StoreError(
                f"the store {store} is being written to by {_describe_owner(handle)}; run again when it has ended, or wait longer with --lock-timeout"
            ) from error
        except OSError as error:
            raise StoreError(f"cannot lock the store: {path}: {error.strerror}") from error
        _write_owner(handle)
        try:
            yield
        finally:
            _erase_owner(handle)
    finally:
        os.close(handle)


def _take(handle: int, store: Path, timeout: float, tell: Callable[[str], None]) -> None:
    """Take the lock, at once or as soon as it is free.

    Raises:
        BlockingIOError: it was not free in time.
    """
    end = time.monotonic() + timeout
    is_told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                raise
        else:
            return
        if not is_told:
            tell(f"the store {store} is being written to by {_describe_owner(handle)}; waiting up to {timeout:g} s for it to end")
            is_told = True
        time.sleep(_PAUSE)


def is_being_written(store: Path) -> bool:
    """Tell whether a process holds the lock now."""
    try:
        handle = os.open(store / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(handle)
    return False


def _write_owner(handle: int) -> None:
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
    _erase_owner(handle)
    try:
        os.pwrite(handle, json.dumps(owner).encode() + b"\n", 0)
    except OSError:
        return  # A full disk must not hide the lock itself; the message then names no owner.


def _erase_owner(handle: int) -> None:
    try:
        os.ftruncate(handle, 0)
    except OSError:
        return


def _describe_owner(handle: int) -> str:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
